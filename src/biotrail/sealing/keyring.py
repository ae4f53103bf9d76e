"""A vault's keys as a store keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from biotrail.errors import ErasedError, KeyProviderError, VaultError
from biotrail.stores.sealed import SealedStore, SealedStoreReader, WrappedKey
from biotrail.vault import TAG_REFERENCE, DataKey, KeptKey, Tags, Vault

__all__ = ["Keyring"]


class Keyring:
    """The data keys of one log: its store, its vault, its origin.

    Attributes:
        origin: The log's origin.
        vault: The vault.
    """

    def __init__(self, store: SealedStoreReader, vault: Vault, origin: str) -> None:
        """Join a store and a vault."""
        self._store = store
        self.vault = vault
        self.origin = origin
        self._tags: Tags | None = None
        self._fenced: tuple[int, frozenset[bytes]] = (0, frozenset())

    def key(self, reference: bytes) -> DataKey:
        """The data key of a reference.

        Raises:
            ErasedError: It was destroyed.
            VaultError: There is none, it is another one, or it cannot be unwrapped.
        """
        cached = self.vault.cached(reference, self.origin)
        return self.keys([reference])[reference] if cached is None else cached

    def keys(self, references: Sequence[bytes]) -> dict[bytes, DataKey]:
        """The data keys of several references, read together; see `key`."""
        found = {one: self.vault.cached(one, self.origin) for one in references}
        absent = [one for one, key in found.items() if key is None]
        kept = self._store.data_keys(absent) if absent else {}
        opened = {one: self._open(one, kept.get(one)) for one in absent}
        return {one: key for one, key in {**found, **opened}.items() if key is not None}

    def found(
        self, references: Iterable[bytes], *, gone: frozenset[bytes] = frozenset()
    ) -> dict[bytes, DataKey | VaultError]:
        """The data keys of references, each once, or why it cannot be had.

        Args:
            references: Whose; repetitions do no harm.
            gone: Those of them whose keys are not to be used any more.

        Raises:
            KeyProviderError: The key provider is out of reach, or refuses.
            StoreError: The store cannot be read.
        """
        wanted = set(references)
        answers: dict[bytes, DataKey | VaultError] = {}
        for one in wanted & gone:
            answers[one] = ErasedError(f"the data key of {one.hex()} is being destroyed")
        absent = []
        for one in wanted - gone:
            key = self.vault.cached(one, self.origin)
            if key is None:
                absent.append(one)
            else:
                answers[one] = key
        kept = self._store.data_keys(absent) if absent else {}
        for one in absent:
            try:
                answers[one] = self._open(one, kept.get(one))
            except KeyProviderError:
                raise
            except VaultError as error:
                answers[one] = error
        return answers

    def fenced(self) -> frozenset[bytes]:
        """References whose erasure was begun: their keys are not to be used, even if still there.

        Raises:
            StoreError: The store cannot be read.
        """
        count = self._store.fence_count()
        if count != self._fenced[0]:
            fences = self._store.fences()
            self._fenced = count, frozenset(one for fence in fences for one in fence.references)
        return self._fenced[1]

    def forget(self) -> None:
        """Drop every unwrapped key, that of the tags too; those needed later are asked for anew."""
        if self._tags is not None:
            self._tags.close()
            self._tags = None
        self.vault.forget()

    def _open(self, reference: bytes, kept: WrappedKey | None) -> DataKey:
        if kept is None:
            raise VaultError(f"no data key is kept for {reference.hex()}")
        if not kept.wrapped:
            raise ErasedError(f"the data key of {reference.hex()} was destroyed")
        return self.vault.open_key(KeptKey(*kept), self.origin)

    def tags(self) -> Tags | None:
        """The tags of this log, or None where it has no key for them yet.

        Raises:
            VaultError: The key cannot be unwrapped, or is another one.
        """
        if self._tags is None:
            kept = self._store.data_keys([TAG_REFERENCE]).get(TAG_REFERENCE)
            if kept is not None:
                self._tags = self.vault.tags(KeptKey(*kept), self.origin)
        return self._tags

    def tags_made(self, store: SealedStore) -> Tags:
        """The tags of this log; their key is made where there is none.

        Raises:
            VaultError: The key cannot be wrapped or unwrapped, or is another one.
            StoreError: It cannot be kept.
        """
        tags = self.tags()
        if tags is None:
            # Of several that make one at once, the store keeps the first.
            store.keep_key(WrappedKey(*self.vault.new_tag_key(self.origin)))
            tags = self.tags()
            assert tags is not None
        return tags
