"""Text at the door: length, control characters, Unicode."""

from __future__ import annotations

from enum import StrEnum

import pytest

from tests.unit.events._making import kept, refusal

REQUIRED = {
    "Actor.id": 256,
    "Comparison.matcher": 128,
    "Comparison.version": 64,
    "Event.action": 128,
    "Subject.id": 256,
}
OPTIONAL = {
    "Actor.name": 256,
    "Comparison.calibration": 128,
    "Comparison.gallery": 128,
    "Comparison.metric": 64,
    "Comparison.reference": 128,
    "Context.device_id": 256,
    "Context.device_model": 128,
    "Context.os": 128,
    "Context.request_id": 128,
    "Context.session_id": 256,
    "Context.trace_id": 128,
    "Event.target": 256,
    "Event.tenant": 128,
    "Location.city": 128,
    "Location.region": 128,
    "Subject.name": 256,
}
AS_SENT = {"Context.user_agent": 1024}
EVERY = {**REQUIRED, **OPTIONAL, **AS_SENT}


class _Word(StrEnum):
    DOOR = "door"


class _Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


@pytest.mark.parametrize("field", EVERY)
def test_length(field: str) -> None:
    """Each text has one character to its limit; longer and empty ones are refused with it."""
    limit = EVERY[field]
    assert kept(field, "x" * limit) == "x" * limit
    assert kept(field, "é" * limit) == "é" * limit
    assert f"1 to {limit}" in refusal(field, "x" * (limit + 1)).rule
    assert f"1 to {limit}" in refusal(field, "é" * (limit + 1)).rule
    assert f"1 to {limit}" in refusal(field, "").rule


@pytest.mark.parametrize("field", EVERY)
@pytest.mark.parametrize("value", [1, 1.5, True, object(), {}])
def test_only_text(field: str, value: object) -> None:
    """Nothing but text is text: nothing is converted."""
    error = refusal(field, value)
    assert (error.field, error.value_type) == (field, type(value).__name__)
    assert error.rule == "must be text"


@pytest.mark.parametrize("field", REQUIRED)
def test_required(field: str) -> None:
    """What must be there may not be None."""
    assert refusal(field, None).field == field


@pytest.mark.parametrize("field", [*OPTIONAL, *AS_SENT])
def test_optional(field: str) -> None:
    """What may be left out may be None."""
    assert kept(field, None) is None


@pytest.mark.parametrize("field", EVERY)
def test_form_c(field: str) -> None:
    """Text is kept in normalisation form C, so that one text has one form of bytes."""
    assert kept(field, "Zu\u0308rich") == "Z\u00fcrich"
    assert kept(field, "\u212b") == "\u00c5"
    assert kept(field, "\u1112\u1161\u11ab") == "\ud55c"


def test_length_counts_in_form_c() -> None:
    """The limit is on what is kept: 128 composed characters may be given as 256."""
    assert kept("Event.action", "u\u0308" * 128) == "ü" * 128


@pytest.mark.parametrize("field", EVERY)
@pytest.mark.parametrize("value", ["a\ud800", "\udfff", "\udc80b"])
def test_lone_surrogates(field: str, value: str) -> None:
    """Lone surrogates have no bytes in UTF-8 and are refused."""
    assert "surrogates" in refusal(field, value).rule


@pytest.mark.parametrize("field", [*REQUIRED, *OPTIONAL])
@pytest.mark.parametrize("value", ["a\0", "a\nb", "\t", "\x1b[31m", "a\x7f", "é\x85", "\x9b"])
def test_control_characters(field: str, value: str) -> None:
    """Control characters of both ranges are refused: they forge lines and terminals."""
    assert "control characters" in refusal(field, value).rule


def test_user_agents_are_kept_as_sent() -> None:
    """A user agent is what a client sent: its control characters are kept as evidence."""
    assert kept("Context.user_agent", "evil\r\nX: 1\0") == "evil\r\nX: 1\0"


@pytest.mark.parametrize("field", EVERY)
@pytest.mark.parametrize("value", ["a\u2028b\u2029", "\u202eabc", "\ufeffa", "👩\u200d🚒", " "])
def test_odd_but_lawful(field: str, value: str) -> None:
    """Line separators, direction marks, joiners and blanks are text and stay as they are."""
    assert kept(field, value) == value


@pytest.mark.parametrize("field", EVERY)
@pytest.mark.parametrize("value", ["\u0378", "q\u0301\U0001fffe", "\ufffe", "\U000e0fff"])
def test_unassigned_characters(field: str, value: str) -> None:
    """A character that this Unicode lacks is refused: a newer one may order it another way."""
    assert "lacks" in refusal(field, value).rule


def test_subclasses_of_text_become_text() -> None:
    """A word of an enumeration, or another kind of text, is kept as plain text."""
    for value in (_Word.DOOR, _Text("door")):
        assert type(kept("Event.action", value)) is str
        assert kept("Event.action", value) == "door"


@pytest.mark.component("numpy")
def test_numpy_text_becomes_text() -> None:
    """NumPy's text is kept as plain text."""
    numpy = pytest.importorskip("numpy")
    assert type(kept("Event.action", numpy.str_("door"))) is str
