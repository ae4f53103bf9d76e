"""The fields that a question may name: what their values are, and where a record has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Literal, TypeAlias
from uuid import UUID

import attrs

from biotrail.canonical import format_time
from biotrail.canonical.schema import KINDS
from biotrail.errors import ErasedError, MissingError, QueryError
from biotrail.events import (
    ApplicationDecision,
    ComparisonDecision,
    Factor,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Reason,
)
from biotrail.query.record import Record

__all__ = ["FIELDS", "Field", "FieldKind", "find_field", "tagged"]

FieldKind: TypeAlias = Literal[
    "text", "word", "whole", "decimal", "time", "id", "address", "place", "any"
]
Read: TypeAlias = Callable[[Record], Sequence[Any]]
_MILLION = 1_000_000
_HOST_VALUES = ("label", "attribute")
_LONGEST_NAME = 23


@attrs.frozen
class Field:
    """A field that a question may name.

    Attributes:
        name: Its name, e.g. ``"outcome"`` or ``"label.building"``.
        kind: What its values are.
        read: Returns a record's values of it, each in a form that can be compared: none, one, or
            several (factors). Raises `SealedError` where it cannot tell.
        column: The look-up column that holds it, where one does.
        personal: The payload's field that holds it, where one does by default.
        movable: Whether a host's policy may move it between entry and payload.
        words: The words that it may be, for a closed vocabulary.
    """

    name: str
    kind: FieldKind
    read: Read
    column: str | None = None
    personal: str | None = None
    movable: bool = False
    words: tuple[str, ...] = ()

    @property
    def has_order(self) -> bool:
        """Whether ``<`` and its like make sense."""
        return self.kind in ("whole", "decimal", "time", "any")

    @property
    def is_text(self) -> bool:
        """Whether its beginning can be asked for."""
        return self.kind in ("text", "word", "any")

    def shown(self, value: Any) -> str:
        """A value that `read` returned, in words."""
        if self.kind == "decimal":
            return format(Decimal(value) / _MILLION, "f")
        if self.kind == "id":
            return str(UUID(bytes=value))
        if self.kind == "address":
            return str(ip_address(value))
        if self.kind == "any":
            tag, found = value
            return str(found).lower() if tag == "truth" else str(found)
        return str(value)


def _event(record: Record) -> Any:
    return record.content if record.kind == "event" else {}


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _clear(name: str) -> Read:
    return lambda record: _one(_event(record).get(name))


def _moved(record: Record, name: str) -> Any:
    """What stands in the entry by default, and in the payload if a host's policy seals it."""
    opened = record.opened
    return None if opened is None else record.personal.get(name)


def _either(name: str, place: str | None = None) -> Read:
    def read(record: Record) -> Sequence[Any]:
        content = _event(record)
        value = (content if place is None else content.get(place, {})).get(name)
        return _one(_moved(record, name) if value is None else value)

    return read


def _personal(record: Record, name: str) -> Any:
    if record.kind != "event":
        return None
    try:
        return record.field(name)
    except (ErasedError, MissingError):
        return None


def _sealed(name: str) -> Read:
    return lambda record: _one(_personal(record, name))


def _part(name: str, part: str) -> Read:
    def read(record: Record) -> Sequence[Any]:
        found = _personal(record, name)
        return _one(found.get(part)) if type(found) is dict else ()

    return read


def _place(record: Record) -> Sequence[Any]:
    found = _personal(record, "location")
    if type(found) is not dict:
        return ()
    return ((found["latitude_micro"] / _MILLION, found["longitude_micro"] / _MILLION),)


def _factors(record: Record) -> Sequence[Any]:
    found = _event(record).get("factors")
    return tuple((_moved(record, "factors") if found is None else found) or ())


def _host_value(place: str, name: str) -> Read:
    def read(record: Record) -> Sequence[Any]:
        found = _event(record).get(place)
        if found is None:
            found = _moved(record, place) if place == "labels" else _personal(record, place)
        value = found.get(name) if type(found) is dict else None
        return () if value is None else (tagged(value),)

    return read


def tagged(value: object) -> tuple[str, Any]:
    """A host's own value beside its type, since True equals 1 in Python."""
    if type(value) is bool:
        return "truth", value
    if type(value) is int:
        return "whole", value
    if type(value) is bytes:
        return "bytes", value.hex()
    return "text", str(value)


def _words(vocabulary: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(one) for one in vocabulary)


def _table() -> dict[str, Field]:
    fields = [
        Field("index", "whole", lambda record: (record.index,)),
        Field("recorded", "time", lambda record: (format_time(record.recorded),)),
        Field("occurred", "time", _clear("occurred")),
        Field("kind", "word", lambda record: (record.kind,), column="kind", words=_words(KINDS)),
        Field("action", "text", _clear("action"), column="action"),
        Field("target", "text", _either("target"), column="target", movable=True),
        Field("modality", "word", _clear("modality"), column="modality", words=_words(Modality)),
        Field(
            "decision",
            "word",
            _clear("decision"),
            column="decision",
            words=_words(ApplicationDecision),
        ),
        Field("outcome", "word", _clear("outcome"), column="outcome", words=_words(Outcome)),
        Field("reason", "word", _clear("reason"), column="reason", words=_words(Reason)),
        Field("tenant", "text", _clear("tenant"), column="tenant"),
        Field("matcher", "text", _either("matcher", "comparison"), column="matcher"),
        Field("id", "id", _clear("id")),
        Field(
            "comparison",
            "word",
            _either("decision", "comparison"),
            words=_words(ComparisonDecision),
        ),
        Field(
            "pad", "word", _either("pad", "comparison"), words=_words(PresentationAttackDecision)
        ),
        Field("factor", "word", _factors, movable=True, words=_words(Factor)),
        *(
            Field(name, "text", _either(name, "context"), movable=True)
            for name in ("trace_id", "request_id", "os", "device_model")
        ),
        *(
            Field(name, "text", _either(name, "comparison"), movable=True)
            for name in ("reference", "gallery")
        ),
        *(
            Field(name, "decimal", _either(f"{name}_micro", "comparison"), movable=True)
            for name in ("threshold", "quality")
        ),
        Field("subject", "text", _part("subject", "id"), personal="subject"),
        Field("actor", "text", _part("actor", "id"), personal="actor"),
        Field("device", "text", _sealed("device_id"), personal="device_id", movable=True),
        Field("ip", "address", _sealed("ip"), personal="ip", movable=True),
        Field("score", "decimal", _sealed("score_micro"), personal="score_micro", movable=True),
        *(
            Field(name, "text", _part("location", name), personal="location", movable=True)
            for name in ("country", "region", "city")
        ),
        Field("location", "place", _place, personal="location", movable=True),
        Field("session", "text", _sealed("session_id"), personal="session_id", movable=True),
        Field("user_agent", "text", _sealed("user_agent"), personal="user_agent", movable=True),
    ]
    return {one.name: one for one in fields}


FIELDS = _table()
"""Every field but the host's own, ``label.NAME`` and ``attribute.NAME``."""


@lru_cache(maxsize=1_024)
def find_field(name: str) -> Field:
    """The field of a name.

    Raises:
        QueryError: There is none.
    """
    if type(name) is not str:
        raise QueryError(f"a field is named by text, not by {type(name).__name__}")
    if name in FIELDS:
        return FIELDS[name]
    place, dot, own = name.partition(".")
    if dot and place in _HOST_VALUES:
        if not own or len(own.encode("utf-8", "replace")) > _LONGEST_NAME:
            raise QueryError(f"{place}. is followed by a name of up to {_LONGEST_NAME} bytes")
        is_label = place == "label"
        read = _host_value(f"{place}s", own)
        personal = None if is_label else "attributes"
        return Field(name, "any", read, personal=personal, movable=True)
    raise QueryError(f"there is no field {name!r}; {hint_for(name)}")


def hint_for(name: str) -> str:
    """What may have been meant by a name that is no field's."""
    close = get_close_matches(name.lower(), [*FIELDS, "label.", "attribute."], n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"fields are {', '.join(FIELDS)}, label.NAME and attribute.NAME"
