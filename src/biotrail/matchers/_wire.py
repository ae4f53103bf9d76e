"""What the landmark worker and its parent say to each other over two pipes.

A frame is a length (4 bytes, big-endian, of what follows), a kind (1 byte) and a body::

    parent to worker   START   JSON {"maximum_faces": n, "minimum_confidence_micro": n,
                               "video": bool, "shared": file descriptor or -1}
                       MODEL   the bytes of the .task file
                       DETECT  width (4), height (4), milliseconds (8; for video, else 0), then
                               width x height x 3 bytes, RGB, unless these lie in shared memory
    worker to parent   READY   JSON {"mediapipe": version, "namespace": bool, "filter": bool, ...}
                       FACES   count (1), then of each face, as float32 (little-endian):
                               478 x 3 landmarks, in units of the image's width (x, z) and
                               height (y); 52 blendshapes; 4 x 4 transformation, row by row
                       REFUSED JSON {"reason": word, "message": text}

Nothing is unpickled; lengths are bounded on both sides before memory is taken.
"""

from __future__ import annotations

import enum
import struct
from typing import BinaryIO

__all__ = [
    "FACE_BYTES",
    "HEAD",
    "MAXIMUM_REPLY",
    "MAXIMUM_REQUEST",
    "PICTURE",
    "POINTS",
    "SHARED_BYTES",
    "Kind",
    "read_frame",
    "write_frame",
]

MAXIMUM_REQUEST = 32 * 1024 * 1024
MAXIMUM_REPLY = 64 * 1024
POINTS, BLENDSHAPES, MATRIX = 478 * 3, 52, 16
FACE_BYTES = (POINTS + BLENDSHAPES + MATRIX) * 4
SHARED_BYTES = 4 * 1024 * 1024
"""Room for the pixels of one image in shared memory; larger ones go through the pipe."""
PICTURE = struct.Struct(">IIq")
HEAD = struct.Struct(">IB")


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
    stream.write(HEAD.pack(1 + sum(len(part) for part in parts), kind))
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
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    length, kind = HEAD.unpack(head)
    if not 1 <= length <= maximum:
        raise ValueError(f"a frame of {length} bytes; at most {maximum} are read")
    body = stream.read(length - 1)
    return (Kind(kind), body) if len(body) == length - 1 else None
