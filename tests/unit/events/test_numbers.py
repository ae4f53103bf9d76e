"""Numbers at the door."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest

from tests.unit.events._making import kept, refusal

REAL = {
    "Comparison.quality": 1e12,
    "Comparison.score": 1e12,
    "Comparison.threshold": 1e12,
    "Location.latitude": 90.0,
    "Location.longitude": 180.0,
}
WHOLE = {"Comparison.gallery_size": 2**63 - 1, "Location.accuracy_m": 40_000_000}
OPTIONAL = ["Comparison.quality", "Comparison.score", "Comparison.threshold", *WHOLE]


class _Size(IntEnum):
    LARGE = 7


@pytest.mark.parametrize("field", REAL)
def test_real_numbers_within_bounds(field: str) -> None:
    """Real numbers are kept up to the limit, on both sides, and refused beyond it."""
    limit = REAL[field]
    assert kept(field, limit) == limit
    assert kept(field, -limit) == -limit
    for value in (math.nextafter(limit, math.inf), -limit - 1, 1e300, 10**400, -(10**400)):
        assert "must lie between" in refusal(field, value).rule


@pytest.mark.parametrize("field", REAL)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_numbers(field: str, value: float) -> None:
    """NaN and the infinities are refused."""
    assert "finite" in refusal(field, value).rule


@pytest.mark.parametrize("field", [*REAL, *WHOLE])
@pytest.mark.parametrize("value", [True, False, "0.5", 1j, object(), Decimal("0.5")])
def test_other_types_are_no_numbers(field: str, value: object) -> None:
    """Booleans, text and decimals are not taken for numbers."""
    error = refusal(field, value)
    assert (error.field, error.value_type) == (field, type(value).__name__)
    assert "number" in error.rule


@pytest.mark.parametrize("field", REAL)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.123456789, 0.123457),
        (1, 1.0),
        (Fraction(1, 3), 0.333333),
        (1e-7, 0.0),
        (-1e-7, 0.0),
        (5e-324, 0.0),
        (-0.0, 0.0),
    ],
)
def test_real_numbers_are_rounded(field: str, value: float, expected: float) -> None:
    """What is kept is what is recorded: whole millionths, and one zero only."""
    found = kept(field, value)
    assert (type(found), found, math.copysign(1, found)) == (float, expected, 1.0)


@pytest.mark.parametrize("field", WHOLE)
def test_whole_numbers_within_bounds(field: str) -> None:
    """Whole numbers are kept from zero to the limit, and refused beyond."""
    limit = WHOLE[field]
    assert [kept(field, value) for value in (0, limit)] == [0, limit]
    for value in (-1, limit + 1, 10**400):
        assert "must lie between" in refusal(field, value).rule


@pytest.mark.parametrize("field", WHOLE)
@pytest.mark.parametrize("value", [1.0, math.nan, Fraction(1, 1)])
def test_whole_numbers_are_no_floats(field: str, value: object) -> None:
    """A real number is not taken for a whole one, even where it is whole."""
    assert "whole number" in refusal(field, value).rule


@pytest.mark.parametrize("field", WHOLE)
def test_subclasses_of_int_become_int(field: str) -> None:
    """A number of an enumeration is kept as a plain number."""
    assert type(kept(field, _Size.LARGE)) is int


@pytest.mark.parametrize("field", OPTIONAL)
def test_optional(field: str) -> None:
    """Numbers that may be left out may be None."""
    assert kept(field, None) is None


@pytest.mark.parametrize("field", ["Location.latitude", "Location.longitude"])
def test_a_place_has_both_coordinates(field: str) -> None:
    """A location without one of its coordinates is none."""
    assert refusal(field, None).rule == "must be given"


@pytest.mark.component("numpy")
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "int64", "uint64"])
def test_numpy_scalars_are_scores(kind: str) -> None:
    """A matcher's NumPy scalar is a score; a plain float is kept."""
    numpy = pytest.importorskip("numpy")
    found = kept("Comparison.score", getattr(numpy, kind)(1))
    assert (type(found), found) == (float, 1.0)
    assert kept("Comparison.score", numpy.float32(0.73)) == 0.73


@pytest.mark.component("numpy")
def test_numpy_scalars_that_are_no_scores() -> None:
    """NumPy's NaN, infinity and booleans are refused like Python's."""
    numpy = pytest.importorskip("numpy")
    for value in (numpy.float32("nan"), numpy.float64("inf")):
        assert "finite" in refusal("Comparison.score", value).rule
    assert refusal("Comparison.score", numpy.bool_(True)).field == "Comparison.score"
