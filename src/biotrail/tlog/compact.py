"""The compact range: a whole tree kept as the roots of its perfect subtrees.

A tree of ``size`` leaves falls into one perfect subtree for every one bit of ``size``, the largest
on the left. Their roots are all that is needed to append leaves and to calculate the root hash, so
a log of any length is carried in at most 63 hashes (RFC 9162 section 2.1.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice

from biotrail.tlog.hashing import EMPTY_ROOT, HASH_SIZE, check_hashes, parents

__all__ = ["CompactRange"]

_CHUNK = 8192
_FEW = 24


class CompactRange:
    """A growing tree, as the roots of its maximal perfect subtrees.

    Attributes:
        size: Number of leaves.
        hashes: Roots of the maximal perfect subtrees, from left (largest) to right; as many as
            ``size`` has one bits.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take up a tree where it was left, or start an empty one.

        Raises:
            ValueError: The hashes are not as many as the size has one bits, or one is not 32 bytes.
        """
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(f"a range of size {size} does not have {len(hashes)} hashes")
        check_hashes(hashes)
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the maximal perfect subtrees, from left (largest) to right."""
        return tuple(self._hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Append one leaf, by its hash.

        Raises:
            ValueError: The hash is not 32 bytes.
        """
        if len(leaf_hash) != HASH_SIZE:
            raise ValueError(f"a hash has {HASH_SIZE} bytes, not {len(leaf_hash)}")
        hashes = self._hashes
        merges = self._size
        while merges & 1:
            leaf_hash = sha256(b"\x01" + hashes.pop() + leaf_hash).digest()
            merges >>= 1
        hashes.append(leaf_hash)
        self._size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append many leaves, by their hashes, in order; faster than one by one.

        Raises:
            ValueError: A hash is not 32 bytes. Leaves up to some point before it are in.
        """
        remaining = iter(leaf_hashes)
        while chunk := list(islice(remaining, _CHUNK)):
            check_hashes(chunk)
            if len(chunk) < _FEW:
                for leaf_hash in chunk:
                    self.append(leaf_hash)
            else:
                self._extend_chunk(chunk)

    def _extend_chunk(self, nodes: list[bytes]) -> None:
        """Climb from the leaves, a whole level at a time; odd nodes stay as the new right edge."""
        hashes, edge, position = self._hashes, [], self._size
        self._size += len(nodes)
        while nodes:
            if position & 1:
                nodes.insert(0, hashes.pop())
            if len(nodes) & 1:
                edge.append(nodes.pop())
            nodes = parents(nodes)
            position >>= 1
        hashes.extend(reversed(edge))

    def append_subtree(self, subtree_hash: bytes, level: int) -> None:
        """Append a perfect subtree of ``2**level`` leaves, by its root hash.

        Raises:
            ValueError: The size is not a multiple of ``2**level`` (the subtree would not lie where
                the tree has one), the level is negative, or the hash is not 32 bytes.
        """
        if level < 0 or self._size & ((1 << level) - 1):
            raise ValueError(f"no subtree of level {level} begins at leaf {self._size}")
        check_hashes((subtree_hash,))
        hashes = self._hashes
        merges = self._size >> level
        while merges & 1:
            subtree_hash = sha256(b"\x01" + hashes.pop() + subtree_hash).digest()
            merges >>= 1
        hashes.append(subtree_hash)
        self._size += 1 << level

    def merge(self, other: CompactRange) -> None:
        """Append all leaves of another range, which was built on its own from its first leaf.

        The other range's subtrees must lie where this tree has subtrees too. So this size must be a
        multiple of the largest power of two that is not above the other's size; for ranges worked
        out in parallel, cut the log at multiples of one power of two that is at least the length of
        each piece.

        Raises:
            ValueError: The sizes are not aligned like that. Nothing was appended.
        """
        size = other._size
        if size and self._size & ((1 << (size.bit_length() - 1)) - 1):
            raise ValueError(f"a range of {size} leaves cannot be joined on at leaf {self._size}")
        for subtree_hash in other.hashes:
            level = size.bit_length() - 1
            self.append_subtree(subtree_hash, level)
            size ^= 1 << level

    def root(self) -> bytes:
        """Return the root hash of the tree; one hash for each one bit of the size but the first."""
        hashes = self._hashes
        if not hashes:
            return EMPTY_ROOT
        right = hashes[-1]
        for left in hashes[-2::-1]:
            right = sha256(b"\x01" + left + right).digest()
        return right

    def copy(self) -> CompactRange:
        """Return a range of its own with the same leaves."""
        twin = object.__new__(CompactRange)  # what is copied was checked before
        twin._size, twin._hashes = self._size, self._hashes.copy()
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompactRange):
            return NotImplemented
        return self._size == other._size and self._hashes == other._hashes

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"CompactRange(size={self._size}, root={self.root().hex()[:16]}...)"
