"""The rules at the door: each refuses with the field's name, the value's type and the rule.

Rules are attrs validators. Text is also brought to Unicode normalisation form C here, so that one
text has one form of bytes; nothing else is ever changed silently.
"""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Real
from typing import Any, TypeVar

import attrs

from biotrail.errors import EventError
from biotrail.events._frozen import FrozenMapping

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]
AttributeValue = str | int | bool | bytes | datetime
_Enum = TypeVar("_Enum", bound=StrEnum)

MAXIMUM_INTEGER = 2**63 - 1
MICRO = 1_000_000
_LIMIT_REAL = 1e12
_BIOMETRIC_HINT = (
    "raw images, samples, templates, embeddings and landmarks are never recorded: they cannot be "
    "revoked once leaked; record the comparison score instead"
)
_NAMES_OF_BIOMETRICS = frozenset(
    {
        "descriptor",
        "embedding",
        "embeddings",
        "encoding",
        "face",
        "face_encoding",
        "faceprint",
        "feature_vector",
        "features",
        "fingerprint_image",
        "fingerprint_template",
        "frame",
        "image",
        "iris_code",
        "landmarks",
        "minutiae",
        "photo",
        "photograph",
        "raw_image",
        "raw_sample",
        "template",
        "voiceprint",
    }
)
_MARKS = ("shape", "tobytes", "landmark", "face_landmarks", "card_digest")
"""Attributes of arrays, of results of face models, and of our own samples, features, references."""
MAXIMUM_ATTRIBUTES = 32
MAXIMUM_ATTRIBUTE_NAME = 23
MAXIMUM_ATTRIBUTE_TEXT = 512
MAXIMUM_ATTRIBUTE_BYTES = 64
"""Room for a digest, not for a reference: a renewable one of 512 bits has over 100 bytes as it is
kept, an iris code 256."""


def field_name(instance: object, attribute: attrs.Attribute[Any]) -> str:
    """The name that messages use, e.g. ``Context.user_agent``."""
    return f"{type(instance).__name__}.{attribute.name}"


def normal_text(name: str, value: object, *, maximum: int, controls: bool = False) -> str:
    """Return `value` in normalisation form C, or refuse it.

    Args:
        name: Field name for the message.
        value: What the caller gave.
        maximum: Largest length, in characters (Unicode code points).
        controls: Whether control characters are let through, as in what a client sent.

    Raises:
        EventError: Not text, empty, too long, with lone surrogates or control characters.
    """
    if not isinstance(value, str):
        refuse_biometrics(name, value)
        raise EventError(name, value, "must be text")
    if type(value) is not str:
        value = str.__str__(value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise EventError(name, value, "must not contain lone surrogates") from None
        value = unicodedata.normalize("NFC", value)
    if not 1 <= len(value) <= maximum:
        raise EventError(name, value, f"must have 1 to {maximum} characters, has {len(value)}")
    if not value.isprintable():
        categories = set(map(unicodedata.category, value))
        if "Cc" in categories and not controls:
            raise EventError(name, value, "must not contain control characters")
        if "Cn" in categories:
            # Form C is stable over the versions of Unicode for assigned characters only: such a
            # text could be in form C to the Python that writes it and not to one that verifies it.
            rule = f"must not contain characters that Unicode {unicodedata.unidata_version} lacks"
            raise EventError(name, value, rule)
    return value


def text(*, maximum: int, optional: bool = False, controls: bool = False) -> Validator:
    """A validator for text of 1 to `maximum` characters; stores its normalisation form C."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is None and optional:
            return
        # The common case, an ASCII word, is decided without building the field's name.
        plain = type(value) is str and value.isascii() and value.isprintable()
        if plain and 0 < len(value) <= maximum:
            return
        name = field_name(instance, attribute)
        normal = normal_text(name, value, maximum=maximum, controls=controls)
        if normal is not value:
            object.__setattr__(instance, attribute.name, normal)

    return validate


def whole(*, minimum: int = 0, maximum: int = MAXIMUM_INTEGER) -> Validator:
    """A validator for an optional integer within bounds (booleans are not integers here)."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise EventError(field_name(instance, attribute), value, "must be a whole number")
        if not minimum <= value <= maximum:
            rule = f"must lie between {minimum} and {maximum}"
            raise EventError(field_name(instance, attribute), value, rule)
        if type(value) is not int:
            object.__setattr__(instance, attribute.name, int(value))

    return validate


def millionths(name: str, value: object, *, limit: float = _LIMIT_REAL) -> float:
    """Return a real number rounded to six decimals: what is recorded is whole millionths.

    Raises:
        EventError: Not a real number, a boolean, not finite, or beyond `limit`.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        refuse_biometrics(name, value)
        raise EventError(name, value, "must be a real number")
    try:
        number = float(value)
    except OverflowError:
        number = sys.float_info.max
    if not math.isfinite(number):
        raise EventError(name, value, "must be finite, neither NaN nor infinite")
    if abs(number) > limit:
        raise EventError(name, value, f"must lie between {-limit:g} and {limit:g}")
    return round(number * MICRO) / MICRO


def real(*, limit: float = _LIMIT_REAL) -> Validator:
    """A validator for an optional real number; stores it rounded to six decimals."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None:
            rounded = millionths(field_name(instance, attribute), value, limit=limit)
            object.__setattr__(instance, attribute.name, rounded)

    return validate


def member(name: str, value: object, words: type[_Enum]) -> _Enum:
    """Return `value` as a member of `words`, accepting the member or its text."""
    if not isinstance(value, str):
        refuse_biometrics(name, value)
    try:
        return words(value)  # type: ignore[arg-type] # a value of another type is refused below
    except ValueError:
        allowed = ", ".join(word.value for word in words)
        raise EventError(name, value, f"must be one of: {allowed}") from None


def instance_of(*kinds: type, optional: bool = True) -> Validator:
    """A validator for values of the given classes."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if (value is None and optional) or isinstance(value, kinds):
            return
        refuse_biometrics(field_name(instance, attribute), value)
        names = " or ".join(kind.__name__ for kind in kinds)
        raise EventError(field_name(instance, attribute), value, f"must be {names}")

    return validate


def aware_time(name: str, value: object) -> datetime:
    """Return an aware datetime in UTC, or refuse it."""
    if not isinstance(value, datetime):
        raise EventError(name, value, "must be a datetime")
    if value.tzinfo is None or value.utcoffset() is None:
        raise EventError(name, value, "must be aware of its time zone, e.g. datetime.now(UTC)")
    if type(value) is not datetime:
        value = datetime.combine(value.date(), value.timetz())
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise EventError(name, value, "must lie within years 1 to 9999 in UTC") from None


def frozen_mapping(name: str, values: object) -> Mapping[str, AttributeValue]:
    """Return a read-only copy of a mapping of the host's own values, each checked.

    Raises:
        EventError: Not a mapping, too many, a bad name, or a value of another type or size.
    """
    if not isinstance(values, Mapping):
        refuse_biometrics(name, values)
        raise EventError(name, values, "must be a mapping of names to values")
    if len(values) > MAXIMUM_ATTRIBUTES:
        raise EventError(name, values, f"must have at most {MAXIMUM_ATTRIBUTES} names")
    checked: dict[str, AttributeValue] = {}
    for key, value in values.items():
        normal = _attribute_name(name, key)
        if normal in checked:
            raise EventError(f"{name}[{normal}]", key, "must not be given twice (after NFC)")
        checked[normal] = _attribute_value(f"{name}[{normal}]", value)
    return FrozenMapping(checked)


def _attribute_name(name: str, key: object) -> str:
    normal = normal_text(f"{name} name", key, maximum=MAXIMUM_ATTRIBUTE_NAME)
    if len(normal.encode()) > MAXIMUM_ATTRIBUTE_NAME:
        raise EventError(
            f"{name} name", key, f"must have at most {MAXIMUM_ATTRIBUTE_NAME} bytes in UTF-8"
        )
    return normal


def _attribute_value(name: str, value: object) -> AttributeValue:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > MAXIMUM_ATTRIBUTE_BYTES and _names_biometrics(name):
            rule = f"text must have at most {MAXIMUM_ATTRIBUTE_BYTES} characters; {_BIOMETRIC_HINT}"
            raise EventError(name, value, rule)
        return normal_text(name, value, maximum=MAXIMUM_ATTRIBUTE_TEXT, controls=True)
    if isinstance(value, int):
        if abs(value) > MAXIMUM_INTEGER:
            raise EventError(name, value, "must fit into 64 bits")
        return int(value)
    if isinstance(value, datetime):
        return aware_time(name, value)
    if isinstance(value, bytes):
        if len(value) > MAXIMUM_ATTRIBUTE_BYTES or _names_biometrics(name):
            rule = f"bytes must be at most {MAXIMUM_ATTRIBUTE_BYTES} long; {_BIOMETRIC_HINT}"
            raise EventError(name, value, rule)
        return bytes(value)
    refuse_biometrics(name, value)
    rule = "must be text, a whole number, a boolean, a datetime or short bytes"
    if isinstance(value, float):
        rule += "; give a real number as a whole number with its unit in the name"
    raise EventError(name, value, rule)


def _names_biometrics(name: str) -> bool:
    return name.partition("[")[2].removesuffix("]").lower() in _NAMES_OF_BIOMETRICS


def refuse_biometrics(name: str, value: object) -> None:
    """Refuse what can carry biometric data, saying why.

    Arrays (anything with a buffer, a shape or an array interface), images, byte strings and
    sequences are refused by type, whatever they hold.

    Raises:
        EventError: The value is of such a type.
    """
    carries = isinstance(value, (bytes, bytearray, memoryview, list, tuple, set, frozenset))
    if carries or any(hasattr(value, mark) for mark in ("__array__", "__array_interface__")):
        raise EventError(name, value, _BIOMETRIC_HINT)
    if any(hasattr(value, mark) for mark in _MARKS):
        raise EventError(name, value, _BIOMETRIC_HINT)
