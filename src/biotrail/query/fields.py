"""The fields that a question may name: what their values are, and where a record has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Literal, TypeAlias
from uuid import UUID

import attrs

from biotrail.canonical import format_time
from biotrail.canonical.schema import KINDS
from biotrail.errors import QueryError
from biotrail.events import (
    ApplicationDecision,
    ComparisonDecision,
    Factor,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Reason,
    is_own_action,
)
from biotrail.query import readings as of
from biotrail.query.readings import Read, tagged

__all__ = ["FIELDS", "Field", "FieldKind", "find_field", "tagged"]

FieldKind: TypeAlias = Literal[
    "text", "word", "whole", "decimal", "time", "id", "address", "place", "any"
]
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
        derive: Says what the field is by what the column has; None where that is the same.
    """

    name: str
    kind: FieldKind
    read: Read
    column: str | None = None
    personal: str | None = None
    movable: bool = False
    words: tuple[str, ...] = ()
    derive: Callable[[str], str] | None = None

    @property
    def has_order(self) -> bool:
        """Whether ``<`` and its like make sense."""
        return self.kind in ("whole", "decimal", "time", "any")

    @property
    def is_text(self) -> bool:
        """Whether its beginning can be asked for."""
        return self.kind in ("text", "word", "any")

    def of_column(self, value: str) -> str:
        """What the field is where its column has a value."""
        return value if self.derive is None else self.derive(value)

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


def _is_attempt(action: str) -> str:
    return "no" if is_own_action(action) else "yes"


def _words(vocabulary: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(one) for one in vocabulary)


def _table() -> dict[str, Field]:
    fields = [
        Field("index", "whole", lambda record: (record.index,)),
        Field("recorded", "time", lambda record: (format_time(record.recorded),)),
        Field("occurred", "time", of.clear("occurred")),
        Field("kind", "word", lambda record: (record.kind,), column="kind", words=_words(KINDS)),
        Field("action", "text", of.clear("action"), column="action"),
        Field(
            "attempt",
            "word",
            lambda record: tuple(map(_is_attempt, of.clear("action")(record))),
            column="action",
            words=("yes", "no"),
            derive=_is_attempt,
        ),
        Field("target", "text", of.either("target"), column="target", movable=True),
        Field("modality", "word", of.clear("modality"), column="modality", words=_words(Modality)),
        Field(
            "decision",
            "word",
            of.clear("decision"),
            column="decision",
            words=_words(ApplicationDecision),
        ),
        Field("outcome", "word", of.clear("outcome"), column="outcome", words=_words(Outcome)),
        Field("reason", "word", of.clear("reason"), column="reason", words=_words(Reason)),
        Field("tenant", "text", of.clear("tenant"), column="tenant"),
        Field("matcher", "text", of.either("matcher", "comparison"), column="matcher"),
        Field("id", "id", of.clear("id")),
        Field(
            "comparison",
            "word",
            of.either("decision", "comparison"),
            words=_words(ComparisonDecision),
        ),
        Field(
            "pad", "word", of.either("pad", "comparison"), words=_words(PresentationAttackDecision)
        ),
        Field("factor", "word", of.factors, movable=True, words=_words(Factor)),
        *(
            Field(name, "text", of.either(name, "context"), movable=True)
            for name in ("trace_id", "request_id", "os", "device_model")
        ),
        *(
            Field(name, "text", of.either(name, "comparison"), movable=True)
            for name in ("reference", "gallery")
        ),
        *(
            Field(name, "decimal", of.either(f"{name}_micro", "comparison"), movable=True)
            for name in ("threshold", "quality")
        ),
        Field("subject", "text", of.part("subject", "id"), personal="subject"),
        Field("actor", "text", of.part("actor", "id"), personal="actor"),
        Field("device", "text", of.sealed("device_id"), personal="device_id", movable=True),
        Field("ip", "address", of.sealed("ip"), personal="ip", movable=True),
        Field("score", "decimal", of.sealed("score_micro"), personal="score_micro", movable=True),
        *(
            Field(name, "text", of.part("location", name), personal="location", movable=True)
            for name in ("country", "region", "city")
        ),
        Field("location", "place", of.place, personal="location", movable=True),
        Field("session", "text", of.sealed("session_id"), personal="session_id", movable=True),
        Field("user_agent", "text", of.sealed("user_agent"), personal="user_agent", movable=True),
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
        read = of.host_value(f"{place}s", own)
        personal = None if is_label else "attributes"
        return Field(name, "any", read, personal=personal, movable=True)
    raise QueryError(f"there is no field {name!r}; {hint_for(name)}")


def hint_for(name: str) -> str:
    """What may have been meant by a name that is no field's."""
    close = get_close_matches(name.lower(), [*FIELDS, "label.", "attribute."], n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"fields are {', '.join(FIELDS)}, label.NAME and attribute.NAME"
