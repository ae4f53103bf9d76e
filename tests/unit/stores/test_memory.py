"""What is particular to the store in memory."""

from __future__ import annotations

import pytest

from biotrail.errors import ForkedProcessError
from biotrail.stores import MemoryStore, Store
from biotrail.testing import sample_batch


def test_it_is_not_shared_with_a_child() -> None:
    """A child's records would go into a copy that nobody sees: it is refused."""
    with pytest.raises(ForkedProcessError):
        MemoryStore().reopen_after_fork()


def test_each_store_is_its_own() -> None:
    """Two stores in memory share nothing."""
    one, other = MemoryStore(), MemoryStore()
    one.append(sample_batch(0))
    assert isinstance(other, Store)
    assert other.head() is None
