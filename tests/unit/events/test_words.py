"""Closed vocabularies, ids, digests and factors."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any

import pytest

from biotrail import (
    ActorKind,
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    ComparisonType,
    Event,
    Factor,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Reason,
)
from biotrail.events import new_event_id
from tests._ids import stable
from tests.unit.events._making import kept, make, refusal

WORDS: dict[str, type[StrEnum]] = {
    "Actor.kind": ActorKind,
    "Comparison.decision": ComparisonDecision,
    "Comparison.presentation_attack": PresentationAttackDecision,
    "Comparison.type": ComparisonType,
    "Event.decision": ApplicationDecision,
    "Event.modality": Modality,
    "Event.outcome": Outcome,
    "Event.reason": Reason,
}
OPTIONAL = ("Comparison.presentation_attack", "Comparison.type", "Event.outcome")
WRONG = ["", "MATCH", " match", "perhaps", 1, 1.5, True, object(), {}, {"match"}, ["match"]]


@pytest.mark.parametrize(("field", "words"), WORDS.items())
def test_each_word_by_member_and_by_text(field: str, words: type[StrEnum]) -> None:
    """Every word is accepted as a member and as text, and is kept as the member."""
    for word in words:
        assert kept(field, word) is word
        assert kept(field, word.value) is word


@pytest.mark.parametrize("field", WORDS)
@pytest.mark.parametrize("value", WRONG, ids=stable)
def test_other_words(field: str, value: object) -> None:
    """Anything else is refused, with the field and the value's type."""
    error = refusal(field, value)
    assert (error.field, error.value_type) == (field, type(value).__name__)


@pytest.mark.parametrize("field", [one for one in WORDS if one != "Event.reason"])
def test_refusals_list_the_words(field: str) -> None:
    """The refusal of a word says which there are."""
    assert all(word.value in refusal(field, "perhaps").rule for word in WORDS[field])


@pytest.mark.parametrize("field", WORDS)
def test_none(field: str) -> None:
    """None is accepted only where a word may be left out."""
    if field in OPTIONAL:
        make(field, None)
    else:
        assert refusal(field, None).value_type == "NoneType"


@pytest.mark.parametrize(
    ("decision", "outcome"), [("granted", Outcome.SUCCESS), ("denied", Outcome.FAILURE)]
)
def test_the_outcome_follows_from_the_decision(decision: Any, outcome: Outcome) -> None:
    """Without an outcome of its own, an event ends as the decision says; a given one stays."""
    assert Event(action="door.open", decision=decision).outcome is outcome
    given = Event(action="door.open", decision=decision, outcome=Outcome.UNKNOWN)
    assert given.outcome is Outcome.UNKNOWN


def test_reasons_of_the_host() -> None:
    """A host's own reasons begin with ``host.``, are normal text, and have 64 characters."""
    assert kept("Event.reason", "host.zu\u0308") == "host.zü"
    assert kept("Event.reason", "host." + "x" * 59) == "host." + "x" * 59
    for wrong in ("host.", "hosts.x", "Host.x", "own.reason"):
        assert "'host.'" in refusal("Event.reason", wrong).rule
    for wrong in ("host." + "x" * 60, "host.a\nb", "host.\ud800"):
        assert refusal("Event.reason", wrong).field == "Event.reason"


def test_failures_to_acquire() -> None:
    """The reasons that say that nothing usable was captured are told from the others."""
    assert Reason.NO_FACE.is_failure_to_acquire
    assert Reason.MULTIPLE_FACES.is_failure_to_acquire
    assert not Reason.NON_MATCH.is_failure_to_acquire
    assert not Reason.POLICY.is_failure_to_acquire


def test_factors() -> None:
    """Factors come as any sequence of words, and are kept in order as a tuple."""
    expected = (Factor.PIN, Factor.BADGE)
    for value in (["pin", "badge"], (Factor.PIN, "badge"), iter(["pin", Factor.BADGE])):
        assert kept("Event.factors", value) == expected
    assert kept("Event.factors", []) == ()


@pytest.mark.parametrize("value", ["pin", b"pin", None, 1, ["pin", "pin"], ["PIN"], [1], [None]])
def test_wrong_factors(value: object) -> None:
    """A bare text, an unknown word and a factor named twice are refused."""
    assert refusal("Event.factors", value).field == "Event.factors"


def test_digests() -> None:
    """A digest is 32 bytes, given as bytes or in lowercase hexadecimal."""
    digest = bytes(range(32))
    assert kept("Comparison.digest", digest) == digest
    assert kept("Comparison.digest", digest.hex()) == digest
    assert kept("Comparison.digest", None) is None


@pytest.mark.parametrize(
    "value", [bytes(31), bytes(33), "00", "G" * 64, "AA" * 32, "00" * 32 + "\n", 0, bytearray(32)]
)
def test_wrong_digests(value: object) -> None:
    """Anything else is no digest."""
    error = refusal("Comparison.digest", value)
    assert (error.field, error.value_type) == ("Comparison.digest", type(value).__name__)


@pytest.mark.parametrize("value", ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", bytes(16), 1, None])
def test_ids_are_uuids(value: object) -> None:
    """An id is a UUID, not its text or its bytes."""
    assert refusal("Event.id", value).rule == "must be a uuid.UUID"


def test_new_ids() -> None:
    """New ids are UUIDs of version 7 with the time in front, and differ."""
    made = new_event_id(milliseconds=0x0123456789AB, randomness=bytes(10))
    assert made == uuid.UUID("01234567-89ab-7000-8000-000000000000")
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    full = new_event_id(milliseconds=2**48 - 1, randomness=b"\xff" * 10)
    assert full == uuid.UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")
    assert len({new_event_id() for _ in range(1_000)}) == 1_000


def test_comparisons_are_comparisons() -> None:
    """An event's comparison is a `Comparison` or None, not its parts or its decision."""
    comparison = Comparison(matcher="m", version="1", decision="match")
    assert kept("Event.comparison", comparison) is comparison
    for value in ({"matcher": "m"}, "match", 0.5, Comparison):
        assert "Comparison" in refusal("Event.comparison", value).rule


@pytest.mark.parametrize("field", ["Event.actor", "Event.subject"])
def test_people_by_identifier(field: str) -> None:
    """A person may be given by the identifier alone; other things are no persons."""
    assert kept(field, "ann").id == "ann"
    assert kept(field, None) is None
    for value in (1, True, {"id": "ann"}, object()):
        assert refusal(field, value).field == field
    assert refusal(field, "").field.endswith(".id")
