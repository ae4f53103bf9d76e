"""A log with a vault: what joins the two when the log is opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from biotrail.audit.prepare import Prepared
from biotrail.audit.settings import PERSONAL_FIELDS_SETTING, setting_change
from biotrail.errors import VaultError
from biotrail.sealing import Keyring, Opener, People, Sealer
from biotrail.stores import Store
from biotrail.stores.sealed import SealedStore
from biotrail.vault import Vault

__all__ = ["VaultedLog", "check_not_sealed", "policy_change"]


class VaultedLog:
    """What a log with a vault has besides.

    Attributes:
        store: Its store.
        vault: Its vault.
        keyring: Its data keys.
        people: Those whom it knows.
        sealer: Seals its events.
        opener: Opens its payloads.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        origin: str,
        *,
        draw: Callable[[int], bytes],
        clock: Callable[[], datetime],
    ) -> None:
        """Join store and vault.

        Raises:
            VaultError: The store keeps no sealed payloads, or the vault is not this log's.
            StoreError: The store cannot be read or written.
        """
        if not hasattr(store, "write_fence"):
            raise VaultError(
                f"{type(store).__name__} keeps no sealed payloads: use a store that is a "
                "biotrail.stores.SealedStore"
            )
        sealed: SealedStore = store  # type: ignore[assignment] # it has the methods
        self.store = sealed
        self.vault = vault
        self.keyring = Keyring(sealed, vault, origin)
        self.people = People(sealed, self.keyring, draw)
        self.sealer = Sealer(
            self.people, origin=origin, policy=vault.policy, draw=draw, clock=clock
        )
        self.opener = Opener(origin, self.keyring)

    def forget(self) -> None:
        """Drop every unwrapped key: none outlives the log that it was for."""
        self.people.forget()
        self.keyring.forget()


def policy_change(vault: Vault, settings: dict[str, bytes]) -> list[Prepared]:
    """The entry that records what is personal, where the log does not say so yet."""
    return setting_change(PERSONAL_FIELDS_SETTING, vault.policy.digest(), settings)


def check_not_sealed(settings: dict[str, bytes]) -> None:
    """Refuse to write personal data in the clear into a log that seals it.

    Raises:
        VaultError: The log has a vault, and it was not given.
    """
    if PERSONAL_FIELDS_SETTING in settings:
        raise VaultError(
            "this log seals personal data: open it with its vault (vault=Vault(...)) to record "
            "events, or with vault=False to look after its keys"
        )
