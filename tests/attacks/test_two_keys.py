"""A ciphertext that opens under two keys to two plaintexts: AES-GCM lets it pass, we do not.

AES-GCM does not commit to its key. Whoever chooses two keys can solve for one block of ciphertext
such that the same bytes, nonce, associated data and tag are authentic under both (Dodis, Grubbs,
Ristenpart, Woodage: Fast Message Franking, CRYPTO 2018). A writer could so record an attempt that
reads in one way to the auditor and in another to the court. The root over the fields, to which the
entry commits, belongs to one of the two.
"""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail.canonical import encode_payload
from biotrail.canonical.sealed import (
    SealedPart,
    associated_data,
    decode_part,
    decode_sealed,
    encode_sealed,
    sealed_root,
)
from biotrail.errors import CanonicalError
from biotrail.vault import DataKey

BLOCK = 16
FIRST, SECOND = b"\x01" * 32, b"\x02" * 32
NONCE, REFERENCE, EVENT_ID = b"n" * 12, b"r" * 16, b"e" * 16
ORIGIN = "biotrail.example/two-keys"
BOUND = associated_data(EVENT_ID, 1, REFERENCE, ORIGIN)
SALT, SIZE = b"s" * 32, 256


# --- the field of GCM (NIST SP 800-38D section 6.3) ---------------------------------------------


def times(one: int, other: int) -> int:
    """Multiply two blocks; the first bit of a block is the coefficient of 1."""
    product = 0
    for place in range(127, -1, -1):
        if one >> place & 1:
            product ^= other
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return product


def power(base: int, exponent: int) -> int:
    """Raise a block to a power."""
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = times(result, base)
        base, exponent = times(base, base), exponent >> 1
    return result


def encrypted(key: bytes, block: bytes) -> int:
    """One block of AES."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return int.from_bytes(aes.update(block), "big")


def keystream(key: bytes, size: int) -> bytes:
    """What GCM puts over the plaintext."""
    counters = b"".join(NONCE + (2 + i).to_bytes(4, "big") for i in range(size // BLOCK))
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(counters)


def blocks(ciphertext: bytes) -> list[int]:
    """What GCM hashes: associated data and ciphertext, filled up, and their lengths."""
    filled = b"".join(data + bytes(-len(data) % BLOCK) for data in (BOUND, ciphertext))
    lengths = (8 * len(BOUND)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    data = filled + lengths
    return [int.from_bytes(data[i : i + BLOCK], "big") for i in range(0, len(data), BLOCK)]


def hashed(key: bytes, ciphertext: bytes) -> int:
    """The tag that belongs to a ciphertext under a key."""
    point, result = encrypted(key, bytes(BLOCK)), encrypted(key, NONCE + b"\x00\x00\x00\x01")
    total = 0
    for block in blocks(ciphertext):
        total = times(total ^ block, point)
    return result ^ total


def collide(ciphertext: bytes, free: int) -> bytes:
    """Change one block of a ciphertext so that both keys give one tag; returns it with the tag."""
    blank = ciphertext[: free * BLOCK] + bytes(BLOCK) + ciphertext[(free + 1) * BLOCK :]
    first, second = (encrypted(key, bytes(BLOCK)) for key in (FIRST, SECOND))
    exponent = len(ciphertext) // BLOCK - free + 1  # the blocks from it on, and the lengths
    factor = power(first, exponent) ^ power(second, exponent)
    wanted = hashed(FIRST, blank) ^ hashed(SECOND, blank)
    block = times(wanted, power(factor, 2**128 - 2)).to_bytes(BLOCK, "big")
    made = blank[: free * BLOCK] + block + blank[(free + 1) * BLOCK :]
    assert hashed(FIRST, made) == hashed(SECOND, made)
    return made + hashed(FIRST, made).to_bytes(BLOCK, "big")


# --- the attack ---------------------------------------------------------------------------------


def padded(fields: list[tuple[str, Any]]) -> bytes:
    """A part's plaintext."""
    plain, _ = encode_payload(EVENT_ID, fields, SALT)
    return plain + b"\x80" + bytes(SIZE - len(plain) - 1)


def crafted(key: bytes) -> tuple[bytes, list[tuple[str, Any]]]:
    """A ciphertext that opens under both keys, under this one to the fields of an attempt."""

    def fields(filling: bytes) -> list[tuple[str, Any]]:
        return [("subject", {"id": "anna"}), ("attributes", {"filling": filling})]

    begin = padded(fields(b"f" * 64)).index(b"f" * 64)
    free = -(-begin // BLOCK)
    stream = keystream(key, SIZE)
    plain = padded(fields(b"f" * 64))
    made = collide(bytes(a ^ b for a, b in zip(plain, stream, strict=True)), free)
    opened = bytes(a ^ b for a, b in zip(made, stream, strict=False))
    return made, fields(opened[begin : begin + 64])


def part(ciphertext: bytes, fields: list[tuple[str, Any]]) -> SealedPart:
    """A part that commits to fields, whatever its ciphertext holds."""
    _, root = encode_payload(EVENT_ID, fields, SALT)
    return SealedPart(1, REFERENCE, NONCE, root, ciphertext)


def test_the_arithmetic_is_that_of_gcm() -> None:
    """The tag that is calculated here is the one that AES-GCM gives."""
    sealed = AESGCM(FIRST).encrypt(NONCE, b"p" * 40, BOUND)
    assert hashed(FIRST, sealed[:-BLOCK]).to_bytes(BLOCK, "big") == sealed[-BLOCK:]


@pytest.mark.parametrize("key", [FIRST, SECOND])
def test_aes_gcm_opens_it_under_both_keys(key: bytes) -> None:
    """The crafted bytes are authentic under two keys, and say two things."""
    ciphertext, _ = crafted(key)
    first, second = (
        DataKey(REFERENCE, one).open(ciphertext, BOUND, NONCE) for one in (FIRST, SECOND)
    )
    assert first != second


def test_the_stored_bytes_are_not_at_fault() -> None:
    """Without a key nothing is wrong: these are the bytes that were recorded."""
    one = part(*crafted(FIRST))
    assert sealed_root(decode_sealed(encode_sealed([one]))) == sealed_root([one])


def test_the_commitments_let_one_key_alone_open_it() -> None:
    """The fields that the entry commits to are read under the one key, nothing under the other."""
    ciphertext, fields = crafted(FIRST)
    one = part(ciphertext, fields)
    plain = DataKey(REFERENCE, FIRST).open(ciphertext, BOUND, NONCE)
    assert decode_part(EVENT_ID, plain, one.fields_root).fields == dict(fields)
    other = DataKey(REFERENCE, SECOND).open(ciphertext, BOUND, NONCE)
    with pytest.raises(CanonicalError):
        decode_part(EVENT_ID, other, one.fields_root)


def test_well_formed_fields_under_the_other_key_are_refused() -> None:
    """Also where the other key opens it to fields in perfect form, they are not those recorded."""
    ciphertext, fields = crafted(SECOND)
    one = part(ciphertext, [("subject", {"id": "bert"})])
    plain = DataKey(REFERENCE, SECOND).open(ciphertext, BOUND, NONCE)
    decode_part(EVENT_ID, plain, part(ciphertext, fields).fields_root)  # nothing else is wrong
    with pytest.raises(CanonicalError, match="do not open to the commitments"):
        decode_part(EVENT_ID, plain, one.fields_root)
