"""The vault: makes, keeps and forgets the data keys of a log."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple
from weakref import WeakSet

from biotrail._hidden import Hidden
from biotrail.errors import DestroyedKeyError, KeyProviderError, VaultError, WrappedKeyError
from biotrail.vault.asking import asked, unwrapped_by_any
from biotrail.vault.data_key import DataKey, fingerprint_of, wrapping_context
from biotrail.vault.policy import PersonalFields
from biotrail.vault.provider import DATA_KEY_SIZE, KeyProvider
from biotrail.vault.tags import TAG_REFERENCE, Tags

__all__ = ["KeptKey", "Vault"]

_MAXIMUM_WRAPPED = 4_096
_MAXIMUM_ID = 256
_vaults: WeakSet[Vault] = WeakSet()
"""All of this process: a child after a fork begins each anew."""


class KeptKey(NamedTuple):
    """A data key as it rests beside a log.

    Attributes:
        reference: Whose it is, 16 bytes.
        key_id: Names the key-encryption key that wrapped it.
        wrapped: The wrapped key.
        fingerprint: A hash of the key, 32 bytes.
    """

    reference: bytes
    key_id: str
    wrapped: bytes
    fingerprint: bytes


class Vault:
    """Seals personal fields under one data key a person, each wrapped by a key provider.

    Hand one to a log: ``biotrail.open(..., vault=Vault(provider))``. Unwrapped keys are kept for a
    while, bounded in number and time, since asking a provider may take long; those whose time is
    over are dropped when the vault is next asked for a key. A child after a fork begins with none.
    Shared freely among threads.

    Attributes:
        policy: Which fields are personal.
        cached_keys: How many unwrapped keys are kept at most.
        clock: Returns seconds that never go back.
    """

    def __init__(
        self,
        provider: KeyProvider,
        *,
        previous: Iterable[KeyProvider] = (),
        policy: PersonalFields | None = None,
        cached_keys: int = 10_000,
        cached_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Make a vault.

        Args:
            provider: Wraps new data keys, and unwraps those that it wrapped.
            previous: Providers that wrapped earlier ones, until those are wrapped anew.
            policy: Which fields are personal, where that differs from the default.
            cached_keys: How many unwrapped keys are kept at most.
            cached_seconds: How long an unwrapped key is kept at most.
            clock: Returns seconds that never go back.
            randomness: Returns so many random bytes from a cryptographic source.

        Raises:
            VaultError: The provider does not name its key, or a bound is not positive.
        """
        self.policy = PersonalFields() if policy is None else policy
        self._providers = (provider, *previous)
        if cached_keys < 1 or cached_seconds < 0:
            raise VaultError("at least one data key is kept, for no less than 0 seconds")
        self.cached_keys, self._cached_seconds = cached_keys, cached_seconds
        self.clock, self._randomness = clock, randomness
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, bytes], tuple[DataKey, float]] = OrderedDict()
        self._destroyed: frozenset[bytes] = frozenset()
        self._check_id()
        _vaults.add(self)

    @property
    def key_id(self) -> str:
        """Names the key-encryption key that wraps new data keys."""
        return self._providers[0].key_id

    def new_key(self, reference: bytes, origin: str) -> tuple[DataKey, KeptKey]:
        """Make a data key.

        Args:
            reference: Whose it will be, 16 bytes.
            origin: The log that it is for.

        Returns:
            The key in use, and as it is to be kept.

        Raises:
            KeyProviderError: It cannot be wrapped.
            VaultError: The source of randomness failed.
        """
        key = Hidden(self._draw(DATA_KEY_SIZE))
        kept = self._wrapped(reference, origin, key)
        data_key = DataKey(reference, key.reveal())
        self._keep(origin, data_key)
        return data_key, kept

    def cached(self, reference: bytes, origin: str) -> DataKey | None:
        """A data key that is still in use, or None."""
        known = self._cache.get((origin, reference))
        if known is None:
            return None
        now = self.clock()
        if known[1] < now:
            with self._lock:
                self._drop_expired(now)
            return None
        return known[0]

    def cached_until(self, reference: bytes, origin: str) -> float:
        """Until when a data key that is in use is kept so, by the vault's clock."""
        known = self._cache.get((origin, reference))
        return 0.0 if known is None else known[1]

    def open_key(self, kept: KeptKey, origin: str) -> DataKey:
        """Take a kept data key into use.

        Raises:
            KeyProviderError: The provider is out of reach, refuses, or does not hold its key.
            DestroyedKeyError: An erasure destroyed it, or it is destroyed here.
            WrappedKeyError: It is not what was kept: damaged, exchanged, or of another log.
        """
        data_key = self.cached(kept.reference, origin)
        if data_key is None:
            data_key = DataKey(kept.reference, self._unwrapped(kept, origin).reveal())
            self._keep(origin, data_key)
        return data_key

    def tags(self, kept: KeptKey, origin: str) -> Tags:
        """The tags of a log, whose key is kept under `TAG_REFERENCE`.

        Raises:
            KeyProviderError: The provider is out of reach, refuses, or does not hold its key.
            WrappedKeyError: It is not what was kept.
        """
        return Tags(self._unwrapped(kept, origin).reveal())

    def new_tag_key(self, origin: str) -> KeptKey:
        """Make the key of a log's tags, as it is to be kept."""
        return self._wrapped(TAG_REFERENCE, origin, Hidden(self._draw(DATA_KEY_SIZE)))

    def rewrapped(self, kept: KeptKey, origin: str) -> KeptKey:
        """The same key, wrapped by the present key-encryption key.

        Raises:
            KeyProviderError: A provider is out of reach, refuses, or does not hold its key.
            WrappedKeyError: It is not what was kept.
        """
        return self._wrapped(kept.reference, origin, self._unwrapped(kept, origin))

    def refuse(self, fingerprints: Iterable[bytes]) -> None:
        """Refuse data keys that an erasure destroyed, should they come back with a backup."""
        with self._lock:
            self._destroyed |= frozenset(fingerprints)

    def forget(self, references: Iterable[bytes] | None = None) -> None:
        """Drop unwrapped keys: of these references, or all."""
        with self._lock:
            if references is None:
                self._cache.clear()
                return
            gone = frozenset(references)
            for place in [place for place in self._cache if place[1] in gone]:
                del self._cache[place]

    def begin_in_child(self) -> None:
        """Begin anew after a fork: a thread of the parent may have held the lock.

        Unwrapped keys are dropped; the child asks the provider for those that it needs.
        """
        self._lock = threading.Lock()
        self._cache = OrderedDict()

    def close(self) -> None:
        """Drop all unwrapped keys and close the providers. May be called twice."""
        self.forget()
        for provider in self._providers:
            provider.close()

    def _keep(self, origin: str, key: DataKey) -> None:
        deadline = self.clock() + self._cached_seconds
        with self._lock:
            self._cache[origin, key.reference] = key, deadline
            self._cache.move_to_end((origin, key.reference))
            while len(self._cache) > self.cached_keys:
                self._cache.popitem(last=False)
            self._drop_expired(self.clock())

    def _drop_expired(self, now: float) -> None:
        # The oldest stand first, as every key is kept for the same time.
        while self._cache and next(iter(self._cache.values()))[1] < now:
            self._cache.popitem(last=False)

    def _wrapped(self, reference: bytes, origin: str, key: Hidden[bytes]) -> KeptKey:
        provider = self._providers[0]
        context = wrapping_context(reference, origin)

        def wrap() -> bytes:
            return provider.wrap(key.reveal(), context)

        # A provider may change its key-encryption key in between: the name kept beside a wrapped
        # key must be that of the key that wrapped it, or it never opens again.
        key_id, wrapped = self._check_id(), asked(provider, wrap)
        while key_id != (now := self._check_id()):
            key_id, wrapped = now, asked(provider, wrap)
        if type(wrapped) is not bytes or not 0 < len(wrapped) <= _MAXIMUM_WRAPPED:
            del wrapped
            raise KeyProviderError(
                f"the key provider did not return a wrapped key of 1 to {_MAXIMUM_WRAPPED} bytes",
                provider=key_id,
            )
        if key.reveal() in wrapped:
            del wrapped
            raise KeyProviderError("the key provider did not wrap the key at all", provider=key_id)
        return KeptKey(reference, key_id, wrapped, fingerprint_of(key.reveal()))

    def _unwrapped(self, kept: KeptKey, origin: str) -> Hidden[bytes]:
        if not kept.wrapped:
            raise DestroyedKeyError(f"the data key of {kept.reference.hex()} was destroyed")
        if kept.fingerprint in self._destroyed:
            raise DestroyedKeyError(
                f"the data key of {kept.reference.hex()} was destroyed by an erasure and is back, "
                "perhaps from a backup: it is not used; run 'biotrail doctor'"
            )
        context = wrapping_context(kept.reference, origin)
        key = unwrapped_by_any(self._providers, kept.wrapped, context, kept.key_id)
        if len(key.reveal()) != DATA_KEY_SIZE or fingerprint_of(key.reveal()) != kept.fingerprint:
            raise WrappedKeyError(
                f"what is kept as the data key of {kept.reference.hex()} is another key",
                provider=kept.key_id,
            )
        return key

    def _check_id(self) -> str:
        key_id = self.key_id
        if (
            type(key_id) is not str
            or not 0 < len(key_id) <= _MAXIMUM_ID
            or not key_id.isprintable()
        ):
            raise KeyProviderError(
                f"a key provider names its key by 1 to {_MAXIMUM_ID} printable characters"
            )
        return key_id

    def _draw(self, size: int) -> bytes:
        try:
            drawn = self._randomness(size)
        except Exception as error:
            raise VaultError(f"the source of randomness failed: {error!r}") from error
        if type(drawn) is not bytes or len(drawn) != size:
            raise VaultError(f"the source of randomness did not return {size} bytes")
        return drawn

    def __repr__(self) -> str:
        return f"<Vault of {self.key_id}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a vault is not written anywhere: it holds keys")


def _begin_all_in_child() -> None:
    for vault in list(_vaults):
        vault.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_in_child)
