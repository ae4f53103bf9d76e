"""Recorded values in words: for people, and exactly for machines."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from biotrail.canonical import format_time
from biotrail.cli._records import Record

__all__ = ["address", "decimal", "document", "exact", "spread", "who"]

_MICRO = "_micro"


def decimal(micro: object) -> str:
    """Whole millionths as a decimal number, exactly; ``-`` for None."""
    if not isinstance(micro, int):
        return "-"
    whole, fraction = divmod(abs(micro), 1_000_000)
    return f"{'-' if micro < 0 else ''}{whole}.{fraction:06d}"


def address(packed: object) -> str:
    """An IP address from its 4 or 16 bytes; ``-`` for None."""
    if packed is None:
        return "-"
    try:
        return str(ipaddress.ip_address(packed))  # type: ignore[arg-type] # raises ValueError
    except ValueError:
        return repr(packed)


def who(record: Record) -> str:
    """Who acted, else whose biometric it was; ``-`` where the payload does not say."""
    for name in ("actor", "subject"):
        person = record.personal.get(name)
        if isinstance(person, dict) and "id" in person:
            return str(person["id"])
    return "-" if record.payload in ("none", "opens") else f"({record.payload})"


def exact(value: Any, name: str = "") -> Any:
    """A recorded value as JSON: bytes in hexadecimal, an address and an event id in their form."""
    if isinstance(value, Mapping):
        return {key: exact(item, key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    if isinstance(value, bytes):
        if name == "ip":
            return address(value)
        return str(UUID(bytes=value)) if name == "id" and len(value) == 16 else value.hex()
    return value


def document(record: Record) -> dict[str, Any]:
    """A record as JSON, in the words and units of the entry's specification."""
    found: dict[str, Any] = {"index": record.index, "leaf_hash": record.leaf_hash.hex()}
    if record.fault is not None:
        found["fault"] = record.fault
    if record.entry is None:
        return {**found, "entry": record.data.hex()}
    return {
        **found,
        "recorded": format_time(record.entry.recorded),
        "prev": record.entry.prev.hex(),
        "kind": record.entry.kind,
        "content": exact(record.entry.content),
        "payload": record.payload,
        "personal": exact(record.personal) or None,
        **_withheld(record),
    }


def _withheld(record: Record) -> dict[str, Any]:
    """What of the personal fields is not shown, and why."""
    found: dict[str, Any] = {}
    if record.sealed:
        found["sealed"] = list(record.sealed)
    if record.gone:
        found["gone"] = [
            {
                "owner": one.owner,
                "how": one.how,
                "index": one.index,
                "recorded": None if one.recorded is None else format_time(one.recorded),
                "reason": one.reason,
                "legal_basis": one.legal_basis,
            }
            for one in record.gone
        ]
    return found


def spread(values: Mapping[str, Any], *, within: str = "") -> Iterator[tuple[str, str]]:
    """Names and values in words, one pair a line: ``location.city``, ``score``."""
    for name, value in values.items():
        full = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from spread(value, within=f"{full}.")
        elif name.endswith(_MICRO) and isinstance(value, int):
            yield full.removesuffix(_MICRO), decimal(value)
        else:
            yield full, _word(exact(value, name))


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
