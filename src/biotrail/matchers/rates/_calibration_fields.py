"""Checks of a calibration's values, each a validator or converter of one kind of value."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from typing import Any

import attrs

from biotrail.errors import CalibrationError

__all__ = [
    "count",
    "flag",
    "hex_digest",
    "inside",
    "plain",
    "plain_score",
    "rate",
    "score",
    "seed",
    "text",
]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fault(attribute: attrs.Attribute[Any], rule: str) -> CalibrationError:
    return CalibrationError(f"calibration: {attribute.name} {rule}")


def plain(value: Any) -> Any:
    """A number of another library as Python's own; what is none is left to the validators."""
    if isinstance(value, bool | int | float) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral):
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def plain_score(value: Any) -> Any:
    """The same, rounded to six decimals: in binary32, say, no number has exactly so many."""
    number = plain(value)
    return number if number is value or not is_number(number) else round(number, 6)


def is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def rate(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise fault(attribute, "must lie between 0 and 1")


def inside(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not is_number(value) or not 0 < value < 1:
        raise fault(attribute, "must lie between 0 and 1, and be neither")


def score(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    # Beyond, a float does not hold every millionth, and decisions could not be repeated.
    if not is_number(value) or abs(value) > 1e12 or round(value * 1_000_000) / 1_000_000 != value:
        raise fault(attribute, "must be a number within ±1e12 with at most six decimals")


def count(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise fault(attribute, "must be a whole number from 1")


def seed(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise fault(attribute, "must be a whole number from 0 to 2**32 - 1")


def text(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise fault(attribute, "must be text, not empty")


def hex_digest(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise fault(attribute, "must be a SHA-256: 64 lower-case hexadecimal digits")


def flag(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise fault(attribute, "must be true or false")
