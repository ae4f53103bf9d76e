"""What a log says was destroyed: which payloads may be gone, and which are missing.

Only an entry later in the log than what it concerns counts, and only one that is proven to be in
it: whoever can change the store must not be able to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import attrs

from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.errors import CanonicalError
from biotrail.stores import StoreReader
from biotrail.verify.seen import read_rows

__all__ = ["DESTROYING_KINDS", "Destruction", "Rule", "claimed_destruction"]

DESTROYING_KINDS = ("subject_erased", "retention_applied")
"""The kinds of entries that say that payloads were destroyed."""
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
        erased: For each reference that was erased, the index of the last entry that says so.
        retained: For each choice of action, tenant, outcome and modality (None for any), the rules
            that were applied to it; none of them covers all that a later one covers.
    """

    erased: Mapping[bytes, int] = attrs.field(factory=dict)
    retained: Mapping[tuple[str | None, ...], tuple[Rule, ...]] = attrs.field(factory=dict)

    def is_erased(self, reference: bytes | None, index: int) -> bool:
        """Whether an entry after `index` says that this reference was erased."""
        return reference is not None and self.erased.get(reference, -1) > index

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
        for data in entries:
            try:
                entry = decode_entry(data)
            except CanonicalError:
                continue  # what is wrong with it is found where the entry itself is checked
            content: Any = entry.content
            if entry.kind == "subject_erased":
                erased |= dict.fromkeys(content["references"], entry.index)
            elif entry.kind == "retention_applied":
                for rule in content["rules"]:
                    _add(retained, entry.index, rule)
        return cls(erased, {selector: tuple(rules) for selector, rules in retained.items()})


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
