"""Whatever is given to the door is refused by name, or becomes an event that stays as it is."""

from __future__ import annotations

import copy
import pickle
import unicodedata
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from biotrail import Comparison, Context, Event
from biotrail.errors import EventError
from tests.properties.event_strategies import events, moments

_anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.fractions()
    | st.complex_numbers()
    | st.text(st.characters(), max_size=40)
    | st.binary(max_size=80)
    | st.datetimes()
    | moments
    | st.uuids()
    | st.ip_addresses(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=24) | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from([one.name for one in attrs.fields(Event)]), _anything)
def test_any_value_of_an_event(field: str, value: Any) -> None:
    """Any value in any field is refused by an EventError, or kept; nothing else is raised."""
    given_values: dict[str, Any] = {"action": "door.open", "decision": "granted", field: value}
    try:
        event = Event(**given_values)
    except EventError:
        return
    assert event == copy.deepcopy(event)


@given(st.sampled_from([one.name for one in attrs.fields(Context)]), _anything)
def test_any_value_of_a_context(field: str, value: Any) -> None:
    """The same for a context."""
    given_values: dict[str, Any] = {field: value}
    try:
        context = Context(**given_values)
    except EventError:
        return
    assert context == copy.deepcopy(context)


@given(st.sampled_from([one.name for one in attrs.fields(Comparison)]), _anything)
def test_any_value_of_a_comparison(field: str, value: Any) -> None:
    """The same for a comparison."""
    given_values: dict[str, Any] = {"matcher": "m", "version": "1", "decision": "match"}
    try:
        comparison = Comparison(**{**given_values, field: value})
    except EventError:
        return
    assert comparison == copy.deepcopy(comparison)


@given(events())
def test_an_event_given_again_is_the_same(event: Event) -> None:
    """What is kept is in its one form: an event made of an event's parts is equal to it."""
    parts = {one.name: getattr(event, one.name) for one in attrs.fields(Event)}
    assert Event(**parts) == event
    assert pickle.loads(pickle.dumps(event)) == event
    assert hash(copy.deepcopy(event)) == hash(event)


@given(events())
def test_every_text_is_in_form_c(event: Event) -> None:
    """Every text of an event is in normalisation form C, names of values too."""

    def look(value: Any) -> None:
        if isinstance(value, str):
            assert unicodedata.is_normalized("NFC", value)
        elif isinstance(value, Mapping):
            look(tuple(value.items()))
        elif isinstance(value, tuple):
            for one in value:
                look(one)

    look(attrs.asdict(event))
    assert event.occurred.tzinfo is UTC
