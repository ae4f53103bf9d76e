"""Which data keys a log says were destroyed: should they come back, they are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.errors import CanonicalError
from biotrail.stores.sealed import SealedStoreReader

__all__ = ["destroyed_keys", "entries_of_kind", "is_of_kind", "told_destroyed"]

_SELECTORS = ("action", "tenant", "outcome", "modality")


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


def told_destroyed(
    store: SealedStoreReader, entry: Entry, references: Collection[bytes]
) -> Entry | None:
    """The first later entry that says that what belongs to an event's entry was destroyed.

    Args:
        store: The store.
        entry: The event's entry.
        references: Whose parts are gone.
    """
    kinds = "subject_erased", "retention_applied"
    for told in entries_of_kind(store, *kinds, start=entry.index + 1):
        content: Any = told.content
        if told.kind == "subject_erased":
            if any(one in references for one in content["references"]):
                return told
        elif any(_covers(rule, entry) for rule in content["rules"]):
            return told
    return None


def _covers(rule: Mapping[str, str], entry: Entry) -> bool:
    return entry.recorded < parse_time(rule["before"]) and all(
        entry.content.get(name) == rule[name] for name in _SELECTORS if name in rule
    )
