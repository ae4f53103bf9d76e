"""Retention: payloads go when their time is over, by rules that the log itself records.

The entry that names the rules is appended first, and the payloads are destroyed after it: so the
log holds at every moment, and whoever is killed on the way destroys the rest the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import attrs

from biotrail.audit.destroying import chunks, destroy_clear, destroy_parts, owner_reference
from biotrail.audit.holds import holds_in_force
from biotrail.canonical import Entry, decode_entry, encode_value, format_time, parse_time
from biotrail.canonical.sealed import SealedPart, decode_sealed, is_sealed
from biotrail.errors import CanonicalError, EventError
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores import Lookup
from biotrail.stores.sealed import SealedStore, SealedStoreReader

__all__ = ["RetentionPolicy", "RetentionRule", "RetentionRun", "apply_retention"]

_ID_SIZE = 16
_SELECTORS = ("action", "tenant", "outcome", "modality")
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class RetentionRule:
    """How long the payloads of some events are kept.

    What is not named is any. An event whose payload two rules cover goes by the shorter one; what
    no rule covers stays.

    Attributes:
        keep: How long, from the time of recording; whole seconds, at least one.
        action: Of events with this action.
        tenant: Of events of this tenant.
        outcome: Of events with this outcome.
        modality: Of events with this modality.
    """

    keep: timedelta
    action: str | None = None
    tenant: str | None = None
    outcome: str | None = None
    modality: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what is no rule."""
        keep: object = self.keep
        if not isinstance(keep, timedelta) or keep < _SECOND or keep % _SECOND:
            raise EventError("keep", keep, "must be a duration in whole seconds, 1 or more")
        for name in _SELECTORS:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise EventError(name, value, "must be text, or None for any")

    @property
    def selector(self) -> dict[str, str]:
        """The fields that it names."""
        named = {name: getattr(self, name) for name in _SELECTORS}
        return {name: str(value) for name, value in named.items() if value is not None}

    def applied(self, now: datetime) -> dict[str, Any]:
        """The rule as an entry has it."""
        return {"before": format_time(now - self.keep), **self.selector}


def _as_tuple(rules: Iterable[RetentionRule]) -> tuple[RetentionRule, ...]:
    return tuple(rules)


@attrs.frozen
class RetentionPolicy:
    """Rules about how long payloads are kept.

    Attributes:
        rules: At least one.
    """

    rules: tuple[RetentionRule, ...] = attrs.field(converter=_as_tuple)

    def __attrs_post_init__(self) -> None:
        """Refuse a policy without rules."""
        rules: tuple[object, ...] = self.rules
        if not rules or not all(isinstance(one, RetentionRule) for one in rules):
            raise EventError("rules", self.rules, "must be at least one RetentionRule")

    def digest(self) -> bytes:
        """SHA-256 of the policy's canonical CBOR, 32 bytes."""
        rules = [{"keep_s": one.keep // _SECOND, **one.selector} for one in self.rules]
        return sha256(encode_value({"rules": rules})).digest()  # type: ignore[dict-item] # plain

    @classmethod
    def from_document(cls, document: object) -> RetentionPolicy:
        """Read a policy from plain data, as JSON or TOML give it.

        Args:
            document: ``{"rules": [{"keep_days": 90, "action": ...}, ...]}``.

        Raises:
            EventError: It is something else.
        """
        rules = document.get("rules") if isinstance(document, Mapping) else None
        if not isinstance(rules, list) or not all(isinstance(one, Mapping) for one in rules):
            raise EventError("rules", rules, "must be a list of rules")
        return cls([_rule(one) for one in rules])


def _rule(document: Mapping[str, Any]) -> RetentionRule:
    days = document.get("keep_days")
    if type(days) is not int or not 0 < days <= 1_000_000:
        raise EventError("keep_days", days, "must be a whole number of days, 1 or more")
    rest = {name: value for name, value in document.items() if name != "keep_days"}
    if unknown := sorted(set(rest) - set(_SELECTORS)):
        raise EventError(unknown[0], rest[unknown[0]], f"is none of {', '.join(_SELECTORS)}")
    return RetentionRule(keep=timedelta(days=days), **rest)


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
    clear: list[int] = attrs.field(factory=list)
    counts: list[int] = attrs.field(factory=list)
    held: int = 0

    @property
    def payloads(self) -> int:
        return sum(map(len, self.due.values())) + len(self.clear)


def apply_retention(
    store: SealedStore,
    policy: RetentionPolicy,
    *,
    write: Callable[[str, dict[str, Any]], Any],
    draw: Callable[[int], bytes],
    now: datetime,
    dry_run: bool,
) -> RetentionRun:
    """Apply a policy; see `biotrail.AuditLogger.apply_retention`."""
    recorded = _recorded_rules(store)
    left = _find(store, [rule for _, rule in recorded], now, limits=[i for i, _ in recorded])
    rules = [one.applied(now) for one in policy.rules]
    found = _find(store, rules, now, passed=left)
    resumed = 0 if dry_run else _destroy(store, left)
    index = None
    if not dry_run and found.payloads:
        content: dict[str, Any] = {
            "id": draw(_ID_SIZE),
            "policy": policy.digest(),
            "rules": rules,
            "payloads": found.payloads,
        }
        if found.held:
            content["held"] = found.held
        index = write("retention_applied", content).index
        _destroy(store, found)
    purged = dry_run or store.purge_remains()
    return RetentionRun(
        applied=index,
        rules=tuple(found.counts),
        payloads=found.payloads,
        held=found.held,
        resumed=resumed,
        purged=purged,
    )


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
    held = frozenset(r for one in holds_in_force(store, now) for r in one.references)
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
    return all(name not in rule or getattr(columns, name) == rule[name] for name in _SELECTORS)


def _covering(entry: Entry, rules: list[dict[str, Any]], limits: list[int] | None) -> list[int]:
    """Which rules cover an event, as the entry itself says."""
    content = entry.content
    return [
        place
        for place, rule in enumerate(rules)
        if entry.recorded < parse_time(rule["before"])
        and all(name not in rule or content.get(name) == rule[name] for name in _SELECTORS)
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
        found.clear.append(entry.index)
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


def _destroy(store: SealedStore, found: _Found) -> int:
    due = found.due
    count = destroy_parts(store, sorted(due), lambda index, part: part.owner in due[index])
    return count + destroy_clear(store, _in_order(found.clear))


def _in_order(indices: Iterable[int]) -> list[int]:
    return sorted(indices)


def _decoded(data: bytes) -> Entry | None:
    try:
        return decode_entry(data)
    except CanonicalError:
        return None
