"""Where a record has the values of a field, and in which form they are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from biotrail.errors import ErasedError, MissingError
from biotrail.query.record import Record

__all__ = ["Read", "clear", "either", "factors", "host_value", "part", "place", "sealed", "tagged"]

Read: TypeAlias = Callable[[Record], Sequence[Any]]
"""Returns a record's values of a field, each in a form that can be compared: see `Field.read`."""

_MILLION = 1_000_000


def _event(record: Record) -> Any:
    return record.content if record.kind == "event" else {}


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def clear(name: str) -> Read:
    """What stands in the entry, always."""
    return lambda record: _one(_event(record).get(name))


def _moved(record: Record, name: str) -> Any:
    """What stands in the entry by default, and in the payload if a host's policy seals it."""
    opened = record.opened
    return None if opened is None else record.personal.get(name)


def either(name: str, place: str | None = None) -> Read:
    """What stands in the entry, in a map of it or not; in the payload, if a policy says so."""

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


def sealed(name: str) -> Read:
    """A field of the payload."""
    return lambda record: _one(_personal(record, name))


def part(name: str, part: str) -> Read:
    """One value of a field of the payload that is a map."""

    def read(record: Record) -> Sequence[Any]:
        found = _personal(record, name)
        return _one(found.get(part)) if type(found) is dict else ()

    return read


def place(record: Record) -> Sequence[Any]:
    """Latitude and longitude, in degrees."""
    found = _personal(record, "location")
    if type(found) is not dict:
        return ()
    return ((found["latitude_micro"] / _MILLION, found["longitude_micro"] / _MILLION),)


def factors(record: Record) -> Sequence[Any]:
    """The factors: as many values as there are."""
    found = _event(record).get("factors")
    return tuple((_moved(record, "factors") if found is None else found) or ())


def host_value(place: str, name: str) -> Read:
    """A value of the host's own, tagged."""

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
