"""Write the golden vectors of the specification.

They are for other languages as much as for us: JSON, bytes in hex unless they are text; what each
file holds is said in ``docs/spec/vectors.md``. Roots and proofs come from the transcription of
RFC 6962 in ``tests/reference``, commitments from plain SHA-256, not from the code under test.

Run it from the root of the repository: ``python -m tests.vectors.make_spec_vectors``.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from biotrail.canonical import decode_entry, decode_payload, encode_value
from biotrail.canonical.entry import encode_unsigned
from biotrail.stores import SQLiteReader
from biotrail.stores._sqlite_schema import SCHEMA_VERSION, schema_version
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec
from tests.vectors._spec_certificates import certificates
from tests.vectors._spec_disclosures import disclosures
from tests.vectors._spec_ecdsa import ecdsa
from tests.vectors._spec_forged import forged
from tests.vectors._spec_sealed import sealed_log, sealed_payloads
from tests.vectors._spec_sealed_tampered import sealed_tampered
from tests.vectors._spec_tampered import tampered

FOLDER = Path(__file__).parent / "spec"
DATABASE = FOLDER / "example-log.db"

_ACCEPTED: list[tuple[str, Any]] = [
    ("0", 0),
    ("23", 23),
    ("24", 24),
    ("255", 255),
    ("256", 256),
    ("65535", 65535),
    ("65536", 65536),
    ("4294967295", 2**32 - 1),
    ("4294967296", 2**32),
    ("18446744073709551615", 2**64 - 1),
    ("-1", -1),
    ("-24", -24),
    ("-25", -25),
    ("-18446744073709551616", -(2**64)),
    ("false", False),
    ("true", True),
    ("null", None),
    ("h''", b""),
    ("h'00ff'", b"\x00\xff"),
    ('""', ""),
    ('"a"', "a"),
    ('"ü" (one code point)', "\u00fc"),
    ('"東京 🚪"', "東京 🚪"),
    ('"\\u0000"', "\x00"),
    ("[]", []),
    ("[1, [2, 3]]", [1, [2, 3]]),
    ("{}", {}),
    ('{"b": 1, "aa": 2}: the shorter key first', {"aa": 2, "b": 1}),
    ('{"Z": 1, "a": 2, "é": 3}: by the bytes of UTF-8', {"é": 3, "a": 2, "Z": 1}),
    ("a key of 23 bytes", {"a" * 23: 0}),
]
_REFUSED = {
    "nothing": "",
    "bytes after the value": "0000",
    "a value that ends too soon": "1901",
    "text that ends too soon": "6261",
    "a map without its last value": "a16161",
    "23 in two bytes": "1817",
    "255 in three bytes": "1900ff",
    "65535 in five bytes": "1a0000ffff",
    "2**32 - 1 in nine bytes": "1b00000000ffffffff",
    "-1 in two bytes": "3800",
    "a length longer than needed": "580100",
    "text of indefinite length": "7f6161ff",
    "bytes of indefinite length": "5f4100ff",
    "an array of indefinite length": "9f01ff",
    "a map of indefinite length": "bf616101ff",
    "a break alone": "ff",
    "reserved additional information": "1c",
    "undefined": "f7",
    "simple value 0": "e0",
    "false in two bytes": "f814",
    "a half float": "f93c00",
    "a float": "fa3f800000",
    "a double": "fb3ff0000000000000",
    "a tag": "c101",
    "a big number": "c249010000000000000000",
    "a small number as a big one": "c24105",
    "keys out of order": "a2616200616100",
    "the longer key first": "a262616100616200",
    "a repeated key": "a2616100616101",
    "an empty key": "a16000",
    "a key of 24 bytes": "a17818" + "61" * 24 + "00",
    "a key that is bytes": "a1416100",
    "a key that is a number": "a10100",
    "text that is not UTF-8": "61ff",
    "text with a lone surrogate": "63eda080",
    "text in an overlong form of UTF-8": "62c0af",
    "text that is not in form C": "6375cc88",
    "a key that is not in form C": "a16375cc8800",
    "an array nine deep": "81" * 8 + "80",
}
_TIMES = {
    "2026-11-23T11:34:00.123456Z": True,
    "0001-01-01T00:00:00.000000Z": True,
    "9999-12-31T23:59:59.999999Z": True,
    "2024-02-29T00:00:00.000000Z": True,
    "1900-02-28T00:00:00.000000Z": True,
    "1900-02-29T00:00:00.000000Z": False,
    "2023-02-29T00:00:00.000000Z": False,
    "2026-04-31T00:00:00.000000Z": False,
    "0000-01-01T00:00:00.000000Z": False,
    "2026-00-01T00:00:00.000000Z": False,
    "2026-13-01T00:00:00.000000Z": False,
    "2026-01-00T00:00:00.000000Z": False,
    "2026-11-23T24:00:00.000000Z": False,
    "2026-11-23T23:60:00.000000Z": False,
    "2026-12-31T23:59:60.000000Z": False,
    "2026-11-23t11:34:00.123456Z": False,
    "2026-11-23T11:34:00.123456z": False,
    "2026-11-23 11:34:00.123456Z": False,
    "2026-11-23T11:34:00,123456Z": False,
    "2026-11-23T11:34:00.12345Z": False,
    "2026-11-23T11:34:00.1234567Z": False,
    "2026-11-23T11:34:00Z": False,
    "2026-11-23T11:34:00.123456+00:00": False,
    "20261123T113400.12345678901Z": False,
    "٢٠٢٦-11-23T11:34:00.123456Z": False,
    "": False,
}
_HEADS = (0, 1, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 2)


@cache
def example() -> dict[str, Any]:
    """Return the rows of the example log, as its code writes it now."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example-log.db"
        spec.write_example(path)
        return spec.export(path)


@cache
def entries() -> list[bytes]:
    """Return the bytes of the example log's entries."""
    return [bytes.fromhex(row["entry"]) for row in example()["entries"]]


def canonical() -> dict[str, Any]:
    """Return canonical values, refused bytes, times, and heads of entries."""
    return {
        "accepted": [{"hex": encode_value(value).hex(), "value": say} for say, value in _ACCEPTED],
        "refused": [{"hex": data, "why": why} for why, data in _REFUSED.items()],
        "times": [{"time": time, "accepted": accepted} for time, accepted in _TIMES.items()],
        "heads": [
            {"index": str(index), "hex": (b"\x85\x01" + encode_unsigned(index)).hex()}
            for index in _HEADS
        ],
    }


def keys() -> dict[str, Any]:
    """Return the test keys, and verifier keys that must be refused."""
    good = str(spec.verifier_key("A"))
    name, key_id, public = good.split("+", 2)
    data = base64.b64decode(public)

    def key(changed: bytes) -> str:
        digest = sha256(name.encode() + b"\n" + changed).digest()
        return f"{name}+{digest[:4].hex()}+{base64.b64encode(changed).decode()}"

    refused = {
        "nothing": "",
        "no key": name,
        "a key id in capitals": f"{name}+{key_id.upper()}+{public}",
        "a key id of another key": f"{name}+{spec.verifier_key('B').key_id.hex()}+{public}",
        "a key id for another name": f"{name}x+{key_id}+{public}",
        "a key id of seven digits": f"{name}+{key_id[1:]}+{public}",
        "an empty name": f"+{key_id}+{public}",
        "a space in the name": good.replace("front", "front "),
        "a no-break space in the name": good.replace("front", "front\u00a0"),
        "a space after it": good + " ",
        "base64 without its last letter": good[:-1],
        "an algorithm of the future": key(b"\x7f" + data[1:]),
        "a public key of 31 bytes": key(data[:-1]),
        "a public key of 33 bytes": key(data + b"\0"),
    }
    return {
        "keys": {
            one: {
                "seed": spec.SEEDS[one].hex(),
                "verifier_key": str(spec.verifier_key(one)),
                "digest": spec.verifier_key(one).digest().hex(),
            }
            for one in spec.SEEDS
        },
        "refused": [{"why": why, "verifier_key": text} for why, text in refused.items()],
    }


def example_log() -> dict[str, Any]:
    """Return the example log, with the hashes that follow from it."""
    return {
        "origin": spec.ORIGIN,
        "verifier_key": str(spec.verifier_key("A")),
        "log": example(),
        "leaf_hashes": [sha256(b"\x00" + entry).hexdigest() for entry in entries()],
        "roots": [rfc6962.mth(entries()[:size]).hex() for size in range(len(entries()) + 1)],
    }


def payloads() -> list[dict[str, Any]]:
    """Return each payload of the example log with all hashes on the way to its root."""
    return [_payload(row["idx"], bytes.fromhex(row["payload"])) for row in example()["payloads"]]


def _payload(index: int, data: bytes) -> dict[str, Any]:
    content: Any = decode_entry(entries()[index]).content
    salt, values = decode_payload(data)
    fields = []
    for name, value in values.items():
        encoded = encode_value(name)
        own = sha256(b"biotrail/salt/1\n" + encoded + salt).digest()
        opened = b"\x83\x50" + content["id"] + encoded + encode_value(value)
        fields.append(
            {
                "name": name,
                "value": encode_value(value).hex(),
                "salt": own.hex(),
                "commitment": sha256(b"biotrail/field/1\n" + own + opened).hexdigest(),
            }
        )
    joined = b"".join(bytes.fromhex(one["commitment"]) for one in fields)
    return {
        "index": index,
        "event_id": content["id"].hex(),
        "salt": salt.hex(),
        "payload": data.hex(),
        "fields": fields,
        "root": sha256(b"biotrail/payload/1\n" + joined).hexdigest(),
    }


def proofs() -> dict[str, Any]:
    """Return proof files for every entry, and consistency proofs between all sizes."""
    size = len(entries())
    note = example()["entries"][size - 1]["checkpoint"]
    early = next(row["checkpoint"] for row in example()["entries"] if row["idx"] == 10)
    files = [(index, size, note) for index in range(size)] + [(3, 11, early)]
    good = _proof_file(3, size, note)
    with_other_entry = good.replace(_extra(entries()[3]), _extra(entries()[4]))
    lines = good.split("\n")
    refused = {
        "another entry": with_other_entry,
        "another index": good.replace("index 3", "index 2"),
        "no entry": "\n".join([lines[0], *lines[2:]]),
        "two hashes change places": "\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]),
        "one hash fewer": "\n".join([*lines[:3], *lines[4:]]),
        "one hash more": "\n".join([*lines[:3], lines[3], *lines[3:]]),
        "the checkpoint of another size": good.replace(note, early),
        "an entry under a second name": good.replace(
            _extra(entries()[3]),
            base64.b64encode(encode_value({"entry": entries()[3], "more": 1})).decode(),
        ),
        "an entry not in a map": good.replace(
            _extra(entries()[3]), base64.b64encode(entries()[3]).decode()
        ),
    }
    return {
        "keys": [str(spec.verifier_key("B"))],
        "files": [
            {"index": one, "size": at, "text": _proof_file(one, at, by)} for one, at, by in files
        ],
        "refused": [{"why": why, "text": text} for why, text in refused.items()],
        "consistency": [
            {
                "old": old,
                "new": new,
                "proof": [one.hex() for one in rfc6962.proof(old, entries()[:new])],
            }
            for new in range(1, size + 1)
            for old in range(1, new + 1)
        ],
    }


def _extra(entry: bytes) -> str:
    return base64.b64encode(encode_value({"entry": entry})).decode()


def _proof_file(index: int, size: int, note: str) -> str:
    path = rfc6962.path(index, entries()[:size])
    hashes = "".join(base64.b64encode(one).decode() + "\n" for one in path)
    extra = _extra(entries()[index])
    return f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n{hashes}\n{note}"


FILES: dict[str, Callable[[], Any]] = {
    "canonical.json": canonical,
    "keys.json": keys,
    "example-log.json": example_log,
    "payloads.json": payloads,
    "proofs.json": proofs,
    "tampered.json": lambda: tampered(example()),
    "forged.json": forged,
    "ecdsa.json": ecdsa,
    "sealed.json": sealed_payloads,
    "sealed-log.json": lambda: {
        "origin": spec.ORIGIN,
        "verifier_key": str(spec.verifier_key("A")),
        "log": sealed_log(),
    },
    "sealed-tampered.json": sealed_tampered,
    "disclosures.json": disclosures,
    "certificates.json": certificates,
}


def text_of(content: Any) -> str:
    """Return a file's text."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all files; the database only where its rows are not what they must be."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in FILES.items():
        (FOLDER / name).write_text(text_of(make()), encoding="utf-8")
    if not _is_current(DATABASE):
        DATABASE.unlink(missing_ok=True)
        spec.write_example(DATABASE)


def _is_current(path: Path) -> bool:
    """Whether a file has the rows of the example log, and the schema of today."""
    if not path.exists() or spec.export(path) != example():
        return False
    with closing(sqlite3.connect(path)) as connection:
        if schema_version(connection) != SCHEMA_VERSION:
            return False
    with closing(SQLiteReader(path)) as reader:
        return not reader.structure_faults()


if __name__ == "__main__":
    main()
