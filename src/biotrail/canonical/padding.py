"""Padding of what is sealed: to one of few sizes, so that a length says little.

Up to 4,096 bytes to a power of two from 256 on, beyond to a multiple of 8,192. Specified in
``docs/spec/payload.md``.
"""

from __future__ import annotations

from biotrail.errors import CanonicalError

__all__ = ["BUCKETS", "LARGEST_BUCKET", "padded", "padded_size", "unpadded"]

BUCKETS = (256, 512, 1024, 2048, 4096)
"""Sizes that are padded to, in bytes; beyond these, multiples of the next."""
LARGEST_BUCKET = 8192
"""Bytes of which longer texts take a multiple."""
_PADDING = b"\x80" + bytes(LARGEST_BUCKET)


def padded(plain: bytes) -> bytes:
    """Pad to a bucket, so that the length says little."""
    return plain + _PADDING[: padded_size(len(plain) + 1) - len(plain)]


def unpadded(plaintext: bytes) -> bytes:
    """Take the padding off.

    Raises:
        CanonicalError: It is not padded so.
    """
    marked = plaintext.rstrip(b"\x00")
    if marked[-1:] != b"\x80" or len(plaintext) != padded_size(len(marked)):
        raise CanonicalError("a sealed part is padded to its bucket with 80 and zeros")
    return marked[:-1]


def padded_size(size: int) -> int:
    """The size to which so many bytes are padded."""
    for one in BUCKETS:
        if size <= one:
            return one
    return -(-size // LARGEST_BUCKET) * LARGEST_BUCKET
