"""Entries and events at the edges of what can be written."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail import Event
from biotrail.canonical import (
    FIRST_PREV,
    MAXIMUM_ENTRY_SIZE,
    decode_entry,
    decode_event,
    encode_body,
    encode_event,
    encode_payload,
    frame_entry,
    split_entry,
)
from biotrail.errors import CanonicalError
from tests.vectors.canonical_events import EVENTS, RECORDED

EVERYTHING = EVENTS[1]


def _of_size(size: int) -> bytes:
    fill = size - len(frame_entry(0, FIRST_PREV, RECORDED, b"")) - 50
    for length in range(fill - 5, fill + 20):
        body = encode_body("log_started", {"writer": bytes(8), "software": "x" * length})
        entry = frame_entry(0, FIRST_PREV, RECORDED, body)
        if len(entry) == size:
            return entry
    raise AssertionError("no such size")


def test_the_largest_entry() -> None:
    """An entry has at most 65,535 bytes, in writing and in reading."""
    entry = _of_size(MAXIMUM_ENTRY_SIZE)
    assert decode_entry(entry).kind == "log_started"
    body = split_entry(entry).body.replace(b"x", b"xx", 1)
    with pytest.raises(CanonicalError, match="at most 65535"):
        frame_entry(0, FIRST_PREV, RECORDED, body)
    for decode in (split_entry, decode_entry):
        with pytest.raises(CanonicalError):
            decode(entry + b"x")


@pytest.mark.parametrize("index", [0, 23, 24, 255, 256, 65_535, 65_536, 2**32, 2**64 - 1])
def test_indices_of_every_width(index: int) -> None:
    """An index is written in its shortest form, and read back."""
    entry = frame_entry(
        index, FIRST_PREV, RECORDED, encode_body("log_stopped", {"writer": bytes(8)})
    )
    assert split_entry(entry).index == decode_entry(entry).index == index


@pytest.mark.parametrize("cut", range(len(_of_size(300))))
def test_every_prefix_is_refused(cut: int) -> None:
    """No beginning of an entry is an entry."""
    with pytest.raises(CanonicalError):
        decode_entry(_of_size(300)[:cut])


def test_bodies_are_checked_in_writing() -> None:
    """A body of an unknown kind, or not of its kind's form, is not written."""
    wrong: list[tuple[str, Any]] = [
        ("surprise", {}),
        ("genesis", {}),
        ("log_read", []),
        ("event", 1),
    ]
    for kind, content in wrong:
        with pytest.raises(CanonicalError):
            encode_body(kind, content)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_salts_have_32_bytes(salt: bytes) -> None:
    """A payload without a whole salt is not written."""
    with pytest.raises(CanonicalError, match="salt"):
        encode_payload(bytes(16), [("ip", b"abcd")], salt)
    with pytest.raises(CanonicalError, match="salt"):
        encode_event(EVERYTHING.event, subject=None, salt=salt)


def test_payloads_have_fields() -> None:
    """A payload holds 1 to 23 fields."""
    many: list[Any] = [(f"f{number:02}", number) for number in range(24)]
    for fields in ([], many):
        with pytest.raises(CanonicalError, match="1 to 23"):
            encode_payload(bytes(16), fields, bytes(32))
    assert encode_payload(bytes(16), many[:23], bytes(32))


def test_events_without_personal_fields_have_no_payload() -> None:
    """Where nothing personal was given there is no payload, and no root in the entry."""
    encoded = encode_event(
        Event(action="a", decision="denied"),
        subject=None,
        salt=bytes(32),
    )
    assert encoded.payload is None
    assert b"payload" not in encoded.body


def test_an_entry_holds_nothing_personal() -> None:
    """No personal field of an event is in its body, in any form."""
    body = encode_event(EVERYTHING.event, subject=bytes(16), salt=bytes(32)).body
    for personal in ("ann", "bob", "agent/1.0", "session", "device 7", "Zürich", "moment", "CH"):
        name = f"{len(personal.encode()) + 0x60:c}{personal}".encode("latin-1", "ignore")
        assert name not in body
        assert personal.encode() not in body or personal == "session"
    assert b"score" not in body
    assert bytes.fromhex("20010db8") not in body


def test_without_its_payload_an_event_has_no_personal_fields() -> None:
    """Read from the entry alone, an event lacks what was personal and has all the rest."""
    event = decode_event(EVERYTHING.content)
    assert (event.actor, event.subject, dict(event.attributes)) == (None, None, {})
    assert event.context.ip is None
    assert event.context.user_agent is None
    assert event.context.os == "Linux 6.1"
    assert dict(event.context.provenance) == {
        name: EVERYTHING.content["provenance"][name]
        for name in ("os", "device_model", "request_id", "trace_id")
    }
    assert event.comparison is not None
    assert (event.comparison.score, event.comparison.threshold) == (None, -0.5)


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({"modality": "aura"}, {}),
        ({"reason": "aura"}, {}),
        ({"factors": ["aura"]}, {}),
        ({"action": "x" * 129}, {}),
        ({"id": b"short"}, {}),
        ({}, {"actor": {"id": ""}}),
        ({}, {"actor": {"name": "Ann"}}),
        ({}, {"actor": "ann"}),
        ({}, {"actor": {"id": "ann", "more": 1}}),
        ({}, {"subject": 7}),
        ({}, {"ip": b"12345"}),
        ({}, {"ip": "192.0.2.7"}),
        ({}, {"ip": 7}),
        ({}, {"location": {"latitude_micro": 1}}),
        ({}, {"location": {"latitude_micro": 2**60, "longitude_micro": 0}}),
        ({}, {"location": []}),
        ({}, {"score_micro": "x"}),
        ({}, {"score_micro": None}),
        ({}, {"attributes": {"a": None}}),
        ({}, {"device_id": 7}),
        ({}, {"surprise": 7}),
    ],
    ids=repr,
)
def test_what_is_no_event(content: dict[str, Any], fields: dict[str, Any]) -> None:
    """Content or fields that no event would have been written as are refused by name."""
    with pytest.raises(CanonicalError):
        decode_event({**EVERYTHING.content, **content}, {**EVERYTHING.fields, **fields})
