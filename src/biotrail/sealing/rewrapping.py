"""Wrapping data keys anew after their key-encryption key was rotated.

Data keys stay as they are, and no record is encrypted again: only what a rotated key-encryption key
wrapped is wrapped by the present one. Each key is replaced only if it is still what was read, so an
erasure that comes between is not undone, and several that do this at once do no harm. What is done
is durable; whoever was cut short begins again, and what is done already is passed by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import attrs

from biotrail.errors import KeyProviderError, VaultError
from biotrail.stores.sealed import SealedStore, SealedStoreReader, WrappedKey
from biotrail.vault import KeptKey, Vault

__all__ = ["KeyCounts", "Rewrapped", "count_keys", "rewrap_keys"]

_AT_ONCE = 100
_READ_AT_ONCE = 1_000
_FAILURES_IN_A_ROW = 5


@attrs.frozen
class Rewrapped:
    """What came of wrapping keys anew.

    Attributes:
        rewrapped: How many keys were wrapped anew.
        unusable: For each key that could not be unwrapped, its reference and why. Nothing that is
            sealed under it opens; the wrapped key was left as it is.
        left: How many keys were added meanwhile by a writer that still uses another
            key-encryption key: restart it, and wrap anew again.
    """

    rewrapped: int
    unusable: tuple[tuple[bytes, str], ...]
    left: int


@attrs.frozen
class KeyCounts:
    """How many data keys there are.

    Attributes:
        wrapped: How many each key-encryption key wrapped, by its id.
        destroyed: How many were destroyed.
    """

    wrapped: dict[str, int]
    destroyed: int


def count_keys(store: SealedStoreReader) -> KeyCounts:
    """Count the data keys of a log, by the key-encryption key that wrapped them. Needs no key.

    Raises:
        StoreError: The store cannot be read.
    """
    counts = Counter(key.key_id if key.wrapped else None for key in _all_keys(store))
    destroyed = counts.pop(None, 0)
    wrapped = {name: count for name, count in sorted(counts.items(), key=str) if name is not None}
    return KeyCounts(wrapped, destroyed)


def rewrap_keys(
    store: SealedStore,
    vault: Vault,
    origin: str,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Rewrapped:
    """Wrap every data key by the vault's present key-encryption key, the key of the tags too.

    Writers may go on meanwhile. It may be cut short at any time and begun again.

    Args:
        store: The log's store.
        vault: Its vault, with the present key provider first.
        origin: The log's origin.
        progress: Called with the keys done and the keys in all.

    Raises:
        KeyProviderError: A provider is out of reach or refuses; what was wrapped anew stays so.
        StoreError: The store cannot be read or written; likewise.
    """
    work = _Rewrapping(store, vault, origin, progress)
    position = 0
    while rows := store.data_keys_after(position, _AT_ONCE):
        position = rows[-1][0]
        work.wrap([key for _, key in rows])
    # Keys of another length have moved: copies of how they were wrapped before may be left.
    store.purge_remains()
    return work.result()


class _Rewrapping:
    """Keys wrapped anew, some at a time."""

    def __init__(
        self,
        store: SealedStore,
        vault: Vault,
        origin: str,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._store, self._vault, self._origin = store, vault, origin
        self._progress = progress
        self._present = vault.key_id
        self._all = store.count_data_keys() - store.count_data_keys(self._present)
        self._done = 0
        self._rewrapped = 0
        self._unusable: list[tuple[bytes, str]] = []
        self._failed: KeyProviderError | None = None
        self._in_a_row = 0
        self._ever = False

    def wrap(self, keys: Sequence[WrappedKey]) -> None:
        """Wrap those of these keys anew that another key-encryption key wrapped."""
        old = [key for key in keys if key.wrapped and key.key_id != self._present]
        pairs: list[tuple[WrappedKey, WrappedKey]] = []
        try:
            for key in old:
                if (new := self._wrapped(key)) is not None:
                    pairs.append((key, new))
        finally:
            # What was wrapped before a provider failed is not lost.
            if pairs:
                self._rewrapped += self._store.rewrap_keys(pairs)
        self._done += len(old)
        if self._progress is not None and old:
            self._progress(self._done, max(self._all, self._done))

    def _wrapped(self, key: WrappedKey) -> WrappedKey | None:
        try:
            new = WrappedKey(*self._vault.rewrapped(KeptKey(*key), self._origin))
        except VaultError as error:
            self._unusable.append((key.reference, str(error)))
            if isinstance(error, KeyProviderError):
                # One key may need a provider that was not given. Several in a row: it is down.
                self._failed = self._failed or error
                self._in_a_row += 1
                if self._in_a_row == _FAILURES_IN_A_ROW:
                    raise
            return None
        self._in_a_row, self._ever = 0, True
        return new

    def result(self) -> Rewrapped:
        """What came of it."""
        if self._failed is not None and not self._ever:
            raise self._failed
        left = self._store.count_data_keys() - self._store.count_data_keys(self._present)
        return Rewrapped(self._rewrapped, tuple(self._unusable), max(0, left - len(self._unusable)))


def _all_keys(store: SealedStoreReader) -> Iterator[WrappedKey]:
    position = 0
    while rows := store.data_keys_after(position, _READ_AT_ONCE):
        position = rows[-1][0]
        yield from (key for _, key in rows)
