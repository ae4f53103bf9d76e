"""Where bytes rest: the contract, and the stores that keep it. Opaque entries, no keys."""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.stores.base import (
    Batch,
    Extent,
    Lookup,
    Store,
    StoredEntry,
    StoredHead,
    StoredTile,
    StoreReader,
    SubjectReference,
    WrittenEntry,
)
from biotrail.stores.memory import MemoryStore

if TYPE_CHECKING:
    from biotrail.stores.sqlite import SQLiteReader, SQLiteStore

__all__ = [
    "Batch",
    "Extent",
    "Lookup",
    "MemoryStore",
    "SQLiteReader",
    "SQLiteStore",
    "Store",
    "StoreReader",
    "StoredEntry",
    "StoredHead",
    "StoredTile",
    "SubjectReference",
    "WrittenEntry",
]


# Not every log lies in a file.
__getattr__ = load_when_used(
    __name__,
    {"SQLiteReader": "biotrail.stores.sqlite", "SQLiteStore": "biotrail.stores.sqlite"},
)
