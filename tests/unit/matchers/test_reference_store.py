"""A store of references: kept, found, ended, replaced, revoked, and deleted with a report."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    ExpiredReferenceError,
    MatcherError,
    ReferenceKeyError,
    ReferenceStoreError,
    RevokedReferenceError,
    UnknownReferenceError,
)
from biotrail.matchers import Reference
from biotrail.matchers.reference_store import ReferenceStore
from tests.unit.matchers._keeping import KEY, NOW, Clock, matcher, reference, store

pytestmark = pytest.mark.component("numpy")


@pytest.fixture
def clock() -> Clock:
    """A clock that is set by hand."""
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Iterator[ReferenceStore]:
    """An empty store."""
    with store(tmp_path, clock) as made:
        yield made


def test_what_is_kept_comes_back(kept: ReferenceStore, tmp_path: Path) -> None:
    """A reference comes back as it was, also when the file is opened again."""
    first = reference(1, created=NOW, expires=NOW + timedelta(days=1))
    kept.add(first)
    kept.add(reference(2, id="r"))
    assert kept.get("reference-of-person-0001").to_bytes() == first.to_bytes()
    kept.close()
    with store(tmp_path) as again:
        assert again.get("reference-of-person-0001").to_bytes() == first.to_bytes()
        assert again.ids() == ["r", "reference-of-person-0001"]
        assert {one.id for one in again.references()} == set(again.ids())


def test_the_file_is_set_to_forget(kept: ReferenceStore) -> None:
    """SQLite overwrites what is deleted, keeps no write-ahead log, and waits for the disk."""
    for pragma, value in (("secure_delete", 1), ("journal_mode", "delete"), ("synchronous", 2)):
        assert kept._file.query(f"PRAGMA {pragma}") == [(value,)]


def test_the_file_is_the_owners(kept: ReferenceStore) -> None:
    """Nobody else on the machine may read the file."""
    assert os.stat(kept.place).st_mode & 0o077 == 0


def test_an_unknown_reference(kept: ReferenceStore) -> None:
    """What is not kept is an error with its reason."""
    with pytest.raises(UnknownReferenceError) as caught:
        kept.get("ref-1")
    assert caught.value.reason == "not_enrolled"


def test_an_id_is_used_once(kept: ReferenceStore) -> None:
    """An id is taken as long as its row is there, revoked or not; no id is none."""
    kept.add(reference(1))
    for _ in range(2):
        with pytest.raises(MatcherError, match="taken"):
            kept.add(reference(1))
        if len(kept):
            kept.revoke("reference-of-person-0001", reason="policy")
    with pytest.raises(MatcherError, match="needs an id"):
        kept.add(reference(1, id=None))


def test_expiry_is_honoured(kept: ReferenceStore, clock: Clock) -> None:
    """From its end on a reference is not given out, and is named as expired."""
    kept.add(reference(1, expires=NOW + timedelta(days=1)))
    kept.add(reference(2))
    clock.pass_by(days=1, microseconds=-1)
    assert kept.get("reference-of-person-0001").id
    assert kept.expired() == []
    clock.pass_by(microseconds=1)
    with pytest.raises(ExpiredReferenceError) as caught:
        kept.get("reference-of-person-0001")
    assert caught.value.reason == "reference_expired"
    assert kept.expired() == ["reference-of-person-0001"]
    assert [one.id for one in kept.references()] == ["reference-of-person-0002"]
    assert len(kept) == 2


def test_people_are_found_by_the_key_only(kept: ReferenceStore, tmp_path: Path) -> None:
    """All references of a person are found; their name is not in the file."""
    for number, person in enumerate(("anna.beispiel", "anna.beispiel", "bert.muster", None)):
        kept.add(reference(number), subject=person)
    assert kept.ids(subject="anna.beispiel") == [
        "reference-of-person-0000",
        "reference-of-person-0001",
    ]
    assert kept.ids(subject="carla") == []
    assert b"beispiel" not in (tmp_path / "references.db").read_bytes()


def test_re_enrolment_replaces(kept: ReferenceStore) -> None:
    """The new reference is kept for the same person, and the old one is revoked, at once."""
    kept.add(reference(1), subject="anna")
    kept.replace("reference-of-person-0001", reference(2))
    assert kept.ids(subject="anna") == ["reference-of-person-0002"]
    assert len(kept.ids(subject="anna", revoked=True)) == 2
    with pytest.raises(RevokedReferenceError) as caught:
        kept.get("reference-of-person-0001")
    assert caught.value.reason == "reference_revoked"


@pytest.mark.parametrize(
    ("old", "new"),
    [("reference-of-person-0001", 1), ("reference-of-person-0009", 2)],
    ids=("taken", "unknown"),
)
def test_a_replacement_that_fails_changes_nothing(kept: ReferenceStore, old: str, new: int) -> None:
    """Where the new id is taken, or the old reference unknown, all stays as it was."""
    kept.add(reference(1))
    with pytest.raises(MatcherError):
        kept.replace(old, reference(new))
    assert kept.ids(revoked=True) == kept.ids() == ["reference-of-person-0001"]
    assert kept.get("reference-of-person-0001").id


def test_many_at_once_or_none(kept: ReferenceStore) -> None:
    """Many are kept, and many replaced, in one turn; where one cannot be, none is."""
    kept.add_many([(reference(number), f"person {number}") for number in range(20)])
    ids = kept.ids()
    assert len(ids) == 20
    with pytest.raises(MatcherError, match="taken"):
        kept.add_many([(reference(30), None), (reference(3), None)])
    with pytest.raises(UnknownReferenceError):
        kept.replace_many({ids[0]: reference(40), "unknown": reference(41)})
    assert kept.ids(revoked=True) == ids
    kept.replace_many({id: reference(50 + number) for number, id in enumerate(ids)})
    assert len(kept) == 20
    assert kept.ids(subject="person 7") == ["reference-of-person-0057"]
    assert len(kept.ids(revoked=True)) == 40


def test_revocation_is_for_good(kept: ReferenceStore) -> None:
    """A revoked reference is not given out, not revoked twice, and not renewed under its id."""
    kept.add(reference(1))
    kept.revoke("reference-of-person-0001", reason="subject_request")
    with pytest.raises(RevokedReferenceError):
        kept.revoke("reference-of-person-0001", reason="again")
    with pytest.raises(UnknownReferenceError):
        kept.revoke("reference-of-person-0002", reason="policy")
    assert kept.ids() == []
    assert list(kept.references()) == []


def test_all_of_a_card_are_revoked(kept: ReferenceStore) -> None:
    """What one model card made is revoked together: the others stay."""
    for number, version in enumerate("1211"):
        kept.add(reference(number, version=version))
    kept.revoke("reference-of-person-0003", reason="policy")
    gone = kept.revoke_card(matcher().card.digest, reason="key_compromised")
    assert gone == ["reference-of-person-0000", "reference-of-person-0002"]
    assert kept.ids() == ["reference-of-person-0001"]


def test_deletion_is_reported(kept: ReferenceStore) -> None:
    """The report counts rows and bytes before and after, and names the file with its size."""
    for number in range(3):
        kept.add(reference(number))
    kept.revoke("reference-of-person-0001", reason="policy")
    named = ["reference-of-person-0000", "reference-of-person-0001", "unknown"]
    report = kept.delete_references(named)
    assert (report.rows_before, report.rows_after, report.bytes_after) == (2, 0, 0)
    assert report.bytes_before > len(reference(0).to_bytes())
    assert report.looked_through == (("references.db", os.stat(kept.place).st_size),)
    assert (report.copies_after, report.error, report.empty) == (0, "", True)
    assert kept.ids(revoked=True) == ["reference-of-person-0002"]
    kept.add(reference(0))  # after deletion the id is free again


def test_an_id_within_another_id_is_no_trace(kept: ReferenceStore) -> None:
    """An id that begins another id, which stays, does not make a deletion look incomplete."""
    kept.add(reference(1))
    kept.add(reference(2, id="reference-of-person-0001-second"))
    assert kept.delete_references(["reference-of-person-0001"]).empty
    assert kept.ids() == ["reference-of-person-0001-second"]


def test_a_wrong_key_is_named(kept: ReferenceStore, tmp_path: Path) -> None:
    """Another key is refused at the door, as a wrong key; a key of another size is none."""
    kept.add(reference(1))
    with pytest.raises(ReferenceKeyError):
        store(tmp_path, key=b"\x01" * 32)
    for key in (b"", KEY[:16], "0" * 32):
        with pytest.raises(MatcherError, match="32 bytes"):
            store(tmp_path, key=key)  # type: ignore[arg-type]


def test_no_file_is_made_for_a_key_that_is_none(tmp_path: Path) -> None:
    """A bad key leaves nothing behind."""
    with pytest.raises(MatcherError):
        store(tmp_path, key=b"short")
    assert list(tmp_path.iterdir()) == []


def test_ends_for_a_gallery(kept: ReferenceStore, clock: Clock) -> None:
    """Ends are given by id, of active references that have one, whether it has come or not."""
    for number in range(4):
        end = NOW + timedelta(days=number) if number else None
        kept.add(reference(number, id=f"r{number}", expires=end))
    kept.revoke("r3", reason="policy")
    clock.now = NOW + timedelta(days=1)
    assert kept.expiries() == {"r1": NOW + timedelta(days=1), "r2": NOW + timedelta(days=2)}


# --- versions --------------------------------------------------------------------------------


def test_the_version_rises_with_every_change(kept: ReferenceStore, tmp_path: Path) -> None:
    """Each call that changes the file raises the version by one, and reading does not."""
    versions = [kept.version]
    changes: list[Callable[[], object]] = [
        lambda: kept.add_many([(reference(number), None) for number in range(3)]),
        lambda: kept.replace("reference-of-person-0000", reference(4)),
        lambda: kept.revoke("reference-of-person-0001", reason="policy"),
        lambda: kept.revoke_card(matcher().card.digest, reason="policy"),
        lambda: kept.delete_references(["reference-of-person-0002"]),
    ]
    for change in changes:
        change()
        versions.append(kept.version)
    kept.ids(), list(kept.references()), kept.expired()
    assert versions == [0, 1, 2, 3, 4, 5]
    assert kept.version == 5
    with store(tmp_path) as other:
        assert other.version == 5
        other.add(reference(9))
    assert kept.version == 6


def test_a_change_that_fails_leaves_the_version(kept: ReferenceStore) -> None:
    """The version rises with the change or not at all."""
    kept.add(reference(1))
    changes: list[Callable[[], object]] = [
        lambda: kept.add_many([(reference(2), None), (reference(1), None)]),
        lambda: kept.revoke("unknown", reason="policy"),
    ]
    for change in changes:
        with pytest.raises(MatcherError):
            change()
    assert (kept.version, kept.ids()) == (1, ["reference-of-person-0001"])


@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1"])
def test_a_remembered_version_is_a_whole_number(tmp_path: Path, wrong: Any) -> None:
    """What cannot be a version is refused, not compared with."""
    with pytest.raises(MatcherError, match="whole number from 0"):
        ReferenceStore(tmp_path / "references.db", KEY, expect_at_least=wrong)


def test_a_file_of_the_form_before_is_taken_over(tmp_path: Path) -> None:
    """A file without a version is read, has the version 0, and rises from there."""
    with store(tmp_path) as made:
        made.add(reference(1))
    older = sqlite3.connect(tmp_path / "references.db", isolation_level=None)
    for column in ("version", "version_seal"):
        older.execute(f"ALTER TABLE store DROP COLUMN {column}")
    older.execute("PRAGMA user_version = 1")
    older.close()
    with store(tmp_path) as made:
        assert (made.version, made.ids()) == (0, ["reference-of-person-0001"])
        made.add(reference(2))
    with ReferenceStore(tmp_path / "references.db", KEY, expect_at_least=1) as made:
        assert len(made) == 2


def test_files_that_are_no_store(tmp_path: Path) -> None:
    """Other files, other databases, later versions and absent folders are refused by name."""
    path = tmp_path / "references.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(ReferenceStoreError, match="not a database"):
        store(tmp_path)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE entries (idx INTEGER)")
    other.close()
    with pytest.raises(ReferenceStoreError, match="not a reference store"):
        store(tmp_path)
    path.unlink()
    store(tmp_path).close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 3")
    later.close()
    with pytest.raises(ReferenceStoreError, match="version 3"):
        store(tmp_path)
    with pytest.raises(ReferenceStoreError, match="No such file"):
        store(tmp_path / "absent")


def test_two_openers_see_each_other(kept: ReferenceStore, tmp_path: Path) -> None:
    """Two programs may use one file: what one deletes, the other does not give out."""
    with store(tmp_path) as other:
        other.add(reference(1))
        assert kept.get("reference-of-person-0001").id
        assert kept.delete_references(["reference-of-person-0001"]).empty
        with pytest.raises(UnknownReferenceError):
            other.get("reference-of-person-0001")


def test_a_locked_file_is_named(kept: ReferenceStore, tmp_path: Path) -> None:
    """Where another program holds the file for too long, an error says so."""
    other = sqlite3.connect(tmp_path / "references.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ReferenceStoreError, match="locked"):
        ReferenceStore(tmp_path / "references.db", KEY, timeout=0.05)
    other.execute("ROLLBACK")
    other.close()


def test_what_goes_meanwhile_is_left_out(kept: ReferenceStore) -> None:
    """References deleted or revoked while all are read are left out, without an error."""
    for number in range(4):
        kept.add(reference(number))
    reading = kept.references()
    assert next(reading).id == "reference-of-person-0000"
    kept.delete_references(["reference-of-person-0001"])
    kept.revoke("reference-of-person-0002", reason="policy")
    assert [one.id for one in reading] == ["reference-of-person-0003"]


def test_threads_share_a_store(kept: ReferenceStore) -> None:
    """Many threads add, read and delete at once; each finds what it did."""
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for number in range(start, start + 5):
                kept.add(reference(number))
                assert kept.get(f"reference-of-person-{number:04}").values.shape == (2, 128)
                if number % 2:
                    kept.delete_references([f"reference-of-person-{number:04}"])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 40, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(kept) == 20


@pytest.mark.component("fork")
def test_a_forked_child_is_told_to_open_again(kept: ReferenceStore) -> None:
    """A child of a fork does not use its parent's connection, and the parent goes on."""
    kept.add(reference(1))
    child = os.fork()
    if child == 0:
        told = 1
        try:
            kept.get("reference-of-person-0001")
        except ReferenceStoreError as error:
            told = 0 if "another process" in str(error) else 2
        kept.close()
        os._exit(told)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept.get("reference-of-person-0001").id


def test_a_closed_store(kept: ReferenceStore) -> None:
    """A closed store refuses, by a named error; closing twice is nothing."""
    kept.close()
    kept.close()
    with pytest.raises(ReferenceStoreError, match="closed"):
        kept.get("ref-1")


def test_nothing_secret_is_shown(kept: ReferenceStore) -> None:
    """The representation names the file only."""
    assert repr(kept) == f"ReferenceStore({kept.place!r})"


@pytest.mark.parametrize("size", [1, 3, 300])
def test_large_and_small_references(kept: ReferenceStore, size: int) -> None:
    """References of one value, and of many pages, are kept and deleted without a trace."""
    values: Any = [1.0 + number for number in range(size)]
    features = matcher().features(values + [0.5] * (128 - size)) if size < 128 else None
    if features is None:
        samples = [matcher().features([float(n), *([0.25] * 127)]) for n in range(1, size)]
        made = Reference.from_samples(samples, id="large-reference-0001")
    else:
        made = Reference.from_features(features, id="small-reference-0001")
    kept.add(made)
    assert kept.get(str(made.id)).to_bytes() == made.to_bytes()
    assert kept.delete_references([str(made.id)]).empty


@pytest.mark.parametrize("id", ["", "x" * 129, "\ud800", 5, None])
def test_ids_that_no_reference_can_have_are_refused(kept: ReferenceStore, id: Any) -> None:
    """Whatever is asked of such an id is refused by the rule of ids, and nothing is changed."""
    kept.add(reference(1, id="r"))
    asked: list[Callable[[], object]] = [
        lambda: kept.get(id),
        lambda: kept.replace(id, reference(2)),
        lambda: kept.revoke(id, reason="withdrawn"),
        lambda: kept.delete_references(["r", id]),
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match="1 to 128 bytes in UTF-8"):
            ask()
    assert kept.ids(revoked=True) == ["r"]
