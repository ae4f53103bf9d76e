"""What you need to test what you build on biotrail: clocks, faults, tampering, contracts.

Nothing of biotrail imports this package. The contracts need pytest (``pip install
'biotrail[test]'``); everything else needs nothing.

An adapter proves that it keeps the contract of `biotrail.stores.Store` like this::

    from biotrail.testing import DurableStoreContract

    class TestMyStore(DurableStoreContract):
        def open_store(self, folder):
            return MyStore(folder / "log")

A matcher proves that it keeps the contract of `biotrail.matchers.MatcherBackend` with
`MatcherContract`, and a key provider that of `biotrail.vault.KeyProvider` with
`KeyProviderContract`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from biotrail.errors import MissingDependencyError
from biotrail.testing.clocks import FixedClock, SteppingClock
from biotrail.testing.faults import STEPS, Fault, FaultyStore
from biotrail.testing.samples import sample_batch, sample_entry, sample_event_id
from biotrail.testing.tamper import copy_log, edit_entry, flip_bit, swap_entries, tampering

if TYPE_CHECKING:
    from biotrail.testing.key_provider_contract import KeyProviderContract
    from biotrail.testing.matcher_contract import MatcherContract
    from biotrail.testing.store_contract import (
        DurableStoreContract,
        SealedStoreContract,
        SearchableStoreContract,
        StoreContract,
    )

__all__ = [
    "STEPS",
    "DurableStoreContract",
    "Fault",
    "FaultyStore",
    "FixedClock",
    "KeyProviderContract",
    "MatcherContract",
    "SealedStoreContract",
    "SearchableStoreContract",
    "SteppingClock",
    "StoreContract",
    "copy_log",
    "edit_entry",
    "flip_bit",
    "sample_batch",
    "sample_entry",
    "sample_event_id",
    "swap_entries",
    "tampering",
]

_CONTRACTS = {
    "DurableStoreContract": "biotrail.testing.store_contract",
    "KeyProviderContract": "biotrail.testing.key_provider_contract",
    "MatcherContract": "biotrail.testing.matcher_contract",
    "SealedStoreContract": "biotrail.testing.store_contract",
    "SearchableStoreContract": "biotrail.testing.store_contract",
    "StoreContract": "biotrail.testing.store_contract",
}
_CONTRACT_MODULES = tuple(
    f"biotrail.testing.{name}"
    for name in (
        "key_provider_contract",
        "matcher_contract",
        "store_contract",
        "_store_base",
        "_store_reading",
        "_store_appending",
        "_store_sharing",
        "_store_sealed",
        "_store_segments",
    )
)


def __getattr__(name: str) -> Any:
    """Import a contract when it is asked for: only contracts need pytest."""
    if name not in _CONTRACTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        pytest = import_module("pytest")
    except ImportError as error:
        message = f"{name} needs pytest: pip install 'biotrail[test]'"
        raise MissingDependencyError(message) from error
    # Lets pytest show what the two sides of a failed assertion were.
    pytest.register_assert_rewrite(*(one for one in _CONTRACT_MODULES if one not in sys.modules))
    return getattr(import_module(_CONTRACTS[name]), name)
