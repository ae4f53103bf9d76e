"""Our own stores keep the contract that third parties' stores are held against."""

from __future__ import annotations

from pathlib import Path

from biotrail.stores import MemoryStore, SQLiteStore, Store
from biotrail.testing import DurableStoreContract, FaultyStore, StoreContract


class TestMemoryStore(StoreContract):
    def open_store(self, folder: Path) -> Store:
        return MemoryStore()


class TestSQLiteStore(DurableStoreContract):
    def open_store(self, folder: Path) -> Store:
        return SQLiteStore(folder / "log.db")


class TestHealthyFaultyStore(DurableStoreContract):
    """The wrapper for faults changes nothing where no fault is planned."""

    def open_store(self, folder: Path) -> Store:
        return FaultyStore(SQLiteStore(folder / "log.db"))
