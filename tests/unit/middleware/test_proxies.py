"""Who the client is taken for behind proxies."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from biotrail.errors import MiddlewareError
from biotrail.events import Provenance
from biotrail.middleware import TrustedProxies
from biotrail.middleware.proxies import Client

PROXY, CLIENT = "10.0.0.1", "192.0.2.60"


def found(proxies: TrustedProxies, peer: str | None = PROXY, **lines: list[str]) -> Client:
    """The client, from header lines by name with underscores."""
    named = {name.replace("_", "-"): values for name, values in lines.items()}
    return proxies.client(None if peer is None else ip_address(peer), named)


def believed(client: Client) -> str | None:
    """The address that a proxy asserted, as text; None where it is the peer's."""
    if client.provenance is Provenance.PROXY_ASSERTED:
        assert client.refused is None
        return str(client.address)
    return None


ONE = TrustedProxies(hops=1)
INSIDE = TrustedProxies(networks=["10.0.0.0/8", "2001:db8:ff::/48"])


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("for=192.0.2.60", "192.0.2.60"),
        ("For=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('for="192.0.2.60:47011"', "192.0.2.60"),
        ('for="192.0.2.60:_port"', "192.0.2.60"),
        ('for="[2001:db8:cafe::17]"', "2001:db8:cafe::17"),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="[::ffff:192.0.2.60]"', "192.0.2.60"),
        ('for="\\1\\9\\2.0.2.60"', "192.0.2.60"),
        ('proto=https;host="a,b;c=\\"d";for=192.0.2.60', "192.0.2.60"),
        ("for=198.51.100.1, for=192.0.2.60", "192.0.2.60"),
        ("  for=192.0.2.60 ; proto=https  ", "192.0.2.60"),
    ],
)
def test_forwarded_is_read(line: str, address: str) -> None:
    """Every form of a node in RFC 7239 is read: quoted, in brackets, with ports, escaped."""
    assert believed(found(ONE, forwarded=[line])) == address


@pytest.mark.parametrize(
    "line",
    [
        "",
        "for",
        "for=",
        'for="192.0.2.60',
        "for=[2001:db8::1]",
        'for="2001:db8::1"',
        'for="[2001:db8::1"',
        'for="[fe80::1%eth0]"',
        "for=192.0.2.60:80",
        "for=192.0.2.256",
        "for=192.0.2.060",
        "for=1.2.3.4.5",
        "for=192.0.2.60;for=192.0.2.61",
        "for=192.0.2.60,",
        "for=192.0.2.60 proto=http",
        "for =192.0.2.60",
        "for=192.0.2.60\r\nSet-Cookie: a=b",
        'for="192.0.2.60"x',
        'for="192.0.2.60:123456"',
    ],
)
def test_forwarded_that_breaks_its_grammar_is_refused(line: str) -> None:
    """What is not in the grammar is refused whole: the peer's address stays."""
    client = found(ONE, forwarded=[line])
    assert (str(client.address), client.provenance) == (PROXY, "observed")
    assert client.refused == "malformed"


@pytest.mark.parametrize("line", ["for=unknown", "for=_hidden", 'for="_SEVKISEK:_p"', "proto=http"])
def test_a_hidden_client_is_not_guessed(line: str) -> None:
    """Where the proxy hides the client, the peer's address stays, and the label says so."""
    client = found(ONE, forwarded=[line])
    assert (str(client.address), client.refused) == (PROXY, "hidden")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["192.0.2.60"], "192.0.2.60"),
        (["203.0.113.9, 192.0.2.60"], "192.0.2.60"),
        (["!!!, 192.0.2.60"], "192.0.2.60"),
        (["203.0.113.9", "192.0.2.60"], "192.0.2.60"),
        (["192.0.2.60:4711"], "192.0.2.60"),
        (["2001:db8::17"], "2001:db8::17"),
        (["[2001:db8::17]:4711"], "2001:db8::17"),
        (["::ffff:192.0.2.60"], "192.0.2.60"),
    ],
)
def test_x_forwarded_for_is_read_from_its_end(lines: list[str], address: str) -> None:
    """What the nearest proxy wrote counts; whatever a client wrote before it is not looked at."""
    assert believed(found(ONE, x_forwarded_for=lines)) == address


def test_an_open_quotation_mark_reaches_no_further_than_its_line() -> None:
    """A client that leaves a quotation mark open cannot swallow the line of the proxy."""
    client = found(ONE, forwarded=['for="203.0.113.9', "for=192.0.2.60"])
    assert believed(client) == CLIENT


def test_hops_are_counted_from_the_nearest() -> None:
    """With two proxies the client is the last but one, however many a client puts before."""
    two = TrustedProxies(hops=2)
    assert believed(found(two, x_forwarded_for=["1.1.1.1, 192.0.2.60, 10.0.0.2"])) == CLIENT
    assert found(two, x_forwarded_for=["192.0.2.60"]).refused == "too_few_hops"
    assert found(two).refused == "too_few_hops"


def test_networks_are_walked_until_somebody_is_outside() -> None:
    """The client is the last party that is in none of the networks; v4 in v6 form counts as v4."""
    chain = ["1.1.1.1, 192.0.2.60, 10.9.9.9, ::ffff:10.0.0.2"]
    assert believed(found(INSIDE, x_forwarded_for=chain)) == CLIENT
    assert believed(found(INSIDE, "2001:db8:ff::1", forwarded=["for=192.0.2.60"])) == CLIENT
    assert believed(found(INSIDE, x_forwarded_for=["10.1.1.1, 10.2.2.2"])) == "10.1.1.1"
    assert found(INSIDE) == Client(ip_address(PROXY), Provenance.OBSERVED)


def test_number_and_networks_together() -> None:
    """With both, every party between peer and client has to be in a network."""
    both = TrustedProxies(hops=2, networks=["10.0.0.0/8"])
    assert believed(found(both, x_forwarded_for=["192.0.2.60, 10.0.0.2"])) == CLIENT
    assert found(both, x_forwarded_for=["192.0.2.60, 203.0.113.1"]).refused == "untrusted_hop"
    assert found(both, x_forwarded_for=["192.0.2.60, unknown"]).refused == "untrusted_hop"


@pytest.mark.parametrize("proxies", [TrustedProxies(), INSIDE], ids=["none", "networks"])
def test_an_untrusted_peer_is_not_believed(proxies: TrustedProxies) -> None:
    """A header from one who is no trusted proxy changes nothing, and is named as refused."""
    client = found(proxies, "198.51.100.7", x_forwarded_for=["192.0.2.60"])
    assert (str(client.address), client.refused) == ("198.51.100.7", "untrusted_peer")
    quiet = found(proxies, "198.51.100.7")
    assert quiet.refused is None


def test_headers_that_disagree_are_refused() -> None:
    """Two headers have to say the same; naming the one that is written settles it."""
    lines: dict[str, Any] = {"forwarded": ["for=203.0.113.9"], "x_forwarded_for": ["192.0.2.60"]}
    assert found(ONE, **lines).refused == "conflict"
    assert found(ONE, **{**lines, "forwarded": ["for=("]}).refused == "conflict"
    agreeing = {**lines, "forwarded": ["for=192.0.2.60"]}
    assert believed(found(ONE, **agreeing)) == CLIENT
    named = TrustedProxies(hops=1, header="X-Forwarded-For")
    assert believed(found(named, **lines)) == CLIENT


def test_endless_headers_are_refused() -> None:
    """A header of more than 8,192 characters, or a walk over more than 64 parties, is refused."""
    assert found(ONE, x_forwarded_for=["1.1.1.1, " * 1_000]).refused == "too_long"
    walk = [", ".join(["10.0.0.1"] * 66)]
    assert found(INSIDE, x_forwarded_for=walk).refused == "too_long"


def test_a_unix_socket_has_no_address() -> None:
    """Behind a Unix socket the proxy's word counts by number; by network nobody is trusted."""
    assert believed(found(ONE, None, x_forwarded_for=["192.0.2.60"])) == CLIENT
    assert found(INSIDE, None, x_forwarded_for=["192.0.2.60"]).address is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"hops": 0},
        {"hops": 65},
        {"hops": True},
        {"hops": "1"},
        {"networks": ["10.0.0.1/8"]},
        {"networks": "10.0.0.0/8"},
        {"header": "x-real-ip"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Settings that cannot be meant are refused, by name."""
    with pytest.raises(MiddlewareError, match=next(iter(wrong))):
        TrustedProxies(**wrong)
