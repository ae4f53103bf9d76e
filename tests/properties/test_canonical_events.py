"""Events to bytes and back, the fast check against the strict one, and commitments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import cbor2
from hypothesis import assume, given
from hypothesis import strategies as st

from biotrail import Event
from biotrail.canonical import (
    PERSONAL_FIELDS,
    Payload,
    commitment,
    commitments_of,
    decode_entry,
    decode_event,
    decode_payload,
    decode_value,
    encode_event,
    encode_payload,
    encode_value,
    field_salt,
    format_time,
    frame_entry,
    payload_root,
)
from biotrail.canonical.event_pattern import matches_event
from biotrail.canonical.quick import is_plainly_canonical_event
from biotrail.errors import CanonicalError
from tests.properties.event_strategies import cbor_values, events, host_values, moments, names
from tests.reference import cbor as reference

salts = st.binary(min_size=32, max_size=32)
ids = st.binary(min_size=16, max_size=16)
fields = st.dictionaries(
    st.sampled_from(PERSONAL_FIELDS), cbor_values, min_size=1, max_size=len(PERSONAL_FIELDS)
).map(
    # As they are decoded: every map in canonical order.
    lambda one: {
        name: decode_value(encode_value(one[name])) for name in PERSONAL_FIELDS if name in one
    }
)
_HEAD = frame_entry(5, bytes(32), "2026-11-23T11:34:00.123456Z", b"")


def _accepted(body: bytes) -> bool:
    try:
        return decode_entry(_HEAD + body).kind == "event"
    except CanonicalError:
        return False


def _has_ascii_alone(value: Any) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() and _has_ascii_alone(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_has_ascii_alone, value))
    return not isinstance(value, str) or value.isascii()


def _root(event_id: bytes, payload: Payload) -> bytes:
    return payload_root(commitments_of(event_id, payload))


@given(events(), salts)
def test_events_come_back_equal(event: Event, salt: bytes) -> None:
    """Every event that the door accepts is read back equal from its entry and payload."""
    subject = None if event.subject is None else bytes(16)
    encoded = encode_event(event, subject=subject, salt=salt)
    content = decode_entry(_HEAD + encoded.body).content
    if encoded.payload is None:
        assert "payload" not in content
        assert decode_event(content) == event
        return
    payload = decode_payload(encoded.payload)
    assert payload.salt == salt
    assert content["payload"] == _root(event.id.bytes, payload)
    assert decode_event(content, payload.fields) == event


@given(events(host=host_values(moments)))
def test_moments_among_the_hosts_values_come_back_as_text(event: Event) -> None:
    """Only times among the host's own values change: they come back as text, as is documented."""
    encoded = encode_event(event, subject=None, salt=bytes(32))
    assume(encoded.payload is not None)
    content = decode_entry(_HEAD + encoded.body).content
    expected = {
        name: format_time(one) if isinstance(one, datetime) else one
        for name, one in event.attributes.items()
    }
    again = decode_event(content, decode_payload(encoded.payload or b"").fields)
    assert again == attrs.evolve(event, attributes=expected)


@given(events(host=host_values(moments)), salts)
def test_bodies_and_payloads_are_canonical(event: Event, salt: bytes) -> None:
    """What the fast encoder writes is what the strict one and the plain one write."""
    encoded = encode_event(event, subject=bytes(16), salt=salt)
    for data in filter(None, encoded):
        value = decode_value(data)
        assert encode_value(value) == data
        assert reference.encode(value) == data


@given(events(), salts)
def test_the_clear_part_needs_no_payload(event: Event, salt: bytes) -> None:
    """Without the payload an event is read back with None for all that is personal."""
    encoded = encode_event(event, subject=None, salt=salt)
    clear = decode_event(decode_entry(_HEAD + encoded.body).content)
    assert encode_event(clear, subject=None, salt=salt).payload is None
    for name in ("id", "action", "decision", "outcome", "reason", "occurred", "labels", "factors"):
        assert getattr(clear, name) == getattr(event, name)


@given(events(host=host_values(moments)))
def test_the_fast_check_passes_plain_events(event: Event) -> None:
    """An event passes the fast check exactly if all its clear texts are ASCII."""
    body = encode_event(event, subject=None, salt=bytes(32)).body
    assert _accepted(body)
    assert is_plainly_canonical_event(body) == _has_ascii_alone(decode_value(body))


_INSERTS = st.binary(max_size=4) | st.sampled_from(
    [
        *(
            b"\xf9\x3c\x00",
            b"\xc2\x49\x01" + bytes(8),
            b"\xc2\x41\x01",
            b"\xf7",
            b"\xf6",
            b"\x18\x01",
        ),
        *(
            b"\xd9\xd9\xf7",
            b"\xbf",
            b"\xff",
            b"\x9f",
            b"\x78\x01a",
            b"\x58\x01a",
            b"\x61a",
            b"\xc0",
        ),
        *(
            b"\x65event",
            b"\x62id",
            b"\xa0",
            b"\xa1\x61a\x00",
            b"\xd8\x1c",
            b"\xd8\x1d\x00",
            b"\xf5",
        ),
        *(b"\x63u\xcc\x88", b"\x66labels\xa1\x61a\xc2\x49\x01" + bytes(8), b"\xe0", b"\xf8\xff"),
    ]
)


@given(
    events(), st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 3), _INSERTS), max_size=3)
)
def test_the_fast_check_never_passes_what_is_refused(
    event: Event, cuts: list[tuple[int, int, bytes]]
) -> None:
    """A spoiled body that the strict decoder refuses passes neither of the fast checks."""
    body = encode_event(event, subject=bytes(16), salt=bytes(32)).body
    for at, length, put_in in cuts:
        at %= len(body) + 1
        body = body[:at] + put_in + body[at + length :]
    if is_plainly_canonical_event(body) or matches_event(_HEAD + body, len(_HEAD)):
        assert _accepted(body)


@given(
    events(),
    st.dictionaries(
        names | st.sampled_from(["labels", "target", "comparison", "context", "factors", "reason"]),
        st.integers(-(2**70), 2**70)
        | st.floats()
        | st.none()
        | st.text(max_size=3)
        | st.binary(max_size=33)
        | st.lists(st.text(max_size=3), max_size=2)
        | st.dictionaries(
            st.text(max_size=25) | st.sampled_from(["gallery_size", "threshold_micro", "os"]),
            st.integers(-(2**70), 2**70) | st.text(max_size=3) | st.floats() | st.booleans(),
            max_size=3,
        ),
        max_size=2,
    ),
    st.randoms(),
)
def test_the_fast_check_on_other_content(
    event: Event, changes: dict[str, Any], random: Any
) -> None:
    """The same for content with other values, in any order, as cbor2 would write it."""
    body = encode_event(event, subject=bytes(16), salt=bytes(32)).body
    content = {**cbor2.loads(body)["event"], **changes}
    if isinstance(changes.get("comparison"), dict):
        plain = {"matcher": "m", "version": "1", "decision": "match"}
        content["comparison"] = {**plain, **changes["comparison"]}
    pairs = sorted(content.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
    if random.random() < 0.5:
        random.shuffle(pairs)
    spoiled = cbor2.dumps({"event": dict(pairs)})
    if is_plainly_canonical_event(spoiled) or matches_event(_HEAD + spoiled, len(_HEAD)):
        assert _accepted(spoiled)


@given(ids, salts, fields)
def test_payloads_come_back(event_id: bytes, salt: bytes, given_fields: dict[str, Any]) -> None:
    """A payload is read back as it was written, and its commitments lead to its root."""
    data, root = encode_payload(event_id, list(given_fields.items()), salt)
    payload = decode_payload(data)
    assert payload == Payload(salt, given_fields)
    assert list(payload.fields) == list(given_fields)
    assert _root(event_id, payload) == root
    assert reference.encode([1, salt, given_fields]) == data


@given(ids, salts, fields, st.data())
def test_any_change_changes_the_root(
    event_id: bytes, salt: bytes, given_fields: dict[str, Any], data: st.DataObject
) -> None:
    """Another event id, salt, name, value or set of fields has another root."""
    before = _root(event_id, Payload(salt, given_fields))
    name = data.draw(st.sampled_from(sorted(given_fields)))
    other = data.draw(cbor_values)
    assume(encode_value(other) != encode_value(given_fields[name]))
    less = {key: one for key, one in given_fields.items() if key != name}
    unused = [one for one in PERSONAL_FIELDS if one not in given_fields] or ["another"]
    renamed = {(unused[0] if key == name else key): one for key, one in given_fields.items()}
    changed = [
        _root(bytes([event_id[0] ^ 1]) + event_id[1:], Payload(salt, given_fields)),
        _root(event_id, Payload(salt[:-1] + bytes([salt[-1] ^ 128]), given_fields)),
        _root(event_id, Payload(salt, {**given_fields, name: other})),
        _root(event_id, Payload(salt, renamed)),
        _root(event_id, Payload(salt, less)),
    ]
    if len(given_fields) > 1:
        backwards = dict(reversed(given_fields.items()))
        changed.append(_root(event_id, Payload(salt, backwards)))
    assert before not in changed
    assert len(set(changed)) == len(changed)


@given(ids, salts, fields)
def test_a_field_is_shown_alone(event_id: bytes, salt: bytes, given_fields: dict[str, Any]) -> None:
    """With one field's own salt and the other commitments, the root is reached without the rest."""
    payload = Payload(salt, given_fields)
    others = commitments_of(event_id, payload)
    for place, (name, value) in enumerate(given_fields.items()):
        shown = commitment(event_id, name, value, field_salt(salt, name))
        assert payload_root([*others[:place], shown, *others[place + 1 :]]) == _root(
            event_id, payload
        )


@given(st.lists(ids, min_size=2, max_size=2, unique=True), salts)
def test_equal_values_have_unequal_commitments(two: list[bytes], salt: bytes) -> None:
    """The same value in two fields, or in two events, cannot be told to be the same."""
    made = {
        commitment(event_id, name, "same", field_salt(salt, name))
        for event_id in two
        for name in ("device_id", "session_id")
    }
    assert len(made) == 4
