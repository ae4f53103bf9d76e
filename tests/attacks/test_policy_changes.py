"""A reader whose policy is not the one that a log was written under: no answer is lost by that."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from biotrail.query import RecordReader
from biotrail.stores import MemoryStore
from biotrail.vault import PersonalFields, Vault
from tests.unit.query._logs import event, open_log
from tests.unit.vault._providers import CountingProvider

_CLEAR = PersonalFields(clear={"ip", "device_id"})
_POLICIES = {
    "default": PersonalFields(),
    "clear": _CLEAR,
    "clear and sealed": PersonalFields(clear={"ip", "device_id", "score"}, seal={"target"}),
    "others": PersonalFields(clear={"score"}, seal={"target", "os"}),
}


def _written_under(*policies: PersonalFields) -> MemoryStore:
    """A log with two records under each policy, one after the other; one concerns nobody known."""
    store = MemoryStore()
    for policy in policies:
        with open_log(store, Vault(CountingProvider(), policy=policy)) as log:
            log.record(event(0, id=uuid4()))
            log.record(event(0, id=uuid4(), actor=None, subject=None))
    return store


def _reader(store: Any, policy: PersonalFields) -> RecordReader:
    return RecordReader(store, vault=Vault(CountingProvider(), policy=policy))


def _events(store: Any) -> list[int]:
    return [one.index for one in RecordReader(store).records() if one.kind == "event"]


@pytest.mark.parametrize(("first", "second", "reading"), list(product(_POLICIES, repeat=3)))
def test_a_policy_that_changed_half_way(first: str, second: str, reading: str) -> None:
    """Whatever policies a log was written under, and whichever the reader has, all is found."""
    store = _written_under(_POLICIES[first], _POLICIES[second])
    records = _reader(store, _POLICIES[reading])
    expected = _events(store)
    assert len(expected) == 4
    for found in (
        records.by_address("192.0.0.0"),
        records.by_address("192.0.0.0/16"),
        records.by_device("reader-0"),
    ):
        assert sorted(one.index for one in found) == expected
        assert found.misleading == []
    assert len(list(records.by_person("person-0"))) == 2


def test_a_writer_that_was_not_restarted() -> None:
    """A writer that goes on by an earlier policy leaves records that are found all the same."""
    store = MemoryStore()
    with open_log(store, Vault(CountingProvider(), policy=_CLEAR)) as earlier:
        with open_log(_shared(store), Vault(CountingProvider())) as later:
            earlier.record(event(0, actor=None, subject=None))
            later.record(event(5, actor=None, subject=None))
        found = _reader(store, PersonalFields()).by_device("reader-0")
        assert sorted(one.index for one in found) == _events(store)


def _shared(store: MemoryStore) -> Any:
    """The same store, which a logger that closes does not close for others."""

    class Shared:
        def __getattr__(self, name: str) -> Any:
            return (lambda: None) if name == "close" else getattr(store, name)

    return Shared()


def test_a_reader_that_was_there_before_the_change() -> None:
    """A policy that changes while a reader is open is taken note of with the next question."""
    store = _written_under(PersonalFields())
    records = _reader(store, PersonalFields())
    assert len(list(records.by_device("reader-0"))) == 2
    with open_log(store, Vault(CountingProvider(), policy=_CLEAR)) as log:
        log.record(event(0, id=uuid4(), actor=None, subject=None))
    assert sorted(one.index for one in records.by_device("reader-0")) == _events(store)


def test_records_under_policies_that_seal_a_field_are_not_looked_through() -> None:
    """A policy that keeps only other fields in the clear leaves the look-up to the tags."""
    store = _written_under(PersonalFields(clear={"score", "location"}))
    read: list[int] = []

    class Watched(MemoryStore):
        def entries_at(self, indices: Sequence[int]) -> dict[int, bytes]:
            read.extend(indices)
            return super().entries_at(indices)

    watched = Watched()
    vars(watched).update(vars(store))
    assert list(_reader(watched, PersonalFields()).by_device("nowhere")) == []
    assert read
    assert not set(read) & set(_events(store))
