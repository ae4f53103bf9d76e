"""Strict reading of the small texts of C2SP: decimal numbers, base64, names.

Every function accepts exactly one spelling of a value, the one that biotrail would write.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from biotrail.errors import MalformedError
from biotrail.tlog.hashing import HASH_SIZE

MAX_SIZE = 2**63 - 1
"""Largest tree size: what a signed 64-bit integer holds, as in other implementations."""

_LONGEST_NUMBER = len(str(MAX_SIZE))


def read_number(text: str, what: str) -> int:
    """Return the number that ASCII decimal digits say, without sign or leading zero."""
    plain = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    number = int(text) if plain else -1
    if number < 0 or number > MAX_SIZE or str(number) != text:
        raise MalformedError(f"{what} is not a plain decimal number below 2**63: {text[:40]!r}")
    return number


def write_base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def read_base64(text: str, what: str) -> bytes:
    """Return the bytes of canonical standard base64: with padding, and spare bits zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if not text or write_base64(data) != text:
        raise MalformedError(f"{what} is not canonical base64: {text[:60]!r}")
    return data


def read_hash(text: str, what: str) -> bytes:
    """Return the 32 bytes of a hash in base64."""
    data = read_base64(text, what)
    if len(data) != HASH_SIZE:
        raise MalformedError(f"{what} has {len(data)} bytes, a hash has {HASH_SIZE}")
    return data


@lru_cache(maxsize=256)
def check_name(name: str, what: str) -> None:
    """Refuse a name that is empty, or has a space, a plus sign, or a character below 0x20."""
    unfit = not name or "+" in name or any(letter.isspace() or letter < " " for letter in name)
    if unfit or not is_encodable(name):
        raise MalformedError(
            f"{what} must be non-empty UTF-8 without spaces, plus signs and control characters: "
            f"{name[:80]!r}"
        )


def is_encodable(text: str) -> bool:
    """Tell whether a text has a UTF-8 form (a lone surrogate has none)."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
