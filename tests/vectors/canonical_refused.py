"""What must be refused, by the class of the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.reference.cbor import encode

REFUSED_VALUES: dict[str, list[str | bytes]] = {
    "number longer than needed": [
        *("1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff", "1b0000000000000000"),
        *("1b00000000ffffffff", "3800", "3817", "3900ff", "3a0000ffff", "3b00000000ffffffff"),
    ],
    "length longer than needed": [
        *("5800", "580100", "590001ff", "5a0000000100", "7800", "780161", "79000161", "9800"),
        *("980100", "99000100", "9b000000000000000100", "b800", "b801616100", "b90001616100"),
    ],
    "indefinite length": [
        *("5f42010243030405ff", "5fff", "7f657374726561646d696e67ff", "7fff", "9fff", "9f01ff"),
        *("9f018202039f0405ffff", "83018202039f0405ff", "bfff", "bf61610161629f0203ffff", "ff"),
    ],
    "keys out of order": [
        "a2616200616100",
        "a262616100616200",
        "a2626161006162f6",
        "a261ff00616100",
    ],
    "key twice": ["a2616100616100", "a3616100616200616100"],
    "key is not text": [
        "a10102",
        "a201020304",
        "a1416101",
        "a1f600",
        "a1f500",
        "a1800000",
        "a1a000",
    ],
    "key is empty or longer than 23 bytes": [
        encode({"": 1}),
        encode({"x" * 24: 1}),
        encode({"\u00e9" * 12: 1}),
    ],
    "trailing bytes": ["0000", "f6f6", "a000", "616161", "00ff", "8000"],
    "truncated": [
        *("", "18", "19ff", "1a000000", "1b00000000000000", "41", "5801", "61", "7801", "62c3"),
        *(
            "81",
            "8201",
            "a1",
            "a16161",
            "a2616101",
            "9801",
            "5bffffffffffffffff",
            "7bffffffffffffffff",
        ),
        *("9bffffffffffffffff", "bbffffffffffffffff", "5affffffff", "9affffffff", "baffffffff"),
    ],
    "tag": [
        *("c074323031332d30332d32315432303a30343a30305a", "c11a514b67b0", "c1fb41d452d9ec200000"),
        *("d74401020304", "d818456449455446", "d82076687474703a2f2f7777772e6578616d706c652e636f6d"),
        *(
            "c48221196ab3",
            "c5822003",
            "d81e820103",
            "d9010280",
            "d81c80",
            "d81c81d81d00",
            "d9d9f700",
        ),
        *("d82361" + "61", "d824" + encode("A: b\n\nc").hex(), "d825" + encode(bytes(16)).hex()),
        *(
            "d9010044" + "c0000207",
            "d8646361" + "6263",
            "c600",
            "dbffffffffffffffff00",
            "d90100826161d81900",
        ),
    ],
    "number of more than 64 bits": [
        *("c249010000000000000000", "c349010000000000000000", "c24100", "c240", "c34100"),
        b"\xc2\x59\x10\x00" + b"\xff" * 4096,
    ],
    "float": [
        *("f90000", "f98000", "f93c00", "fb3ff199999999999a", "f93e00", "f97bff", "fa47c35000"),
        *("fa7f7fffff", "fb7e37e43c8800759c", "f90001", "f97c00", "f97e00", "f9fc00", "fa7f800000"),
        *("fa7fc00000", "fb7ff0000000000000", "fb7ff8000000000000"),
    ],
    "undefined or another simple value": [
        "f7",
        "e0",
        "f0",
        "f3",
        "f8ff",
        "f820",
        "f818",
        "f814",
        "f8",
    ],
    "reserved": [
        "1c",
        "1d",
        "1e",
        "3c",
        "5c",
        "7d",
        "9e",
        "bc",
        "dc",
        "fc",
        "fd",
        "fe",
        "1f",
        "3f",
    ],
    "nested deeper than 8": [
        b"\x81" * 8 + b"\x80",
        b"\x81" * 9 + b"\x00",
        b"\xa1\x61a" * 9 + b"\x00",
        b"\x81" * 100 + b"\x00",
        b"\x81" * 1_000 + b"\x00",
        b"\xa1\x61a" * 500 + b"\x00",
        b"\xc1" * 1_000 + b"\x00",
        b"\x9f" * 1_000,
        b"\x5f" * 1_000,
    ],
    "text not in form C": [
        encode("u\u0308"),
        encode("\u212b"),
        encode("q\u0307\u0323"),
        encode("\u1112\u1161\u11ab"),
        encode("\uf900"),
        encode({"u\u0308": 1}),
        encode(["a", {"b": "e\u0301"}]),
    ],
    "invalid UTF-8": [
        *(
            "61ff",
            "61c3",
            "62c328",
            "62c080",
            "63eda080",
            "66eda081edb080",
            "64f4908080",
            "64f0808080",
        ),
        *("63e28228", "a161ff00", "61c2", "62ffff"),
    ],
}
"""Reason to data, in hex or as bytes. Depths count containers: eight may lie in each other."""

_TIME = "2026-11-23T11:34:00.123456Z"
_EVENT: dict[str, Any] = {
    "id": bytes(16),
    "action": "a",
    "decision": "denied",
    "outcome": "failure",
    "modality": "none",
    "reason": "unspecified",
    "occurred": _TIME,
}
_COMPARISON = {"matcher": "m", "version": "1", "decision": "match"}


def _event(**changes: Any) -> dict[str, Any]:
    """An event's body with some keys changed, or left out where the change is ``...``."""
    changed = {**_EVENT, **changes}
    return {"event": {key: one for key, one in changed.items() if one is not ...}}


_ERASED: dict[str, Any] = {
    "id": bytes(16),
    "references": [bytes(16)],
    "fingerprints": [],
    "reason": "x",
    "legal_basis": "x",
    "through": 0,
    "payloads": 0,
    "requested": _TIME,
}


def _erased(**changes: Any) -> dict[str, Any]:
    """The body of an erasure with some keys changed."""
    return {"subject_erased": {**_ERASED, **changes}}


def _retained(*rules: dict[str, Any]) -> dict[str, Any]:
    """The body of a retention with some rules."""
    content = {"id": bytes(16), "policy": bytes(32), "rules": list(rules), "payloads": 0}
    return {"retention_applied": content}


REFUSED_BODIES: dict[str, list[Any]] = {
    "not a map of one kind": [
        *({}, [], "event", None, 7, {**_event(), "log_read": {}}),
        *({"event": None}, {"event": []}, {"log_read": []}, {"log_read": None}),
    ],
    "unknown kind": [{"Event": _EVENT}, {"surprise": {}}, {"entry": {}}],
    "a key is missing": [
        *(_event(**{name: ...}) for name in _EVENT),
        *(_event(comparison={**_COMPARISON, "x": 1}), {"event": {}}),
        *({"genesis": {}}, {"key_added": {"key": "k"}}, {"key_retired": {"key": "k"}}),
        {"key_compromised": {"key": "k", "reason": "r"}},
        *({"log_started": {"writer": bytes(8)}}, {"log_stopped": {}}, {"log_gap": {}}),
        *({"subject_erased": {}}, {"retention_applied": {}}, {"configuration_changed": {}}),
        *({"hold_placed": {}}, {"hold_released": {"id": bytes(16)}}),
    ],
    "an unknown key": [
        *(_event(hash=bytes(32)), _event(score=1), _event(device="d")),
        *(_event(context={"ip": b"abcd"}), _event(provenance={"hash": "observed"})),
        {"log_stopped": {"writer": bytes(8), "more": 1}},
        *(_erased(name="Ann"), _retained({"before": _TIME, "person": "Ann"})),
    ],
    "null instead of leaving out": [
        *(_event(target=None), _event(payload=None), _event(labels=None), _event(comparison=None)),
    ],
    "empty where something must be": [
        *(_event(action=""), _event(target=""), _event(labels={}), _event(context={})),
        *(_event(provenance={}), _event(factors=[]), _event(factors=[""])),
        *(_event(attributes={}), _event(device_id=""), _event(location={})),
        *(_erased(references=[]), _erased(beyond=[]), _erased(reason=""), _retained()),
    ],
    "wrong type": [
        *(_event(id="x" * 16), _event(action=1), _event(action=b"a"), _event(occurred=7)),
        *(
            _event(factors="pin"),
            _event(factors=[1]),
            _event(labels=[]),
            _event(labels={"a": None}),
        ),
        *(_event(labels={"a": []}), _event(labels={"a": {}}), _event(comparison=[])),
        *(_event(comparison={**_COMPARISON, "threshold_micro": True}), _event(tenant=True)),
        *(_event(comparison={**_COMPARISON, "gallery_size": -1}), _event(payload="x" * 32)),
        *(_event(actor={"id": "ann"}), _event(ip="192.0.2.7"), _event(score_micro="1")),
        *(_event(location={"latitude_micro": 1}), _event(location={"country": "CH"})),
        *(_erased(through=-1), _erased(references=bytes(16)), _erased(requested=7)),
        *(_retained({}), _retained({"before": 7}), _retained({"before": _TIME, "outcome": "x"})),
    ],
    "wrong length": [
        *(_event(id=bytes(15)), _event(id=bytes(17)), _event(payload=bytes(31))),
        *(_event(subject=bytes(17)), _event(comparison={**_COMPARISON, "digest": bytes(31)})),
        *({"log_stopped": {"writer": bytes(7)}}, {"log_stopped": {"writer": bytes(9)}}),
        *(_event(actor=bytes(15)), _event(ip=bytes(5)), _erased(references=[bytes(17)])),
        *(_erased(fingerprints=[bytes(31)]), _erased(id=bytes(15))),
        {"configuration_changed": {"setting": "personal_fields", "digest": bytes(31)}},
        {"hold_placed": {"id": bytes(16), "references": [bytes(15)], "reason": "x"}},
    ],
    "unknown word": [
        *(_event(decision="GRANTED"), _event(outcome="perhaps"), _event(decision="match")),
        *(_event(comparison={**_COMPARISON, "decision": "granted"}),),
        *(_event(provenance={"ip": "trusted"}), _event(comparison={**_COMPARISON, "pad": "x"})),
        {"genesis": {"format": "biotrail/2", "origin": "o", "key": "k"}},
        {"key_added": {"key": "k", "purpose": "other"}},
    ],
    "not a time": [
        _event(occurred=wrong)
        for wrong in (
            *("2026-11-23T11:34:00Z", "2026-11-23T11:34:00.123Z", "2026-11-23T11:34:00.123456"),
            *("2026-11-23T11:34:00.123456z", "2026-11-23t11:34:00.123456Z", _TIME + "Z"),
            *("2026-11-23 11:34:00.123456Z", "2026-11-23T11:34:00,123456Z", " " + _TIME),
            *("2026-11-23T11:34:00.123456+00:00", "2026-11-23T12:34:00.123456+01:00"),
            *("2026-02-29T11:34:00.123456Z", "2026-13-01T11:34:00.123456Z"),
            *("2026-11-23T24:00:00.000000Z", "2026-11-23T11:34:60.000000Z"),
            *("2026-11-23T11:60:00.000000Z", "0000-11-23T11:34:00.123456Z"),
            *(
                "2026-W47-1T11:34:00.123456Z",
                "2026-327T11:34:00.123456Z",
                "20261123T113400.123456Z",
            ),
            *("\uff12026-11-23T11:34:00.123456Z", "+026-11-23T11:34:00.123456Z", "", "now"),
        )
    ],
    "not canonical": [
        encode(_event()) + b"\x00",
        b"\xbf" + encode(_event())[1:] + b"\xff",
        encode(_event()).replace(b"\x65event", b"\x78\x05event"),
        encode(_event(action="u\u0308")),
        # A label of 2**64 as a large number, which its type alone would let pass.
        encode(_event(labels={"a": "!"})).replace(b"\x61!", b"\xc2\x49\x01" + bytes(8)),
        encode(_event(labels={"a": "!"})).replace(b"\x61!", b"\xf9\x3c\x00"),
        encode(_event(labels={"a": 0, "b": 1})).replace(
            b"\x61a\x00\x61b\x01", b"\x61b\x01\x61a\x00"
        ),
        encode(_event(labels={"a": 0, "b": 1})).replace(b"\x61b", b"\x61a"),
        encode(_event(labels={"x" * 24: 1})),
    ],
}
"""Reason to bodies, as values or as bytes; the entry around them is right."""


def refused_heads(recorded: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Return entries whose head is wrong, around a body that is right."""
    prev = encode(bytes(32))
    time = encode(recorded)
    start = b"\x85\x01"
    good = start + b"\x05" + prev + time + body
    for data in (b"", b"\x85", start, start + b"\x18", start + b"\x1b\0\0", good[:40], good[:68]):
        yield "truncated", data
    yield "no body", start + b"\x05" + prev + time
    yield "trailing bytes", good + b"\0"
    for first in (b"\x84\x01", b"\x86\x01", b"\x9f\x01", b"\x98\x05\x01", b"\x85\x00", b"\x85\x02"):
        yield "another version or length", first + good[2:]
    yield "another version or length", b"\x85\x18\x01" + good[2:]
    for index in ("1805", "190005", "1a00000005", "1b0000000000000005", "1c", "1f", "20", "f90000"):
        yield (
            "index is not a number in its shortest form",
            (start + bytes.fromhex(index) + prev + time + body),
        )
    for wrong in (encode(bytes(31)), encode(bytes(33)), b"\x59\0\x20" + bytes(32), b"\xf6"):
        yield "prev is not 32 bytes", start + b"\x05" + wrong + time + body
    yield "prev is not 32 bytes", start + b"\x05" + encode("\0" * 32) + time + body
    for text in (
        recorded[:-1],
        recorded + "Z",
        recorded.lower(),
        recorded.replace("11-23", "02-30"),
    ):
        yield "recorded is not a time", start + b"\x05" + prev + encode(text) + body
    yield "recorded is not a time", start + b"\x05" + prev + b"\x78\x1b" + b"\xff" * 27 + body
    yield "recorded is not a time", start + b"\x05" + prev + b"\x58\x1b" + recorded.encode() + body
