"""Legal holds: whose records are not to be destroyed, as the log's entries say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from biotrail.canonical import parse_time
from biotrail.errors import LegalHoldError
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores.sealed import SealedStoreReader

__all__ = ["Hold", "holds", "holds_in_force", "refuse_held"]


@attrs.frozen
class Hold:
    """A hold as the log has it.

    Attributes:
        id: Names it, 16 bytes.
        index: Index of the entry that places it.
        references: Whose records are held, 16 bytes each.
        reason: Why.
        until: When it ends by itself, if it does.
        released: Index of the entry that released it, if one did.
    """

    id: bytes
    index: int
    references: tuple[bytes, ...]
    reason: str
    until: datetime | None = None
    released: int | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether it holds at this time."""
        return self.released is None and (self.until is None or now < self.until)


def holds(store: SealedStoreReader) -> list[Hold]:
    """All holds, in the order in which they were placed, read from the entries themselves."""
    found: dict[bytes, Hold] = {}
    for entry in entries_of_kind(store, "hold_placed", "hold_released"):
        content: dict[str, Any] = entry.content
        name, known = content["id"], found.get(content["id"])
        if entry.kind == "hold_released":
            if known is not None and known.released is None:
                found[name] = attrs.evolve(known, released=entry.index)
            continue
        until = parse_time(content["until"]) if "until" in content else None
        hold = Hold(name, entry.index, tuple(content["references"]), content["reason"], until)
        found.setdefault(name, hold)
    return list(found.values())


def holds_in_force(store: SealedStoreReader, now: datetime) -> list[Hold]:
    """The holds that are in force at a time."""
    return [one for one in holds(store) if one.is_in_force(now)]


def refuse_held(store: SealedStoreReader, references: Iterable[bytes], now: datetime) -> None:
    """Refuse to erase what is held.

    Raises:
        LegalHoldError: A hold on one of the references is in force.
    """
    wanted = frozenset(references)
    found = [one for one in holds_in_force(store, now) if wanted.intersection(one.references)]
    if found:
        places = tuple(one.index for one in found)
        raise LegalHoldError(
            f"the person's records are under a legal hold (entries {', '.join(map(str, places))}): "
            "release it first",
            places,
        )
