"""Who stands behind a reference: found by a keyed tag, made with the first record."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from biotrail.sealing.keyring import Keyring
from biotrail.stores.base import SubjectReference
from biotrail.stores.sealed import SealedStore, WrappedKey
from biotrail.vault import DataKey, KeptKey, Tags

__all__ = ["People", "Person", "Proposed"]

REFERENCE_SIZE = 16
Identity = tuple[str, str, str]


class Person:
    """Somebody as the log knows them.

    Attributes:
        identity: Kind (``"person"``, or ``"period"`` for records that concern nobody known),
            tenant, and id.
        reference: Their random reference, 16 bytes.
        key: Their data key.
        proposed: What is to be kept of them, where it is not durable yet.
        until: Until when their key may be used without asking the vault again.
        alone: Themselves, as those whom a record of theirs concerns.
    """

    __slots__ = ("alone", "identity", "key", "proposed", "reference", "until")

    def __init__(
        self,
        identity: Identity,
        reference: bytes,
        key: DataKey,
        proposed: Proposed | None = None,
        until: float = 0.0,
    ) -> None:
        self.identity = identity
        self.reference = reference
        self.key = key
        self.proposed = proposed
        self.until = until
        self.alone = (self,)


class Proposed(NamedTuple):
    """What a new person's first record brings along.

    Attributes:
        row: What leads from the tag of their identity to their reference.
        kept: Their wrapped data key.
    """

    row: SubjectReference
    kept: WrappedKey


class People:
    """Finds people's references and keys, and makes those of new people.

    Attributes:
        tags: The tags of the log.
        fenced: How many erasures are known of, and the references that they erase.

    A new person's reference and wrapped key are written with their first record. Until that is
    durable, every record of theirs carries both along, so that a failed commit loses nothing.
    """

    def __init__(self, store: SealedStore, keyring: Keyring, draw: Callable[[int], bytes]) -> None:
        """Look people up in a store.

        Args:
            store: The store.
            keyring: Its keys.
            draw: Returns so many random bytes.

        Raises:
            VaultError: The key of the tags cannot be made or unwrapped.
            StoreError: The store cannot be read or written.
        """
        self._store = store
        self._keyring = keyring
        self._draw = draw
        self._lock = threading.Lock()
        # Bounded in number and time as the vault's own cache is.
        self._known: OrderedDict[Identity, Person] = OrderedDict()
        self._clock = keyring.vault.clock
        self._proposed: dict[Identity, Proposed] = {}
        self.tags: Tags = keyring.tags_made(store)
        self.fenced: tuple[int, frozenset[bytes]] = (0, frozenset())
        self.take_fences()

    def find(self, identity: Identity) -> Person:
        """The person with this identity, made if they are new.

        Raises:
            VaultError: Their key cannot be made, wrapped or unwrapped.
            StoreError: The store cannot be read.
        """
        person = self._known.get(identity)
        if person is not None and person.until >= self._clock():
            return person
        return self._look_up(identity)

    def is_at_hand(self, identity: Identity) -> bool:
        """Whether finding them asks neither the store nor the key provider."""
        person = self._known.get(identity)
        return person is not None and person.until >= self._clock()

    def references(self, tenant: str, identity: str) -> list[bytes]:
        """All references under which a person has records that are durable."""
        return self._stored(("person", tenant, identity))

    def take_fences(self) -> frozenset[bytes]:
        """Take note of erasures: whose references are no longer to be used.

        Returns:
            Those references.
        """
        with self._lock:
            count = self._store.fence_count()
            gone = frozenset(one for fence in self._store.fences() for one in fence.references)
            self.fenced = count, gone
            self._known = OrderedDict(
                (who, one) for who, one in self._known.items() if one.reference not in gone
            )
            self._proposed = {
                who: one for who, one in self._proposed.items() if one.row.reference not in gone
            }
        if gone:
            self._keyring.vault.forget(gone)
            self.tags.forget()
        return gone

    def confirm(self, person: Person) -> None:
        """Take note that a person's reference and key are durable."""
        with self._lock:
            proposed = self._proposed.get(person.identity)
            if proposed is not None and proposed.row.reference == person.reference:
                del self._proposed[person.identity]
                self._remember(person.identity, person.reference, person.key)

    def begin_in_child(self) -> None:
        """Begin anew after a fork: a thread of the parent may have held a lock."""
        self._lock = threading.Lock()
        self._known = OrderedDict()
        self._keyring.vault.begin_in_child()

    def forget(self) -> None:
        """Forget everybody, and their keys."""
        with self._lock:
            self._known, self._proposed = OrderedDict(), {}

    def _look_up(self, identity: Identity) -> Person:
        keyring = self._keyring
        with self._lock:
            # Read within the lock: what was proposed becomes durable, and is confirmed, meanwhile.
            stored = self._stored(identity)
            if stored:
                return self._remember(identity, stored[0], keyring.key(stored[0]))
            proposed = self._proposed.get(identity)
            if proposed is None:
                return self._propose(identity)
            key = keyring.vault.open_key(KeptKey(*proposed.kept), keyring.origin)
            return Person(identity, proposed.row.reference, key, proposed)

    def _propose(self, identity: Identity) -> Person:
        reference = self._draw(REFERENCE_SIZE)
        key, kept = self._keyring.vault.new_key(reference, self._keyring.origin)
        row = SubjectReference("", self._tag(identity), reference)
        proposed = self._proposed[identity] = Proposed(row, WrappedKey(*kept))
        return Person(identity, reference, key, proposed)

    def _stored(self, identity: Identity) -> list[bytes]:
        rows = self._store.references("", self._tag(identity))
        return [one for one in rows if one not in self.fenced[1]]

    def _tag(self, identity: Identity) -> str:
        kind, tenant, value = identity
        tag = self.tags.person if kind == "person" else self.tags.period
        return tag(tenant, value)

    def _remember(self, identity: Identity, reference: bytes, key: DataKey) -> Person:
        vault = self._keyring.vault
        # Not beyond the time at which the vault lets go of the key.
        until = vault.cached_until(reference, self._keyring.origin)
        self._known.pop(identity, None)
        now = self._clock()
        # The oldest stand first: no key is held here for longer than the vault would.
        while self._known and next(iter(self._known.values())).until < now:
            self._known.popitem(last=False)
        person = self._known[identity] = Person(identity, reference, key, until=until)
        while len(self._known) > vault.cached_keys:
            self._known.popitem(last=False)
        return person
