"""Configuration changed: another matcher, model or threshold decides than a moment ago."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

import attrs

from biotrail.detection._base import DAY, KeyedRule
from biotrail.detection.finding import Finding, Severity
from biotrail.detection.rule import Past, Step, a_name, a_time, a_whole, mark_of
from biotrail.detection.seen import Seen
from biotrail.events import Action

__all__ = ["ConfigurationChanged"]

_ANNOUNCED = "announced"
_PARTS = {
    "matcher": ("matcher",),
    "version": ("version",),
    "model": ("digest",),
    "metric": ("metric",),
    "threshold": ("threshold_micro", "calibration"),
}
_ACTIONS = {
    Action.CHANGE_THRESHOLD: "another threshold was announced",
    Action.CHANGE_MATCHER: "another matcher was announced",
}
_LENGTH = 16


@attrs.frozen(kw_only=True)
class ConfigurationChanged(KeyedRule):
    """Who compares changes: between attempts of one kind, or by an entry that says so.

    Needs nothing personal: it looks at the clear part of entries alone. Attempts are of one kind if
    tenant, action, target, modality and type of comparison are the same; the first of a kind is
    taken as it is. Several configurations may be in use side by side, as while servers are renewed
    one by one: found is one that was not used within the window. Entries ``configuration_changed``
    that name what was set before, and events ``threshold.change`` and ``matcher.change``, are
    findings of low severity.

    Attributes:
        name: Names the findings.
        window: A configuration that was used within this time is known.
        configurations: How many are remembered for each kind of attempt.
        announced: Whether announced changes are findings too.
        most_keys: How many kinds of attempts are remembered at most.

    Raises:
        DetectionError: A number or a time is out of range.
    """

    name: str = attrs.field(default="configuration_changed", validator=a_name)
    most_keys: int = attrs.field(default=1_000, validator=a_whole(1, 1_000_000))
    window: timedelta = attrs.field(default=DAY, validator=a_time)
    configurations: int = attrs.field(default=8, validator=a_whole(1, 64))
    announced: bool = True

    @property
    def memory(self) -> None:
        """As long as there is room: a change is one after a quiet month too."""
        return

    @property
    def needs(self) -> frozenset[str]:
        """Nothing personal."""
        return frozenset()

    @property
    def kept(self) -> bool:
        """Its memory is kept: digests of what is in the clear for good."""
        return True

    def keys(self, seen: Seen) -> Iterable[str]:
        """The kind of an attempt that compared, or that a change is announced."""
        # A setting that had no value before is made, as when a log begins, and not changed.
        changed = seen.kind == "configuration_changed" and "before" in seen.content
        if changed or _action(seen) in _ACTIONS:
            return (_ANNOUNCED,) if self.announced else ()
        attempt = seen.attempt
        if attempt is None or attempt.comparison is None:
            return ()
        content, compared = seen.content, seen.content.get("comparison", {})
        kind = (
            seen.tenant,
            attempt.action,
            content.get("target", ""),
            str(attempt.modality),
            compared.get("type", ""),
        )
        return (_digest(kind),)

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Hold a configuration against those that were in use."""
        if key == _ANNOUNCED:
            return Step(past, self._announced(seen))
        value = _configuration(seen.content.get("comparison", {}))
        others = tuple(one for one in past if one.value != value)
        now = (*others, mark_of(seen, value))[-self.configurations :]
        if not past:
            return Step(now)
        same = [one for one in past if one.value == value]
        if same and (same[-1] == past[-1] or seen.recorded - same[-1].recorded <= self.window):
            return Step(now)
        changed = " and ".join(_changes(past[-1].value, value))
        found = self._finding(
            seen,
            past[-1:],
            f"another {changed} decides than in the attempt before",
            severity=Severity.MEDIUM,
            count=1,
        )
        return Step(now, found)

    def _announced(self, seen: Seen) -> Finding:
        reason = _ACTIONS.get(_action(seen), "a setting of the log was changed")  # type: ignore[call-overload]
        return self._finding(seen, (), reason, severity=Severity.LOW, count=1)


def _action(seen: Seen) -> str:
    return "" if seen.event is None else seen.event.action


def _configuration(compared: Mapping[str, Any]) -> str:
    parts = [_digest(tuple(compared.get(one, "") for one in names)) for names in _PARTS.values()]
    return ".".join(parts)


def _changes(before: str, after: str) -> list[str]:
    pairs = zip(_PARTS, before.split("."), after.split("."), strict=True)
    return [name for name, old, new in pairs if old != new]


@lru_cache(maxsize=4_096)  # few configurations are in use at once
def _digest(parts: tuple[object, ...]) -> str:
    digest = sha256()
    for one in parts:
        data = one if isinstance(one, bytes) else str(one).encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()[:_LENGTH]
