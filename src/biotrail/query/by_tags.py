"""Records of a person, a device, an address or a network: found by their tags."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from biotrail.query import asked as ask
from biotrail.query.asked import Asked, Network, Role
from biotrail.query.look_up import Answers, LookUp
from biotrail.query.opening import Opening
from biotrail.query.policies import Policies
from biotrail.query.where import EVERYTHING, Where
from biotrail.sealing import Keyring
from biotrail.stores import StoreReader

__all__ = ["FoundRecords"]


class FoundRecords:
    """Finds records of one log by keyed tags."""

    _store: StoreReader
    _opening: Opening
    _keyring: Keyring | None
    _policies: Policies

    def by_person(
        self,
        identity: str,
        *,
        tenant: str | None = None,
        role: Role | None = None,
        where: Where | None = None,
        newest_first: bool = True,
        limit: int | None = None,
    ) -> Answers:
        """Records of a person, as the subject or the actor.

        Records whose personal fields were erased are not found: nothing leads to them any more.

        Args:
            identity: The person's id.
            tenant: The tenant in whose records it is; None for records without one.
            role: Only as ``"subject"``, or only as ``"actor"``.
            where: Which of them are asked for, by what is in the clear.
            newest_first: Begin at the end.
            limit: How many at most.

        Raises:
            SealedError: The log seals personal fields, and no vault was given.
            VerificationError: A record that was found cannot be read.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        asked = ask.person(identity, tenant, role)
        return self._answers(asked, where, newest_first=newest_first, limit=limit)

    def by_device(
        self,
        device_id: str,
        *,
        tenant: str | None = None,
        where: Where | None = None,
        newest_first: bool = True,
        limit: int | None = None,
    ) -> Answers:
        """Records whose context names a device; see `by_person`."""
        asked = ask.device(device_id, tenant)
        return self._answers(asked, where, newest_first=newest_first, limit=limit)

    def by_address(
        self,
        address: str | IPv4Address | IPv6Address | Network,
        *,
        tenant: str | None = None,
        where: Where | None = None,
        newest_first: bool = True,
        limit: int | None = None,
    ) -> Answers:
        """Records that came from an address, or from within a network; see `by_person`.

        Networks of 8, 16 and 24 bits (IPv6: 32, 48 and 64) have tags of their own; others are
        searched by the next larger network that has one.

        Raises:
            EventError: Neither an address nor a network.
        """
        asked = ask.address(ask.as_network(address), tenant)
        return self._answers(asked, where, newest_first=newest_first, limit=limit)

    def _answers(
        self, asked: Asked, where: Where | None, *, newest_first: bool, limit: int | None
    ) -> Answers:
        search = LookUp(self._store, self._opening, self._keyring, self._policies, asked)
        return search.answers(where or EVERYTHING, newest_first=newest_first, limit=limit)
