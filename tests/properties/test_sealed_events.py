"""Events sealed and opened again are equal, whatever is in them and whatever is sealed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given, reject, settings
from hypothesis import strategies as st

import biotrail
from biotrail.canonical import (
    Payload,
    decode_entry,
    decode_payload,
    decode_sealed,
    decode_value,
    encode_payload,
    encode_sealed,
    encode_value,
)
from biotrail.canonical.event_pattern import EventMarks, marks_of_entry
from biotrail.canonical.padding import padded
from biotrail.canonical.payload_pattern import root_of_usual_payload
from biotrail.canonical.sealed import (
    Remnant,
    SealedPart,
    _decode_any,
    check_part,
    loaded_payload,
)
from biotrail.errors import CanonicalError
from biotrail.query import RecordReader
from biotrail.stores import MemoryStore
from biotrail.vault import CLEAR_BY_DEFAULT, SEALED_BY_DEFAULT, PersonalFields, Vault
from tests.properties.event_strategies import events, host_values
from tests.unit.query._logs import open_log
from tests.unit.vault._providers import CountingProvider

policies = st.builds(
    PersonalFields,
    seal=st.sets(st.sampled_from(sorted(CLEAR_BY_DEFAULT))),
    clear=st.sets(st.sampled_from(sorted(SEALED_BY_DEFAULT))),
)
ids = st.binary(min_size=16, max_size=16)


def _id(event: biotrail.Event) -> UUID:
    return event.id


_micro = st.integers(-180_000_000, 180_000_000)
_usual = st.fixed_dictionaries(
    {},
    optional={
        "ip": st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16),
        "actor": st.fixed_dictionaries({"id": st.text(max_size=70), "kind": st.text(max_size=9)}),
        "subject": st.fixed_dictionaries({"id": st.text()}, optional={"name": st.text()}),
        "location": st.fixed_dictionaries(
            {"latitude_micro": _micro, "longitude_micro": _micro},
            optional={
                "city": st.text(max_size=9),
                "region": st.text(max_size=9),
                "country": st.sampled_from(["DE", "\xc5"]),
                "accuracy_m": st.integers(0, 2**33),
            },
        ).map(lambda found: dict(sorted(found.items(), key=lambda pair: (len(pair[0]), pair[0])))),
        "device_id": st.text(max_size=80),
        "session_id": st.text(max_size=30),
        "user_agent": st.text(max_size=300),
        "score_micro": st.integers(-(2**64), 2**64 - 1),
    },
).filter(bool)


@settings(max_examples=60, deadline=None)
@given(st.lists(events(host=host_values()), min_size=1, max_size=4, unique_by=_id), policies)
def test_sealed_and_opened(recorded: list[biotrail.Event], policy: PersonalFields) -> None:
    """What is read with the vault is what was recorded; without it nothing sealed shows."""
    store, vault = MemoryStore(), Vault(CountingProvider(), policy=policy)
    with open_log(store, vault) as log:
        log.record_many(recorded)
    read = [one.event for one in RecordReader(store, vault=vault).records(2)]
    for before, after in zip(recorded, read, strict=True):
        assert after == before
    for blind, event in zip(RecordReader(store).records(2), recorded, strict=True):
        assert dict(blind.personal) == {}
        assert blind.event is not None
        assert (blind.event.subject, blind.event.actor) == (None, None)
        assert blind.event.action == event.action


@settings(deadline=None)
@given(events(host=host_values()))
def test_marks_are_what_the_entry_says(event: biotrail.Event) -> None:
    """What is read off an entry without decoding it is what decoding says."""
    store = MemoryStore()
    with open_log(store, Vault(CountingProvider())) as log:
        log.record(event)
    data = store._entries[2].entry
    content: Any = decode_entry(data).content
    said = [content.get(name) for name in ("subject", "actor", "payload", "tenant")]
    assert marks_of_entry(data) in (None, EventMarks(2, event.id.bytes, *said))


@given(st.binary(min_size=1, max_size=12), st.integers(0, 400), st.integers(1, 3))
def test_a_changed_entry_is_not_marked_unless_it_decodes(
    noise: bytes, place: int, count: int
) -> None:
    """Marks are taken only off what the strict decoder accepts."""
    data = _ENTRY[: place % len(_ENTRY)] + noise + _ENTRY[place % len(_ENTRY) + count :]
    marks = marks_of_entry(data)
    if marks is not None:
        assert decode_entry(data).content["id"] == marks.event_id


@given(ids, _usual, st.binary(min_size=32, max_size=32))
def test_the_usual_payload_has_the_same_root(
    event_id: bytes, fields: dict[str, Any], salt: bytes
) -> None:
    """The expression for payloads gives the root that decoding and encoding give, or none."""
    ordered = sorted(fields.items(), key=lambda pair: (len(pair[0]), pair[0]))
    data, root = encode_payload(event_id, ordered, salt)
    assert root_of_usual_payload(event_id, data) in (None, root)
    if root_of_usual_payload(event_id, data) == root:
        assert loaded_payload(data) == decode_payload(data) == Payload(salt, dict(ordered))


def test_a_usual_payload_takes_the_quick_way() -> None:
    """The fields that most events have are not left to the general decoder."""
    fields: list[Any] = [
        ("ip", bytes(4)),
        ("actor", {"id": "a", "kind": "user", "name": "A"}),
        ("subject", {"id": "b"}),
        ("location", {"country": "DE", "latitude_micro": 52_520_000, "longitude_micro": -1}),
        ("device_id", "d" * 64),
        ("session_id", "s"),
        ("user_agent", "u" * 255),
        ("score_micro", -1),
    ]
    for some in (fields, fields[1:2], fields[3:4], fields[5:]):
        data, root = encode_payload(bytes(16), some, bytes(32))
        assert root_of_usual_payload(bytes(16), data) == root


@given(ids, _usual, st.binary(min_size=1, max_size=6), st.integers(0, 300), st.integers(0, 3))
def test_a_changed_payload_is_refused(
    event_id: bytes, fields: dict[str, Any], noise: bytes, place: int, count: int
) -> None:
    """Whatever is changed in a payload, it no longer opens to its root."""
    try:
        canonical: Any = decode_value(encode_value(fields))
    except CanonicalError:  # of text that is not in form C there is no payload at all
        reject()
    data, root = encode_payload(event_id, list(canonical.items()), bytes(32))
    at = place % len(data)
    changed = data[:at] + noise + data[at + count :]
    if changed != data:
        try:
            check_part(event_id, padded(changed), root)
        except CanonicalError:
            return
        raise AssertionError("it was accepted")
    assert check_part(event_id, padded(data), root) == data


_parts = st.one_of(
    st.builds(
        SealedPart,
        st.integers(0, 2),
        ids,
        st.binary(min_size=12, max_size=12),
        st.binary(min_size=32, max_size=32),
        st.sampled_from([256, 512, 8192, 16384, 57344, 65536, 300]).map(lambda n: bytes(n + 16)),
    ),
    st.builds(Remnant, st.integers(0, 2), st.binary(min_size=32, max_size=32)),
)


@given(st.lists(_parts, max_size=3), st.binary(max_size=2), st.integers(0, 90))
def test_the_quick_decoder_of_sealed_payloads(parts: list[Any], noise: bytes, place: int) -> None:
    """It says of every sealed payload, whole or changed, what the general decoder says."""
    data = encode_sealed(parts)
    for one in (data, data[:place] + noise + data[place + len(noise) :], data[: place * 9]):
        assert _verdict(decode_sealed, one) == _verdict(_decode_any, one)


def _verdict(decode: Any, data: bytes) -> Any:
    try:
        return decode(data)
    except CanonicalError:
        return None


def _entry() -> bytes:
    store = MemoryStore()
    with open_log(store, Vault(CountingProvider())) as log:
        log.record(biotrail.Event(action="door", decision="granted", subject="a", actor="b"))
    return store._entries[2].entry


_ENTRY = _entry()
