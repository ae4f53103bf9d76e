"""Whom to believe about the client's address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import TypeAlias

import attrs

from biotrail.errors import MiddlewareError
from biotrail.events import Provenance
from biotrail.middleware.forwarding_headers import (
    IPAddress,
    MalformedHeaderError,
    Node,
    forwarded_nodes,
    x_forwarded_for_nodes,
)

__all__ = ["Client", "ForwardingHeader", "HeaderRefusal", "IPNetwork", "TrustedProxies"]

IPNetwork = IPv4Network | IPv6Network
_Lines: TypeAlias = Mapping[str, Sequence[str]]
_LONGEST = 8_192
_MOST_HOPS = 64


class ForwardingHeader(StrEnum):
    """The headers in which proxies say whom they serve."""

    FORWARDED = "forwarded"
    """RFC 7239."""
    X_FORWARDED_FOR = "x-forwarded-for"


_READERS: dict[ForwardingHeader, Callable[[Sequence[str]], Iterator[Node]]] = {
    ForwardingHeader.FORWARDED: forwarded_nodes,
    ForwardingHeader.X_FORWARDED_FOR: x_forwarded_for_nodes,
}


class HeaderRefusal(StrEnum):
    """Why a header was not believed; recorded as the label ``forwarding_refused``."""

    UNTRUSTED_PEER = "untrusted_peer"
    """It came from one who is no trusted proxy."""
    UNTRUSTED_HOP = "untrusted_hop"
    """Between the client and this host stands one who is in none of the trusted networks."""
    TOO_FEW_HOPS = "too_few_hops"
    """It names fewer parties than there are trusted proxies, or there is none."""
    MALFORMED = "malformed"
    CONFLICT = "conflict"
    """``Forwarded`` and ``X-Forwarded-For`` are both there and do not say the same."""
    HIDDEN = "hidden"
    """The proxy hides the client's address (RFC 7239 section 6.3)."""
    TOO_LONG = "too_long"


@attrs.frozen
class Client:
    """Who the client is taken for.

    Attributes:
        address: The address; None where the peer has none, as on a Unix socket.
        provenance: Observed (the peer of the socket) or asserted by a trusted proxy.
        refused: Why a header was not believed; None where none was refused.
    """

    address: IPAddress | None
    provenance: Provenance
    refused: HeaderRefusal | None = None


def _networks(value: Iterable[IPNetwork | str]) -> tuple[IPNetwork, ...]:
    if isinstance(value, str):
        raise MiddlewareError("networks: must be a sequence of networks, not one text")
    try:
        return tuple(ip_network(one) if isinstance(one, str) else one for one in value)
    except ValueError as error:
        raise MiddlewareError(f"networks: {error}") from None


def _header(value: ForwardingHeader | str | None) -> ForwardingHeader | None:
    try:
        return None if value is None else ForwardingHeader(value.lower())
    except ValueError:
        words = " or ".join(ForwardingHeader)
        raise MiddlewareError(f"header: must be {words}") from None


@attrs.frozen(kw_only=True)
class TrustedProxies:
    """The proxies in front of this host. By default there are none, and no header is believed.

    Give the number of proxies, their networks, or both: then the peer and every party between it
    and the client must be in one of the networks.

    Attributes:
        hops: How many proxies each request comes through. The client is the party that the
            outermost of them names.
        networks: Where the proxies are. Without `hops`, the client is the last party that is in
            none of them; where all are, the first that is named.
        header: The header that the proxies write. Where it is given, the other one is not looked
            at; else both count, and must agree where both are there. Give it: a client can send
            the header that the proxies do not write, and so bring about a conflict.
    """

    hops: int | None = attrs.field(default=None)
    networks: tuple[IPNetwork, ...] = attrs.field(default=(), converter=_networks)
    header: ForwardingHeader | None = attrs.field(default=None, converter=_header)

    @hops.validator
    def _check_hops(self, _attribute: object, value: int | None) -> None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and 1 <= value <= _MOST_HOPS):
            raise MiddlewareError(f"hops: must be a whole number from 1 to {_MOST_HOPS}, or None")

    def trusts(self, peer: IPAddress | None) -> bool:
        """Whether the peer is a trusted proxy.

        Where only the number is known every peer is: nobody else may reach this host then.
        """
        if self.networks:
            return peer is not None and self._inside(peer)
        return self.hops is not None

    def client(self, peer: IPAddress | None, lines: _Lines) -> Client:
        """Who the client is. Never raises: what cannot be believed leaves the peer's address.

        Args:
            peer: The other end of the connection.
            lines: Values by the lower-case names of `ForwardingHeader`, one for each line.
        """
        given = {one: lines[one] for one in self._looked_at() if lines.get(one)}
        if not self.trusts(peer):
            return self._observed(peer, HeaderRefusal.UNTRUSTED_PEER if given else None)
        if not given:
            return self._observed(peer, HeaderRefusal.TOO_FEW_HOPS if self.hops else None)
        said = [self._said(_READERS[header], values) for header, values in given.items()]
        if len(set(said)) > 1:
            return self._observed(peer, HeaderRefusal.CONFLICT)
        if isinstance(said[0], HeaderRefusal):
            return self._observed(peer, said[0])
        return Client(said[0], Provenance.PROXY_ASSERTED)

    def _looked_at(self) -> tuple[ForwardingHeader, ...]:
        return tuple(ForwardingHeader) if self.header is None else (self.header,)

    def _inside(self, address: IPAddress) -> bool:
        return any(address in network for network in self.networks)

    def _observed(self, peer: IPAddress | None, refused: HeaderRefusal | None) -> Client:
        return Client(peer, Provenance.OBSERVED, refused)

    def _said(
        self, read: Callable[[Sequence[str]], Iterator[Node]], lines: Sequence[str]
    ) -> IPAddress | HeaderRefusal:
        if sum(map(len, lines)) > _LONGEST:
            return HeaderRefusal.TOO_LONG
        try:
            node = (self._first_outside if self.hops is None else self._counted)(read(lines))
        except MalformedHeaderError:
            return HeaderRefusal.MALFORMED
        if isinstance(node, HeaderRefusal):
            return node
        return HeaderRefusal.HIDDEN if node.address is None else node.address

    def _counted(self, nodes: Iterator[Node]) -> Node | HeaderRefusal:
        assert self.hops is not None
        nearest = list(islice(nodes, self.hops))
        if len(nearest) < self.hops:
            return HeaderRefusal.TOO_FEW_HOPS
        *between, client = nearest
        if self.networks and not all(one.address and self._inside(one.address) for one in between):
            return HeaderRefusal.UNTRUSTED_HOP
        return client

    def _first_outside(self, nodes: Iterator[Node]) -> Node | HeaderRefusal:
        node = Node(None)
        for count, node in enumerate(nodes):
            if node.address is None or not self._inside(node.address):
                return node
            if count == _MOST_HOPS:
                return HeaderRefusal.TOO_LONG
        return node
