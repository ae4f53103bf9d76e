"""Entries: the bytes that the log records, and the leaves of its tree.

An entry is ``[version, index, prev, recorded, body]`` in deterministic CBOR. The head up to
`recorded` is written at commit time; the body is encoded before, in the caller's thread, and
stands in the entry unchanged. The head has a fixed layout, so framing is concatenation::

    85 01 <index> 58 20 <prev: 32 bytes> 78 1b <recorded: 27 bytes> <body>

`prev` is the leaf hash of the entry before (32 zero bytes at index 0): the hash chain and the
Merkle tree are over the same leaves. The body is a map of one pair, kind to content.
"""

from __future__ import annotations

from datetime import datetime

import attrs
import cbor2

from biotrail.canonical.cbor import CborValue, decode_value, encode_value
from biotrail.canonical.event_pattern import body_of_plain_event, matches_event
from biotrail.canonical.schema import check_content
from biotrail.canonical.times import TIME_LENGTH, parse_time
from biotrail.errors import CanonicalError

__all__ = [
    "ENTRY_VERSION",
    "FIRST_PREV",
    "MAXIMUM_ENTRY_SIZE",
    "Entry",
    "Head",
    "decode_entry",
    "encode_body",
    "encode_unsigned",
    "frame_entry",
    "split_entry",
]

ENTRY_VERSION = 1
FIRST_PREV = bytes(32)
MAXIMUM_ENTRY_SIZE = 65_535
"""C2SP tlog-tiles writes an entry's length in 16 bits."""
_HEAD = b"\x85\x01"
_PREV = b"\x58\x20"
_RECORDED = b"\x78\x1b"


@attrs.frozen
class Head:
    """The fixed head of an entry, and its body's bytes.

    Attributes:
        index: Zero-based index in the log.
        prev: Leaf hash of the entry before, 32 bytes.
        recorded: Time of recording, as text.
        body: The body's bytes.
    """

    index: int
    prev: bytes
    recorded: str
    body: bytes


@attrs.frozen
class Entry:
    """An entry, decoded and checked against its form; what it says is not proven yet.

    Attributes:
        index: Zero-based index in the log.
        prev: Leaf hash of the entry before, 32 bytes.
        recorded: Time of recording, in UTC.
        kind: Kind of the body, e.g. ``"event"``.
        content: The body's content.
    """

    index: int
    prev: bytes
    recorded: datetime
    kind: str
    content: dict[str, CborValue]


def encode_unsigned(value: int) -> bytes:
    """A non-negative integer below 2**64 in the shortest form of RFC 8949 §3."""
    if value < 24:
        return bytes((value,))
    if value < 0x100:
        return b"\x18" + value.to_bytes(1, "big")
    if value < 0x10000:
        return b"\x19" + value.to_bytes(2, "big")
    if value < 0x1_0000_0000:
        return b"\x1a" + value.to_bytes(4, "big")
    return b"\x1b" + value.to_bytes(8, "big")


def encode_body(kind: str, content: dict[str, CborValue]) -> bytes:
    """Encode a body of any kind, checked against the kind's form.

    Raises:
        CanonicalError: The content is not of this kind's form.
    """
    check_content(kind, content)
    return encode_value({kind: content})


def frame_entry(index: int, prev: bytes, recorded: str, body: bytes) -> bytes:
    """Put the head before a body.

    Raises:
        CanonicalError: The entry would exceed 65,535 bytes.
    """
    entry = b"".join(
        (_HEAD, encode_unsigned(index), _PREV, prev, _RECORDED, recorded.encode(), body)
    )
    if len(entry) > MAXIMUM_ENTRY_SIZE:
        raise CanonicalError(
            f"the entry would have {len(entry)} bytes; at most {MAXIMUM_ENTRY_SIZE} are recorded"
        )
    return entry


_WIDTHS = {0x18: 1, 0x19: 2, 0x1A: 4, 0x1B: 8}


def split_entry(entry: bytes) -> Head:
    """Take the head off an entry, strictly; the body is not looked into.

    Raises:
        CanonicalError: The head is not in its one form.
    """
    first = entry[2] if len(entry) > 2 else 0xFF
    width = 0 if first < 0x18 else _WIDTHS.get(first, -1)
    if not entry.startswith(_HEAD) or width < 0 or len(entry) > MAXIMUM_ENTRY_SIZE:
        raise CanonicalError("not an entry of version 1")
    after = 3 + width
    index = first if width == 0 else int.from_bytes(entry[3:after], "big")
    prev_at, recorded_at = after + 2, after + 36
    body_at = recorded_at + TIME_LENGTH
    well_formed = (
        entry[2:after] == encode_unsigned(index)
        and entry[after:prev_at] == _PREV
        and entry[prev_at + 32 : recorded_at] == _RECORDED
        and len(entry) > body_at
    )
    if not well_formed:
        raise CanonicalError("the head of the entry is not in its one form")
    try:
        recorded = entry[recorded_at:body_at].decode("ascii")
    except UnicodeDecodeError:
        raise CanonicalError("the entry's time of recording is not ASCII") from None
    return Head(index, entry[prev_at : prev_at + 32], recorded, entry[body_at:])


def decode_entry(entry: bytes) -> Entry:
    """Decode an entry, accepting only what biotrail would have emitted.

    Raises:
        CanonicalError: Not canonical, or its body is not of its kind's form.
    """
    start = body_of_plain_event(entry)
    if start:
        return _plain_event(entry, start)
    head = split_entry(entry)
    kind, content = _decode_body(head.body)
    return Entry(head.index, head.prev, parse_time(head.recorded), kind, content)


def _plain_event(entry: bytes, start: int) -> Entry:
    """An event's entry whose form was looked through: what is left is to take it apart."""
    recorded_at = start - TIME_LENGTH
    prev_at = recorded_at - len(_RECORDED) - 32
    width = prev_at - len(_PREV) - 3
    return Entry(
        entry[2] if width == 0 else int.from_bytes(entry[3 : 3 + width], "big"),
        entry[prev_at : prev_at + 32],
        datetime.fromisoformat(entry[recorded_at:start].decode("ascii")),
        "event",
        cbor2.loads(entry[start:])["event"],
    )


def _decode_body(body: bytes) -> tuple[str, dict[str, CborValue]]:
    if matches_event(body, 0):
        return "event", cbor2.loads(body)["event"]
    value = decode_value(body)
    if not isinstance(value, dict) or len(value) != 1:
        raise CanonicalError("an entry's body is a map of exactly one kind")
    ((kind, content),) = value.items()
    check_content(kind, content)
    assert isinstance(content, dict)
    return kind, content
