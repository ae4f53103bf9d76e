"""One identity or address written in several ways is looked up in the one way it is recorded."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from biotrail import Context
from biotrail.errors import EventError
from biotrail.query import RecordReader
from tests.unit.query._logs import event, sealed_log

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"


def _indices(found: Any) -> list[int]:
    indices = [one.index for one in found]
    assert found.misleading == []
    return indices


@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED])
def test_forms_of_text(asked: str) -> None:
    """A person, a device and a tenant are the same in composed and decomposed characters."""
    store, vault = sealed_log(
        event(
            number,
            subject=one,
            actor=None,
            tenant=one,
            context=Context(device_id=one, ip="192.0.2.1"),
        )
        for number, one in enumerate((COMPOSED, DECOMPOSED))
    )
    records = RecordReader(store, vault=vault)
    assert records.record(2).content["subject"] == records.record(3).content["subject"]
    assert _indices(records.by_person(asked, tenant=asked)) == [3, 2]
    assert _indices(records.by_device(asked, tenant=asked)) == [3, 2]
    assert _indices(records.by_address("192.0.2.1", tenant=asked)) == [3, 2]


def test_text_that_is_not_unicode() -> None:
    """A lone surrogate is refused at the door of a look-up."""
    store, vault = sealed_log([event(0)])
    with pytest.raises(EventError, match="surrogates"):
        RecordReader(store, vault=vault).by_person("\ud800")


@pytest.mark.parametrize(
    "asked", ["fe80::1", "fe80::1%eth0", ip_address("fe80::1%lo"), "fe80::/64"]
)
def test_zones(asked: Any) -> None:
    """A zone is no part of an address, neither recorded nor looked up."""
    store, vault = sealed_log([event(0, context=Context(ip="fe80::1%eth0"))])
    assert _indices(RecordReader(store, vault=vault).by_address(asked)) == [2]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("192.0.2.1", [3]), ("::ffff:192.0.2.1", [2]), ("::ffff:c000:201", [2]), ("::/64", [2])],
)
def test_mapped_addresses(asked: str, expected: list[int]) -> None:
    """An IPv4 address mapped into IPv6 is found as what was recorded, and not as the other."""
    given = ("::ffff:192.0.2.1", "192.0.2.1")
    store, vault = sealed_log(event(n, context=Context(ip=ip)) for n, ip in enumerate(given))
    assert _indices(RecordReader(store, vault=vault).by_address(asked)) == expected
