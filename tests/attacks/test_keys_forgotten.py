"""Keys that stay in memory when nobody needs them: a dump of the process should not hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import Spool
from biotrail.audit.spool_seal import SpoolSeal
from biotrail.errors import VaultError
from biotrail.query import RecordReader
from biotrail.sealing import Keyring
from biotrail.stores import MemoryStore
from biotrail.vault import DataKey, Tags, Vault
from tests.unit.query._logs import event, open_log, reader
from tests.unit.vault._providers import CountingProvider


def _tags(keyring: Keyring) -> Tags | None:
    return keyring._tags


def _key(spool: SpoolSeal) -> DataKey | None:
    return spool._key


def test_a_log_that_is_closed_holds_no_key(tmp_path: Path) -> None:
    """With the log go the keys of people, of the tags and of the spool."""
    vault = Vault(CountingProvider())
    log = open_log(MemoryStore(), vault, on_failure=Spool(tmp_path / "spool"))
    log.record(event(0))
    vaulted, spool = log._vaulted, log._spool_seal
    assert vaulted is not None
    assert spool is not None
    tags = vaulted.people.tags
    assert vaulted.people._known
    assert vault._cache
    assert _key(spool) is not None
    log.close()
    assert not vaulted.people._known
    assert not vaulted.people._proposed
    assert not vault._cache
    assert _tags(vaulted.keyring) is None
    assert _key(spool) is None
    assert tags._key is None
    assert not tags._known
    assert not tags._places
    with pytest.raises(VaultError, match="closed"):
        tags.person("", "person-0")


def test_a_reader_that_is_closed_holds_no_key() -> None:
    """A reader forgets keys and tags when it is closed; if it is asked again, it asks again."""
    records, _, vault = reader(3)
    assert len(list(records.by_person("person-0"))) == 1
    keyring = records._keyring
    assert keyring is not None
    assert vault._cache
    assert _tags(keyring) is not None
    records.close()
    assert not vault._cache
    assert _tags(keyring) is None
    assert len(list(records.by_person("person-0"))) == 1


def test_people_whose_time_is_over() -> None:
    """People's keys whose time is over go when the next person's is taken into use."""
    now = [0.0]
    vault = Vault(CountingProvider(), clock=lambda: now[0], cached_seconds=5)
    store = MemoryStore()
    with open_log(store, vault) as log:
        assert log._vaulted is not None
        known = log._vaulted.people._known
        for number in range(3):
            log.record(event(number))
        assert len(known) == 4
        now[0] = 6.0
        log.record(event(3, actor=None))
        assert [who[2] for who in known] == ["person-0"]
    assert len(list(RecordReader(store, vault=vault).by_person("person-0"))) == 2
