"""Keyed tags: equality without opening a log."""

from __future__ import annotations

import hmac
import pickle
from ipaddress import ip_address, ip_network

import cbor2
import pytest

from biotrail.errors import VaultError
from biotrail.vault import Tags

KEY = bytes(range(32))


def test_a_tag_is_an_hmac_over_kind_tenant_and_value() -> None:
    """Anybody who holds the key calculates the same tag from the specification."""
    message = cbor2.dumps(["person", "acme", "anna"])
    assert Tags(KEY).person("acme", "anna") == hmac.digest(KEY, message, "sha256").hex()


def test_tags_differ_by_key_kind_tenant_and_value() -> None:
    """Equal values of two tenants, kinds or logs have tags that do not relate."""
    tags = Tags(KEY)
    found = {
        tags.person("acme", "anna"),
        tags.person("acme", "bert"),
        tags.person("other", "anna"),
        tags.period("acme", "anna"),
        Tags(bytes(32)).person("acme", "anna"),
    }
    assert len(found) == 5


@pytest.mark.parametrize(
    ("address", "prefixes"),
    [
        ("192.0.2.17", (8, 16, 24)),
        ("2001:db8:1:2:3::9", (32, 48, 64)),
    ],
)
def test_an_address_begins_with_the_tags_of_its_networks(
    address: str, prefixes: tuple[int, ...]
) -> None:
    """What tags a network is how the tags of all its addresses begin."""
    tags, ip = Tags(KEY), ip_address(address)
    whole = tags.address("", ip)
    assert len(whole) == 20
    for place, prefix in enumerate(prefixes, 1):
        network = ip_network(f"{address}/{prefix}", strict=False)
        assert tags.network("", network) == whole[: 4 * place]
    assert tags.network("", ip_network(address)) == whole


def test_a_network_between_two_prefixes_is_searched_by_the_shorter() -> None:
    """A /20 begins as its /16 does, and a /4 as everything does."""
    tags = Tags(KEY)
    assert tags.network("", ip_network("10.20.16.0/20")) == tags.network(
        "", ip_network("10.20.0.0/16")
    )
    assert tags.network("", ip_network("0.0.0.0/4")) == b""


def test_addresses_of_one_network_share_only_its_tag() -> None:
    """Two addresses of a /16 have the same first 8 bytes and no more."""
    tags = Tags(KEY)
    one = tags.address("", ip_address("10.20.1.1"))
    other = tags.address("", ip_address("10.20.2.1"))
    assert one[:8] == other[:8]
    assert one[8:12] != other[8:12]
    assert one[12:] != other[12:]


def test_the_same_value_is_tagged_the_same_again_and_after_forgetting() -> None:
    """What is kept for speed changes no tag."""
    tags = Tags(KEY)
    first = tags.device("", "reader-17"), tags.address("", ip_address("192.0.2.1"))
    again = tags.device("", "reader-17"), tags.address("", ip_address("192.0.2.1"))
    tags.forget()
    assert first == again
    assert first == (tags.device("", "reader-17"), tags.address("", ip_address("192.0.2.1")))


def test_a_key_of_another_size_is_refused_and_the_key_does_not_show() -> None:
    """The key has 32 bytes, and stays inside."""
    with pytest.raises(VaultError):
        Tags(bytes(16))
    assert repr(Tags(KEY)) == "<Tags>"
    with pytest.raises(TypeError):
        pickle.dumps(Tags(KEY))
