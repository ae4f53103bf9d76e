"""Events as objects: frozen, comparable, copied and pickled without loss."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
import pytest

from biotrail import (
    Actor,
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    Context,
    Event,
    Factor,
    Location,
    Modality,
    Provenance,
    Reason,
    Subject,
)
from biotrail.errors import BiotrailError, EventError
from tests.unit.events._making import refusal

RICH = Event(
    id=UUID(int=7),
    action="door.open",
    decision=ApplicationDecision.GRANTED,
    actor=Actor(id="ann", name="Ann"),
    subject=Subject(id="ann"),
    target="vault",
    modality=Modality.FACE,
    factors=(Factor.BADGE,),
    comparison=Comparison(
        matcher="m", version="1", decision=ComparisonDecision.MATCH, score=0.9, threshold=0.5
    ),
    reason=Reason.MATCH,
    context=Context(
        ip="2001:db8::1",
        location=Location(latitude=47.3, longitude=8.5),
        provenance={"ip": Provenance.OBSERVED},
    ),
    tenant="bank",
    attributes={"colour": "red", "count": 3},
    labels={"site": "north"},
    occurred=datetime(2026, 11, 23, 11, 34, tzinfo=UTC),
)
OBJECTS: list[Any] = [
    RICH,
    RICH.actor,
    RICH.subject,
    RICH.comparison,
    RICH.context,
    RICH.context.location,
    RICH.attributes,
]


@pytest.mark.parametrize("one", OBJECTS[:-1], ids=lambda one: type(one).__name__)
def test_nothing_can_be_set(one: Any) -> None:
    """No attribute can be set or added."""
    for name in [*(field.name for field in attrs.fields(type(one))), "another"]:
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(one, name, None)


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled(one: Any, protocol: int) -> None:
    """What was pickled and read back is equal, with every protocol."""
    again = pickle.loads(pickle.dumps(one, protocol))
    assert (again, type(again)) == (one, type(one))


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: type(one).__name__)
def test_copied(one: Any) -> None:
    """Copies, shallow and deep, are equal."""
    assert copy.copy(one) == one
    assert copy.deepcopy(one) == one


@pytest.mark.parametrize("one", OBJECTS[:-1], ids=lambda one: type(one).__name__)
def test_hashed(one: Any) -> None:
    """Equal objects have equal hashes."""
    assert hash(copy.deepcopy(one)) == hash(one)
    assert len({one, copy.deepcopy(one)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"id": UUID(int=8)},
        {"action": "door.close"},
        {"decision": ApplicationDecision.DENIED},
        {"actor": None},
        {"subject": Subject(id="bob")},
        {"target": None},
        {"modality": Modality.IRIS},
        {"factors": ()},
        {"comparison": None},
        {"outcome": "unknown"},
        {"reason": "host.own"},
        {"context": Context()},
        {"tenant": "shop"},
        {"attributes": {}},
        {"labels": {"site": "south"}},
        {"occurred": datetime(2026, 11, 23, 11, 34, 0, 1, tzinfo=UTC)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_field_counts(change: dict[str, Any]) -> None:
    """Events that differ in one field are not equal."""
    assert attrs.evolve(RICH, **change) != RICH


def test_the_same_from_words_and_from_members() -> None:
    """An event given in words equals the one given in members."""
    words: dict[str, Any] = {"decision": "granted", "modality": "face", "reason": "match"}
    assert attrs.evolve(RICH, **words) == RICH


def test_errors_are_value_errors_with_evidence() -> None:
    """A refusal is a BiotrailError and a ValueError, and names field, type and rule."""
    error = refusal("Event.action", 7)
    assert isinstance(error, BiotrailError)
    assert isinstance(error, ValueError)
    assert (error.field, error.value_type, error.rule) == ("Event.action", "int", "must be text")
    assert str(error) == "Event.action: must be text (got int)"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Event.action", "SECRET\n"),
        ("Event.action", "SECRET" * 99),
        ("Event.target", "SECRET\ud800"),
        ("Event.modality", "SECRET"),
        ("Event.reason", "SECRET"),
        ("Event.reason", "host.SECRET\n"),
        ("Event.factors", ["SECRET"]),
        ("Event.actor", "SECRET\n"),
        ("Event.subject", ["SECRET"]),
        ("Event.attributes", {"colour": b"SECRET" * 99}),
        ("Event.attributes", {"SECRET" * 9: 1}),
        ("Event.attributes", "SECRET"),
        ("Event.occurred", "SECRET"),
        ("Event.id", "SECRET"),
        ("Context.ip", "SECRET"),
        ("Comparison.digest", "SECRET"),
        ("Comparison.score", "SECRET"),
        ("Location.country", "SECRET"),
    ],
)
def test_values_are_not_repeated(field: str, value: object) -> None:
    """The value is in no part of the error, since it may be personal."""
    error = refusal(field, value)
    assert "SECRET" not in f"{error} {error!r} {error.field} {error.rule} {error.value_type}"
    assert error.__suppress_context__ or error.__context__ is None


def test_errors_can_be_pickled() -> None:
    """A refusal that is raised in another process arrives whole."""
    error = refusal("Event.action", 7)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, EventError)
    assert (str(again), again.__dict__) == (str(error), error.__dict__)
