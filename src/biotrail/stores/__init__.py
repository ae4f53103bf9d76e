"""Where bytes rest: the contract, and the stores that keep it. Opaque entries, no keys."""

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
