"""Rules about how long the personal part of which events is kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import attrs

from biotrail.canonical import encode_value, format_time
from biotrail.errors import EventError

__all__ = ["SELECTORS", "RetentionPolicy", "RetentionRule"]

SELECTORS = ("action", "tenant", "outcome", "modality")
"""The fields by which a rule may choose events."""
_SECOND = timedelta(seconds=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


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
        for name in SELECTORS:
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, str) or not value:
                raise EventError(name, value, "must be text, or None for any")
            # As events have it, so that one text has one form.
            object.__setattr__(self, name, unicodedata.normalize("NFC", value))

    @property
    def selector(self) -> dict[str, str]:
        """The fields that it names."""
        named = {name: getattr(self, name) for name in SELECTORS}
        return {name: str(value) for name, value in named.items() if value is not None}

    def applied(self, now: datetime) -> dict[str, Any]:
        """The rule as an entry has it."""
        kept_since = now - self.keep if self.keep < now - _EARLIEST else _EARLIEST
        return {"before": format_time(kept_since), **self.selector}


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
    if unknown := sorted(set(rest) - set(SELECTORS)):
        raise EventError(unknown[0], rest[unknown[0]], f"is none of {', '.join(SELECTORS)}")
    return RetentionRule(keep=timedelta(days=days), **rest)
