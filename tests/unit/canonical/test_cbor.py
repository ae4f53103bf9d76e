"""The encoder refuses what has no canonical form; the decoder is not worn out by hostile bytes."""

from __future__ import annotations

import tracemalloc
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from biotrail.canonical import decode_entry, decode_payload, decode_value, encode_value
from biotrail.errors import BiotrailError, CanonicalError
from tests._ids import stable
from tests.unit.canonical.bombs import BOMBS


class _Word(StrEnum):
    WORD = "word"


class _Number(IntEnum):
    ONE = 1


NO_FORM: list[Any] = [
    *(0.0, 1.5, float("nan"), float("inf"), 1j, Decimal(1), 2**64, -(2**64) - 1, 10**400),
    *(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=0), bytearray(b"a"), memoryview(b"a"), object()),
    *({1, 2}, frozenset({"a"}), range(3), _Number.ONE, _Word.WORD, "\ud800", "u\u0308"),
    *({1: "a"}, {b"a": 1}, {None: 1}, {True: 1}, {"": 1}, {"x" * 24: 1}, {"\ud800": 1}),
    *({"u\u0308": 1}, {_Word.WORD: 1}),
]


@pytest.mark.parametrize("value", NO_FORM, ids=stable)
@pytest.mark.parametrize("inside", [lambda one: one, lambda one: [one], lambda one: {"a": [one]}])
def test_values_without_a_form(value: Any, inside: Any) -> None:
    """Floats, tagged things, other kinds of key and text that is not normal have no form."""
    with pytest.raises(CanonicalError):
        encode_value(inside(value))


def test_depth() -> None:
    """Eight containers may lie in each other, and no ninth, whichever they are."""
    for wrap in (lambda one: [one], lambda one: (one,), lambda one: {"a": one}):
        value: Any = 0
        for _ in range(8):
            value = wrap(value)
        assert encode_value(decode_value(encode_value(value))) == encode_value(value)
        with pytest.raises(CanonicalError, match="nested deeper"):
            encode_value(wrap(value))


def test_what_contains_itself() -> None:
    """A list that lies in itself is refused as too deep."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(CanonicalError, match="nested deeper"):
        encode_value(value)


def test_tuples_and_ordered_maps() -> None:
    """Tuples are written as arrays, and maps in one order whatever theirs is."""
    assert encode_value((1, ("a",))) == encode_value([1, ["a"]])
    one: Any = OrderedDict([("b", 1), ("aa", 2), ("a", 3)])
    assert encode_value(one) == encode_value(dict(reversed(one.items())))
    assert decode_value(encode_value(one)) == dict(one)
    assert list(decode_value(encode_value(one))) == ["a", "b", "aa"]  # type: ignore[arg-type]


def test_true_is_not_one() -> None:
    """True and 1 are equal in Python and different in bytes."""
    assert encode_value(True) != encode_value(1)
    assert encode_value({"a": False}) != encode_value({"a": 0})
    assert decode_value(b"\xf5") is True
    assert decode_value(b"\x01") == 1
    assert decode_value(b"\x01") is not True


@pytest.mark.parametrize("data", ["a", None, 7, [b"\x00"], {}], ids=stable)
def test_only_bytes_are_decoded(data: Any) -> None:
    """Whatever is not bytes is refused by name too."""
    with pytest.raises(CanonicalError):
        decode_value(data)


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("decode", [decode_value, decode_entry, decode_payload])
def test_bombs(name: str, decode: Any) -> None:
    """What promises gigabytes, or nests without end, is refused by name, with little memory."""
    data = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(CanonicalError):
            decode(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000 + 20 * len(data)


def test_refusals_are_value_errors() -> None:
    """A refusal is a BiotrailError and a ValueError, and short however long the data."""
    with pytest.raises(CanonicalError) as caught:
        decode_value(b"\x79\xff\xff" + b"x" * 65_534)
    assert isinstance(caught.value, BiotrailError)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 300
