"""Sealed payloads: what is stored, what of it is checked without keys, what remains."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.canonical import (
    CborValue,
    Part,
    Remnant,
    SealedPart,
    associated_data,
    decode_part,
    decode_sealed,
    encode_part,
    encode_payload,
    encode_sealed,
    is_sealed,
    part_root,
    sealed_root,
)
from biotrail.canonical.padding import padded_size
from biotrail.canonical.sealed_form import SEALING_RANDOMNESS, write_part, write_payload
from biotrail.errors import CanonicalError

EVENT = bytes(range(16))
SALT = bytes(range(32))
FIELDS: list[tuple[str, CborValue]] = [("ip", b"\xc0\x00\x02\x11"), ("subject", {"id": "anna"})]


def _part(owner: int = 1, size: int = 256) -> SealedPart:
    return SealedPart(owner, b"k" * 16, b"n" * 12, b"r" * 32, os.urandom(size + 16))


def test_a_part_comes_back_as_it_was_and_is_padded_to_a_bucket() -> None:
    """The plaintext of a part is a payload, then 80, then zeros up to the bucket."""
    plaintext, root = encode_part(EVENT, FIELDS, SALT)
    payload, fields_root = encode_payload(EVENT, FIELDS, SALT)
    assert root == fields_root
    assert plaintext == payload + b"\x80" + bytes(256 - len(payload) - 1)
    opened = decode_part(EVENT, plaintext, root)
    assert (opened.salt, opened.fields) == (SALT, dict(FIELDS))


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        (1, 256),
        (256, 256),
        (257, 512),
        (1_025, 2_048),
        (4_097, 8_192),
        (8_192, 8_192),
        (8_193, 16_384),
        (40_000, 40_960),
    ],
)
def test_lengths_show_only_their_bucket(size: int, bucket: int) -> None:
    """Every length is rounded up to the next bucket of the specification."""
    assert padded_size(size) == bucket


@given(st.integers(1, 20_000))
def test_a_part_of_any_length_comes_back(length: int) -> None:
    """Padding never eats a part of what was sealed, and always is a whole bucket."""
    fields: list[tuple[str, CborValue]] = [("user_agent", "x" * length)]
    plaintext, root = encode_part(EVENT, fields, SALT)
    assert len(plaintext) == padded_size(len(plaintext))
    assert decode_part(EVENT, plaintext, root).fields == dict(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain[:-1],
        lambda plain: plain + bytes(256),
        lambda plain: plain[:-1] + b"\x01",
        lambda plain: bytes(256),
        lambda plain: b"",
        lambda plain: plain.replace(b"anna", b"bert"),
        lambda plain: b"\x83\x02" + plain[2:],
        lambda plain: b"\x83\xf5" + plain[2:],
        lambda plain: b"\xf6\x80" + bytes(254),
    ],
)
def test_a_plaintext_that_is_not_what_was_committed_to_is_refused(
    change: Callable[[bytes], bytes],
) -> None:
    """Neither padding nor content may differ from what the entry commits to."""
    plaintext, root = encode_part(EVENT, FIELDS, SALT)
    with pytest.raises(CanonicalError):
        decode_part(EVENT, change(plaintext), root)


def test_a_part_of_another_event_is_refused() -> None:
    """Commitments bind the event's id."""
    plaintext, root = encode_part(EVENT, FIELDS, SALT)
    with pytest.raises(CanonicalError, match="commitments"):
        decode_part(bytes(16), plaintext, root)


def test_the_roots_are_those_of_the_specification() -> None:
    """A part root covers all of a part but its padding; the payload root covers all parts."""
    one, two = _part(1), _part(2)
    sealed = sha256(one.key + one.nonce + one.ciphertext).digest()
    expected = sha256(b"biotrail/part/1\n\x01" + one.fields_root + sealed).digest()
    assert part_root(one) == expected
    joined = sha256(b"biotrail/payload/2\n" + expected + part_root(two)).digest()
    assert sealed_root([one, two]) == joined


@pytest.mark.parametrize(
    "parts",
    [
        [_part(0)],
        [_part(1)],
        [_part(2)],
        [_part(1), _part(2)],
        [Remnant(1, bytes(32)), _part(2)],
        [Remnant(0, bytes(32))],
    ],
)
def test_a_sealed_payload_comes_back(parts: list[Part]) -> None:
    """What is encoded decodes to the same parts, and leads to the same root as its remnants."""
    data = encode_sealed(parts)
    assert is_sealed(data)
    assert decode_sealed(data) == parts
    remnants = [part.remnant() if isinstance(part, SealedPart) else part for part in parts]
    assert sealed_root(remnants) == sealed_root(parts)


@pytest.mark.parametrize(
    "value",
    [
        [1, [[1, bytes(32)]]],
        [True, [[1, bytes(32)]]],
        [2, []],
        [2, [[3, bytes(32)]]],
        [2, [[True, bytes(32)]]],
        [2, [[1, bytes(31)]]],
        [2, [[2, bytes(32)], [1, bytes(32)]]],
        [2, [[1, bytes(32)], [1, bytes(32)]]],
        [2, [[0, bytes(32)], [1, bytes(32)]]],
        [2, [[1, bytes(16), bytes(12), bytes(32), bytes(255 + 16)]]],
        [2, [[1, bytes(16), bytes(12), bytes(32), bytes(16)]]],
        [2, [[1, bytes(15), bytes(12), bytes(32), bytes(256 + 16)]]],
        [2, [[1, bytes(16), bytes(12), bytes(32), bytes(256 + 16), b""]]],
        [2, [[]]],
        [2, [7]],
        {"2": []},
        2,
    ],
)
def test_what_is_no_sealed_payload_is_refused(value: object) -> None:
    """Owners, sizes, order and version are checked."""
    with pytest.raises(CanonicalError):
        decode_sealed(cbor2.dumps(value))


def test_trailing_bytes_are_refused() -> None:
    """A sealed payload is exactly one canonical value."""
    with pytest.raises(CanonicalError):
        decode_sealed(encode_sealed([_part()]) + b"\x00")


def test_the_associated_data_name_log_event_owner_and_key() -> None:
    """A ciphertext cannot be moved to another log, event, owner or key."""
    assert associated_data(EVENT, 1, b"k" * 16, "example.com/door") == (
        b"biotrail/seal/1\n" + EVENT + b"\x01" + b"k" * 16 + b"example.com/door"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"actor": {"kind": "user", "id": "a"}},
        {"subject": {"id": "a"}, "ip": b"abcd"},
        {"score": 1.5},
        {"device_id": "u\u0308"},
        {"count": 2**70},
        {"a" * 24: 1},
        {"deep": [[[[[[[1]]]]]]]},
    ],
    ids=["keys within", "fields", "a float", "text", "a large number", "a long name", "too deep"],
)
def test_what_is_not_canonical_is_refused_though_it_was_committed_to(fields: Any) -> None:
    """A writer that commits to bytes of another form than the one is not believed."""
    plain = cbor2.dumps([1, bytes(32), fields])
    _, root = encode_payload(bytes(16), list(fields.items()), bytes(32))
    with pytest.raises(CanonicalError):
        decode_part(bytes(16), plain + b"\x80" + bytes(256 - len(plain) - 1), root)


@pytest.mark.parametrize("length", [1, 400, 9_000, 70_000])
@pytest.mark.parametrize("owners", [(0,), (1,), (1, 2)])
def test_what_is_written_in_one_go_is_what_the_plain_encoder_writes(
    owners: tuple[int, ...], length: int
) -> None:
    """The writer's short way gives the bytes and the root of the specification."""

    def encrypt(plaintext: bytes, bound: bytes, nonce: bytes) -> bytes:
        assert bound == associated_data(EVENT, owner, b"k" * 16, "example.com/door")
        return sha256(nonce).digest()[:16] + plaintext

    written = []
    for owner in owners:
        part = write_part(
            EVENT,
            owner,
            b"k" * 16,
            [("user_agent", "x" * length)],
            random=os.urandom(SEALING_RANDOMNESS),
            encrypt=encrypt,
            origin=b"example.com/door",
        )
        written.append(part)
    data, root = write_payload(written)
    parts = decode_sealed(data)
    assert encode_sealed(parts) == data
    assert sealed_root(parts) == root
    assert [part.owner for part in parts] == list(owners)
