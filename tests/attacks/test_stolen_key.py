"""Threat: a thief has the key that signs, and the owner has the next one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger, Ed25519Signer, Verification, verify_log
from biotrail.errors import (
    EventError,
    ForkedError,
    MalformedError,
    NotRecordedError,
    RolledBackError,
    SigningError,
    VerificationError,
    WrongKeyError,
)
from tests.attacks._tools import (
    copy,
    event,
    key_of,
    open_fast,
    put_together,
    rows_of,
    signer,
    sql,
    verdict,
)
from tests.attacks.test_keys import OTHER, added, genesis, retired, written

OWNER, NEXT, AFTER, WRITER, THIEF, SECOND_THIEF = 1, 2, 3, 4, 5, 6
Range = tuple[int, int, int]


def digest(number: int) -> bytes:
    """The digest of a key."""
    return signer(number).verifier_key.digest()


def compromised(number: int, since: int) -> tuple[str, dict[str, object]]:
    """An entry that reports a key as stolen."""
    return "key_compromised", {"key": key_of(number), "since": since, "reason": "tested"}


def thief(path: Path) -> AuditLogger:
    """A logger of the thief, who has the owner's key and so needs nothing else."""
    return open_fast(path, OWNER)


def owner(path: Path, number: int = NEXT) -> AuditLogger:
    """A logger of the owner, who has nothing but the next key and knows the first by name."""
    return open_fast(path, number, trusted=[signer(OWNER).verifier_key])


def recovered(path: Path, since: int) -> int:
    """Let the owner report the theft; returns the index of the report."""
    with owner(path) as log:
        report = log.report_compromise(
            key_of(OWNER), since=since, reason="stolen", next_key_digest=digest(AFTER)
        )
        assert log.record(event(900)).index == report.index + 2
    return report.index


def affected(report: Verification) -> list[Range]:
    """What is affected, with the numbers of keys."""
    numbers = {key_of(n): n for n in range(1, 10)}
    return [(one.first, one.last, numbers[one.key]) for one in report.affected]


def verified(path: Path, **options: Any) -> Verification:
    """Verify a log under its first key; twice, since the short cut must say the same."""
    every = verify_log(path, key_of(OWNER), every_signature=True, workers=1, **options)
    some = verify_log(path, key_of(OWNER), every_signature=False, workers=1, **options)
    assert every.affected == some.affected
    return every


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of five entries whose owner committed to a next key; an honest writer has a key."""
    path = tmp_path / "log.db"
    with open_fast(path, OWNER, next_key_digest=digest(NEXT)) as log:
        log.record_many(event(number) for number in range(3))
        log.admit_writer(key_of(WRITER))
    return path


def honest(path: Path, *numbers: int) -> None:
    """Let the honest writer record events, one by one."""
    with open_fast(path, WRITER, trusted=[signer(OWNER).verifier_key]) as log:
        for number in numbers:
            log.record(event(number))


def test_entries_of_the_thief_are_named(path: Path) -> None:
    """What a thief appends holds, and is named after the report; an honest writer's is not."""
    with thief(path) as log:
        log.record_many(event(number) for number in (10, 11))
    honest(path, 12)
    with thief(path) as log:
        log.record(event(13))
    assert verified(path).affected == ()
    assert recovered(path, since=6) == 9
    assert affected(verified(path)) == [(6, 6, OWNER), (8, 8, OWNER)]
    honest(path, 14)
    assert affected(verified(path)) == [(6, 6, OWNER), (8, 8, OWNER)]


def test_nothing_is_affected_from_the_report_on(path: Path) -> None:
    """A key that is reported since now is out of force, and all that it signed is believed."""
    at = recovered(path, since=5)
    report = verified(path)
    assert (at, report.affected, report.size) == (5, (), 8)
    assert report.keys == (key_of(OWNER), key_of(WRITER), key_of(NEXT))


def test_a_lock_out(path: Path) -> None:
    """A thief who retires every key and admits their own is put out by the next key alone."""
    with thief(path) as log:
        log.admit_writer(key_of(THIEF))
    with open_fast(path, THIEF, trusted=[signer(OWNER).verifier_key]) as log:
        log.admit_writer(key_of(SECOND_THIEF))
        log.retire_key(key_of(OWNER), "the owner is locked out")
        log.retire_key(key_of(WRITER), "and the writer")
        log.record(event(20))
    with pytest.raises(SigningError, match="keys compromised"):
        open_fast(path, OWNER)
    assert recovered(path, since=5) == 10
    assert affected(verified(path)) == [(5, 5, OWNER), (6, 9, THIEF)]
    for number in (THIEF, SECOND_THIEF):
        with pytest.raises(SigningError, match="retired at index 10"):
            open_fast(path, number, trusted=[signer(OWNER).verifier_key])


def test_a_log_without_any_key_in_force(path: Path) -> None:
    """A thief who retires even the stolen key leaves a log that the next key goes on with."""
    with thief(path) as log:
        log.retire_key(key_of(WRITER), "gone")
        log.retire_key(key_of(OWNER), "gone")
    recovered(path, since=5)
    assert affected(verified(path)) == [(5, 6, OWNER)]


def test_a_rotation_to_a_key_of_the_thief(path: Path) -> None:
    """The thief cannot rotate: the log has committed to another key; verification names it."""
    with thief(path) as log, pytest.raises(WrongKeyError):
        log.rotate_key(signer(THIEF), next_key_digest=digest(SECOND_THIEF))
    written(path, ([added(THIEF, "rotation")], signer(OWNER)), start=5)
    verdict(path, WrongKeyError, 5)


def test_a_key_of_the_thief_does_not_sign_its_own_admission(path: Path) -> None:
    """Only a key that was committed to may sign the batch that adds it."""
    written(path, ([added(THIEF)], signer(THIEF)), start=5)
    verdict(path, WrongKeyError, 5)


@pytest.mark.parametrize("by", [OWNER, THIEF, WRITER])
@pytest.mark.parametrize("against", [OWNER, WRITER])
def test_a_report_by_a_key_that_was_not_committed_to(path: Path, by: int, against: int) -> None:
    """Neither the stolen key nor a writer's reports a key, to the writer nor to the verifier."""
    with thief(path) as log:
        log.admit_writer(key_of(THIEF))
    with (
        open_fast(path, by, trusted=[signer(OWNER).verifier_key]) as log,
        pytest.raises(WrongKeyError, match="may not report"),
    ):
        log.report_compromise(key_of(against), since=1, reason="a lie")
    written(path, ([compromised(against, 1)], signer(by)), ([OTHER], signer(by)), start=6)
    verdict(path, WrongKeyError, 6)
    with pytest.raises(VerificationError):
        open_fast(path, OWNER)


def test_a_report_by_a_stolen_key_that_was_committed_to(path: Path) -> None:
    """The thief of a later key can put earlier ones in doubt, until its owner reports that."""
    with open_fast(path) as log:
        log.rotate_key(signer(NEXT), next_key_digest=digest(AFTER))
        stolen = log.record(event(30)).index + 1
        log.report_compromise(key_of(OWNER), since=1, reason="a lie")
        log.report_compromise(key_of(WRITER), since=0, reason="another")
    assert affected(verified(path)) == [(1, 4, OWNER)]
    with owner(path, AFTER) as log:
        log.report_compromise(key_of(NEXT), since=stolen, reason="the truth")
    assert affected(verified(path)) == [(8, 9, NEXT)]
    with pytest.raises(SigningError):
        open_fast(path, WRITER, trusted=[signer(OWNER).verifier_key])


def test_a_fork(path: Path, tmp_path: Path) -> None:
    """Another history under the stolen key is a fork to whoever kept a checkpoint since.

    To whoever trusts the key that recovered the log, it is no log of theirs.
    """
    fork = copy(path, tmp_path / "fork.db")
    recovered(path, since=5)
    kept = rows_of(path)[-1].note or ""
    with thief(fork) as log:
        for number in range(50, 60):
            log.record(event(number))
    assert verify_log(fork, key_of(OWNER), workers=1).affected == ()
    verdict(fork, WrongKeyError, None, from_checkpoint=kept)
    verdict(fork, WrongKeyError, 0, key=key_of(NEXT))
    early = rows_of(path)[4].note or ""
    put_together(path, rows_of(path)[:4])
    verdict(path, RolledBackError, 4, from_checkpoint=early)


def test_a_fork_before_the_report(path: Path, tmp_path: Path) -> None:
    """A history that the thief changed before the report is a fork, whose report is not there."""
    fork = copy(path, tmp_path / "fork.db")
    with thief(path) as log:
        log.record(event(10))
    kept = rows_of(path)[-1].note or ""
    with thief(fork) as log:
        log.record(event(11))
    verdict(fork, ForkedError, 5, from_checkpoint=kept)


def test_the_report_is_cut_off(path: Path) -> None:
    """Whoever keeps a checkpoint sees that a thief cut the report off and went on."""
    recovered(path, since=5)
    rows = rows_of(path)
    put_together(path, rows[:5])
    with thief(path) as log:
        log.record(event(10))
    verdict(
        path, RolledBackError, 6, key=[key_of(OWNER), key_of(NEXT)], from_checkpoint=rows[-1].note
    )


def test_the_thief_after_the_report(path: Path) -> None:
    """After the report the stolen key signs nothing: not for writers, not for the verifier."""
    log = thief(path)
    log.record(event(10))
    recovered(path, since=5)
    with log, pytest.raises(NotRecordedError, match="retired"):
        log.record(event(11))
    written(path, ([OTHER], signer(OWNER)), start=9)
    verdict(path, WrongKeyError, 9)
    with pytest.raises(WrongKeyError):
        open_fast(path, NEXT, trusted=[signer(OWNER).verifier_key])
    with pytest.raises(WrongKeyError):
        open_fast(path, WRITER, trusted=[signer(OWNER).verifier_key])


def test_keys_that_the_thief_let_in_after_the_report(path: Path) -> None:
    """A key that a thief let in signs nothing after the report, directly or through another."""
    with thief(path) as log:
        log.admit_writer(key_of(THIEF))
    with open_fast(path, THIEF, trusted=[signer(OWNER).verifier_key]) as log:
        log.admit_writer(key_of(SECOND_THIEF))
    recovered(path, since=5)
    for number in (THIEF, SECOND_THIEF):
        other = copy(path, path.with_name(f"{number}.db"))
        written(other, ([OTHER], signer(number)), start=10)
        verdict(other, WrongKeyError, 10)


def test_recovery_without_a_commitment(tmp_path: Path) -> None:
    """A log that committed to no key cannot be taken over, and says so."""
    path = tmp_path / "log.db"
    with open_fast(path) as log:
        log.record(event(1))
        with pytest.raises(WrongKeyError, match="committed to no next key"):
            log.report_compromise(key_of(OWNER), since=1, reason="stolen", following=signer(NEXT))
    with pytest.raises(SigningError, match="not admitted"):
        owner(path)
    written(
        path,
        ([added(NEXT, "rotation"), compromised(OWNER, 1)], signer(NEXT)),
        start=2,
    )
    verdict(path, WrongKeyError, 3)


def test_recovery_with_another_key(path: Path) -> None:
    """A key that the log did not commit to does not take it over."""
    with thief(path) as log, pytest.raises(WrongKeyError, match="another next key"):
        log.report_compromise(key_of(OWNER), since=1, reason="lie", following=signer(THIEF))
    with pytest.raises(SigningError):
        owner(path, THIEF)
    written(path, ([added(THIEF, "rotation"), compromised(OWNER, 1)], signer(THIEF)), start=5)
    verdict(path, WrongKeyError, 6)


def test_a_thief_who_knows_the_next_key_by_name(path: Path) -> None:
    """Rotating to the owner's next key under the stolen one names no key that counts after it.

    The owner, who has that next key, is in force and reports the theft; the key after it that the
    thief named neither signs its own admission nor reports anybody.
    """
    written(
        path,
        ([added(NEXT, "rotation", next=digest(THIEF)), retired(OWNER)], signer(OWNER)),
        start=5,
    )
    other = copy(path, path.with_name("other.db"))
    written(other, ([added(THIEF, "rotation")], signer(THIEF)), start=7)
    verdict(other, WrongKeyError, 7)
    with owner(path) as log:
        log.report_compromise(key_of(OWNER), since=5, reason="stolen")
        log.record(event(40))
    assert affected(verified(path)) == [(5, 6, OWNER)]


def test_the_next_key_admitted_as_a_writer_by_the_thief(path: Path) -> None:
    """Admitting the owner's next key as a writer's does not take its power from it."""
    with thief(path) as log:
        log.admit_writer(key_of(NEXT))
    with owner(path) as log:
        log.report_compromise(key_of(OWNER), since=5, reason="stolen")
    assert affected(verified(path)) == [(5, 5, OWNER)]


def test_before_it_took_the_log_over_the_next_key_records_nothing(path: Path) -> None:
    """The next key opens the log, to take it over and for nothing else."""
    with owner(path) as log:
        with pytest.raises(NotRecordedError, match="take the log over"):
            log.record(event(10))
        with pytest.raises(NotRecordedError):
            log.admit_writer(key_of(THIEF))
    assert verified(path).size == 5


def test_a_present_key_that_is_lost(path: Path) -> None:
    """With the next key alone the log goes on, and the lost key is retired."""
    with owner(path) as log:
        receipt = log.rotate_key(signer(NEXT), next_key_digest=digest(AFTER))
        assert log.rotate_key(signer(NEXT)).index == receipt.index
        log.record(event(10))
    report = verified(path)
    assert (report.size, report.affected) == (8, ())
    with pytest.raises(SigningError):
        open_fast(path, OWNER)


def test_a_stolen_writer_is_reported_by_a_rotation(path: Path) -> None:
    """A stolen writer's key is reported along with a rotation, and only its entries are named."""
    honest(path, 10)
    with open_fast(path) as log:
        log.record(event(11))
        log.report_compromise(
            key_of(WRITER), since=5, reason="stolen", following=signer(NEXT),
            next_key_digest=digest(AFTER),
        )  # fmt: skip
        assert log.verifier_key == key_of(NEXT)
        log.record(event(12))
    assert affected(verified(path)) == [(5, 5, WRITER)]
    for number in (OWNER, WRITER):
        with pytest.raises(SigningError, match="retired"):
            open_fast(path, number, trusted=[signer(OWNER).verifier_key])


def test_a_report_is_written_once(path: Path) -> None:
    """Repeating a report answers with the one that is there; an earlier theft is a new one."""
    first = recovered(path, since=5)
    with owner(path) as log:
        again = log.report_compromise(key_of(OWNER), since=5, reason="stolen")
        assert (again.index, again.repeated) == (first, True)
        assert log.report_compromise(key_of(OWNER), since=2, reason="earlier").index == 8
    assert affected(verified(path)) == [(2, 4, OWNER)]


@pytest.mark.parametrize("since", [-1, 6, 10**20, True, 1.0, None])
def test_since_is_an_index_of_the_log(path: Path, since: Any) -> None:
    """A report since an entry that is not there, or since no number, is refused at the door."""
    with owner(path) as log, pytest.raises(EventError, match="since"):
        log.report_compromise(key_of(OWNER), since=since, reason="stolen")


def test_a_key_that_the_log_never_had(path: Path) -> None:
    """Neither writer nor verifier takes a report of a stranger."""
    with owner(path) as log, pytest.raises(WrongKeyError, match="never had"):
        log.report_compromise(key_of(THIEF), since=1, reason="stolen")
    written(path, ([added(NEXT, "rotation"), compromised(THIEF, 1)], signer(NEXT)), start=5)
    verdict(path, MalformedError, 6)


def test_a_report_since_a_later_entry(path: Path) -> None:
    """A report since an index beyond its own is malformed."""
    written(path, ([added(NEXT, "rotation"), compromised(OWNER, 7)], signer(NEXT)), start=5)
    verdict(path, MalformedError, 6)


def test_blame_that_is_shifted(path: Path) -> None:
    """Making a thief's checkpoint look like an honest writer's is found, short cut or not."""
    with thief(path) as log:
        for number in range(10, 13):
            log.record(event(number))
    honest(path, 13)
    recovered(path, since=5)
    note, honest_note = rows_of(path)[6].note or "", rows_of(path)[8].note or ""
    signed, line = note.split("\n\n")[0], honest_note.split("\n\n")[1]
    sql(path, f"UPDATE entries SET checkpoint = '{signed}\n\n{line}' WHERE idx = 6")
    for every in (True, False, None):
        with pytest.raises(VerificationError) as caught:
            verify_log(path, key_of(OWNER), every_signature=every, workers=1)
        assert caught.value.index == 6


Batch = tuple[Sequence[tuple[str, dict[str, object]]], Ed25519Signer]


def _begun() -> Batch:
    return [genesis(next=digest(NEXT))], signer(OWNER)


@pytest.mark.parametrize(
    ("batch", "by", "holds"),
    [
        ([compromised(OWNER, 1), added(NEXT, "rotation")], NEXT, True),
        ([added(NEXT, "rotation"), compromised(OWNER, 1), retired(WRITER)], NEXT, True),
        ([added(NEXT, "rotation"), compromised(OWNER, 1)], OWNER, False),
        ([added(NEXT, "rotation"), compromised(NEXT, 1)], NEXT, False),
        ([added(NEXT, "rotation"), retired(NEXT)], NEXT, False),
    ],
)
def test_batches_of_a_recovery(tmp_path: Path, batch: Any, by: int, holds: bool) -> None:
    """The next key may sign its own batch, in any order of entries, and report others alone."""
    path = written(
        tmp_path / "log.db", _begun(), ([added(WRITER)], signer(OWNER)), (batch, signer(by))
    )
    if holds:
        assert affected(verified(path)) == [(1, 1, OWNER)]
    else:
        with pytest.raises(WrongKeyError):
            verify_log(path, key_of(OWNER), workers=1)


def test_a_rotation_under_the_key_before_still_holds(tmp_path: Path) -> None:
    """Such a rotation holds; the commitment in it binds, and gives no power."""
    path = written(
        tmp_path / "log.db",
        _begun(),
        ([added(NEXT, "rotation", next=digest(AFTER)), retired(OWNER)], signer(OWNER)),
        ([OTHER], signer(NEXT)),
    )
    assert verified(path).size == 4
    with owner(path) as log:
        with pytest.raises(WrongKeyError, match="which a thief could do"):
            log.report_compromise(key_of(NEXT), since=1, reason="x", following=signer(AFTER))
        log.rotate_key(signer(AFTER))
        log.record(event(1))
    assert verified(path).keys[-1] == key_of(AFTER)
    written(path, ([compromised(NEXT, 1)], signer(AFTER)), start=7)
    verdict(path, WrongKeyError, 7)
