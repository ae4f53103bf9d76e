"""Where keyed tags lead: to the records of a person, a device, an address or a network.

Tags are not trusted, and of some records there are none: those whose payload lies in the clear. All
that is found is possible, and nothing is sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from ipaddress import IPv4Network, IPv6Network
from operator import or_
from typing import Any

from biotrail.query.columns import Bits, Columns, Plan
from biotrail.sealing import Keyring
from biotrail.stores import StoreReader
from biotrail.stores.postings import SEGMENT
from biotrail.vault import Tags

__all__ = ["TagLookUp"]

_MOST_TENANTS = 256
_MOST_VALUES = 64
_Find = Callable[[int, int], Iterable[int]]


class TagLookUp:
    """Looks up tags in one log. Not thread-safe: `LogQuery` sees to that."""

    fields = ("subject", "actor", "device", "ip")

    def __init__(self, store: StoreReader, columns: Columns, keyring: Keyring | None) -> None:
        """Look up with these keys, for a reader who holds the vault."""
        self._store: Any = store
        self._columns = columns
        self._keyring = keyring
        self._tenants: set[str] = set()
        self._seen = 0

    def find(
        self, field: str, values: Sequence[Any], tenants: frozenset[str] | None
    ) -> Plan | None:
        """A plan for a field that is one of some values; None where no tag can tell.

        Args:
            field: One of `fields`.
            values: Identities, device ids, or networks.
            tenants: Among whose records; None for all.
        """
        tags = None if self._keyring is None else self._keyring.tags()
        if tags is None or len(values) > _MOST_VALUES:
            return None
        named = self._all_tenants() if tenants is None else tenants
        if len(named) * len(values) > _MOST_TENANTS:
            return None
        finds = [
            one
            for tenant in sorted(named)
            for value in values
            for one in self._finds(field, tags, tenant, value)
        ]
        return self._plan(finds)

    def _finds(self, field: str, tags: Tags, tenant: str, value: Any) -> list[_Find]:
        store = self._store
        if field == "ip":
            network: IPv4Network | IPv6Network = value
            prefix = tags.network(tenant, network)
            return [lambda start, stop: store.sealed_by_ip(prefix, start, stop)]
        if field == "device":
            tag = tags.device(tenant, value)
            return [lambda start, stop: store.sealed_by_device(tag, start, stop)]
        return [
            lambda start, stop, reference=reference: store.sealed_of(reference, start, stop)  # type: ignore[misc]
            for reference in store.references("", tags.person(tenant, value))
        ]

    def _plan(self, finds: Sequence[_Find]) -> Plan:
        every = [*finds, self._store.clear_payloads]

        def plan(start: int, stop: int) -> list[Bits]:
            found = [0] * (stop - start)
            for find in every:
                for index in find(start * SEGMENT, stop * SEGMENT):
                    if start * SEGMENT <= index < stop * SEGMENT:
                        found[index // SEGMENT - start] |= 1 << index % SEGMENT
            return [Bits(0, one) for one in found]

        return plan

    def _all_tenants(self) -> set[str]:
        """Every tenant that a column names; "" where there are events that name none."""
        columns, start = self._columns, self._seen
        stop = -(-columns.size // SEGMENT)
        events = columns.bitmaps("kind", "event", start, stop)
        for bits, found in zip(events, columns.values("tenant", start, stop), strict=True):
            self._tenants.update(found)
            if bits & ~reduce(or_, found.values(), 0):
                self._tenants.add("")
        self._seen = columns.size // SEGMENT
        return self._tenants
