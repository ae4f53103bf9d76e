"""Deterministic CBOR, written from RFC 8949 §3 and §4.2.1 and nothing else: slow and plain.

Only for holding the code under test against.
"""

from __future__ import annotations

from typing import Any


def head(major: int, argument: int) -> bytes:
    """Return the initial bytes: a major type with its argument in the shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for more, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 256**size:
            return bytes([major << 5 | more]) + argument.to_bytes(size, "big")
    raise OverflowError("no argument has more than 64 bits")


def encode(value: Any) -> bytes:
    """Return the deterministic encoding of a value."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    # §4.2.1: the keys are in the bytewise lexicographic order of their encodings.
    pairs = sorted((encode(key), encode(one)) for key, one in value.items())
    return head(5, len(pairs)) + b"".join(key + one for key, one in pairs)
