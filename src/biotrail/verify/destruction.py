"""What a log says was destroyed: which payloads may be gone, and which are missing.

Only an entry later in the log than what it concerns counts, and only one that is proven to be in
it: whoever can change the store must not be able to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import attrs

from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.errors import CanonicalError
from biotrail.stores import StoreReader
from biotrail.verify.seen import read_rows

__all__ = ["DESTROYING_KINDS", "Destruction", "Reason", "Rule", "claimed_destruction"]

DESTROYING_KINDS = ("subject_erased", "retention_applied", "hold_placed", "hold_released")
"""The kinds of entries that say that payloads were destroyed, or are to be kept all the same."""
Reason: TypeAlias = Literal["erased", "retained", "disbelieved"]
_SELECTORS = ("action", "tenant", "outcome", "modality")


class Rule(NamedTuple):
    """A rule of a retention: it covers what was recorded before its entry, and before a time.

    Attributes:
        index: Index of the entry that applied it.
        before: It covers what was recorded earlier than this.
    """

    index: int  # type: ignore[assignment] # shadows tuple.index
    before: datetime


@attrs.frozen
class Destruction:
    """All that a log says was destroyed.

    Attributes:
        erased: For each reference that was erased, for how many of the first entries: neither the
            tombstone itself nor the erasure reaches further.
        retained: For each choice of action, tenant, outcome and modality (None for any), the rules
            that were applied to it; none of them covers all that a later one covers.
        held: References whose parts are kept in spite of a retention: of holds that are not
            released, and had not ended when a retention was last applied.
        believed: What is left of it without the entries that are not to be believed; None where
            all of them are believed.
    """

    erased: Mapping[bytes, int] = attrs.field(factory=dict)
    retained: Mapping[tuple[str | None, ...], tuple[Rule, ...]] = attrs.field(factory=dict)
    held: frozenset[bytes] = frozenset()
    believed: Destruction | None = None

    @property
    def excuses_nothing(self) -> bool:
        """Whether no payload may be gone."""
        return not self.erased and not self.retained

    def reason(self, entry: Entry, reference: bytes | None) -> Reason | None:
        """Why a part of an event's payload may be gone, if it may.

        ``"disbelieved"`` where only entries say so that a stolen key vouches for.
        """
        told = self._told(entry, reference)
        if told is None or self.believed is None:
            return told
        return self.believed._told(entry, reference) or "disbelieved"

    def _told(self, entry: Entry, reference: bytes | None) -> Reason | None:
        if self.is_erased(reference, entry.index):
            return "erased"
        return "retained" if self.is_retained(entry) else None

    def is_overdue(self, entry: Entry, reference: bytes | None) -> bool:
        """Whether a part that is there should have been destroyed."""
        if self.believed is not None:
            return self.believed.is_overdue(entry, reference)
        if self.is_erased(reference, entry.index):
            return True
        return reference not in self.held and self.is_retained(entry)

    def is_erased(self, reference: bytes | None, index: int) -> bool:
        """Whether an entry says that this reference was erased, for an event at `index`."""
        return reference is not None and self.erased.get(reference, 0) > index

    def is_retained(self, entry: Entry) -> bool:
        """Whether an entry after this one applied a retention that covers it."""
        if not self.retained:
            return False
        content = entry.content
        values = [content.get(name) for name in _SELECTORS]
        return any(
            all(wanted in (None, value) for wanted, value in zip(selector, values, strict=True))
            and any(entry.index < rule.index and entry.recorded < rule.before for rule in rules)
            for selector, rules in self.retained.items()
        )

    @classmethod
    def told_by(cls, entries: Iterable[bytes]) -> Destruction:
        """What entries say, given in order of index; those that cannot be read say nothing."""
        erased: dict[bytes, int] = {}
        retained: dict[tuple[str | None, ...], list[Rule]] = {}
        holds: dict[bytes, dict[str, Any]] = {}
        applied: datetime | None = None
        for data in entries:
            try:
                entry = decode_entry(data)
            except CanonicalError:
                continue  # what is wrong with it is found where the entry itself is checked
            content: Any = entry.content
            if entry.kind == "subject_erased":
                reach = min(content["through"], entry.index)
                for one in content["references"]:
                    erased[one] = max(reach, erased.get(one, 0))
            elif entry.kind == "retention_applied":
                applied = entry.recorded
                for rule in content["rules"]:
                    _add(retained, entry.index, rule)
            elif entry.kind == "hold_placed":
                holds.setdefault(content["id"], content)
            elif entry.kind == "hold_released" and content["id"] in holds:
                holds[content["id"]] = {}
        rules = {selector: tuple(those) for selector, those in retained.items()}
        return cls(erased, rules, _held(holds.values(), applied))


def _held(holds: Iterable[Mapping[str, Any]], applied: datetime | None) -> frozenset[bytes]:
    """Whose parts the holds that are not released (which are empty) keep from a retention."""
    if applied is None:
        return frozenset()
    in_force = (
        one for one in holds if one and ("until" not in one or parse_time(one["until"]) > applied)
    )
    return frozenset(reference for one in in_force for reference in one["references"])


def _add(
    retained: dict[tuple[str | None, ...], list[Rule]], index: int, rule: Mapping[str, str]
) -> None:
    rules = retained.setdefault(tuple(rule.get(name) for name in _SELECTORS), [])
    added = Rule(index, parse_time(rule["before"]))
    # A retention is applied again and again: mostly the last one covers all that others do.
    while rules and rules[-1].before <= added.before:
        rules.pop()
    rules.append(added)


def claimed_destruction(store: StoreReader, indices: Sequence[int]) -> Destruction:
    """What the entries at some indices say, as they lie in the store: not proven yet."""
    return Destruction.told_by(
        row.data for index in indices for row in read_rows(store, index, index + 1)
    )
