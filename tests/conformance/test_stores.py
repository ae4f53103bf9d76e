"""Our own stores keep the contract that third parties' stores are held against."""

from __future__ import annotations

from pathlib import Path

from biotrail.stores import MemoryStore, SealedStore, SQLiteStore
from biotrail.testing import (
    DurableStoreContract,
    FaultyStore,
    SealedStoreContract,
    SearchableStoreContract,
    StoreContract,
)


class TestMemoryStore(StoreContract, SealedStoreContract, SearchableStoreContract):
    def open_store(self, folder: Path) -> SealedStore:
        return MemoryStore()


class TestSQLiteStore(DurableStoreContract, SealedStoreContract, SearchableStoreContract):
    def open_store(self, folder: Path) -> SealedStore:
        return SQLiteStore(folder / "log.db")


class TestHealthyFaultyStore(DurableStoreContract, SealedStoreContract, SearchableStoreContract):
    """The wrapper for faults changes nothing where no fault is planned."""

    def open_store(self, folder: Path) -> SealedStore:
        return FaultyStore(SQLiteStore(folder / "log.db"))
