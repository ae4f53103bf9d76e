"""What a reader of a log may do: scopes, purposes, and the part of the log that it is held to."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import attrs

from biotrail.errors import EventError, ForbiddenError
from biotrail.query import Condition, Record, Where

__all__ = ["Access", "Scope"]

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MOST_PURPOSES = 16
_LONGEST_NAME = 256


class Scope(StrEnum):
    """What a reader may do. None implies another, but `READ` what `REPORT` may."""

    READ = "read"
    """Read records, proofs, checkpoints and keys, follow the log, count."""

    REVEAL = "reveal"
    """See personal fields, and ask for records by them: with a reason, each time."""

    EXPORT = "export"
    """Take out all answers to a question as a file."""

    REPORT = "report"
    """Count: facets, timelines and numbers, and no single record."""

    ADMIN = "admin"
    """Make, list and revoke tokens."""


_IMPLIED = {Scope.REPORT: Scope.READ}


def _scopes(values: Any) -> frozenset[Scope]:
    try:
        return frozenset(Scope(one) for one in values)
    except (TypeError, ValueError):
        raise EventError("scopes", values, f"must be some of {', '.join(Scope)}") from None


def _words(values: Any) -> Any:
    # A text would be taken for its letters.
    return (None,) if isinstance(values, str) else tuple(values)


def _reader(_: object, attribute: object, value: Any) -> None:
    if not isinstance(value, UUID):
        raise EventError("reader", value, "must be a uuid.UUID, random, not made from a name")


def _name(_: object, attribute: object, value: Any) -> None:
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()
    if value is not None and not fits:
        rule = f"must be text of 1 to {_LONGEST_NAME} characters that print"
        raise EventError("name", value, rule)


def _purposes(_: object, attribute: object, value: tuple[Any, ...]) -> None:
    words = all(isinstance(one, str) and _WORD.fullmatch(one) for one in value)
    if not words or not 1 <= len(value) <= _MOST_PURPOSES:
        rule = "must be words: lower-case letters, digits, '.', '_', '-', up to 64; 1 to 16 of them"
        raise EventError("purposes", value, rule)


def _aware(_: object, attribute: Any, value: Any) -> None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise EventError(attribute.name, value, "must be an aware datetime")


@attrs.frozen(kw_only=True)
class Access:
    """Who reads, and what it may do.

    Attributes:
        reader: Random id of the reader: of its token, or the host's own; never made from a name.
        name: The host's name for the reader; personal, and recorded as such.
        scopes: What it may do.
        purposes: What it may read for, in words; where there are several, each request names one.
        tenant: The tenant whose events it is held to: it sees no other entry.
        since: It sees what was recorded at this time or later; aware.
        until: It sees what was recorded before this time; aware.
        expires: When it may no longer read; aware. Whoever authenticates sees to that; what goes
            on for long, such as following the log, ends by it.
    """

    reader: UUID = attrs.field(validator=_reader)
    scopes: frozenset[Scope] = attrs.field(converter=_scopes)
    purposes: tuple[str, ...] = attrs.field(converter=_words, validator=_purposes)
    name: str | None = attrs.field(default=None, validator=_name)
    tenant: str | None = None
    since: datetime | None = attrs.field(default=None, validator=_aware)
    until: datetime | None = attrs.field(default=None, validator=_aware)
    expires: datetime | None = attrs.field(default=None, validator=_aware)
    _held_to: Condition | None = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        held_to = Where(tenant=self.tenant, since=self.since, until=self.until).condition()
        object.__setattr__(self, "_held_to", held_to)

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope, or one that implies it."""
        return scope in self.scopes or _IMPLIED.get(scope) in self.scopes

    def require(self, scope: Scope) -> None:
        """See that it may do something.

        Raises:
            ForbiddenError: It has no such scope.
        """
        if not self.may(scope):
            raise ForbiddenError(f"this needs the scope {scope.value!r}, which the reader has not")

    def purpose(self, asked: str | None = None) -> str:
        """The purpose of one request.

        Args:
            asked: The purpose that the request names; None where it names none.

        Raises:
            ForbiddenError: It may not read for this one; or it has several and names none.
        """
        if asked is None and len(self.purposes) == 1:
            return self.purposes[0]
        if asked in self.purposes:
            return str(asked)
        known = ", ".join(self.purposes)
        if asked is None:
            raise ForbiddenError(f"say what you read for: one of {known}")
        raise ForbiddenError(f"the reader may not read for that purpose, but for: {known}")

    def condition(self) -> Condition | None:
        """What holds of every record that it may see; None where it may see all."""
        return self._held_to

    def within(self, asked: Condition | None) -> Condition | None:
        """A condition, and what holds of every record that the reader may see besides."""
        held_to = self._held_to
        if held_to is None or asked is None:
            return asked if held_to is None else held_to
        return held_to & asked

    def admits(self, record: Record) -> bool:
        """Whether it may see a record."""
        return self._held_to is None or self._held_to.admits(record)
