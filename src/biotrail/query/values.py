"""Values in questions: checked, brought into one form, compared, and written as text."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from unicodedata import normalize
from uuid import UUID

from biotrail.canonical import format_time
from biotrail.errors import QueryError
from biotrail.query.fields import Field, tagged

__all__ = ["checked", "comparable", "read_value", "write_value"]

KEYWORDS = frozenset(
    ("and", "or", "not", "in", "within", "km", "of", "starts", "with", "exists", "true", "false")
)
_MILLION = 1_000_000
_MOST_DIGITS = 12
_LONGEST_TEXT = 1_024
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./:@-]*")
_OWN_REASON = "host."


def checked(field: Field, value: object) -> Any:
    """A value in the one form in which a condition keeps it.

    Raises:
        QueryError: The field has no such values.
    """
    found = _CHECKS[field.kind](field, value)
    return found


def comparable(field: Field, value: Any) -> Any:
    """A checked value in the form in which a record has it; see `Field.read`."""
    if field.kind == "decimal":
        return int(value * _MILLION)
    if field.kind == "time":
        return format_time(value)
    if field.kind == "id":
        return value.bytes
    if field.kind == "address":
        return value.packed
    return tagged(value) if field.kind == "any" else value


def read_value(field: Field, text: str, *, quoted: bool) -> Any:
    """The value that a text stands for.

    Raises:
        QueryError: It stands for none that the field has.
    """
    if field.kind == "whole":
        if not _WHOLE.fullmatch(text):
            raise _unfit(field, "a whole number")
        return checked(field, int(text))
    if field.kind == "any" and not quoted:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        if _WHOLE.fullmatch(text):
            return checked(field, int(text))
    return checked(field, text)


def write_value(field: Field, value: Any) -> str:
    """A checked value as text that `read_value` reads."""
    if field.kind == "decimal":
        return _decimal_text(value)
    if field.kind == "time":
        return format_time(value)
    if type(value) is bool:
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    return write_text(value)


def write_text(value: str) -> str:
    """Text as it stands in a condition: bare where it can be, else in quotes."""
    if _BARE.fullmatch(value) and value.lower() not in KEYWORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def plain_text(value: object, what: str) -> str:
    """Text in form C, not empty, that is not too long.

    Raises:
        QueryError: It is something else.
    """
    if not isinstance(value, str):
        raise QueryError(f"{what} is compared with text, not with {type(value).__name__}")
    text = normalize("NFC", str(value))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError(f"{what} is compared with text that is not Unicode") from None
    if not 0 < len(text) <= _LONGEST_TEXT:
        raise QueryError(f"{what} is compared with text of 1 to {_LONGEST_TEXT} characters")
    return text


def _unfit(field: Field, what: str) -> QueryError:
    return QueryError(f"{field.name} is compared with {what}")


def _text(field: Field, value: object) -> str:
    return plain_text(value, field.name)


def _word(field: Field, value: object) -> str:
    word = plain_text(value, field.name)
    is_own = field.name == "reason" and word.startswith(_OWN_REASON)
    if word in field.words or is_own:
        return word
    close = get_close_matches(word.lower(), field.words, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"it is one of {', '.join(field.words)}"
    raise QueryError(f"{field.name} is never {word!r}; {hint}")


def _whole(field: Field, value: object) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise _unfit(field, "a whole number below 2**63")
    return value


def _decimal(field: Field, value: object) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
            raise _unfit(field, "a number")
        if isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS:
            raise _unfit(field, "a finite number")  # Python writes none of 4,300 digits
        # As recorded: a float is rounded to millionths; a text says exactly what it means.
        number = Decimal(str(round(value, 6) if isinstance(value, float) else value))
        if not number.is_finite() or (number and number.adjusted() >= _MOST_DIGITS):
            raise _unfit(field, "a finite number")
        rounded = number.quantize(Decimal("0.000001"))
    except InvalidOperation:
        raise _unfit(field, "a number such as 0.5") from None
    if rounded != number:
        raise _unfit(field, "a number of at most six decimals, as it is recorded")
    return abs(rounded).normalize() if not rounded else rounded.normalize()


def _time(field: Field, value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _unfit(field, "a time such as 2026-11-23 or 2026-11-23T11:34:00Z") from None
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _unfit(field, "an aware datetime")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _unfit(field, "a time of the years 1 to 9999") from None


def _id(field: Field, value: object) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(_text(field, value))
    except ValueError:
        raise _unfit(field, "an event's id, a UUID") from None


def _address(field: Field, value: object) -> IPv4Address | IPv6Address:
    try:
        if isinstance(value, (str, IPv4Address, IPv6Address)):
            found = ip_address(value)
            return ip_address(found.packed)  # a zone is no part of an address
    except ValueError:
        pass
    raise _unfit(field, "an IP address; for a network say: ip in 192.0.2.0/24")


def _place(field: Field, value: object) -> Any:
    raise QueryError(
        "a location is not compared: ask for `location within 50 km of 52.52,13.405`, or for "
        "country, region or city"
    )


def _any(field: Field, value: object) -> Any:
    if type(value) is bool:
        return value
    if type(value) is int:
        return _whole(field, value)
    if isinstance(value, datetime):
        return format_time(_time(field, value))
    return plain_text(value, field.name)


def _decimal_text(value: Decimal) -> str:
    return format(value, "f")


_CHECKS = {
    "text": _text,
    "word": _word,
    "whole": _whole,
    "decimal": _decimal,
    "time": _time,
    "id": _id,
    "address": _address,
    "place": _place,
    "any": _any,
}
