"""Write the golden vectors of values, entries and payloads.

They are for other languages as much as for us: JSON, bytes in hex, values with their type spelled
out (see `typed`). The bytes come from the plain encoder in ``tests/reference`` and from SHA-256,
not from the code under test; a test checks that the files are what this script writes, and that the
code agrees.

Run it from the root of the repository: ``python -m tests.vectors.make_canonical_vectors``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.reference.cbor import encode
from tests.vectors.canonical_events import EVENTS, OTHER_BODIES, RECORDED
from tests.vectors.canonical_refused import REFUSED_BODIES, REFUSED_VALUES, refused_heads

FOLDER = Path(__file__).parent / "canonical"

APPENDIX_A: tuple[Any, ...] = (
    *(0, 1, 10, 23, 24, 25, 100, 1000, 1000000, 1000000000000, 18446744073709551615),
    *(-18446744073709551616, -1, -10, -100, -1000, False, True, None, b"", b"\x01\x02\x03\x04"),
    *("", "a", "IETF", '"\\', "\u00fc", "\u6c34", "\U00010151"),
    *([], [1, 2, 3], [1, [2, 3], [4, 5]], list(range(1, 26)), {}, {"a": 1, "b": [2, 3]}),
    *(["a", {"b": "c"}], {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}),
)
OURS: tuple[Any, ...] = (
    *(255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, -24, -25, -256, -257, -65537),
    *(-(2**63), b"x" * 23, b"x" * 24, b"x" * 255, b"x" * 256, "x" * 24, "x" * 256),
    *("\u2028\u2029", "\0\x1f\x7f", "\ufeff", "\U0010ffff", "Z\u00fcrich", [[[[[[[[]]]]]]]]),
    # By length first and then by bytes, which at this length is the bytewise order as well.
    {"b": 1, "aa": 2, "a": 3, "ba": 4, "ab": 5, "B": 6, "\u00e9": 7, "x" * 23: 8, "x" * 22: 9},
    {"\U00010151": 1, "\uff5e": 2, "\u00e9a": 3, "zzz": 4},
)


def typed(value: Any) -> Any:
    """Return a value for JSON: true, false and null; anything else in a map that names its type.

    ``{"int": decimal}``, ``{"bytes": hex}``, ``{"text": text}``, ``{"array": [...]}`` and
    ``{"map": [[key, value], ...]}``.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return {"array": [typed(one) for one in value]}
    return {"map": [[key, typed(one)] for key, one in value.items()]}


def values() -> dict[str, Any]:
    """Return values with their bytes, and bytes that are refused with the reason."""
    sources = {"RFC 8949 appendix A": APPENDIX_A, "biotrail": OURS}
    return {
        "accepted": [
            {"source": source, "value": typed(one), "hex": encode(one).hex()}
            for source, several in sources.items()
            for one in several
        ],
        "refused": [
            {"why": why, "hex": data if isinstance(data, str) else data.hex()}
            for why, several in REFUSED_VALUES.items()
            for data in several
        ],
    }


def framed(index: int, prev: bytes, body: bytes) -> bytes:
    """Return an entry: an array of version, index, prev, time of recording, and body."""
    return b"\x85" + encode(1) + encode(index) + encode(prev) + encode(RECORDED) + body


def entry_of(index: int, prev: bytes, body: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with the parts that it is made of, and its leaf hash."""
    entry = framed(index, prev, encode(body))
    return {
        "index": index,
        "prev": prev.hex(),
        "recorded": RECORDED,
        "value": typed(body),
        "body": encode(body).hex(),
        "entry": entry.hex(),
        "leaf_hash": sha256(b"\0" + entry).hexdigest(),
    }


def committed(event_id: bytes, salt: bytes, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a payload with the salts and commitments of its fields, in canonical order."""
    names = sorted(fields, key=encode)
    salts = [sha256(b"biotrail/salt/1\n" + encode(name) + salt).digest() for name in names]
    commitments = [
        sha256(b"biotrail/field/1\n" + own + encode([event_id, name, fields[name]])).digest()
        for name, own in zip(names, salts, strict=True)
    ]
    return {
        "salt": salt.hex(),
        "fields": typed({name: fields[name] for name in names}),
        "payload": encode([1, salt, fields]).hex(),
        "field_salts": {name: own.hex() for name, own in zip(names, salts, strict=True)},
        "commitments": {name: one.hex() for name, one in zip(names, commitments, strict=True)},
        "root": sha256(b"biotrail/payload/1\n" + b"".join(commitments)).hexdigest(),
    }


def events() -> dict[str, Any]:
    """Return events as entries with what lies beside them."""
    cases = []
    prev = bytes(32)
    for place, case in enumerate(EVENTS):
        content = dict(case.content)
        beside = committed(content["id"], case.salt, case.fields) if case.fields else None
        if beside is not None:
            content["payload"] = bytes.fromhex(beside["root"])
        entry = entry_of(case.shift + place, prev, {"event": content})
        cases.append({"name": case.name, **entry, "beside": beside})
        prev = bytes.fromhex(entry["leaf_hash"])
    return {"events": cases}


def entries() -> dict[str, Any]:
    """Return entries of the other kinds, and entries that are refused with the reason."""
    good = encode(OTHER_BODIES[0])
    return {
        "accepted": [
            entry_of(index * 300, bytes([index]) * 32, body)
            for index, body in enumerate(OTHER_BODIES)
        ],
        "refused": [
            *(
                {"why": why, "entry": framed(5, bytes(32), data).hex()}
                for why, bodies in REFUSED_BODIES.items()
                for data in (one if isinstance(one, bytes) else encode(one) for one in bodies)
            ),
            *({"why": why, "entry": one.hex()} for why, one in refused_heads(RECORDED, good)),
        ],
    }


def payloads() -> dict[str, Any]:
    """Return payloads that are refused with the reason."""
    salt, many = bytes(32), {f"f{number:02}": number for number in range(24)}
    refused: list[tuple[str, Any]] = [
        ("not an array of three", [1, salt]),
        ("not an array of three", [1, salt, {"ip": b"abcd"}, 0]),
        ("not an array of three", {"salt": salt}),
        ("another version", [2, salt, {"ip": b"abcd"}]),
        ("another version", [True, salt, {"ip": b"abcd"}]),
        ("salt is not 32 bytes", [1, bytes(31), {"ip": b"abcd"}]),
        ("salt is not 32 bytes", [1, "x" * 32, {"ip": b"abcd"}]),
        ("no fields", [1, salt, {}]),
        ("no fields", [1, salt, None]),
        ("more than 23 fields", [1, salt, many]),
    ]
    return {"refused": [{"why": why, "payload": encode(one).hex()} for why, one in refused]}


FILES: dict[str, Callable[[], Any]] = {
    "values.json": values,
    "events.json": events,
    "entries.json": entries,
    "payloads.json": payloads,
}


def text_of(content: Any) -> str:
    """Return a file's text."""
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in FILES.items():
        (FOLDER / name).write_text(text_of(content()), encoding="utf-8")
