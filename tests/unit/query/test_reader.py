"""Records are read, opened where the key is there, and say what is sealed or gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.errors import (
    AlteredError,
    ErasedError,
    EventError,
    KeyProviderError,
    MalformedError,
    MissingError,
    ReorderedError,
    SealedError,
    VaultError,
    WrappedKeyError,
)
from biotrail.query import RecordReader, Unreadable, Where, open_records
from biotrail.query.rows import AT_ONCE
from biotrail.stores import MemoryStore, SQLiteStore, StoredEntry
from biotrail.tlog import leaf_hash
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN, START, event, open_log, reader, sealed_log
from tests.unit.vault._providers import CountingProvider


def test_a_record_with_the_key() -> None:
    """Who holds the vault reads the event as it was recorded."""
    records, store, _ = reader(3)
    record = records.record(3)
    assert record.event is not None
    assert record.event == event(1, occurred=record.event.occurred)
    assert record.field("device_id") == "reader-1"
    assert record.field("user_agent") is None
    assert (record.index, record.kind, record.sealed, record.gone) == (3, "event", (), ())
    assert record.recorded == record.entry.recorded
    assert record.leaf_hash == leaf_hash(store._entries[3].entry)
    assert records.origin == ORIGIN
    assert records.size == 5
    assert "person" not in repr(record)


def test_a_record_without_the_key() -> None:
    """Without the vault a record reads as sealed; what is in the clear is there."""
    records, _, _ = reader(3, opened=False)
    record = records.record(2)
    assert record.sealed == ("subject", "actor")
    assert record.personal == {}
    assert record.event is not None
    assert (record.event.subject, record.event.context.ip) == (None, None)
    assert record.event.action == "door.open"
    for name in ("ip", "actor", "subject"):
        with pytest.raises(SealedError, match=name):
            record.field(name)


def test_a_record_of_nobody_known() -> None:
    """A record that concerns nobody known is sealed for nobody, and opens."""
    records, store, _ = reader(1, actor=None, subject=None)
    assert records.record(2).field("device_id") == "reader-0"
    assert RecordReader(store).record(2).sealed == ("nobody",)


def test_other_kinds_and_events_without_personal_fields() -> None:
    """They have nothing personal, and nothing is said to be sealed."""
    store, vault = sealed_log([biotrail.Event(action="ping", decision="granted")])
    genesis, policy, ping = RecordReader(store, vault=vault).records()
    assert (genesis.kind, policy.kind) == ("genesis", "configuration_changed")
    assert (genesis.event, ping.sealed, ping.gone, dict(ping.personal)) == (None, (), (), {})
    assert ping.field("ip") is None


@pytest.mark.parametrize("newest_first", [False, True])
def test_records_of_a_range(newest_first: bool) -> None:
    """A range is read in either order, beyond what is read at once; the head is its end."""
    records, _, _ = reader(AT_ONCE + 50)
    indices = [one.index for one in records.records(3, 10**9, newest_first=newest_first)]
    expected = list(range(3, AT_ONCE + 52))
    assert indices == (expected[::-1] if newest_first else expected)
    assert [one.index for one in records.records(5, 7)] == [5, 6]
    assert list(records.records(7, 5)) == []


def test_where() -> None:
    """Only what fits in the clear is answered, other kinds only where a time alone is asked."""
    records, _, _ = reader(6, tenant="north")
    assert [one.index for one in records.records(where=Where(tenant="south"))] == []
    assert len(list(records.records(where=Where(tenant="north", action="door.open")))) == 6
    assert len(list(records.records(where=Where(outcome="failure")))) == 0
    assert len(list(records.records(where=Where(matcher="m")))) == 0
    times = [one.recorded for one in records.records()]
    assert times == sorted(times)
    window = Where(since=times[2], until=times[5])
    assert [one.index for one in records.records(where=window)] == [2, 3, 4]
    assert list(records.records(where=Where(since=times[-1] + timedelta(1)))) == []
    assert len(list(records.records(where=Where(until=START)))) == 0
    with pytest.raises(EventError, match="since"):
        Where(since=START.replace(tzinfo=None))


def test_each_key_is_asked_for_once() -> None:
    """A provider is asked once for each key of a batch, and not again while keys are kept."""
    store, _ = sealed_log(event(number) for number in range(40))
    provider = CountingProvider()
    records = RecordReader(store, vault=Vault(provider))
    assert len(list(records.records())) == 42
    assert provider.unwrapped == 4  # three subjects and a guard
    list(records.records())
    assert provider.unwrapped == 4


def test_keys_are_not_kept_forever() -> None:
    """A vault that keeps one key reads all records nevertheless."""
    store, _ = sealed_log(event(number) for number in range(9))
    records = RecordReader(store, vault=Vault(CountingProvider(), cached_keys=1))
    assert all(one.sealed == () for one in records.records())


def test_the_provider_is_down() -> None:
    """A provider out of reach is named, and nothing is taken for erased or missing."""
    store, _ = sealed_log([event()])
    provider = CountingProvider("counting:1")
    records = RecordReader(store, vault=Vault(provider))
    provider.down = True
    with pytest.raises(KeyProviderError) as caught:
        records.record(2)
    assert caught.value.provider == "counting:1"
    with pytest.raises(KeyProviderError):
        records.by_person("person-0")
    assert records.record(0).kind == "genesis"
    provider.down = False
    assert records.record(2).field("device_id") == "reader-0"


def test_another_vault_opens_nothing() -> None:
    """A provider with another key under the same name opens nothing, and says so."""
    store, _ = sealed_log([event()])
    records = RecordReader(store, vault=Vault(CountingProvider(key=bytes(32))))
    with pytest.raises(WrappedKeyError, match="InvalidTag"):
        records.record(2)


def _exchange(store: MemoryStore, index: int, payload: bytes) -> None:
    store._sealed[index] = store._sealed[index]._replace(payload=payload)


def test_a_payload_of_another_event() -> None:
    """A payload that was swapped with another's, or cut, is refused, with and without the key."""
    records, store, _ = reader(4)
    mine = store._sealed[2].payload
    for changed in (store._sealed[5].payload, mine[:-1], mine[:40], b"", b"\x82\x02\x80"):
        _exchange(store, 2, changed)
        for one in (records, RecordReader(store)):
            with pytest.raises(AlteredError) as caught:
                one.record(2)
            assert caught.value.index == 2
    _exchange(store, 2, mine)
    assert records.record(2).field("device_id") == "reader-0"


def test_what_cannot_be_read_can_be_examined() -> None:
    """Examining a range gives what cannot be read too, and says why; reading it raises."""
    records, store, _ = reader(5)
    _exchange(store, 3, store._sealed[2].payload)
    store._entries[4] = StoredEntry(4, b"\x00", None)
    store._entries[5] = StoredEntry(5, store._entries[6].entry, None)
    found = list(records.examine(2, 7))
    bad = [one for one in found if isinstance(one, Unreadable)]
    assert [type(one.error) for one in bad] == [AlteredError, MalformedError, ReorderedError]
    assert [one.entry is None for one in bad] == [False, True, False]
    assert [one.index for one in found] == [2, 3, 4, 5, 6]
    with pytest.raises(AlteredError):
        list(records.records())


def test_a_payload_without_a_commitment() -> None:
    """A payload beside an entry that commits to none is not shown."""
    store, vault = sealed_log([biotrail.Event(action="ping", decision="granted"), event(1)])
    store._sealed[2] = store._sealed[3]
    with pytest.raises(AlteredError, match="knows nothing of"):
        RecordReader(store, vault=vault).record(2)


def test_missing() -> None:
    """A missing entry is an error; a missing payload reads as missing, never as erased."""
    records, store, _ = reader(4)
    with pytest.raises(MissingError):
        records.record(99)
    del store._sealed[3]
    record = records.record(3)
    assert [(one.owner, one.how, one.index) for one in record.gone] == [
        ("subject", "missing", None),
        ("actor", "missing", None),
    ]
    with pytest.raises(MissingError, match="no entry says why"):
        record.field("ip")


def test_a_missing_data_key() -> None:
    """A data key whose row is gone is an error of that record, not taken for an erasure."""
    records, store, vault = reader(2)
    vault.forget()
    reference = records.record(2).content["subject"]
    vault.forget()
    del store._keys[reference]
    with pytest.raises(VaultError, match="no data key is kept"):
        records.record(2)


def test_erased() -> None:
    """An erased record says so, with index, reason and legal basis; others are as they were."""
    store, vault = sealed_log(event(number) for number in range(6))
    with open_log(store, vault) as log:
        log.erase("person-0", reason="consent_withdrawn", legal_basis="GDPR art. 17(1)(b)")
    records = RecordReader(store, vault=vault)
    tombstone = next(one for one in records.records() if one.kind == "subject_erased")
    record = records.record(2)
    (gone,) = record.gone
    assert (gone.owner, gone.how, gone.index) == ("subject", "erased", tombstone.index)
    assert (gone.reason, gone.legal_basis) == ("consent_withdrawn", "GDPR art. 17(1)(b)")
    assert gone.recorded == tombstone.recorded
    assert record.event is not None
    assert record.event.subject is None
    assert record.event.actor == biotrail.Actor(id="guard")
    with pytest.raises(ErasedError) as caught:
        record.field("ip")
    assert caught.value.index == tombstone.index
    assert record.field("actor") == {"id": "guard", "kind": "user"}
    assert list(records.by_person("person-0")) == []
    assert len(list(records.by_person("person-1"))) == 2
    assert RecordReader(store).record(2).sealed == ("actor",)


def test_retained() -> None:
    """What went because its time was over says so, and by which rule; what is younger is there."""
    from biotrail.audit.retention_policy import RetentionPolicy, RetentionRule

    store, vault = sealed_log(event(number) for number in range(6))
    times = [one.recorded for one in RecordReader(store).records()]
    rule = RetentionRule(keep=timedelta(days=1), outcome="success")
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    later = times[4] + timedelta(days=1)
    with biotrail.AuditLogger(store, signer, vault=vault, clock=lambda: later) as log:
        log.apply_retention(RetentionPolicy([rule]))
    records = RecordReader(store, vault=vault)
    applied = next(one for one in records.records() if one.kind == "retention_applied")
    assert [one.how for one in records.record(3).gone] == ["retained", "retained"]
    (gone, _) = records.record(2).gone
    assert (gone.index, gone.recorded, gone.legal_basis) == (applied.index, later, None)
    assert gone.reason is not None
    assert gone.reason.endswith("outcome success")
    assert records.record(4).gone == ()
    assert records.record(4).field("device_id") == "reader-2"
    with pytest.raises(ErasedError):
        records.record(2).field("ip")


def test_a_store_without_a_sealed_half() -> None:
    """A vault is refused where nothing can be sealed; without one such a store is read."""

    class Plain:
        def __init__(self, store: MemoryStore) -> None:
            self.head, self.entries = store.head, store.entries
            self.raw_entries, self.payloads = store.raw_entries, store.payloads
            self.references, self.close = store.references, store.close
            self.indices_of_other_kinds = store.indices_of_other_kinds

    store = MemoryStore()
    with open_log(store, None) as log:
        log.record(event(1))
        log.record(event(2))
    plain: Any = Plain(store)
    with pytest.raises(VaultError, match="Plain"):
        RecordReader(plain, vault=Vault(CountingProvider()))
    records = RecordReader(plain)
    assert [one.index for one in records.by_person("person-2")] == [2]
    assert records.record(1).personal["device_id"] == "reader-1"


def test_a_file(tmp_path: Path) -> None:
    """A file is opened read-only, and closed with the reader."""
    _, vault = sealed_log([event()], store=SQLiteStore(tmp_path / "trail.db"))
    with open_records(tmp_path / "trail.db", vault=vault) as records:
        assert records.record(2).field("device_id") == "reader-0"
        store = records._store
    assert isinstance(records, RecordReader)
    assert not isinstance(store, SQLiteStore)
    with biotrail.open_records(tmp_path / "trail.db") as records:
        assert records.record(2).sealed


def test_an_empty_store() -> None:
    """A store without a log is refused."""
    with pytest.raises(MissingError, match="empty"):
        RecordReader(MemoryStore())
