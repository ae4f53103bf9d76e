"""Write the golden vectors of references' bytes and of the keyed sign projection.

They are for other languages as much as for us: JSON, bytes in hex. Bits come from the slow copy in
``tests/reference``, not from the code under test, and bytes of references are put together here; a
test checks that the files are what this script writes, and that the code agrees.

Run it from the root of the repository: ``python -m tests.vectors.make_reference_vectors``.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from tests.reference import sign_projection

FOLDER = Path(__file__).parent / "references"
KEYS = {"A": bytes(range(32)), "B": b"\xff" * 32}
CONTEXTS = {"zero": bytes(32), "card": hashlib.sha256(b"a model card").digest()}
ABSENT = -(2**63)
BEGIN, END = 1_795_435_200_000_001, 1_826_971_200_000_001


def embedding(length: int, seed: int) -> list[float]:
    """Return values that look random, from a hash, each exact in binary64."""
    stream = hashlib.shake_256(b"embedding %d" % seed).digest(8 * length)
    return [one / 2**63 for one in struct.unpack(f"<{length}q", stream)]


EMBEDDINGS: dict[str, list[float]] = {
    "five values, the self-test": [1.0, -0.5, 0.25, 1e-3, -3.0],
    "a power of two": [0.0, 0.0, 4.0, -4.0, 0.0],
    "ties to even": [1.0, 2.0**-30, 3 * 2.0**-30, -(2.0**-30), 5 * 2.0**-30],
    "large and small": [1e300, -1e300, 1.0, 1e-300, 1e299],
    "subnormal": [5e-324, -5e-324, 1e-323, 0.0, 1.5e-323],
    "128 values": embedding(128, 1),
    "512 values": embedding(512, 2),
}


def keys() -> list[dict[str, str]]:
    """Return each key with the id that names it."""
    domain = b"biotrail/sign-projection-key/1\n"
    return [
        {"name": name, "key": key.hex(), "id": hashlib.sha256(domain + key).digest()[:8].hex()}
        for name, key in KEYS.items()
    ]


def projections() -> list[dict[str, Any]]:
    """Return embeddings with their whole numbers and bits, under keys, contexts and sizes."""
    cases = [(name, "A", "zero", 64) for name in EMBEDDINGS]
    cases += [(name, key, "card", 512) for name in list(EMBEDDINGS)[-2:] for key in KEYS]
    plain = [_projection(*case) for case in cases]
    return [*plain, _projection("128 values", "A", "card", 512, embedding(128, 3))]


def _projection(
    name: str, key: str, context: str, bits: int, centre: list[float] | None = None
) -> dict[str, Any]:
    values = EMBEDDINGS[name]
    seen = values if centre is None else [v - c for v, c in zip(values, centre, strict=True)]
    projected = sign_projection.project(KEYS[key], CONTEXTS[context], values, bits, centre)
    return {
        "embedding": name,
        "key": KEYS[key].hex(),
        "context": CONTEXTS[context].hex(),
        "bits": bits,
        "values": _doubles(values),
        "centre": None if centre is None else _doubles(centre),
        "whole_numbers": sign_projection.whole_numbers(seen),
        "projected": projected.hex(),
    }


def _doubles(values: list[float]) -> str:
    return struct.pack(f"<{len(values)}d", *values).hex()


def _second(name: str, times: tuple[int, int], shape: tuple[int, int, int], body: bytes) -> str:
    head = b"biotrail/reference/2\n" + CONTEXTS["card"]
    encoded = struct.pack("<H", len(name.encode())) + name.encode()
    return (head + encoded + struct.pack("<qqHIB", *times, *shape) + body).hex()


def references() -> dict[str, Any]:
    """Return bytes of references that are read, and some that are refused."""
    first = b"biotrail/reference/1\n" + CONTEXTS["card"] + b"\x05\x00ref-1"
    first += struct.pack("<I3d", 3, 1.0, -0.5, 1e-3)
    real, signs = struct.pack("<6d", 1, 2, 3, 4, 5, 6), bytes.fromhex("ddf82d75ca9bb1b6")
    none = (ABSENT, ABSENT)
    return {
        "card": CONTEXTS["card"].hex(),
        "accepted": [
            {"what": "version 1", "hex": first.hex()},
            {"what": "two samples", "hex": _second("ref-1", none, (2, 3, 0), real)},
            {"what": "times", "hex": _second("é", (BEGIN, END), (1, 6, 0), real)},
            {"what": "no id, an end", "hex": _second("", (ABSENT, END), (3, 2, 0), real)},
            {"what": "64 signs", "hex": _second("ref-1", none, (1, 64, 1), signs)},
            {
                "what": "4 by 16 signs",
                "hex": _second("r", (BEGIN, ABSENT), (4, 16, 1), signs),
            },
        ],
        "refused": [
            {"why": "version 1 says it", "hex": _second("ref-1", none, (1, 6, 0), real)},
            {"why": "signs as numbers", "hex": _second("r", none, (1, 8, 0), b"".join(ONE * 8))},
            {"why": "ends as it begins", "hex": _second("r", (END, END), (1, 6, 0), real)},
            {"why": "no sample", "hex": _second("r", none, (0, 6, 0), b"")},
            {"why": "no value", "hex": _second("r", (BEGIN, END), (1, 0, 0), b"")},
            {"why": "infinity", "hex": _second("r", (BEGIN, END), (1, 1, 0), INFINITY)},
            {"why": "half a byte of signs", "hex": _second("r", none, (1, 12, 1), signs[:2])},
            {"why": "an unknown form", "hex": _second("r", (BEGIN, END), (1, 6, 2), real)},
            {"why": "an id of 129 bytes", "hex": _second("r" * 129, none, (2, 3, 0), real)},
            {"why": "a byte too many", "hex": first.hex() + "00"},
            {"why": "version 3", "hex": first.replace(b"/1\n", b"/3\n").hex()},
        ],
    }


ONE = [struct.pack("<d", 1)]
INFINITY = struct.pack("<d", float("inf"))


def files() -> dict[str, str]:
    """Return each file's name and text."""
    content = {
        "projection.json": {"keys": keys(), "projections": projections()},
        "references.json": references(),
    }
    return {
        name: json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        for name, value in content.items()
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
