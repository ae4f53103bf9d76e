"""Which data keys a log says were destroyed: should they come back, they are refused."""

from __future__ import annotations

from collections.abc import Iterator

from biotrail.canonical import Entry, decode_entry
from biotrail.errors import CanonicalError
from biotrail.stores.sealed import SealedStoreReader

__all__ = ["destroyed_keys", "entries_of_kind", "is_of_kind"]


def is_of_kind(entry: bytes, *kinds: str) -> bool:
    """Whether an entry may be of one of these kinds: a quick look, which excludes most."""
    # A map of one pair whose key is a text of under 24 bytes, as every kind is.
    return any(bytes((0xA1, 0x60 + len(one))) + one.encode() in entry for one in kinds)


def entries_of_kind(store: SealedStoreReader, *kinds: str, start: int = 0) -> Iterator[Entry]:
    """The entries of these kinds, decoded, in order of index.

    Where they lie is told by columns of the store, which are not trusted: what they hide from here
    is found by whoever verifies the log.

    Args:
        store: The store.
        *kinds: Kinds other than ``event``.
        start: Index to begin at.
    """
    indices = [index for index in store.indices_of_other_kinds() if index >= start]
    for index, data in sorted(store.entries_at(indices).items()):
        if not is_of_kind(data, *kinds):
            continue
        try:
            entry = decode_entry(data)
        except CanonicalError:
            continue
        if entry.kind in kinds and entry.index == index:
            yield entry


def destroyed_keys(store: SealedStoreReader) -> frozenset[bytes]:
    """Fingerprints of the data keys that the tombstones in a log say were destroyed."""
    found: set[bytes] = set()
    for entry in entries_of_kind(store, "subject_erased"):
        fingerprints = entry.content["fingerprints"]
        assert isinstance(fingerprints, list)
        found.update(one for one in fingerprints if isinstance(one, bytes))
    return frozenset(found)
