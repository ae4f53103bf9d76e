"""What a record says, in words for people: labels, numbers, times, and who vouches for what."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

__all__ = ["LABELS", "Row", "decimal", "label", "moment", "rows", "visible"]

_MICRO = "_micro"
_VOUCHED = {
    "attested": "attested",
    "observed": "observed",
    "proxy_asserted": "asserted by a proxy",
    "client_claimed": "claimed by the client",
}

LABELS: Mapping[str, str] = {
    "id": "Event id",
    "os": "Operating system",
    "ip": "IP address",
    "pad": "Presentation attack detection",
    "accuracy_m": "Accuracy (m)",
    "attributes": "Attributes",
    "device_id": "Device",
    "device_model": "Device model",
    "digest": "Model card (SHA-256)",
    "factors": "Other factors",
    "gallery_size": "Gallery size",
    "leaf_hash": "Leaf hash",
    "location": "Location",
    "prev": "Leaf hash before",
    "request_id": "Request id",
    "session_id": "Session",
    "trace_id": "Trace id",
    "type": "Comparison type",
    "user_agent": "User agent",
}


@attrs.frozen
class Row:
    """A value with its name.

    Attributes:
        label: Its name in words.
        value: The value in words.
        vouched: Who vouches for it, in words; None where nobody is recorded.
        exact: Whether it is to be read letter by letter: a hash, an id.
    """

    label: str
    value: str
    vouched: str | None = None
    exact: bool = False


def decimal(micro: int) -> str:
    """Whole millionths as a decimal number, without zeros at its end."""
    whole, fraction = divmod(abs(micro), 1_000_000)
    digits = f"{fraction:06d}".rstrip("0")
    return f"{'-' if micro < 0 else ''}{whole:,}{'.' if digits else ''}{digits}"


def label(name: str) -> str:
    """A field's name in words; a host's own name stays as it is."""
    place, dot, own = name.partition(".")
    if dot and place in ("labels", "attributes"):
        return visible(own)
    if dot:
        return f"{label(place)}: {own.removesuffix(_MICRO).replace('_', ' ')}"
    name = name.removesuffix(_MICRO)
    return LABELS.get(name, name.replace("_", " ").capitalize())


def moment(value: str | datetime | None) -> str:
    """A time in UTC to the millisecond; the zone is said beside it."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{value[:10]} {value[11:23]}"


def visible(text: str) -> str:
    """Text with what does not print as escapes: nothing steers the eye or the line."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )


def rows(values: Mapping[str, Any], provenance: Mapping[str, str], within: str = "") -> list[Row]:
    """Names and values in words, one row each; maps inside are spread.

    Args:
        values: What is said, in the words and units of the entry's specification.
        provenance: Who vouches for which field.
        within: Name of what these are in, with a dot.
    """
    return list(_rows(values, provenance, within))


def _rows(values: Mapping[str, Any], provenance: Mapping[str, str], within: str) -> Iterator[Row]:
    for name, value in values.items():
        full = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from _rows(value, provenance, f"{full}.")
            continue
        vouched = provenance.get(full.partition(".")[0])
        words = None if vouched is None else _VOUCHED.get(vouched, visible(vouched))
        exact = isinstance(value, bytes) or name in ("id", "trace_id", "request_id", "key")
        yield Row(label(full), _in_words(name, value), words, exact)


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        return _address(value) if name == "ip" and len(value) in (4, 16) else value.hex()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return decimal(value) if name.endswith(_MICRO) else f"{value:,}"
    if isinstance(value, (list, tuple)):
        return "; ".join(_item(one) for one in value)
    return visible(str(value))


def _item(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{label(key)} {_in_words(key, one)}" for key, one in value.items())
    return _in_words("", value)


def _address(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
