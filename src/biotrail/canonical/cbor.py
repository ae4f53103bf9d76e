"""Deterministic CBOR: RFC 8949 §4.2.1, narrowed to what a record needs.

The rules, kept by both directions:

- integers (64-bit range, either sign), byte strings, text, arrays, maps, true, false, null;
  no floats, no tags, no indefinite lengths;
- map keys are text of 1 to 23 bytes: at that length bytewise order (§4.2.1) and length-first
  order (§4.2.3) agree, so any canonical encoder of either school emits the same bytes;
- text is in Unicode normalisation form C;
- nesting goes at most 8 deep.

`decode_value` accepts only what `encode_value` would emit. ``cbor2`` does the encoding of single
items; its canonical mode is not §4.2.1 and its decoder is lenient, so neither is relied upon.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TypeAlias

import cbor2

from biotrail.errors import CanonicalError

__all__ = ["MAXIMUM_DEPTH", "MAXIMUM_KEY_BYTES", "CborValue", "decode_value", "encode_value"]

CborItem: TypeAlias = int | bytes | str | bool | None
CborValue: TypeAlias = "CborItem | list[CborValue] | tuple[CborValue, ...] | dict[str, CborValue]"
MAXIMUM_KEY_BYTES = 23
MAXIMUM_DEPTH = 8
_LEAST, _MOST = -(2**64), 2**64 - 1


def encode_value(value: CborValue) -> bytes:
    """Encode a value in its one canonical form.

    Raises:
        CanonicalError: The value, or one inside it, has no canonical form here.
    """
    return cbor2.dumps(_ordered(value, 0))


def decode_value(data: bytes) -> CborValue:
    """Decode bytes that are exactly one value in canonical form.

    Raises:
        CanonicalError: Not CBOR, or not the bytes that `encode_value` would emit.
    """
    try:
        value: CborValue = cbor2.loads(data)
        again = encode_value(value)
    except CanonicalError:
        raise
    except RecursionError:
        raise CanonicalError(f"nested deeper than {MAXIMUM_DEPTH}") from None
    # The decoder is handed hostile bytes, and its failures are of many kinds: each means the same.
    except Exception as error:
        raise CanonicalError(f"not CBOR: {type(error).__name__}: {error}") from None
    if again != data:
        raise CanonicalError(
            "not canonical CBOR: re-encoding the value gives other bytes (unsorted or repeated "
            "keys, a number longer than needed, an indefinite length, or trailing bytes)"
        )
    return value


def _ordered(value: CborValue, depth: int) -> CborValue:
    """The same value with every map in canonical order, each item checked."""
    kind = type(value)
    if kind is str:
        return _checked_text(value)  # type: ignore[arg-type] # its exact type was just read
    if kind is int:
        if not _LEAST <= value <= _MOST:  # type: ignore[operator]
            raise CanonicalError("integers must fit into 64 bits")
        return value
    if value is None or kind is bytes or kind is bool:
        return value
    if depth >= MAXIMUM_DEPTH:
        raise CanonicalError(f"nested deeper than {MAXIMUM_DEPTH}")
    if isinstance(value, dict):
        return _ordered_map(value, depth)
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    raise CanonicalError(f"{kind.__name__} has no canonical form; floats and tags are not used")


def _ordered_map(value: dict[str, CborValue], depth: int) -> CborValue:
    return {key: _ordered(value[key], depth + 1) for key in _in_order(tuple(value))}


@lru_cache(maxsize=4096)
def _in_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys in canonical order, each checked; the same few sets of keys come again and again."""
    return tuple(sorted(keys, key=_key))


def _key(key: object) -> tuple[int, bytes]:
    if type(key) is not str:
        raise CanonicalError(f"map keys must be text, not {type(key).__name__}")
    encoded = _checked_text(key).encode()
    if not 1 <= len(encoded) <= MAXIMUM_KEY_BYTES:
        raise CanonicalError(f"map keys must have 1 to {MAXIMUM_KEY_BYTES} bytes in UTF-8")
    return len(encoded), encoded


def _checked_text(value: str) -> str:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CanonicalError("text must not contain lone surrogates") from None
    if not unicodedata.is_normalized("NFC", value):
        raise CanonicalError("text must be in Unicode normalisation form C")
    return value
