"""A read of the log, which is itself a record: who read what, for which purpose, and how much.

What is recorded in the clear names nobody: the reader's random id, the route, the purpose, the
number of rows, the names of the fields that were revealed. What was asked, and the words that a
reader chose, may name people (``subject = "anna"``); they are personal fields of an event that is
committed together with the entry, sealed and destroyed like those of any other event.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import attrs

from biotrail.audit.prepare import Prepared, Preparer, prepare_other
from biotrail.audit.settings import ATTEMPT_LIMITS_SETTING, PERSONAL_FIELDS_SETTING
from biotrail.canonical.cbor import CborValue
from biotrail.errors import EventError
from biotrail.events import Actor, ApplicationDecision, Event, Reason

__all__ = ["READ_ACTION", "Read", "configuration_content", "prepare_read"]

READ_ACTION = "log.read"
"""Action of the event that bears the text of a read."""

_PIECE = 512  # what one attribute holds
_PIECES = 16
_LONGEST = _PIECE * _PIECES
_LONGEST_REASON = 512
_LONGEST_ROUTE = 256
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LARGEST = 2**63 - 1
_MOST_FIELDS = 64
_DIGEST_SIZE = 32
_OWN_SETTINGS = frozenset({ATTEMPT_LIMITS_SETTING, PERSONAL_FIELDS_SETTING})


def _reader(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, UUID):
        raise EventError("reader", value, "must be a uuid.UUID, random, not made from a name")


def _purpose(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        rule = "must be a word: lower-case letters, digits, '.', '_', '-', up to 64"
        raise EventError("purpose", value, rule)


def _route(instance: object, attribute: Any, value: Any) -> None:
    printable = isinstance(value, str) and value.isascii() and value.isprintable()
    if not printable or not 1 <= len(str(value)) <= _LONGEST_ROUTE:
        rule = f"must be 1 to {_LONGEST_ROUTE} printable ASCII characters"
        raise EventError("route", value, rule)


def _rows(instance: object, attribute: Any, value: Any) -> None:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise EventError("rows", value, "must be a whole number, 0 or more")


def _text(maximum: int) -> Any:
    def validate(instance: object, attribute: Any, value: Any) -> None:
        if value is not None and (not isinstance(value, str) or not 1 <= len(value) <= maximum):
            rule = f"must be text of 1 to {maximum} characters"
            raise EventError(attribute.name, value, rule)

    return validate


def _fields(instance: object, attribute: Any, value: Any) -> None:
    names = value if isinstance(value, tuple) and len(value) <= _MOST_FIELDS else (None,)
    if not all(isinstance(one, str) and _WORD.fullmatch(one) for one in names):
        raise EventError("revealed", value, f"must be names of fields, at most {_MOST_FIELDS}")


@attrs.frozen(kw_only=True)
class Read:
    """One read of the log.

    Attributes:
        reader: Random id of the reader: of the token, or the host's own; never made from a name.
        purpose: What the reader may read for: a word, in the clear.
        route: What was read, as the template of a route or the name of a function; in the clear.
        rows: How many records were handed out.
        query: What was asked, up to 8,192 characters; counted as personal.
        revealed: Names of the personal fields that were shown in the clear.
        reason: Why they were revealed, in the reader's own words; counted as personal.
        name: The host's identifier of the reader; counted as personal.
        tenant: The tenant that the reader is held to.
    """

    reader: UUID = attrs.field(validator=_reader)
    purpose: str = attrs.field(validator=_purpose)
    route: str = attrs.field(validator=_route)
    rows: int = attrs.field(validator=_rows)
    query: str | None = attrs.field(default=None, validator=_text(_LONGEST))
    revealed: tuple[str, ...] = attrs.field(default=(), validator=_fields)
    reason: str | None = attrs.field(default=None, validator=_text(_LONGEST_REASON))
    name: str | None = None
    tenant: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.revealed and self.reason is None:
            raise EventError("reason", None, "must be given where personal fields are revealed")


def prepare_read(read: Read, preparer: Preparer) -> list[Prepared]:
    """The records of one read: the event with what may be personal, if any does; then the entry.

    Raises:
        EventError: A text holds what no event may hold.
        NotRecordedError: The source of randomness failed.
        VaultError: The log seals personal fields, and was opened without its vault.
    """
    event = _event(read)
    content: dict[str, CborValue] = {"rows": read.rows}
    if event is not None:
        content["event"] = event.id.bytes
    content["route"] = read.route
    content["reader"] = read.reader.bytes
    if read.tenant is not None:
        content["tenant"] = _tenant(read.tenant)
    content["purpose"] = read.purpose
    if read.revealed:
        content["revealed"] = list(read.revealed)
    entry = prepare_other("log_read", content)
    return [entry] if event is None else [preparer.prepare(event), entry]


def configuration_content(
    setting: str, digest: bytes, before: bytes | None
) -> dict[str, CborValue]:
    """The content of an entry ``configuration_changed``.

    Raises:
        EventError: A name that is no word or is the log's own, or a digest of another size.
    """
    if not _WORD.fullmatch(setting) or setting in _OWN_SETTINGS:
        rule = "must be a word, and none of " + ", ".join(sorted(_OWN_SETTINGS))
        raise EventError("setting", setting, rule)
    if len(digest) != _DIGEST_SIZE:
        raise EventError("digest", digest, f"must be {_DIGEST_SIZE} bytes")
    content: dict[str, CborValue] = {"digest": digest, "setting": setting}
    if before is not None:
        content = {"before": before, **content}
    return content


def _tenant(tenant: str) -> str:
    """The tenant in the form in which an event bears it."""
    checked = Event(action=READ_ACTION, decision=ApplicationDecision.GRANTED, tenant=tenant).tenant
    assert checked is not None
    return checked


def _event(read: Read) -> Event | None:
    attributes = {}
    if read.query is not None:
        query = _on_one_line(read.query)
        if len(query) > _LONGEST:
            rule = f"must have at most {_LONGEST} characters when it is written on one line"
            raise EventError("query", read.query, rule)
        for number, start in enumerate(range(0, len(query), _PIECE), 1):
            name = "query" if number == 1 else f"query_{number}"
            attributes[name] = query[start : start + _PIECE]
    if read.reason is not None:
        attributes["reveal_reason"] = _on_one_line(read.reason)[:_PIECE]
    if not attributes and read.name is None:
        return None
    return Event(
        action=READ_ACTION,
        decision=ApplicationDecision.GRANTED,
        reason=Reason.POLICY,
        actor=None if read.name is None else Actor(id=read.name),
        tenant=read.tenant,
        attributes=attributes,
    )


def _on_one_line(text: str) -> str:
    """Text with what does not print written as an escape: whatever was asked is recorded."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
