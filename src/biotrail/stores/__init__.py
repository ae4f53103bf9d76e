"""Where bytes rest: the contract, and the stores that keep it. Opaque entries, no keys."""

from typing import TYPE_CHECKING

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


def __getattr__(name: str) -> object:
    """The SQLite store, loaded when first used: not every log lies in a file."""
    if name not in ("SQLiteReader", "SQLiteStore"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from biotrail.stores import sqlite

    found: object = getattr(sqlite, name)
    globals()[name] = found
    return found
