"""Keyed tags: equality on personal fields without opening a log.

A tag is HMAC-SHA-256 (RFC 2104) under a key of the log's own, over what kind of value it is, the
tenant, and the value. Tags lie in rows that can be deleted, never in an entry. They say which
records share a value to whoever reads the rows, and nothing about the value without the key.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import cbor2

from biotrail.errors import VaultError

__all__ = ["TAG_REFERENCE", "Tags"]

TAG_REFERENCE = bytes(16)
"""The reference under which the key of the tags is kept: no person has it."""

_DEVICE_TAG = 16
_PREFIX_TAG, _ADDRESS_TAG = 4, 8
_PREFIXES = {4: (8, 16, 24), 6: (32, 48, 64)}
_CACHED = 16_384


class Tags:
    """Calculates the tags of one log."""

    def __init__(self, key: bytes) -> None:
        """Use a key of 32 bytes."""
        if len(key) != 32:
            raise VaultError("the key of the tags has 32 bytes")
        self._key: bytes | None = key
        self._known: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._places: OrderedDict[
            tuple[str, str | None, bytes | None], tuple[bytes | None, bytes | None]
        ] = OrderedDict()

    def person(self, tenant: str, identity: str) -> str:
        """The tag of a person's identity, 64 hexadecimal digits."""
        return self._tag("person", tenant, identity).hex()

    def period(self, tenant: str, period: str) -> str:
        """The tag of a period in which records concern nobody known, 64 hexadecimal digits."""
        return self._tag("period", tenant, period).hex()

    def device(self, tenant: str, device: str) -> bytes:
        """The tag of a device id, 16 bytes."""
        key = "device", tenant, device
        return self._known.get(key) or self._keep(key, self._tag(*key)[:_DEVICE_TAG])

    def address(self, tenant: str, ip: IPv4Address | IPv6Address) -> bytes:
        """The tags of an address: 4 bytes for each of three prefixes, 8 for itself; 20 bytes."""
        key = "ip", tenant, ip
        return self._known.get(key) or self._keep(key, self._address(tenant, ip))

    def places(
        self, tenant: str, device: str | None, packed: bytes | None
    ) -> tuple[bytes | None, bytes | None]:
        """The tags of a device and of an address in network order, looked up together.

        Returns:
            As `device` and `address`; None for what is None.
        """
        known = self._places.get((tenant, device, packed))
        if known is not None:
            return known
        found = (
            None if device is None else self.device(tenant, device),
            None if packed is None else self.address(tenant, ip_address(packed)),
        )
        self._places[tenant, device, packed] = found
        if len(self._places) > _CACHED:
            self._places.popitem(last=False)
        return found

    def network(self, tenant: str, network: IPv4Network | IPv6Network) -> bytes:
        """How the tags of all addresses in a network begin.

        A network whose prefix has no tag of its own is searched by the next shorter one that has.
        """
        return self._address(tenant, network.network_address, network.prefixlen)

    def _address(
        self, tenant: str, ip: IPv4Address | IPv6Address, upto: int | None = None
    ) -> bytes:
        packed, bits = ip.packed, ip.max_prefixlen
        parts = [
            self._prefix(f"ip/{prefix}", tenant, _masked(packed, prefix))
            for prefix in _PREFIXES[ip.version]
            if upto is None or prefix <= upto
        ]
        if upto is None or upto == bits:
            parts.append(self._tag(f"ip/{bits}", tenant, packed)[:_ADDRESS_TAG])
        return b"".join(parts)

    def _prefix(self, kind: str, tenant: str, network: bytes) -> bytes:
        key = kind, tenant, network
        return self._known.get(key) or self._keep(key, self._tag(*key)[:_PREFIX_TAG])

    def _tag(self, kind: str, tenant: str, value: str | bytes) -> bytes:
        if self._key is None:
            raise VaultError("the log is closed, and the key of its tags is forgotten")
        return hmac.digest(self._key, cbor2.dumps([kind, tenant, value]), "sha256")

    def _keep(self, key: tuple[object, ...], tag: bytes) -> bytes:
        self._known[key] = tag
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return tag

    def forget(self) -> None:
        """Drop the values that were tagged: they are personal."""
        self._known, self._places = OrderedDict(), OrderedDict()

    def close(self) -> None:
        """Forget the key too. May be called twice."""
        self._key = None
        self.forget()

    def __repr__(self) -> str:
        return "<Tags>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("the key of the tags is not written anywhere")


def _masked(packed: bytes, prefix: int) -> bytes:
    # All the prefixes end between two bytes.
    whole = prefix // 8
    return packed[:whole] + bytes(len(packed) - whole)
