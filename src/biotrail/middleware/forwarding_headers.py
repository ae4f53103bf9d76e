"""What proxies write about whom they serve: ``Forwarded`` (RFC 7239) and ``X-Forwarded-For``.

Pure: texts in, nodes out. Nodes are read from the last one back, since the last was written by the
proxy that is nearest, and whatever stands before what is asked for may be a client's invention.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

__all__ = [
    "IPAddress",
    "MalformedHeaderError",
    "Node",
    "forwarded_nodes",
    "parse_address",
    "x_forwarded_for_nodes",
]

IPAddress = IPv4Address | IPv6Address

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 section 5.6.2, no secret
_PAIR = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*')
_PORT = r"(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?"
_IPV4_NODE = re.compile(rf"([0-9.]{{7,15}}){_PORT}")
_IPV6_NODE = re.compile(rf"\[([0-9A-Fa-f:.]{{2,45}})\]{_PORT}")
_HIDDEN_NODE = re.compile(rf"(?:unknown|_[0-9A-Za-z._-]+){_PORT}", re.IGNORECASE)
_BLANKS = " \t"
_LONGEST_ADDRESS = 45  # IPv6 whose last 32 bits are written as IPv4


class MalformedHeaderError(ValueError):
    """A header does not follow its grammar. Never leaves the middleware."""


class Node(NamedTuple):
    """One party on the way of a request.

    Attributes:
        address: Its address; None where the proxy hides it ("unknown", or an obfuscated identifier,
            RFC 7239 section 6.3).
    """

    address: IPAddress | None


_HIDDEN = Node(None)


def parse_address(text: str) -> IPAddress | None:
    """An address without port, zone or brackets; None where it is none.

    An IPv4 address in IPv6 form (``::ffff:192.0.2.1``, as sockets of both families show it) is
    returned as IPv4.
    """
    return None if len(text) > _LONGEST_ADDRESS or "%" in text else _parsed(text)


@lru_cache(1_024)  # the same proxies, the same offices
def _parsed(text: str) -> IPAddress | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def forwarded_nodes(lines: Sequence[str]) -> Iterator[Node]:
    """The ``for`` nodes of a ``Forwarded`` header (RFC 7239 section 4), the last one first.

    Each line is read by itself: a quotation mark that a client leaves open reaches no further than
    its own line.

    Args:
        lines: The values of the header's lines, in their order.

    Raises:
        MalformedHeaderError: On reaching a line that does not follow the grammar, or an element
            that names a parameter twice.
    """
    for line in reversed(lines):
        for element in reversed(_elements(line)):
            yield _forwarded_node(element)


def x_forwarded_for_nodes(lines: Sequence[str]) -> Iterator[Node]:
    """The nodes of an ``X-Forwarded-For`` header, the last one first.

    Besides plain addresses, those with a port are known, as some proxies write them.

    Args:
        lines: The values of the header's lines, in their order.

    Raises:
        MalformedHeaderError: On reaching an entry that is no address.
    """
    for line in reversed(lines):
        for entry in reversed(line.split(",")):
            yield _x_forwarded_node(entry.strip(_BLANKS))


def _elements(line: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    place, end = _after_blanks(line, 0), len(line)
    while True:
        pair = _PAIR.match(line, place)
        if pair is None or pair[1].lower() in found[-1]:
            raise MalformedHeaderError
        quoted = pair[3]
        found[-1][pair[1].lower()] = pair[2] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        place = pair.end()
        if place == end:
            return found
        if line[place] not in ",;":
            raise MalformedHeaderError
        if line[place] == ",":
            found.append({})
        place = _after_blanks(line, place + 1)


def _after_blanks(line: str, place: int) -> int:
    while line[place : place + 1] in (" ", "\t"):
        place += 1
    return place


def _forwarded_node(element: dict[str, str]) -> Node:
    text = element.get("for")
    if text is None or _HIDDEN_NODE.fullmatch(text):
        return _HIDDEN
    return _addressed(_IPV4_NODE.fullmatch(text) or _IPV6_NODE.fullmatch(text))


def _x_forwarded_node(entry: str) -> Node:
    plain = parse_address(entry)
    if plain is not None:
        return Node(plain)
    if _HIDDEN_NODE.fullmatch(entry):
        return _HIDDEN
    return _addressed(_IPV4_NODE.fullmatch(entry) or _IPV6_NODE.fullmatch(entry))


def _addressed(found: re.Match[str] | None) -> Node:
    address = None if found is None else parse_address(found[1])
    if address is None:
        raise MalformedHeaderError
    return Node(address)
