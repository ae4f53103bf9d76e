"""Values and bytes: one to one, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biotrail.canonical import (
    decode_entry,
    decode_payload,
    decode_value,
    encode_value,
    split_entry,
)
from biotrail.errors import CanonicalError
from tests.properties.event_strategies import cbor_values
from tests.reference import cbor as reference

_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.binary(max_size=20)
    | st.text(max_size=20)
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=25) | st.integers(), inner, max_size=4)
    ),
    max_leaves=10,
)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@given(cbor_values)
def test_round_trip(value: Any) -> None:
    """Decoding what was encoded gives the value, types included."""
    assert same(decode_value(encode_value(value)), value)


@given(cbor_values)
def test_against_the_reference(value: Any) -> None:
    """The encoder's bytes are those of the plain encoder written from the RFC."""
    assert encode_value(value) == reference.encode(value)


@given(st.dictionaries(st.text(min_size=1, max_size=5).filter(str.isascii), st.none(), min_size=2))
def test_the_two_orders_agree(value: Any) -> None:
    """With short keys the bytewise order and the length-first order are one."""
    decoded = decode_value(encode_value(value))
    assert isinstance(decoded, dict)
    keys = [key.encode() for key in decoded]
    assert keys == sorted(keys, key=lambda key: (len(key), key))
    assert keys == sorted(keys, key=lambda key: reference.encode(key.decode()))


def decodes(data: bytes) -> bool:
    """Whether bytes are accepted; if so, they are exactly what would be written."""
    try:
        value = decode_value(data)
    except CanonicalError:
        return False
    assert encode_value(value) == data
    assert reference.encode(value) == data
    return True


@given(st.binary(max_size=60))
@example(b"\xd8\x1c\x81\xd8\x1d\x00")
@example(b"\x9f" * 500)
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes are refused by CanonicalError, or are the bytes of their value."""
    decodes(data)


_heads = st.builds(
    lambda major, more, argument: bytes([major << 5 | more]) + argument,
    st.integers(0, 7),
    st.integers(0, 31),
    st.binary(max_size=8),
)


@given(st.lists(_heads, max_size=12).map(b"".join))
def test_bytes_that_look_like_items(data: bytes) -> None:
    """The same for bytes that are made of heads of items, whatever they promise."""
    decodes(data)


@given(_anything)
def test_what_cbor2_writes(value: Any) -> None:
    """The same for anything that cbor2 writes, tags and floats included."""
    decodes(cbor2.dumps(value, date_as_datetime=False))


@given(cbor_values, st.data())
def test_spoiled_bytes(value: Any, data: st.DataObject) -> None:
    """Bytes of a value with some cut out and others put in are refused, or another value's."""
    good = encode_value(value)
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, min(start + 3, len(good))))
    spoiled = good[:start] + data.draw(st.binary(max_size=3)) + good[stop:]
    decodes(spoiled)


@pytest.mark.parametrize("decode", [decode_value, decode_entry, decode_payload, split_entry])
@given(data=st.binary(max_size=120))
def test_no_other_error(decode: Callable[[bytes], object], data: bytes) -> None:
    """No decoder raises anything but CanonicalError, with or without an entry's beginning."""
    beginning = b"\x85\x01\x05\x58\x20" + bytes(32) + b"\x78\x1b2026-11-23T11:34:00.123456Z"
    for one in (data, b"\x85\x01" + data, beginning + data, b"\x83\x01\x58\x20" + data):
        try:
            decode(one)
        except CanonicalError:
            continue
