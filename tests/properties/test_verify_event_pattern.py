"""The regular expression for events says yes only where the slow decoder does."""

from __future__ import annotations

from typing import Any

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from biotrail.canonical import decode_entry, decode_value, frame_entry, parse_time
from biotrail.canonical.event_pattern import matches_event
from biotrail.canonical.schema import check_content
from biotrail.errors import CanonicalError

_TEXTS = st.text(max_size=70) | st.text(alphabet="ab \x00\x7f", min_size=1, max_size=70)
_WORDS = st.sampled_from(
    ["granted", "denied", "success", "unknown", "match", "non_match", "attack", "observed", ""]
)
_TIMES = st.sampled_from(
    [
        "2026-11-23T11:34:00.123456Z",
        "2024-02-29T00:00:00.000000Z",
        "2026-02-30T00:00:00.000000Z",
        "2026-04-31T00:00:00.000000Z",
        "2026-12-31T23:59:59.999999Z",
        "2026-12-31T24:00:00.000000Z",
        "0000-01-01T00:00:00.000000Z",
        "2026-11-23T11:34:00.12345Z",
    ]
)
_INTEGERS = st.integers(-(2**64) - 1, 2**64) | st.sampled_from(
    [n + d for n in (0, 24, 256, 65536, 2**32) for d in (-1, 0, 1)]
)
_ANY = _TEXTS | _INTEGERS | st.none() | st.booleans() | st.floats() | st.binary(max_size=40)


def _plain(value: Any) -> Any:
    return st.one_of(value, value, value, value, _ANY)


_COMPARISON = {
    "matcher": _TEXTS,
    "version": _TEXTS,
    "decision": _WORDS,
    "pad": _WORDS,
    "type": st.sampled_from(["verification", "identification"]),
    "digest": st.binary(min_size=31, max_size=32),
    "gallery_size": _INTEGERS,
    "quality_micro": _INTEGERS,
    "threshold_micro": _INTEGERS,
}
_NEEDED = {"matcher", "version", "decision"}
_EVENT: dict[str, Any] = {
    "id": st.binary(min_size=16, max_size=16),
    "action": _TEXTS,
    "reason": _TEXTS,
    "outcome": st.sampled_from(["success", "failure"]),
    "decision": st.sampled_from(["granted", "denied"]),
    "modality": _TEXTS,
    "occurred": _TIMES,
}
_OPTIONAL: dict[str, Any] = {
    "target": _plain(_TEXTS),
    "tenant": _plain(_TEXTS),
    "labels": st.dictionaries(_TEXTS, _ANY, max_size=2),
    "factors": st.lists(_plain(_TEXTS), max_size=4),
    "payload": _plain(st.binary(min_size=32, max_size=32)),
    "subject": _plain(st.binary(min_size=16, max_size=16)),
    "context": st.fixed_dictionaries({}, optional={"os": _TEXTS, "trace_id": _plain(_TEXTS)}),
    "comparison": st.fixed_dictionaries(
        {name: _COMPARISON[name] for name in sorted(_NEEDED)},
        optional={name: _COMPARISON[name] for name in sorted(_COMPARISON.keys() - _NEEDED)},
    ),
    "provenance": st.dictionaries(st.sampled_from(["ip", "os", "location"]), _WORDS),
    "actor": _plain(st.binary(min_size=16, max_size=16)),
    "ip": st.binary(min_size=4, max_size=5),
    "device_id": _TEXTS,
    "score_micro": _INTEGERS,
    "stranger": _TEXTS,
}


def _in_order(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return {key: _in_order(value[key]) for key in keys}


def _slow(body: bytes) -> bool:
    """What decoding, re-encoding and checking the form says."""
    try:
        value = decode_value(body)
        if not isinstance(value, dict) or list(value) != ["event"]:
            return False
        check_content("event", value["event"])
    except CanonicalError:
        return False
    return True


_EVENTS = st.fixed_dictionaries(_EVENT, optional=_OPTIONAL)


@given(_EVENTS, st.booleans())
def test_no_content_passes_that_the_decoder_refuses(content: Any, ordered: bool) -> None:
    """Whatever is encoded, in or out of order, passes only if the slow decoder lets it pass."""
    try:
        body = cbor2.dumps({"event": _in_order(content) if ordered else content})
    except UnicodeEncodeError:
        return
    assert _slow(body) or not matches_event(body, 0)


_SAMPLE = cbor2.dumps(
    {
        "event": {
            "id": bytes(range(16)),
            "actor": b"\xff" * 16,
            "action": "door.open",
            "reason": "match",
            "target": "server-room-4",
            "context": {"os": "iOS 19", "trace_id": "5f" * 16},
            "outcome": "success",
            "payload": bytes(32),
            "subject": bytes(16),
            "decision": "granted",
            "modality": "face",
            "occurred": "2026-11-23T11:34:00.123456Z",
            "comparison": {
                "pad": "bona_fide",
                "matcher": "m",
                "version": "1",
                "decision": "match",
                "gallery_size": 300,
                "threshold_micro": -70000,
            },
            "provenance": {"ip": "observed"},
        }
    }
)


def test_a_usual_event_passes() -> None:
    """An event with most fields passes at once, also when it stands after other bytes."""
    assert _slow(_SAMPLE)
    assert matches_event(_SAMPLE, 0)
    assert matches_event(b"head" + _SAMPLE, 4)


@given(st.integers(0, 2**64 - 1) | st.sampled_from([23, 24, 255, 256, 65_535, 65_536, 2**32]))
def test_a_usual_event_is_taken_apart_as_by_the_slow_decoder(index: int) -> None:
    """What is taken out of a usual event's entry is what was put in, at an index of any length."""
    recorded = "2026-11-23T11:34:00.123456Z"
    entry = decode_entry(frame_entry(index, b"\x07" * 32, recorded, _SAMPLE))
    assert (entry.index, entry.prev, entry.kind) == (index, b"\x07" * 32, "event")
    assert entry.recorded == parse_time(recorded)
    assert {"event": entry.content} == decode_value(_SAMPLE)


@given(
    st.lists(st.tuples(st.integers(0, len(_SAMPLE) - 1), st.integers(0, 255)), max_size=3),
    st.integers(0, len(_SAMPLE)),
    st.binary(max_size=3),
)
def test_no_edit_passes_that_the_decoder_refuses(
    edits: list[tuple[int, int]], place: int, more: bytes
) -> None:
    """A usual event with bytes changed and put in passes only if the slow decoder lets it pass."""
    body = bytearray(_SAMPLE)
    for at, value in edits:
        body[at] = value
    body[place:place] = more
    assert _slow(bytes(body)) or not matches_event(bytes(body), 0)


def test_no_single_byte_passes_that_the_decoder_refuses() -> None:
    """Every single byte of a usual event, set to every value, gets the slow decoder's verdict."""
    for at in range(len(_SAMPLE)):
        for value in range(256):
            body = _SAMPLE[:at] + bytes((value,)) + _SAMPLE[at + 1 :]
            if matches_event(body, 0):
                assert _slow(body), (at, value)
