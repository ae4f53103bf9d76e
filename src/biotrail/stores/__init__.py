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
    TilesAtOnce,
    WrittenEntry,
)
from biotrail.stores.memory import MemoryStore

if TYPE_CHECKING:
    from biotrail.stores.sealed import (
        DeviceCells,
        Fence,
        SealedPayload,
        SealedStore,
        SealedStoreReader,
        WrappedKey,
    )
    from biotrail.stores.sqlite import SQLiteReader, SQLiteStore
    from biotrail.stores.watching import WakingStore, Watch

__all__ = [
    "Batch",
    "DeviceCells",
    "Extent",
    "Fence",
    "Lookup",
    "MemoryStore",
    "SQLiteReader",
    "SQLiteStore",
    "SealedPayload",
    "SealedStore",
    "SealedStoreReader",
    "Store",
    "StoreReader",
    "StoredEntry",
    "StoredHead",
    "StoredTile",
    "SubjectReference",
    "TilesAtOnce",
    "WakingStore",
    "Watch",
    "WrappedKey",
    "WrittenEntry",
]


# Not every log lies in a file, and not every one has a vault.
_SEALED = (
    "DeviceCells",
    "Fence",
    "SealedPayload",
    "SealedStore",
    "SealedStoreReader",
    "WrappedKey",
)
__getattr__ = load_when_used(
    __name__,
    {
        "SQLiteReader": "biotrail.stores.sqlite",
        "SQLiteStore": "biotrail.stores.sqlite",
        "WakingStore": "biotrail.stores.watching",
        "Watch": "biotrail.stores.watching",
        **dict.fromkeys(_SEALED, "biotrail.stores.sealed"),
    },
)
