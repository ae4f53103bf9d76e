"""The digest of a policy: what tells it from every other in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

__all__ = ["policy_digest"]

_MICROSECOND = timedelta(microseconds=1)


def policy_digest(fields: Mapping[str, object]) -> bytes:
    """SHA-256 over deterministic CBOR (RFC 8949 section 4.2.1) of a policy's fields, 32 bytes.

    Times are microseconds, sets are sorted, and what is None is left out.
    """
    import cbor2

    return sha256(cbor2.dumps(_plain(fields), canonical=True)).digest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    return sorted(map(str, value)) if isinstance(value, frozenset) else value
