"""The keyed sign projection: from an embedding to bits that mean something under one key only.

Specified in docs/spec/references.md, with vectors. Every step is hashing or whole numbers, so that
any implementation on any machine comes to the same bits:

1. The key is expanded by SHAKE-256 (FIPS 202) to a matrix of whole numbers from -4 to 4, one row a
   bit. Each is the number of ones in a byte, less 4: the centred binomial distribution that FIPS
   203 samples by, close to normal, so that no direction of an embedding is preferred.
2. The centre, if there is one, is subtracted from the embedding, in binary64, value by value.
3. What is left is scaled by a power of two and rounded to whole numbers of at most 2^30.
4. A bit is 1 where its row's sum of products is not negative.

It keeps the angle between embeddings, seen from the centre (a random row separates two of them in
proportion to it), and forgets their length. Embeddings of faces lie in a narrow cone: seen from
zero, two people are hardly farther apart than two pictures of one person, and bits are wasted on
what all have in common. Seen from the mean of many people's embeddings they are not.

Requirements and words: ISO/IEC 24745 (renewable biometric references).
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from biotrail.errors import MatcherError

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["ProjectionKey", "SignProjection"]

_KEY_DOMAIN = b"biotrail/sign-projection-key/1\n"
_MATRIX_DOMAIN = b"biotrail/sign-projection/1\n"
_KEY_SIZE = 32
_ID_SIZE = 8
_SCALE = 30
_LARGEST_DIMENSION = 8_192
_BITS = (64, 4_096)


class ProjectionKey:
    """The secret of a sign projection, 32 random bytes: one for each application.

    It is in no ``repr`` and no message; its `id` is in the model card, and so in the log.

    Args:
        secret: 32 bytes from a cryptographic source, or from the host's key store.

    Raises:
        MatcherError: Not 32 bytes.
    """

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        given: object = secret
        if not (isinstance(given, bytes) and len(given) == _KEY_SIZE):
            raise MatcherError(f"a projection key must be {_KEY_SIZE} bytes")
        self._secret = secret
        self.id = hashlib.sha256(_KEY_DOMAIN + secret).digest()[:_ID_SIZE].hex()
        """The first 8 bytes of a hash of the key, in hexadecimal digits: it names the key."""

    @classmethod
    def generate(cls) -> ProjectionKey:
        """A new random key."""
        return cls(os.urandom(_KEY_SIZE))

    def to_bytes(self) -> bytes:
        """The secret, for the host's key store."""
        return self._secret

    def __repr__(self) -> str:
        return f"ProjectionKey(id={self.id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a projection key is not pickled; fetch it from the key store")


class SignProjection:
    """The projection of one key for one model. Thread-safe.

    Args:
        key: The application's key.
        context: 32 bytes that say what is projected: the digest of the embedding's model card.
        dimension: Number of values in an embedding, up to 8,192.
        bits: Number of bits, a multiple of 8 from 64 to 4,096.
        centre: `dimension` values, no secret; None for zero.

    Raises:
        MatcherError: A number out of its range, or a centre of another shape.
    """

    def __init__(
        self,
        key: ProjectionKey,
        *,
        context: bytes,
        dimension: int,
        bits: int = 512,
        centre: Sequence[float] | None = None,
    ) -> None:
        import numpy

        if not _BITS[0] <= bits <= _BITS[1] or bits % 8:
            raise MatcherError(f"the bits must be a multiple of 8 from {_BITS[0]} to {_BITS[1]}")
        if not 1 <= dimension <= _LARGEST_DIMENSION:
            raise MatcherError(f"the dimension must lie between 1 and {_LARGEST_DIMENSION}")
        if len(context) != 32:
            raise MatcherError("the context must be a digest of 32 bytes")
        stream = numpy.frombuffer(_expand(key, context, dimension, bits), numpy.uint8)
        centred = numpy.array([byte.bit_count() - 4 for byte in range(256)], numpy.float64)
        self.rows = centred[stream].reshape(bits, dimension)
        """The matrix, float64, shape (bits, dimension): as secret as the key."""
        self.rows.setflags(write=False)
        self._centre = numpy.zeros(dimension) if centre is None else numpy.array(centre, float)
        if self._centre.shape != (dimension,) or not numpy.isfinite(self._centre).all():
            raise MatcherError(f"the centre must be {dimension} finite values")
        self.bits = bits
        """Number of bits."""

    def project(self, embedding: Vector) -> Vector:
        """The bits of an embedding, as float64 values 1 (bit 1) and -1 (bit 0).

        Args:
            embedding: float64, of the shape (dimension,), finite, not the centre itself.

        Raises:
            MatcherError: The embedding is the centre, or has another shape, NaN or infinity.
        """
        import numpy

        if embedding.shape != (self.rows.shape[1],):
            raise MatcherError(f"an embedding must have the shape ({self.rows.shape[1]},)")
        # Up to 8,192 products of at most 2^32 add up to less than 2^53, where binary64 is exact:
        # the sums are the same in whichever order a library adds.
        sums = self.rows @ whole_numbers(embedding - self._centre)
        signs = numpy.where(sums >= 0, 1.0, -1.0)
        signs.setflags(write=False)
        return signs


def whole_numbers(embedding: Vector) -> Vector:
    """An embedding, seen from the centre, in whole numbers: the largest has 30 binary digits.

    Raises:
        MatcherError: The embedding is zero, or holds NaN or infinity.
    """
    import numpy

    largest = float(numpy.abs(embedding).max())
    if not math.isfinite(largest) or largest == 0:
        raise MatcherError("an embedding must be finite, and not zero seen from the centre")
    _, exponent = math.frexp(largest)
    scaled: Vector = numpy.rint(numpy.ldexp(embedding, _SCALE - exponent))
    return scaled


def _expand(key: ProjectionKey, context: bytes, dimension: int, bits: int) -> bytes:
    """The bytes behind the matrix, row after row."""
    shape = struct.pack("<II", dimension, bits)
    sponge = hashlib.shake_256(_MATRIX_DOMAIN + key.to_bytes() + context + shape)
    return sponge.digest(bits * dimension)
