"""The sign projection once more, from docs/spec/references.md: slow, for tests only."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from fractions import Fraction


def matrix(key: bytes, context: bytes, dimension: int, bits: int) -> list[list[int]]:
    """Return the rows of whole numbers from -4 to 4."""
    shape = struct.pack("<II", dimension, bits)
    domain = b"biotrail/sign-projection/1\n"
    stream = hashlib.shake_256(domain + key + context + shape).digest(dimension * bits)
    flat = [bin(byte).count("1") - 4 for byte in stream]
    return [flat[row * dimension : (row + 1) * dimension] for row in range(bits)]


def whole_numbers(embedding: Sequence[float]) -> list[int]:
    """Return the embedding scaled by a power of two and rounded, ties to even."""
    _, exponent = math.frexp(max(map(abs, embedding)))
    return [round(Fraction(value) * Fraction(2) ** (30 - exponent)) for value in embedding]


def project(
    key: bytes,
    context: bytes,
    embedding: Sequence[float],
    bits: int,
    centre: Sequence[float] | None = None,
) -> bytes:
    """Return the bits, eight to a byte, the first in the lowest place."""
    if centre is not None:
        embedding = [value - middle for value, middle in zip(embedding, centre, strict=True)]
    numbers = whole_numbers(embedding)
    packed = bytearray(bits // 8)
    for n, row in enumerate(matrix(key, context, len(numbers), bits)):
        total = sum(factor * number for factor, number in zip(row, numbers, strict=True))
        packed[n // 8] |= (total >= 0) << n % 8
    return bytes(packed)
