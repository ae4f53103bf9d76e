"""What the parts of the store contract share: how a store is made, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail.stores import Store, StoreReader

__all__ = ["StoreCases", "everything"]

_FAR = 2**40


def everything(store: StoreReader) -> dict[str, Any]:
    """All that a reader can see of a store, to compare it before and after."""
    tiles = list(store.tiles())
    return {
        "head": store.head(),
        "entries": list(store.entries(0, _FAR)),
        "lookups": [tuple(one) for one in store.lookups(0, _FAR)],
        "payloads": [tuple(one) for one in store.payloads(0, _FAR)],
        "tiles": {tuple(place): store.tile(*place) for place in tiles},
        "extent": store.extent(),
        "others": store.indices_of_other_kinds(),
    }


class StoreCases:
    """Base of the cases: one new, empty store for every test."""

    def open_store(self, folder: Path) -> Store:
        """Open the log of a folder, which is empty where the log is to begin; override this.

        Args:
            folder: A folder of the test's own, for stores that need a place. Stores that keep
                nothing of it (as in memory) return a new, empty store every time.
        """
        raise NotImplementedError("override open_store, and return a store")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """The store under test, empty; closed afterwards."""
        store = self.open_store(tmp_path)
        yield store
        store.close()
