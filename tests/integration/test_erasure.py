"""Erasing people: what goes, what stays, what is said of it."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.canonical import decode_entry, decode_sealed
from biotrail.errors import (
    EventError,
    LegalHoldError,
    UnknownPersonError,
    VaultError,
)
from biotrail.stores import MemoryStore, SealedStore, SQLiteStore
from biotrail.verify.certificate import verify_certificate
from tests.unit.audit._vaulted import WHY, event, key, opened


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SealedStore:
    """A store in memory, and one in a file."""
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "log.db")


def _entry(store: SealedStore, index: int) -> Any:
    return decode_entry(store.entries_at([index])[index])


def _verified(store: SealedStore) -> Any:
    return biotrail.verify_log(store, key())


def test_what_an_erasure_destroys(store: SealedStore) -> None:
    """The person's parts, key, rows and tags are gone; everybody else's are as they were."""
    with opened(store) as log:
        mine = [log.record(event("anna")).index for _ in range(3)]
        others = [log.record(event("ben")).index for _ in range(3)]
        before = store.payloads_at(others)
        reference = _entry(store, mine[0]).content["subject"]
        device = log.erasures.people.tags.device("", "device of anna")
        certificate = log.erase("anna", **WHY, beyond=["nightly backups"])
        assert certificate.payloads == 3
        assert certificate.references == (reference,)
        assert certificate.beyond == ("nightly backups",)
        assert certificate.through == others[-1] + 1
        for index in mine:
            parts = decode_sealed(store.payloads_at([index])[index])
            assert [(part.owner, len(part)) for part in parts] == [(1, 2), (2, 5)]
        assert store.payloads_at(others) == before
        assert store.data_keys([reference])[reference].wrapped == b""
        assert list(store.sealed_by_device(device, 0, 99)) == []
        assert len(list(store.sealed_by_ip(b"", 0, 99))) == len(others)
        found = _verified(store)
        assert (found.sealed, found.erased, found.overdue) == (6 + 3, 3, 0)


def test_the_actors_part_goes_and_the_subjects_stays(store: SealedStore) -> None:
    """Who is erased as an actor is gone from others' records, which stay whole otherwise."""
    with opened(store) as log:
        index = log.record(event("anna")).index
        own = log.record(event("x", subject=None, actor="guard@example.com")).index
        certificate = log.erase("guard@example.com", **WHY)
        assert certificate.payloads == 2
        parts = decode_sealed(store.payloads_at([index])[index])
        assert [(part.owner, len(part)) for part in parts] == [(1, 5), (2, 2)]
        assert [len(part) for part in decode_sealed(store.payloads_at([own])[own])] == [2]
        # The tags of a record are the subject's, or the actor's where there is no subject.
        assert list(store.sealed_by_ip(b"", 0, 99)) == [index]
        log.erase("anna", **WHY)
        parts = decode_sealed(store.payloads_at([index])[index])
        assert [len(part) for part in parts] == [2, 2]
        assert _verified(store).erased == 3


def test_people_of_other_tenants_are_others(store: SealedStore) -> None:
    """The same identifier in two tenants is two people."""
    with opened(store) as log:
        log.record(event("anna", tenant="east"))
        log.record(event("anna", tenant="west"))
        with pytest.raises(UnknownPersonError):
            log.erase("anna", **WHY)
        assert log.erase("anna", tenant="east", **WHY).payloads == 1
        assert _verified(store).erased == 1


def test_somebody_who_comes_back_is_somebody_new(store: SealedStore) -> None:
    """After an erasure the same person gets another reference and key, and can be erased again."""
    with opened(store) as log:
        first = log.record(event("anna")).index
        log.erase("anna", **WHY)
        second = log.record(event("anna")).index
        references = [_entry(store, index).content["subject"] for index in (first, second)]
        assert references[0] != references[1]
        assert log.erase("anna", **WHY).references == (references[1],)
        assert _verified(store).erased == 2


def test_somebody_unknown_or_erased_already(store: SealedStore) -> None:
    """Whom nothing leads to is not erased, and it is said that it may have been done before."""
    with opened(store) as log:
        log.record(event("anna"))
        with pytest.raises(UnknownPersonError, match="never recorded"):
            log.erase("ben", **WHY)
        log.erase("anna", **WHY)
        size = log.checkpoint().size
        with pytest.raises(UnknownPersonError, match="erased already"):
            log.erase("anna", **WHY)
        assert log.checkpoint().size == size


@pytest.mark.parametrize(
    ("subject", "wrong"),
    [
        ("anna", {"reason": "because"}),
        ("anna", {"reason": "host."}),
        ("anna", {"reason": ""}),
        ("anna", {"legal_basis": "x" * 129}),
        ("anna", {"legal_basis": "as Anna wrote"}),
        ("anna", {"reason": "host.anna"}),
        ("anna", {"beyond": ["the mailbox of anna"]}),
        ("anna", {"beyond": "backups"}),
        ("anna", {"legal_basis": "two\nlines"}),
        ("anna", {"requested": datetime(2026, 1, 1)}),
        (biotrail.Subject(id="anna", name="Beispiel, A."), {"legal_basis": "letter of Beispiel"}),
        ("", {}),
    ],
)
def test_requests_that_are_refused(subject: Any, wrong: dict[str, Any]) -> None:
    """A request out of form, or one that names the person, is refused before anything is done."""
    store = MemoryStore()
    with opened(store) as log:
        log.record(event("anna"))
        with pytest.raises(EventError):
            log.erase(subject, **{**WHY, **wrong})
        assert store.fences() == []


def test_words_of_the_host(store: SealedStore) -> None:
    """A host may give reasons of its own, and say when it was asked."""
    asked = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with opened(store) as log:
        log.record(event("anna"))
        certificate = log.erase(
            "anna", reason="host.left_school", legal_basis="Annan v. Annabel", requested=asked
        )
    assert certificate.reason == "host.left_school"
    assert certificate.requested == asked


def test_a_certificate_convinces_a_stranger(store: SealedStore) -> None:
    """With the public key alone the certificate is checked, and says what was destroyed."""
    with opened(store) as log:
        log.record(event("anna"))
        certificate = log.erase("anna", **WHY, beyond=["copies in the SIEM"])
    proven = verify_certificate(certificate.encode(), key())
    assert proven.content["payloads"] == 1
    assert proven.text == certificate.text
    for said in ("subject_request", "GDPR Art. 17(1)(b)", "copies in the SIEM", "backups"):
        assert said in certificate.text
    assert "anna" not in certificate.text


def test_a_held_person_is_not_erased(store: SealedStore) -> None:
    """A hold refuses an erasure with its index, until it is released, by nobody twice."""
    with opened(store) as log:
        log.record(event("anna"))
        log.record(event("ben"))
        hold = log.place_hold("anna", reason="litigation")
        with pytest.raises(LegalHoldError, match="legal hold") as caught:
            log.erase("anna", **WHY)
        assert caught.value.holds == (hold.index,)
        assert store.fences() == []
        log.erase("ben", **WHY)
        log.release_hold(hold.id, reason="ended")
        with pytest.raises(VaultError):
            log.release_hold(hold.id, reason="ended")
        log.erase("anna", **WHY)
        assert _verified(store).erased == 2


def test_a_hold_ends_by_itself() -> None:
    """A hold with an end holds until then."""
    store = MemoryStore()
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    with opened(store, clock=lambda: now[0]) as log:
        log.record(event("anna"))
        log.place_hold("anna", reason="host.court", until=datetime(2026, 2, 1, tzinfo=UTC))
        with pytest.raises(LegalHoldError):
            log.erase("anna", **WHY)
        now[0] = datetime(2026, 2, 1, tzinfo=UTC)
        assert log.erase("anna", **WHY).payloads == 1


def test_holds_are_kept_by_every_logger(tmp_path: Path) -> None:
    """A hold that another process placed, before or after this one opened the log, holds here."""
    path = tmp_path / "log.db"
    with opened(path) as log, opened(path) as other:
        other.record(event("anna"))
        other.place_hold("anna", reason="investigation")
        with pytest.raises(LegalHoldError):
            log.erase("anna", **WHY)


def test_a_log_without_a_vault_erases_nobody() -> None:
    """Without a vault there is nothing to erase by, and it is said so."""
    with opened(MemoryStore(), vault=None) as log, pytest.raises(VaultError, match="vault"):
        log.erase("anna", **WHY)


def test_payloads_from_before_the_vault(store: SealedStore) -> None:
    """Payloads that were recorded in the clear, before the log had a vault, are erased too."""
    with opened(store, vault=None) as log:
        log.record(event("anna"))
        log.record(event("ben"))
        size = log.checkpoint().size
        with opened(store) as sealed:
            sealed.record(event("anna"))
            certificate = sealed.erase("anna", **WHY)
            assert certificate.payloads == 2
            assert len(certificate.references) == 2
            assert len(certificate.fingerprints) == 1
            assert list(store.clear_payloads(0, size)) == [2]
            assert store.references("", "anna") == []
            found = _verified(store)
            assert (found.erased, found.payloads) == (2, 1)


def test_many_records_are_erased_in_chunks(tmp_path: Path) -> None:
    """Thousands of records of one person are erased, and the count says how many."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        log.record_many([event("anna") for _ in range(2_500)])
        assert log.erase("anna", **WHY).payloads == 2_500
    assert biotrail.verify_log(path, key()).erased == 2_500


def test_an_erasure_amid_records_of_the_same_person(tmp_path: Path) -> None:
    """Records that come in meanwhile are all there, none of them under an erased reference."""
    path, receipts, stop = tmp_path / "log.db", [], threading.Event()

    def record() -> None:
        while not stop.is_set():
            receipts.append(log.record(event("anna")))

    with opened(path) as log, opened(path) as other:
        log.record(event("anna"))
        threads = [threading.Thread(target=record) for _ in range(3)]
        for thread in threads:
            thread.start()
        certificates: list[Any] = []
        for logger in (log, other, log, other, log):
            seen = len(receipts)  # those just before may be of the erasure before
            while len(receipts) < seen + 20:
                pass
            certificates.append(logger.erase("anna", **WHY))
        stop.set()
        for thread in threads:
            thread.join()
    erased = {one: c.through for c in certificates for one in c.references}
    with closing(SQLiteStore(path)) as store:
        for receipt in receipts:
            content = _entry(store, receipt.index).content
            assert content["id"] == receipt.event_id.bytes
            if content["subject"] in erased:
                assert receipt.index < erased[content["subject"]]
    found = biotrail.verify_log(path, key())
    assert found.erased == sum(one.payloads for one in certificates)
    assert found.overdue == 0
