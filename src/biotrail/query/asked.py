"""What a look-up asks for: a person, a device, an address, a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal, NamedTuple, TypeAlias
from unicodedata import normalize

from biotrail.errors import EventError
from biotrail.query.record import Record
from biotrail.vault import Tags

__all__ = ["Asked", "Network", "Role", "address", "as_network", "device", "person"]

Network: TypeAlias = IPv4Network | IPv6Network
Role: TypeAlias = Literal["subject", "actor"]
Find: TypeAlias = Callable[[Any, Tags, int, int], Iterable[int]]


class Asked(NamedTuple):
    """What is looked for.

    Attributes:
        find: Finds the indices at which a store's tags say that there is an answer.
        answers: Whether a record is one.
        misled: Whether a record that is no answer should not have been found either.
        field: The payload's field that it is about, where a host's policy may keep it in the clear.
    """

    find: Find
    answers: Callable[[Record], bool]
    misled: Callable[[Record, Tags | None], bool]
    field: str | None = None


def person(identity: str, tenant: str | None, role: Role | None) -> Asked:
    """Look for records of a person.

    Raises:
        EventError: Not an identity, or not a role.
    """
    identity, tenant = _text("identity", identity), _tenant(tenant)
    if role not in (None, "subject", "actor"):
        raise EventError("role", role, "must be 'subject' or 'actor'")
    roles = ("subject", "actor") if role is None else (role,)

    def find(store: Any, tags: Tags, start: int, stop: int) -> Iterable[int]:
        for reference in store.references("", tags.person(tenant or "", identity)):
            yield from store.sealed_of(reference, start, stop)

    def is_in(record: Record, roles: Iterable[str]) -> bool:
        people: list[Any] = [record.personal.get(one) for one in roles]
        return _is_of(record, tenant) and any(
            type(one) is dict and one.get("id") == identity for one in people
        )

    return Asked(
        find,
        lambda record: is_in(record, roles),
        lambda record, _: not is_in(record, ("subject", "actor")),
    )


def device(device_id: str, tenant: str | None) -> Asked:
    """Look for records of a device.

    Raises:
        EventError: Not a device id.
    """
    device_id, tenant = _text("device_id", device_id), _tenant(tenant)

    def answers(record: Record) -> bool:
        return _is_of(record, tenant) and _said(record, "device_id") == device_id

    return Asked(
        lambda store, tags, start, stop: store.sealed_by_device(
            tags.device(tenant or "", device_id), start, stop
        ),
        answers,
        lambda record, _: not answers(record),
        "device_id",
    )


def address(network: Network, tenant: str | None) -> Asked:
    """Look for records whose address is in a network; a single address is a network too."""
    tenant = _tenant(tenant)

    def answers(record: Record) -> bool:
        found = _address_of(record)
        return found is not None and _is_of(record, tenant) and found in network

    def prefix(tags: Tags) -> bytes:
        return tags.network(tenant or "", network)

    def misled(record: Record, tags: Tags | None) -> bool:
        # A network between two tagged sizes is searched by the larger one.
        found = _address_of(record)
        if found is None or tags is None:
            return found is None
        true = tags.address(record.tenant or "", found)
        return not true.startswith(prefix(tags))

    return Asked(
        lambda store, tags, start, stop: store.sealed_by_ip(prefix(tags), start, stop),
        answers,
        misled,
        "ip",
    )


def as_network(given: str | IPv4Address | IPv6Address | Network) -> Network:
    """An address or a network, as a network.

    Raises:
        EventError: It is neither; or a network with bits of a host.
    """
    try:
        if isinstance(given, (str, IPv4Address, IPv6Address, IPv4Network, IPv6Network)):
            found = ip_network(given)
            # A zone ("%eth0") is not recorded either.
            return ip_network((found.network_address.packed, found.prefixlen))
    except ValueError:
        pass
    raise EventError(
        "address",
        given,
        "must be an IP address, or a network such as 192.0.2.0/24 or 2001:db8::/32",
    )


def _text(name: str, value: object) -> str:
    """Text in form C, as it is recorded: else one person would have two tags."""
    if not isinstance(value, str) or not value:
        raise EventError(name, value, "must be text that is not empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EventError(name, value, "must not contain lone surrogates") from None
    return normalize("NFC", str(value))


def _tenant(value: str | None) -> str | None:
    return None if value is None else _text("tenant", value)


def _is_of(record: Record, tenant: str | None) -> bool:
    # Only an event has a payload: most entries need not be decoded for this.
    return record.tenant == tenant and (record.opened is not None or record.kind == "event")


def _said(record: Record, name: str) -> Any:
    """A personal field, wherever the host's policy keeps it."""
    found = record.personal.get(name)
    return record.content.get(name) if found is None else found


def _address_of(record: Record) -> IPv4Address | IPv6Address | None:
    is_event = record.opened is not None or record.kind == "event"
    packed = _said(record, "ip") if is_event else None
    try:
        return None if type(packed) is not bytes else ip_address(packed)
    except ValueError:
        return None
