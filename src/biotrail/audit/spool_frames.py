"""Frames of a spool: see `biotrail.audit.spool`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from biotrail.canonical import (
    decode_event,
    decode_payload,
    decode_value,
    encode_event,
    encode_value,
    format_time,
    parse_time,
)
from biotrail.canonical.payload import SALT_SIZE
from biotrail.errors import CanonicalError
from biotrail.events import Event

__all__ = ["data_of", "event_of", "framed", "frames", "good_end"]

CLEAR_VERSION = 1
_LENGTH = 4
_DIGEST = 32


def event_of(data: bytes) -> tuple[datetime, Event]:
    """The event in a frame's data that is in the clear, and when it was spooled.

    Raises:
        CanonicalError: It holds no such thing.
    """
    try:
        value = decode_value(data)
        if not isinstance(value, list) or len(value) != 4 or value[0] != CLEAR_VERSION:
            raise CanonicalError("not a frame of version 1")
        _, moment, body, payload = value
        content = decode_value(body)["event"]  # type: ignore[arg-type,call-overload,index]
        fields = None if payload is None else decode_payload(payload).fields  # type: ignore[arg-type]
        return parse_time(moment), decode_event(content, fields)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise CanonicalError(str(error)) from error


def data_of(event: Event, moment: datetime) -> bytes:
    """An event as a frame's data, in the clear."""
    encoded = encode_event(event, subject=None, salt=bytes(SALT_SIZE))
    return encode_value([CLEAR_VERSION, format_time(moment), encoded.body, encoded.payload])


def framed(data: bytes) -> bytes:
    """A whole frame."""
    return len(data).to_bytes(_LENGTH, "big") + sha256(data).digest() + data


def frames(data: bytes) -> Iterator[bytes]:
    """The data of each frame, up to the first that is not whole."""
    at = 0
    while frame := _frame_at(data, at):
        yield frame
        at += _LENGTH + _DIGEST + len(frame)


def _frame_at(data: bytes, at: int) -> bytes:
    start = at + _LENGTH + _DIGEST
    length = int.from_bytes(data[at : at + _LENGTH], "big")
    frame = data[start : start + length]
    whole = len(frame) == length and sha256(frame).digest() == data[at + _LENGTH : start]
    return frame if whole else b""


def good_end(data: bytes) -> int:
    """Where the whole frames end."""
    return sum(_LENGTH + _DIGEST + len(frame) for frame in frames(data))
