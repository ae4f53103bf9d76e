"""One way to make an object with one field set, and to be refused."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail import Actor, Comparison, Context, Event, Location, Subject
from biotrail.errors import EventError

_CLASSES = {one.__name__: one for one in (Actor, Comparison, Context, Event, Location, Subject)}
_NEEDED: dict[str, dict[str, Any]] = {
    "Actor": {"id": "ann"},
    "Comparison": {"matcher": "matcher", "version": "1", "decision": "match"},
    "Context": {},
    "Event": {"action": "door.open", "decision": "granted"},
    "Location": {"latitude": 47.0, "longitude": 8.0},
    "Subject": {"id": "ann"},
}


def make(field: str, value: object) -> Any:
    """Return an object whose `field`, e.g. ``Event.action``, was given `value`."""
    kind, _, name = field.partition(".")
    return _CLASSES[kind](**{**_NEEDED[kind], name: value})


def kept(field: str, value: object) -> Any:
    """Return what the field holds after it was given `value`."""
    return getattr(make(field, value), field.partition(".")[2])


def refusal(field: str, value: object) -> EventError:
    """Return the error with which the door refuses `value` in `field`."""
    with pytest.raises(EventError) as caught:
        make(field, value)
    return caught.value
