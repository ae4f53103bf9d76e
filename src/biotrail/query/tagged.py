"""Where keyed tags lead: to the records of a person, a device, an address or a network.

Tags are not trusted, and of some records there are none: those whose payload lies in the clear. For
a page all that is found is possible, and nothing is sure. Who counts goes by tags as by columns: a
device's tag, or that of an address or of a network that has one, stands where the value does.
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
# Those of which a tag of at least 8 bytes is kept: two networks hardly ever share one.
_TOLD_PREFIXES = {4: (16, 24, 32), 6: (48, 64, 128)}
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
        self,
        field: str,
        values: Sequence[Any],
        tenants: frozenset[str] | None,
        *,
        counts: bool = False,
    ) -> Plan | None:
        """A plan for a field that is one of some values; None where no tag can tell.

        Args:
            field: One of `fields`.
            values: Identities, device ids, or networks.
            tenants: Among whose records; None for all.
            counts: Whether it is for counting only: where a tag says as much as the value it is
                taken at its word, and what it leads to need not be opened.
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
        surely = counts and all(_is_told(field, one) for one in values)
        return self._plan(finds, surely=surely and not self._store.fences(unfinished=True))

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

    def _plan(self, finds: Sequence[_Find], *, surely: bool) -> Plan:
        in_the_clear = [self._store.clear_payloads]

        def plan(start: int, stop: int) -> list[Bits]:
            tagged = _bitmaps(finds, start, stop)
            untagged = _bitmaps(in_the_clear, start, stop)
            return [
                # A payload in the clear may have any value, whatever lies beside it.
                Bits(found & ~clear if surely else 0, found | clear)
                for found, clear in zip(tagged, untagged, strict=True)
            ]

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


def _bitmaps(finds: Sequence[_Find], start: int, stop: int) -> list[int]:
    """Where any of some look-ups leads, for each segment of a range."""
    found = [0] * (stop - start)
    for find in finds:
        for index in find(start * SEGMENT, stop * SEGMENT):
            if start * SEGMENT <= index < stop * SEGMENT:
                found[index // SEGMENT - start] |= 1 << index % SEGMENT
    return found


def _is_told(field: str, value: Any) -> bool:
    """Whether the tag that is looked up stands for this value, and for no other."""
    if field == "ip":
        return value.prefixlen in _TOLD_PREFIXES[value.version]
    return field == "device"  # a person's tag does not tell whether as subject or actor
