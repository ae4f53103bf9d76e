"""The golden vectors are as the generator writes them, and the code agrees with each."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import attrs
import pytest

from biotrail import Event
from biotrail.canonical import (
    Head,
    Payload,
    commitment,
    commitments_of,
    decode_entry,
    decode_event,
    decode_payload,
    decode_value,
    encode_body,
    encode_event,
    encode_payload,
    encode_value,
    field_salt,
    format_time,
    frame_entry,
    payload_root,
    split_entry,
)
from biotrail.canonical.event_pattern import matches_event
from biotrail.canonical.quick import is_plainly_canonical_event
from biotrail.errors import CanonicalError
from biotrail.tlog import leaf_hash
from tests.vectors import make_canonical_vectors as maker
from tests.vectors.canonical_events import EVENTS, Case


def load(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads((maker.FOLDER / name).read_text(encoding="utf-8"))


VALUES, ENTRIES, PAYLOADS = map(load, ("values.json", "entries.json", "payloads.json"))
CASES = load("events.json")["events"]
ACCEPTED = [*CASES, *ENTRIES["accepted"]]
with_payload = pytest.mark.parametrize(
    "case", [one for one in CASES if one["beside"]], ids=lambda one: one["name"]
)


def untyped(value: Any) -> Any:
    """Return the value that a vector spells out."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    readers: dict[str, Any] = {
        "int": int,
        "bytes": bytes.fromhex,
        "text": str,
        "array": lambda several: [untyped(one) for one in several],
        "map": lambda pairs: {key: untyped(one) for key, one in pairs},
    }
    return readers[kind](content)


def short(value: Any) -> str:
    """Return a name for a case."""
    return str(value)[:40]


@pytest.mark.parametrize("name", maker.FILES)
def test_files_are_as_generated(name: str) -> None:
    """No vector was edited by hand, and none is out of date."""
    written = (maker.FOLDER / name).read_text(encoding="utf-8")
    assert written == maker.text_of(maker.FILES[name]())


@pytest.mark.parametrize("vector", VALUES["accepted"], ids=lambda one: one["hex"][:40] or "empty")
def test_values(vector: dict[str, Any]) -> None:
    """Each value has exactly these bytes, and these bytes are exactly this value."""
    value, data = untyped(vector["value"]), bytes.fromhex(vector["hex"])
    assert encode_value(value) == data
    decoded = decode_value(data)
    assert decoded == value
    assert maker.typed(decoded) == vector["value"] or isinstance(value, dict)


@pytest.mark.parametrize(
    "vector", VALUES["refused"], ids=lambda one: f"{one['why']} {one['hex'][:20]}"
)
def test_refused_values(vector: dict[str, Any]) -> None:
    """Each of these is refused by name, whatever is wrong with it."""
    with pytest.raises(CanonicalError):
        decode_value(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda one: one["entry"][:30])
def test_entries(vector: dict[str, Any]) -> None:
    """An entry is its head and its body, and is read back as what it was made of."""
    ((kind, content),) = untyped(vector["value"]).items()
    index, prev = vector["index"], bytes.fromhex(vector["prev"])
    body, entry = bytes.fromhex(vector["body"]), bytes.fromhex(vector["entry"])
    assert encode_body(kind, content) == body
    assert frame_entry(index, prev, vector["recorded"], body) == entry
    assert split_entry(entry) == Head(index, prev, vector["recorded"], body)
    decoded = decode_entry(entry)
    assert (decoded.index, decoded.prev, decoded.kind) == (index, prev, kind)
    assert format_time(decoded.recorded) == vector["recorded"]
    assert decoded.content == content
    assert leaf_hash(entry).hex() == vector["leaf_hash"]


@pytest.mark.parametrize(
    "vector", ENTRIES["refused"], ids=lambda one: f"{one['why']} {one['entry'][-30:]}"
)
def test_refused_entries(vector: dict[str, Any]) -> None:
    """Each of these entries is refused by name, and never passed by a fast check."""
    entry = bytes.fromhex(vector["entry"])
    with pytest.raises(CanonicalError):
        decode_entry(entry)
    try:
        body = split_entry(entry).body
    except CanonicalError:
        return
    if vector["why"] != "recorded is not a time":
        assert not is_plainly_canonical_event(body)
        assert not matches_event(entry, len(entry) - len(body))


@pytest.mark.parametrize("vector", PAYLOADS["refused"], ids=lambda one: one["why"])
def test_refused_payloads(vector: dict[str, Any]) -> None:
    """Each of these payloads is refused by name."""
    with pytest.raises(CanonicalError):
        decode_payload(bytes.fromhex(vector["payload"]))


@pytest.mark.parametrize(("case", "vector"), list(zip(EVENTS, CASES, strict=True)), ids=short)
def test_events(case: Case, vector: dict[str, Any]) -> None:
    """Each event has exactly this body and payload, and is read back from them."""
    encoded = encode_event(case.event, subject=case.subject, salt=case.salt)
    beside = vector["beside"]
    assert encoded.body.hex() == vector["body"]
    assert encoded.payload == (bytes.fromhex(beside["payload"]) if beside else None)
    assert is_plainly_canonical_event(encoded.body)
    content = decode_entry(bytes.fromhex(vector["entry"])).content
    assert decode_event(content, case.fields) == _as_read(case.event)


def _as_read(event: Event) -> Event:
    """Return the event as it comes back: times among the host's own values are texts."""
    values = {
        name: format_time(one) if isinstance(one, datetime) else one
        for name, one in event.attributes.items()
    }
    return attrs.evolve(event, attributes=values)


@with_payload
def test_payloads(case: dict[str, Any]) -> None:
    """A payload is read back as its salt and fields, and is written again as it was."""
    beside = case["beside"]
    salt, fields = bytes.fromhex(beside["salt"]), untyped(beside["fields"])
    payload = decode_payload(bytes.fromhex(beside["payload"]))
    assert payload == Payload(salt, fields)
    assert list(payload.fields) == list(fields)
    event_id = untyped(case["value"])["event"]["id"]
    written, root = encode_payload(event_id, list(payload.fields.items()), salt)
    assert (written.hex(), root.hex()) == (beside["payload"], beside["root"])


@with_payload
def test_commitments(case: dict[str, Any]) -> None:
    """Each field has its own salt and commitment, and the root is over all of them in order."""
    beside = case["beside"]
    salt, fields = bytes.fromhex(beside["salt"]), untyped(beside["fields"])
    event_id = untyped(case["value"])["event"]["id"]
    expected = [bytes.fromhex(one) for one in beside["commitments"].values()]
    for (name, value), own in zip(fields.items(), expected, strict=True):
        own_salt = field_salt(salt, name)
        assert own_salt.hex() == beside["field_salts"][name]
        assert commitment(event_id, name, value, own_salt) == own
    payload = decode_payload(bytes.fromhex(beside["payload"]))
    assert commitments_of(event_id, payload) == expected
    assert payload_root(expected).hex() == beside["root"]
    assert untyped(case["value"])["event"]["payload"].hex() == beside["root"]
