"""Records are found by person, device, address and network."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from biotrail import Context
from biotrail.errors import EventError, SealedError
from biotrail.query import RecordReader, Where
from biotrail.stores import MemoryStore
from biotrail.vault import PersonalFields, Vault
from tests.unit.query._logs import event, open_log, reader, sealed_log
from tests.unit.vault._providers import CountingProvider


def _indices(found: Any) -> list[int]:
    indices = [one.index for one in found]
    assert found.misleading == []
    return indices


def test_by_person() -> None:
    """A person is found as subject and as actor, newest first, or as asked."""
    records, _, _ = reader(9)
    assert _indices(records.by_person("person-1")) == [9, 6, 3]
    assert _indices(records.by_person("person-1", newest_first=False)) == [3, 6, 9]
    assert _indices(records.by_person("person-1", limit=2)) == [9, 6]
    assert _indices(records.by_person("guard", limit=1)) == [10]
    assert _indices(records.by_person("guard", role="subject")) == []
    assert _indices(records.by_person("person-1", role="actor")) == []
    assert len(_indices(records.by_person("guard", role="actor"))) == 9
    assert _indices(records.by_person("nobody")) == []


def test_by_device() -> None:
    """A device is found by its id."""
    records, _, _ = reader(9)
    assert _indices(records.by_device("reader-2")) == [9, 4]
    assert _indices(records.by_device("reader-9")) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("192.0.1.3", [5]),
        (ip_address("192.0.0.4"), [6]),
        ("192.0.0.0/24", [10, 8, 6, 4, 2]),
        (ip_network("192.0.0.0/16"), [10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ("192.0.1.0/30", [5, 3]),
        ("192.0.0.0/23", [10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ("192.0.0.0/12", [10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ("0.0.0.0/0", [10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ("128.0.0.0/1", [10, 9, 8, 7, 6, 5, 4, 3, 2]),
        ("::/0", []),
        ("10.0.0.0/8", []),
    ],
)
def test_by_address(asked: Any, expected: list[int]) -> None:
    """Addresses and networks of any prefix length find exactly what is in them."""
    records, _, _ = reader(9)
    assert _indices(records.by_address(asked)) == expected


@pytest.mark.parametrize(
    "asked", ["2001:db8:1:2::7", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32",
              "2001:db8:1:2::/66", "2001:db8:1::/52", "2001:d00::/24", "::/0"]
)  # fmt: skip
def test_by_address_of_version_6(asked: str) -> None:
    """The same holds for IPv6."""
    store, vault = sealed_log(
        [
            event(0, context=Context(ip="2001:db8:1:2::7")),
            event(1, context=Context(ip="2003:db8::1")),
            event(2),
        ]
    )
    found = _indices(RecordReader(store, vault=vault).by_address(asked))
    assert found == ([3, 2] if asked == "::/0" else [2])


@pytest.mark.parametrize("asked", ["", "anna", "192.0.2.1/24", 7, None, b"1234"])
def test_what_is_no_address(asked: Any) -> None:
    """What is neither an address nor a network is refused at the door."""
    records, _, _ = reader(1)
    with pytest.raises(EventError, match="network"):
        records.by_address(asked)
    for look_up in (records.by_person, records.by_device):
        with pytest.raises(EventError, match="text"):
            look_up("")
    with pytest.raises(EventError, match="role"):
        records.by_person("anna", role="witness")  # type: ignore[arg-type]


def test_tenants_are_apart() -> None:
    """The same id in two tenants is two people."""
    store, vault = sealed_log([event(0, tenant="north"), event(3, tenant="south"), event(6)])
    records = RecordReader(store, vault=vault)
    assert _indices(records.by_person("person-0", tenant="north")) == [2]
    assert _indices(records.by_person("person-0", tenant="south")) == [3]
    assert _indices(records.by_person("person-0")) == [4]
    assert _indices(records.by_device("reader-3", tenant="south")) == [3]
    assert _indices(records.by_address("192.0.1.3", tenant="south")) == [3]
    assert _indices(records.by_address("192.0.1.3")) == []


def test_where_among_the_answers() -> None:
    """Answers can be narrowed by what is in the clear, and by time."""
    records, _, _ = reader(9)
    times = [one.recorded for one in records.records()]
    assert _indices(records.by_person("person-1", where=Where(since=times[6]))) == [9, 6]
    assert _indices(records.by_person("person-1", where=Where(until=times[6]))) == [3]
    assert _indices(records.by_person("person-1", where=Where(outcome="failure"))) == []


def test_without_the_vault() -> None:
    """In a log that seals personal fields a look-up by them needs the vault."""
    records, _, _ = reader(2, opened=False)
    look_ups: list[Any] = [records.by_person, records.by_device, records.by_address]
    for look_up in look_ups:
        with pytest.raises(SealedError, match="vault"):
            look_up("192.0.2.1")


def test_a_log_in_the_clear() -> None:
    """A log without a vault is looked through, to the same answers."""
    store = MemoryStore()
    with open_log(store, None) as log:
        for number in range(9):
            log.record(event(number))
    records = RecordReader(store)
    assert _indices(records.by_person("person-1")) == [8, 5, 2]
    assert _indices(records.by_device("reader-2")) == [8, 3]
    assert _indices(records.by_address("192.0.1.0/30")) == [4, 2]


def test_a_log_that_began_in_the_clear() -> None:
    """Records from before the vault are found with those that are sealed."""
    store = MemoryStore()
    with open_log(store, None) as log:
        log.record(event(1))
    _, vault = sealed_log([event(4)], store=store)
    records = RecordReader(store, vault=vault)
    assert _indices(records.by_person("person-1")) == [3, 1]
    assert _indices(records.by_address("192.0.0.0/16")) == [3, 1]
    with pytest.raises(SealedError):
        RecordReader(store).by_person("person-1")


def test_fields_that_the_policy_keeps_in_the_clear() -> None:
    """A device or an address that the host keeps in the entry is found there."""
    policy = PersonalFields(clear={"ip", "device_id"})
    vault = Vault(CountingProvider(), policy=policy)
    store, _ = sealed_log([event(1), event(2, actor=None, subject=None)], vault=vault)
    records = RecordReader(store, vault=vault)
    assert _indices(records.by_device("reader-2")) == [3]
    assert _indices(records.by_address("192.0.0.0/16")) == [3, 2]
    assert records.record(3).field("device_id") == "reader-2"
