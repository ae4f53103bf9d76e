"""What the landmark worker and its parent say to each other over two pipes.

A frame is a length (4 bytes, big-endian, of what follows), a kind (1 byte) and a body::

    parent to worker   START   JSON {"maximum_faces": n, "minimum_confidence_micro": n}
                       MODEL   the bytes of the .task file
                       DETECT  width (4), height (4), then width x height x 3 bytes, RGB
    worker to parent   READY   JSON {"mediapipe": version, "namespace": bool, "filter": bool, ...}
                       FACES   count (1), then 478 x 3 float32 (little-endian) of each face,
                               in units of the image's width (x, z) and height (y)
                       REFUSED JSON {"reason": word, "message": text}

Nothing is unpickled; lengths are bounded on both sides before memory is taken.
"""

from __future__ import annotations

import enum
import struct
from typing import BinaryIO

__all__ = ["FACE_BYTES", "MAXIMUM_REPLY", "MAXIMUM_REQUEST", "Kind", "read_frame", "write_frame"]

MAXIMUM_REQUEST = 32 * 1024 * 1024
MAXIMUM_REPLY = 64 * 1024
FACE_BYTES = 478 * 3 * 4
SIZE = struct.Struct(">II")
_HEAD = struct.Struct(">IB")


class Kind(enum.IntEnum):
    """What a frame holds."""

    START = 1
    MODEL = 2
    DETECT = 3
    READY = 16
    FACES = 17
    REFUSED = 18


def write_frame(stream: BinaryIO, kind: Kind, *parts: bytes | memoryview) -> None:
    """Write one frame whose body is the parts one after another, and flush."""
    stream.write(_HEAD.pack(1 + sum(len(part) for part in parts), kind))
    for part in parts:
        stream.write(part)
    stream.flush()


def read_frame(stream: BinaryIO, *, maximum: int) -> tuple[Kind, bytes] | None:
    """Read one frame.

    Returns:
        Its kind and body, or None where the stream ended before or inside it.

    Raises:
        ValueError: The frame is empty, longer than `maximum`, or of an unknown kind.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, kind = _HEAD.unpack(head)
    if not 1 <= length <= maximum:
        raise ValueError(f"a frame of {length} bytes; at most {maximum} are read")
    body = stream.read(length - 1)
    return (Kind(kind), body) if len(body) == length - 1 else None
