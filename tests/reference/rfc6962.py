"""RFC 6962 section 2.1, written down once more as it stands there: recursive, slow, for tests only.

``D[n]`` is a list of entries; ``k`` is the largest power of two smaller than ``n``.
"""

from __future__ import annotations

import hashlib


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    """Return the Merkle Tree Hash MTH(D[n]) (section 2.1)."""
    n = len(d)
    if n == 0:
        return _sha256(b"")
    if n == 1:
        return _sha256(b"\x00" + d[0])
    k = _k(n)
    return _sha256(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m: int, d: list[bytes]) -> list[bytes]:
    """Return the Merkle audit path PATH(m, D[n]) (section 2.1.1)."""
    n = len(d)
    if n == 1:
        return []
    k = _k(n)
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: list[bytes]) -> list[bytes]:
    """Return the Merkle consistency proof PROOF(m, D[n]), 0 < m <= n (section 2.1.2)."""
    return _subproof(m, d, b=True)


def _subproof(m: int, d: list[bytes], *, b: bool) -> list[bytes]:
    n = len(d)
    if m == n:
        return [] if b else [mth(d)]
    k = _k(n)
    if m <= k:
        return [*_subproof(m, d[:k], b=b), mth(d[k:])]
    return [*_subproof(m - k, d[k:], b=False), mth(d[:k])]


def root_from_path(leaf: bytes, m: int, n: int, hashes: list[bytes]) -> bytes:
    """Return the root to which PATH(m, D[n]) leads, by the definition read backwards."""
    if n == 1:
        assert not hashes
        return leaf
    k, last, rest = _k(n), hashes[-1], hashes[:-1]
    if m < k:
        return _sha256(b"\x01" + root_from_path(leaf, m, k, rest) + last)
    return _sha256(b"\x01" + last + root_from_path(leaf, m - k, n - k, rest))
