"""What is no longer there, and which entry of the log says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NoReturn, TypeAlias

import attrs

from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.errors import CanonicalError, ErasedError, MissingError, SealedError
from biotrail.stores import StoreReader

__all__ = ["Gone", "How", "Reasons", "entries_at", "raise_gone", "raise_sealed"]

How: TypeAlias = Literal["erased", "retained", "being erased", "missing"]
_SELECTORS = ("action", "tenant", "outcome", "modality")
_CHUNK = 500


@attrs.frozen
class Gone:
    """A part of a payload that is no longer there.

    Attributes:
        owner: Whom it concerned: ``"subject"``, ``"actor"`` or ``"nobody"`` (nobody known).
        how: ``"erased"`` and ``"retained"`` (its time was over): an entry says so. ``"being
            erased"``: the entry is still to come. ``"missing"``: nothing says why.
        index: Index of the entry that says so.
        recorded: When that entry was recorded.
        reason: The reason that it names; for a retention the rule.
        legal_basis: The legal basis that it names.
    """

    owner: str
    how: How
    index: int | None = None
    recorded: datetime | None = None
    reason: str | None = None
    legal_basis: str | None = None


def raise_sealed(index: int, name: str) -> NoReturn:
    """Say that a field is sealed."""
    raise SealedError(
        f"the field {name!r} of entry {index} is sealed: open the records with the log's vault"
    )


def raise_gone(index: int, name: str, gone: Gone) -> NoReturn:
    """Say what became of a field."""
    if gone.how == "missing":
        raise MissingError(
            f"the payload of entry {index}, where {name!r} would be, is missing, and no entry says "
            "why: verify the log",
            index=index,
        )
    why = "is being erased" if gone.index is None else f"was destroyed, as entry {gone.index} says"
    reason = "" if gone.reason is None else f" ({gone.reason})"
    raise ErasedError(f"the field {name!r} of entry {index} {why}{reason}", index=gone.index)


class Reasons:
    """What a log says was destroyed, as far as it is asked for. Read as it lies, not verified."""

    def __init__(self, store: StoreReader) -> None:
        """Nothing is read yet."""
        self._store = store
        self._seen = 0
        self._erased: dict[bytes, list[Entry]] = {}
        self._retained: list[Entry] = []

    def of(self, entry: Entry, owner: str, reference: bytes | None) -> Gone | None:
        """Why a part of an entry's payload is gone, by the first later entry that says so."""
        self._read_on()
        for told in self._erased.get(reference, ()) if reference is not None else ():
            if told.index > entry.index:
                said: Any = told.content
                return Gone(
                    owner,
                    "erased",
                    told.index,
                    told.recorded,
                    said["reason"],
                    said["legal_basis"],
                )
        for told in self._retained:
            rules: Any = told.content["rules"]
            covering = [rule for rule in rules if _covers(rule, entry)]
            if told.index > entry.index and covering:
                return Gone(owner, "retained", told.index, told.recorded, _in_words(covering[0]))
        return None

    def _read_on(self) -> None:
        head = self._store.head()
        size = 0 if head is None else head.size
        if size <= self._seen:
            return
        later = [one for one in self._store.indices_of_other_kinds() if one >= self._seen]
        for _, data in entries_at(self._store, later):
            try:
                self._take(decode_entry(data))
            except CanonicalError:
                continue  # verification says what is wrong with it
        self._seen = size

    def _take(self, entry: Entry) -> None:
        content: Any = entry.content
        if entry.kind == "subject_erased":
            for reference in content["references"]:
                self._erased.setdefault(reference, []).append(entry)
        elif entry.kind == "retention_applied":
            self._retained.append(entry)


def _covers(rule: Mapping[str, str], entry: Entry) -> bool:
    return entry.recorded < parse_time(rule["before"]) and all(
        entry.content.get(name) == rule[name] for name in _SELECTORS if name in rule
    )


def _in_words(rule: Mapping[str, str]) -> str:
    chosen = [f"{name} {rule[name]}" for name in _SELECTORS if name in rule]
    return ", ".join([f"recorded before {rule['before']}", *chosen])


def entries_at(store: StoreReader, indices: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The entries at some indices, in the order that was asked for; absent ones are left out."""
    at_once: Any = getattr(store, "entries_at", None)
    for start in range(0, len(indices), _CHUNK):
        some = indices[start : start + _CHUNK]
        found = dict(_one_by_one(store, some)) if at_once is None else at_once(some)
        yield from ((one, found[one]) for one in some if one in found)


def _one_by_one(store: StoreReader, indices: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    for one in indices:
        for index, data, _ in store.raw_entries(one, one + 1):
            yield index, data
