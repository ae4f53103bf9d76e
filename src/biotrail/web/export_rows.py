"""Records as lines of JSON and as rows of columns, at the speed of a whole log.

What a line says is what the API says of the record. Entries were held against the tree before, so
that their bytes are only taken apart here, not checked again.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cbor2

from biotrail.canonical import split_entry
from biotrail.canonical.owners import owners_of
from biotrail.query import Record, VerifiedEntry
from biotrail.query.record import OWNERS
from biotrail.web.shapes import Shown, encoded

__all__ = ["COLUMNS", "Proven", "columns_of", "json_lines", "row_of"]

Proven = Callable[[Record], VerifiedEntry]
"""Makes of a record the answer that it is."""

COLUMNS: Final = (
    "index",
    "kind",
    "recorded",
    "leaf_hash",
    "id",
    "occurred",
    "action",
    "target",
    "modality",
    "decision",
    "outcome",
    "reason",
    "tenant",
    "subject",
    "actor",
    "matcher",
    "version",
    "comparison",
    "threshold_micro",
    "other",
    "gone",
)
"""The columns of tables, but for personal fields that are revealed.

``subject`` and ``actor`` are the random references of the entry. ``other`` is what an entry says
besides, as JSON; of kinds other than events all of it.
"""

_OF_CONTENT: Final = COLUMNS[5:15]
_OF_COMPARISON: Final = ("matcher", "version", "decision", "threshold_micro")


def _hexadecimal(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_encode = json.JSONEncoder(
    default=_hexadecimal, allow_nan=False, separators=(",", ":"), check_circular=False
).encode
_BETWEEN: Final = secrets.token_hex(16)
_states: dict[tuple[int, ...], str] = {}


class _Said(NamedTuple):
    """What an entry says, taken apart."""

    kind: str
    recorded: str
    prev: bytes
    content: dict[str, Any]


def json_lines(records: Sequence[Record], revealed: tuple[str, ...], proven: Proven) -> bytes:
    """Records as lines of JSON, each with its end: as the API shows them."""
    if revealed or any(one.gone for one in records):
        shown = [Shown(proven(one), revealed).document() for one in records]
        return b"".join([encoded(one) + b"\n" for one in shown])
    said = [_said(one) for one in records]
    # One call for all is faster than one for each; no text of a log's can be what parts them.
    contents: list[Any] = [_BETWEEN] * (2 * len(said) - 1)
    contents[::2] = map(_words, said)
    texts = _encode(contents)[1:-1].split(f',"{_BETWEEN}",')
    lines = [
        f'{{"index":{record.index},"kind":"{one.kind}","recorded":"{one.recorded}",'
        f'"leaf_hash":"{record.leaf_hash.hex()}","prev":"{one.prev.hex()}",'
        f'"content":{text},"payload":{_sealed(one)},"personal":{{}}}}\n'
        for record, one, text in zip(records, said, texts, strict=True)
    ]
    return "".join(lines).encode("ascii")


def columns_of(revealed: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table: for each personal field that is revealed its value and its state."""
    return (*COLUMNS, *(f"personal.{name}{end}" for name in revealed for end in ("", ".state")))


def row_of(record: Record, revealed: tuple[str, ...], proven: Proven) -> list[Any]:
    """A record as a row: text, whole numbers and None."""
    said = _said(record)
    content = dict(said.content)
    row: list[Any] = [record.index, said.kind, said.recorded, record.leaf_hash.hex()]
    if said.kind == "event":
        row.append(_id_text(content.pop("id")))
        row += [_plain(content.pop(name, None)) for name in _OF_CONTENT]
        comparison = dict(content.pop("comparison", {}))
        row += [comparison.pop(name, None) for name in _OF_COMPARISON]
        content.pop("payload", None)
        if comparison:
            content["comparison"] = comparison
        if type(content.get("ip")) is bytes:
            content["ip"] = str(ipaddress.ip_address(content["ip"]))
    else:
        row += [None] * (len(COLUMNS) - 6)
    row.append(_encode(content) if content else None)
    row.append(", ".join(f"{one.owner}: {one.how}" for one in record.gone) or None)
    if revealed:
        shown = Shown(proven(record), revealed).personal()
        for name in revealed:
            found = shown.get(name, {"state": "none"})
            value = found.get("value")
            row += [_plain(value), found["state"]]
    return row


def _said(record: Record) -> _Said:
    head = split_entry(record.data)
    ((kind, content),) = cbor2.loads(head.body).items()
    return _Said(kind, head.recorded, head.prev, content)


def _words(said: _Said) -> dict[str, Any]:
    """The content in the words of the API."""
    content = said.content
    if said.kind != "event":
        return content
    content = {**content, "id": _id_text(content["id"])}
    if type(content.get("ip")) is bytes:
        content["ip"] = str(ipaddress.ip_address(content["ip"]))
    return content


def _sealed(said: _Said) -> str:
    """What is said of personal fields of which nothing is gone and nothing shown."""
    content = said.content
    if said.kind != "event" or "payload" not in content:
        return "{}"
    owners = tuple(owners_of(content.get("subject"), content.get("actor")))
    known = _states.get(owners)
    if known is None:
        states = {OWNERS[one]: {"state": "sealed"} for one in owners}
        known = _states[owners] = _encode(states)
    return known


def _id_text(value: bytes) -> str:
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, int):
        return value
    return value.hex() if type(value) is bytes else _encode(value)
