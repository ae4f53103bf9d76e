"""The host's own values: personal ones (`attributes`) and clear ones (`labels`)."""

from __future__ import annotations

from collections import ChainMap
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests._ids import stable
from tests.unit.events._making import kept, refusal

FIELDS = ("Event.attributes", "Event.labels")
NOW = datetime(2026, 11, 23, 11, 34, tzinfo=UTC)
LAWFUL: dict[str, Any] = {
    "text": "Zürich",
    "number": -(2**63 - 1),
    "large": 2**63 - 1,
    "true": True,
    "false": False,
    "moment": NOW,
    "digest": bytes(64),
    "controls": "a\r\n\0",
    "long": "x" * 512,
}


class _Bytes(bytes):
    pass


@pytest.mark.parametrize("field", FIELDS)
def test_lawful_values(field: str) -> None:
    """Texts, whole numbers, booleans, moments and short bytes are kept as they are."""
    assert dict(kept(field, LAWFUL)) == LAWFUL
    assert [type(one) for one in kept(field, LAWFUL).values()] == [
        type(one) for one in LAWFUL.values()
    ]
    assert dict(kept(field, ChainMap({"a": 1}))) == {"a": 1}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [
        *(None, 0.5, float("nan"), Decimal(1), 1j, date(2026, 1, 1), datetime(2026, 1, 1)),
        *(2**63, -(2**63), 10**400, "", "x" * 513, "\ud800", "\u0378", bytes(65), object(), {}),
    ],
    ids=stable,
)
def test_unlawful_values(field: str, value: object) -> None:
    """Anything else is refused, with the value's name in the field."""
    error = refusal(field, {"colour": value})
    assert (error.field, error.value_type) == (f"{field}[colour]", type(value).__name__)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", ["", "x" * 24, "é" * 12, "a\nb", "\ud800", 1, None, b"a", ("a",)])
def test_unlawful_names(field: str, name: object) -> None:
    """A name is text of 1 to 23 bytes in UTF-8."""
    assert refusal(field, {name: 1}).field == f"{field} name"
    assert dict(kept(field, {"x" * 23: 1, "é" * 11: 2})) == {"x" * 23: 1, "é" * 11: 2}


@pytest.mark.parametrize("field", FIELDS)
def test_names_in_form_c_are_one(field: str) -> None:
    """Names are kept in form C; two that are one in form C are refused."""
    assert dict(kept(field, {"u\u0308": "u\u0308"})) == {"ü": "ü"}
    assert "twice" in refusal(field, {"u\u0308": 1, "ü": 2}).rule


@pytest.mark.parametrize("field", FIELDS)
def test_at_most_32(field: str) -> None:
    """There are at most 32 values, so that they are no place for a template cut in pieces."""
    many = {f"name {number}": number for number in range(33)}
    assert "at most 32" in refusal(field, many).rule
    del many["name 0"]
    assert dict(kept(field, many)) == many


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("values", [[("a", 1)], "a", 1, None, {"a"}, b"a"])
def test_only_mappings(field: str, values: object) -> None:
    """Pairs, texts and None are no mappings."""
    error = refusal(field, values)
    assert (error.field, error.value_type) == (field, type(values).__name__)


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_given_is_copied(field: str) -> None:
    """Changing the mapping afterwards changes nothing, and what is kept has no setter."""
    given = {"a": 1}
    values = kept(field, given)
    given["a"] = 2
    assert dict(values) == {"a": 1}
    with pytest.raises(TypeError):
        values["a"] = 2
    with pytest.raises(TypeError):
        del values["a"]


@pytest.mark.parametrize("field", FIELDS)
def test_subclasses_of_bytes_become_bytes(field: str) -> None:
    """Bytes of another class are kept as plain bytes."""
    assert type(kept(field, {"digest": _Bytes(b"a")})["digest"]) is bytes


@pytest.mark.parametrize("field", FIELDS)
def test_real_numbers_have_a_hint(field: str) -> None:
    """A real number is refused with what to do instead."""
    assert "unit in the name" in refusal(field, {"temperature": 36.6}).rule
