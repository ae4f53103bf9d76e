"""Refused at the door: values that no event may have, bytes that are not canonical."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = ["CanonicalError", "EventError"]


class EventError(BiotrailError, ValueError):
    """A value was refused at the door: names the field, the value's type and the rule.

    The value itself is not repeated, since it may be personal.
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field}: {rule} (got {type(value).__name__})")
        self.field = field
        self.value_type = type(value).__name__
        self.rule = rule


class CanonicalError(BiotrailError, ValueError):
    """Bytes or values that are not in the one canonical form."""
