"""How far the log reaches: under which checkpoint it ends, and what is there that should not be."""

from __future__ import annotations

from collections.abc import Sequence

from biotrail.errors import MalformedError, MissingError, TruncatedError
from biotrail.signing import VerifierKey
from biotrail.stores import Extent, StoreReader
from biotrail.verify.locate import locate

__all__ = ["measure"]

_MOST = 2**63 - 1
"""No index is greater than one less; a store that has such a row has one too many."""


def measure(store: StoreReader, trusted: Sequence[VerifierKey]) -> int:
    """How many entries the log has, by its head; rows that do not fit that are named.

    Raises:
        VerificationError: Entries are missing at the end, or too many.
    """
    extent = store.extent()
    _check_types(extent)
    if extent.entries == extent.head == extent.payloads == 0:
        raise MissingError("the log is empty: there is not even a genesis entry", index=0)
    reach = max(extent.head, extent.payloads)
    if extent.entries < reach:
        _raise_cut(store, extent.entries, reach)
    if extent.entries > extent.head or extent.checkpoint is None:
        size = min(extent.entries, _MOST)
        raise locate(store, size, trusted[0].name, trusted, head=extent.head)
    return extent.head


def _check_types(extent: Extent) -> None:
    for name in ("head", "entries", "payloads"):
        value = getattr(extent, name)
        if type(value) is not int or value < 0:
            raise MalformedError(f"the store says that its {name} reach up to {value!r}")


def _raise_cut(store: StoreReader, entries: int, reach: int) -> None:
    # A hole further up is named before the tail.
    for expected, (index, _, _) in enumerate(store.raw_entries(0, entries)):
        if index != expected:
            raise MissingError(
                f"entry {expected} is missing", index=expected, expected=expected, found=index
            )
    raise TruncatedError(
        f"the tail is cut off: {entries} entries are left of at least {reach}",
        index=entries,
        expected=reach,
        found=entries,
    )
