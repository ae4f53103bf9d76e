"""A log with a vault: what is written where, what is refused, and what fails closed."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.canonical import decode_entry, decode_sealed
from biotrail.errors import (
    EventConflictError,
    KeyProviderError,
    NotRecordedError,
    VaultError,
    WrappedKeyError,
)
from biotrail.sealing import Keyring, Opener
from biotrail.stores import MemoryStore, SQLiteReader, SQLiteStore
from biotrail.vault import MemoryKeyProvider, PersonalFields, Vault
from tests.unit.vault._providers import CountingProvider

ORIGIN = "example.com/door"
PERSONAL = ("anna@example.com", "Anna Beispiel", "reader-17-b", "Firefox/140", "session-99")


def _event(**changes: Any) -> biotrail.Event:
    fields: dict[str, Any] = {
        "action": "door.open",
        "target": "room-4",
        "modality": "face",
        "decision": "granted",
        "reason": "match",
        "actor": biotrail.Actor(id="guard@example.com"),
        "subject": biotrail.Subject(id="anna@example.com", name="Anna Beispiel"),
        "comparison": biotrail.Comparison(
            matcher="m", version="1", decision="match", score=0.75, threshold=0.5
        ),
        "context": biotrail.Context(
            ip="192.0.2.17",
            device_id="reader-17-b",
            user_agent="Firefox/140",
            session_id="session-99",
            os="Linux",
        ),
    }
    return biotrail.Event(**{**fields, **changes})


def _log(store: Any, vault: Vault | None, **options: Any) -> biotrail.AuditLogger:
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    return biotrail.AuditLogger(store, signer, vault=vault, **options)


def _vault(**options: Any) -> Vault:
    return Vault(CountingProvider(), **options)


def _opened(store: Any, index: int, vault: Vault) -> dict[str, Any]:
    entry = decode_entry(next(iter(store.entries(index, index + 1))).entry)
    data = dict(store.payloads(index, index + 1))[index]
    opener = Opener(ORIGIN, Keyring(store, vault, ORIGIN))
    return dict(opener.open(index, entry.content, data).fields)


def test_nothing_personal_lies_in_the_file_or_beside_it(tmp_path: Path) -> None:
    """Neither the database nor its journals nor the key files hold a personal value."""
    with biotrail.open(tmp_path / "log.db", origin=ORIGIN, passphrase="secret") as log:
        log.record_many([_event() for _ in range(50)])
        everything = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    everything += b"".join(one.read_bytes() for one in tmp_path.iterdir())
    for value in PERSONAL:
        assert value.encode() not in everything, value
    assert bytes([192, 0, 2, 17]) not in everything


def test_a_sealed_record_opens_again_to_what_was_recorded() -> None:
    """Subject's and actor's fields are sealed in parts of their own, and all open again."""
    store, vault = MemoryStore(), _vault()
    with _log(store, vault) as log:
        index = log.record(_event()).index
    fields = _opened(store, index, _vault())
    assert fields["subject"] == {"id": "anna@example.com", "name": "Anna Beispiel"}
    assert fields["actor"]["id"] == "guard@example.com"
    assert fields["score_micro"] == 750_000
    parts = decode_sealed(dict(store.payloads(index, index + 1))[index])
    assert [part.owner for part in parts] == [1, 2]


def test_one_person_has_one_key_whether_as_subject_or_as_actor() -> None:
    """Somebody who logs in for themselves has one part, under the reference of the entry."""
    store = MemoryStore()
    with _log(store, _vault()) as log:
        both = log.record(_event(actor=biotrail.Actor(id="anna@example.com"))).index
        acting = log.record(_event(subject=None, actor=biotrail.Actor(id="anna@example.com"))).index
    contents: Any = [decode_entry(one.entry).content for one in store.entries(both, acting + 1)]
    assert contents[0]["subject"] == contents[0]["actor"] == contents[1]["actor"]
    parts = decode_sealed(dict(store.payloads(both, both + 1))[both])
    assert [part.owner for part in parts] == [1]


def test_what_concerns_nobody_known_is_sealed_too() -> None:
    """An attempt without actor and subject is sealed under a key of the month."""
    store = MemoryStore()
    with _log(store, _vault()) as log:
        index = log.record(_event(subject=None, actor=None)).index
    parts = decode_sealed(dict(store.payloads(index, index + 1))[index])
    assert [part.owner for part in parts] == [0]
    assert _opened(store, index, _vault())["device_id"] == "reader-17-b"


def test_an_event_without_personal_fields_has_no_payload() -> None:
    """Where there is nothing to seal, nothing is kept beside the entry."""
    store = MemoryStore()
    with _log(store, _vault()) as log:
        event = biotrail.Event(action="log.look", decision="granted", modality="none")
        index = log.record(event).index
    assert dict(store.payloads(index, index + 1)) == {}


def test_a_policy_moves_fields_and_its_digest_is_recorded(tmp_path: Path) -> None:
    """A moved field is in the payload or the entry, and the log says under which policy."""
    policy = PersonalFields(seal={"target", "os", "threshold"}, clear={"ip", "score"})
    store = MemoryStore()
    with _log(store, _vault(policy=policy)) as log:
        index = log.record(_event()).index
    entries: Any = [decode_entry(one.entry) for one in store.entries(0, index + 1)]
    (setting,) = [one.content for one in entries if one.kind == "configuration_changed"]
    assert setting == {"setting": "personal_fields", "digest": policy.digest()}
    content, fields = entries[index].content, _opened(store, index, _vault())
    assert content["ip"] == bytes([192, 0, 2, 17])
    assert content["score_micro"] == 750_000
    assert "target" not in content
    assert "context" not in content
    assert fields["target"] == "room-4"
    assert fields["os"] == "Linux"
    assert fields["threshold_micro"] == 500_000
    assert biotrail.verify_log(store, log.verifier_key).size == index + 1


def test_a_change_of_policy_is_recorded_once() -> None:
    """Opening with the same policy adds nothing; another is recorded with the one before."""
    store = MemoryStore()
    _log(store, _vault()).close()
    size = len(list(store.entries(0, 99)))
    _log(store, _vault()).close()
    assert len(list(store.entries(0, 99))) == size
    _log(store, _vault(policy=PersonalFields(seal={"target"}))).close()
    last: Any = decode_entry(list(store.entries(0, 99))[-1].entry).content
    assert last["before"] == PersonalFields().digest()


def test_a_sealed_log_is_not_continued_in_the_clear() -> None:
    """Who forgets the vault is told, instead of writing personal data in the clear."""
    store = MemoryStore()
    _log(store, _vault()).close()
    with pytest.raises(VaultError, match="seals personal data"):
        _log(store, None)


def test_a_vault_of_another_log_is_refused_when_the_log_is_opened() -> None:
    """A vault whose provider cannot unwrap this log's keys is found before anything is recorded."""
    store = MemoryStore()
    _log(store, _vault()).close()
    with pytest.raises(WrappedKeyError):
        _log(store, Vault(CountingProvider(key=bytes(32))))


def test_a_log_in_the_clear_is_sealed_from_when_it_gets_a_vault() -> None:
    """Older records stay as they are, newer ones are sealed, and all of it verifies."""
    store = MemoryStore()
    with _log(store, None) as log:
        log.record(_event())
    with _log(store, _vault()) as log:
        log.record(_event())
        proven = biotrail.verify_log(store, log.verifier_key)
    assert proven.events == 2


def test_it_fails_closed_while_the_provider_is_down() -> None:
    """No key for a new person, no record; those whose keys are in use go on."""
    store, provider = MemoryStore(), CountingProvider()
    with _log(store, Vault(provider)) as log:
        log.record(_event())
        provider.down = True
        log.record(_event())
        with pytest.raises(NotRecordedError) as caught:
            log.record(_event(subject="somebody new"))
        assert isinstance(caught.value.__cause__, KeyProviderError)
        with pytest.raises(NotRecordedError), log.attempt(action="door.open", subject="new") as one:
            one.grant()
        provider.down = False
        log.record(_event(subject="somebody new"))


def test_a_failing_source_of_salts_and_nonces_records_nothing() -> None:
    """Without randomness there is no record, and no salt or nonce is made up."""
    healthy = True

    def randomness(size: int) -> bytes:
        if not healthy:
            raise OSError("no entropy")
        return bytes(range(size))

    store = MemoryStore()
    with _log(store, _vault(), randomness=randomness) as log:
        log.record(_event())
        size = len(list(store.entries(0, 99)))
        healthy = False
        with pytest.raises(NotRecordedError, match="randomness"):
            log.record(_event())
        assert len(list(store.entries(0, 99))) == size


def test_the_same_event_again_is_answered_and_another_under_its_id_refused() -> None:
    """A retry gets its first receipt, though salts and nonces are fresh; a mix-up is a conflict."""
    event = _event()
    with _log(MemoryStore(), _vault()) as log:
        first = log.record(event)
        again = log.record(event)
        assert (again.index, again.repeated) == (first.index, True)
        with pytest.raises(EventConflictError):
            log.record(_event(id=event.id, subject="bert"))
        with pytest.raises(EventConflictError):
            log.record(_event(id=event.id, target="another room"))


def test_tasks_record_sealed_events_of_new_people_without_blocking_the_loop() -> None:
    """A slow provider is asked away from the event loop."""

    class Slow(CountingProvider):
        def wrap(self, data_key: bytes, context: bytes) -> bytes:
            threads.add(threading.get_ident())
            return super().wrap(data_key, context)

    async def main() -> None:
        receipts = await asyncio.gather(
            *(log.arecord(_event(subject=f"person-{n}")) for n in range(20)),
            log.arecord_many([_event(subject=f"other-{n}") for n in range(20)]),
        )
        assert len(receipts) == 21

    threads: set[int] = set()
    with _log(MemoryStore(), Vault(Slow())) as log:
        threads.clear()
        asyncio.run(main())
    assert threads
    assert threading.get_ident() not in threads


def test_threads_give_a_new_person_one_reference() -> None:
    """However many threads bring a person in at once, they have one reference and one key."""
    store = MemoryStore()
    with _log(store, _vault()) as log:
        gate = threading.Barrier(8)

        def record() -> None:
            gate.wait()
            for _ in range(5):
                log.record(_event())

        threads = [threading.Thread(target=record) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    contents: Any = [decode_entry(one.entry) for one in store.entries(0, 99)]
    assert len({one.content["subject"] for one in contents if one.kind == "event"}) == 1


def _record_in_process(path: str, seed: bytes) -> None:
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, seed)
    with biotrail.AuditLogger(SQLiteStore(path), signer, vault=_vault()) as log:
        log.record_many([_event(subject=f"person-{n}") for n in range(10)])


def test_processes_share_one_sealed_log(tmp_path: Path) -> None:
    """Each process finds the people of the others, and every record opens."""
    path = str(tmp_path / "log.db")
    _record_in_process(path, bytes(32))
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_in_process, args=(path, bytes(32))) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
        assert one.exitcode == 0
    reader = SQLiteReader(path)
    try:
        stored: Any = [decode_entry(one.entry) for one in reader.entries(0, 99)]
        events = [one for one in stored if one.kind == "event"]
        assert len(events) == 40
        assert len({one.content["subject"] for one in events}) == 10
        for one in events:
            _opened(reader, one.index, _vault())
    finally:
        reader.close()


def test_a_forked_child_goes_on_sealing(tmp_path: Path) -> None:
    """After a fork, though another thread held the vault's lock, parent and child both record."""
    path, vault = tmp_path / "log.db", _vault()
    with _log(SQLiteStore(path), vault) as log:
        log.record(_event())
        with vault._lock:  # as a thread of the parent may, at the moment of the fork
            child = os.fork()
            if not child:
                try:
                    log.record(_event(subject="new in the child"))
                    log.erase("anna@example.com", reason="subject_request", legal_basis="x")
                    os._exit(0)
                finally:
                    os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        log.record(_event(subject="new in the parent"))
        assert biotrail.verify_log(path, log.verifier_key).events == 3


def test_a_log_in_a_file_is_sealed_by_default_and_opens_again(tmp_path: Path) -> None:
    """A key file for the vault lies beside the log, under the same passphrase."""
    path = tmp_path / "log.db"
    with biotrail.open(path, origin=ORIGIN, passphrase="secret") as log:
        log.record(_event())
    assert (tmp_path / "log.db.vault").stat().st_mode & 0o777 == 0o600
    with biotrail.open(path, origin=ORIGIN, passphrase="secret") as log:
        log.record(_event())
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM payloads").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM sealed").fetchone() == (2,)
    database.close()


def test_a_lost_vault_key_file_is_not_replaced(tmp_path: Path) -> None:
    """Without its key file a sealed log is not opened for writing, and no new file is made."""
    path = tmp_path / "log.db"
    biotrail.open(path, origin=ORIGIN, passphrase="secret").close()
    (tmp_path / "log.db.vault").unlink()
    with pytest.raises(VaultError):
        biotrail.open(path, origin=ORIGIN, passphrase="secret")
    assert not (tmp_path / "log.db.vault").exists()


def test_a_host_may_leave_personal_data_in_the_clear(tmp_path: Path) -> None:
    """Without a vault payloads lie in the clear, and no key file is made."""
    with biotrail.open(tmp_path / "log.db", origin=ORIGIN, passphrase="secret", vault=False) as log:
        log.record(_event())
    assert not (tmp_path / "log.db.vault").exists()


def test_a_store_that_keeps_no_sealed_payloads_is_refused() -> None:
    """A vault needs a store that knows sealed payloads, and says so."""

    class Plain:
        def __init__(self) -> None:
            self._inner = MemoryStore()

        def __getattr__(self, name: str) -> Any:
            if name == "write_fence":
                raise AttributeError(name)
            return getattr(self._inner, name)

    with pytest.raises(VaultError, match="keeps no sealed payloads"):
        _log(Plain(), Vault(MemoryKeyProvider()))
