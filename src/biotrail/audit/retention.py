"""Retention: payloads go when their time is over, by rules that the log itself records.

The entry that names the rules is appended first, and the payloads are destroyed after it: so the
log holds at every moment, and whoever is killed on the way destroys the rest the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from biotrail.audit.destroying import chunks, destroy_clear, destroy_parts, owner_reference
from biotrail.audit.holds import holds_in_force
from biotrail.audit.overtaken import Overtaken, Write
from biotrail.audit.retention_policy import SELECTORS, RetentionPolicy
from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.canonical.sealed import SealedPart, decode_sealed, is_sealed
from biotrail.errors import CanonicalError
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores import Lookup
from biotrail.stores.sealed import SealedStore, SealedStoreReader

__all__ = ["RetentionRun", "apply_retention", "resume_retention", "retained_before"]

_ID_SIZE = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class RetentionRun:
    """What a retention destroyed, or would destroy.

    Attributes:
        applied: Index of the entry that records it; None for a dry run, or where nothing was due.
        rules: For each rule of the policy, how many parts of payloads it covers that are due.
        payloads: How many parts were due, each counted once.
        held: How many were left, since they are under a legal hold.
        resumed: How many were destroyed that an earlier run had recorded, and left when it was
            broken off.
        purged: Whether no copy of what was destroyed is left in the store's journal; otherwise a
            reader holds an older state: apply the policy again later.
    """

    applied: int | None
    rules: tuple[int, ...]
    payloads: int
    held: int
    resumed: int = 0
    purged: bool = True


@attrs.define
class _Found:
    """What is due: parts by index, with their owners."""

    due: dict[int, frozenset[int]] = attrs.field(factory=dict)
    clear: dict[int, object] = attrs.field(factory=dict)  # with the subject's reference
    counts: list[int] = attrs.field(factory=list)
    held: int = 0
    holding: frozenset[bytes] = frozenset()

    @property
    def payloads(self) -> int:
        return sum(map(len, self.due.values())) + len(self.clear)


def apply_retention(
    store: SealedStore,
    policy: RetentionPolicy,
    *,
    write: Write,
    draw: Callable[[int], bytes],
    now: datetime,
    dry_run: bool,
) -> RetentionRun:
    """Apply a policy; see `biotrail.AuditLogger.apply_retention`."""
    left = _left(store, now)
    rules = [one.applied(now) for one in policy.rules]
    found = _find(store, rules, now, passed=left)
    resumed = 0 if dry_run else _destroy(store, left, now)
    index = None
    while not dry_run and found.payloads:
        content: dict[str, Any] = {
            "id": draw(_ID_SIZE),
            "policy": policy.digest(),
            "rules": rules,
            "payloads": found.payloads,
        }
        if found.held:
            content["held"] = found.held
        try:
            index = write("retention_applied", content, unless=_unless(store, found, now)).index
        except Overtaken:
            found = _find(store, rules, now)  # somebody was held meanwhile, or no more
            continue
        _destroy(store, found, now)
        break
    purged = dry_run or store.purge_remains()
    return RetentionRun(
        applied=index,
        rules=tuple(found.counts),
        payloads=found.payloads,
        held=found.held,
        resumed=resumed,
        purged=purged,
    )


def resume_retention(store: SealedStore, now: datetime) -> int:
    """Destroy what retentions that are recorded left; returns how many parts."""
    return _destroy(store, _left(store, now), now)


def retained_before(store: SealedStoreReader, size: int) -> Callable[[Entry], bool]:
    """Says of an event whether a retention among the first entries of a log covers it."""
    recorded = [(index, rule) for index, rule in _recorded_rules(store) if index < size]
    limits, rules = [index for index, _ in recorded], [rule for _, rule in recorded]
    return lambda entry: bool(rules and _covering(entry, rules, limits))


def _left(store: SealedStoreReader, now: datetime) -> _Found:
    """What recorded retentions cover and is still there."""
    recorded = _recorded_rules(store)
    return _find(store, [rule for _, rule in recorded], now, limits=[i for i, _ in recorded])


def _holding(store: SealedStoreReader, now: datetime) -> frozenset[bytes]:
    """Whose parts are held."""
    return frozenset(r for one in holds_in_force(store, now) for r in one.references)


def _unless(store: SealedStoreReader, found: _Found, now: datetime) -> Callable[[], None]:
    def unless() -> None:
        if _holding(store, now) != found.holding:
            raise Overtaken

    return unless


def _recorded_rules(store: SealedStoreReader) -> list[tuple[int, dict[str, Any]]]:
    return [
        (entry.index, rule)
        for entry in entries_of_kind(store, "retention_applied")
        for rule in _rules_of(entry)
    ]


def _rules_of(entry: Entry) -> list[dict[str, Any]]:
    rules: Any = entry.content["rules"]
    return list(rules)


def _find(
    store: SealedStoreReader,
    rules: list[dict[str, Any]],
    now: datetime,
    *,
    limits: list[int] | None = None,
    passed: _Found | None = None,
) -> _Found:
    """What some rules cover and is still there.

    Args:
        store: The store.
        rules: The rules.
        now: The present time, for holds.
        limits: For each rule, the index below which it covers events; none if None.
        passed: What is found already and is left out.
    """
    found = _Found(counts=[0] * len(rules))
    if not rules:
        return found
    held = found.holding = _holding(store, now)
    head = store.head()
    size = 0 if head is None else head.size
    moments = [(parse_time(rule["before"]) - _EPOCH) // _MICROSECOND for rule in rules]
    candidates = _candidates(store, size, rules, moments)
    for group in chunks(candidates):
        entries, payloads = store.entries_at(group), store.payloads_at(group)
        for index in sorted(payloads.keys() & entries.keys()):
            if passed is not None and (index in passed.due or index in passed.clear):
                continue
            entry = _decoded(entries[index])
            covering = [] if entry is None else _covering(entry, rules, limits)
            if entry is not None and covering:
                _take(found, entry, payloads[index], held, covering)
    return found


def _candidates(
    store: SealedStoreReader, size: int, rules: list[dict[str, Any]], moments: list[int]
) -> Iterator[int]:
    latest = max(moments)
    for index, columns in store.lookups(0, size):
        if columns.recorded >= latest:
            return  # recorded times never go back
        if columns.kind == "event" and any(_fits(columns, rule) for rule in rules):
            yield index


def _fits(columns: Lookup, rule: dict[str, Any]) -> bool:
    return all(name not in rule or getattr(columns, name) == rule[name] for name in SELECTORS)


def _covering(entry: Entry, rules: list[dict[str, Any]], limits: list[int] | None) -> list[int]:
    """Which rules cover an event, as the entry itself says."""
    content = entry.content
    return [
        place
        for place, rule in enumerate(rules)
        if entry.recorded < parse_time(rule["before"])
        and all(name not in rule or content.get(name) == rule[name] for name in SELECTORS)
        and (limits is None or entry.index < limits[place])
    ]


def _take(
    found: _Found, entry: Entry, data: bytes, held: frozenset[bytes], covering: list[int]
) -> None:
    """Sort what is there of an event's payload into what is due and what is held."""
    if not is_sealed(data):
        if entry.content.get("subject") in held:
            found.held += 1
            return
        found.clear[entry.index] = entry.content.get("subject")
        count = 1
    else:
        try:
            parts = decode_sealed(data)
        except CanonicalError:
            return  # altered: verification says so
        there = [part.owner for part in parts if isinstance(part, SealedPart)]
        kept = [owner for owner in there if owner_reference(entry, owner) in held]
        found.held += len(kept)
        due = frozenset(there).difference(kept)
        if not due:
            return
        found.due[entry.index] = due
        count = len(due)
    for place in covering:
        found.counts[place] += count


def _is_due(
    due: dict[int, frozenset[int]], held: frozenset[bytes]
) -> Callable[[int, SealedPart], bool]:
    return lambda index, part: part.owner in due[index] and part.key not in held


def _destroy(store: SealedStore, found: _Found, now: datetime) -> int:
    """Destroy what was found, but of whoever is held by now; returns how many parts.

    Each group in a turn, so that no hold is placed between the look and the deed.
    """
    due, clear, count = found.due, found.clear, 0
    for group in chunks(sorted(due)):
        with store.turn():
            count += destroy_parts(store, group, _is_due(due, _holding(store, now)))
    for group in chunks(sorted(clear)):
        with store.turn():
            held = _holding(store, now)
            count += destroy_clear(store, [one for one in group if clear[one] not in held])
    return count


def _decoded(data: bytes) -> Entry | None:
    try:
        return decode_entry(data)
    except CanonicalError:
        return None
