"""Writers with keys of their own, rotation, key files, and what refuses to sign."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from biotrail import open as open_trail
from biotrail import rotate_key_file, take_over
from biotrail.audit import opening, taking_over
from biotrail.errors import (
    EventError,
    KeyFileError,
    MalformedError,
    MissingError,
    NotRecordedError,
    SigningError,
    StoreUnavailableError,
    UnknownOutcomeError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import Ed25519Signer, VerifierKey, open_key_file
from biotrail.stores import MemoryStore, SQLiteStore
from biotrail.testing import FaultyStore
from tests.unit.audit._committing import ended, running
from tests.unit.audit._logs import KEY, ORIGIN, event, opened, signer, verified

SECOND = signer(bytes([2]) * 32)
THIRD = signer(bytes([3]) * 32)


def _digest(one: Ed25519Signer) -> bytes:
    return one.verifier_key.digest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "trail.db"


def test_a_second_writer_signs_once_admitted(path: Path) -> None:
    """A writer with a key of its own is refused, then admitted by the first, then both write."""
    with opened(path) as first:
        first.record(event(1))
        with pytest.raises(SigningError, match="admit"):
            opened(path, signer=SECOND, trusted=[KEY])
        first.admit_writer(SECOND.verifier_key)
        with opened(path, signer=SECOND, trusted=[KEY]) as second:
            for number in range(2, 12):
                (first if number % 2 else second).record(event(number))
            assert second.verifier_key == str(SECOND.verifier_key)
    assert verified(path).events == 11
    assert set(verified(path).keys) == {KEY, str(SECOND.verifier_key)}


def test_a_stranger_is_not_trusted_blindly(path: Path) -> None:
    """A writer that names no key it trusts does not take the log's word for its keys."""
    with opened(path) as first:
        first.admit_writer(str(SECOND.verifier_key))
    with pytest.raises(WrongKeyError):
        opened(path, signer=SECOND)


def test_a_retired_writer_is_refused(path: Path) -> None:
    """A writer whose key is retired, by another process say, records nothing more; others go on."""
    with opened(path) as first:
        first.admit_writer(SECOND.verifier_key)
        with opened(path, signer=SECOND, trusted=[KEY]) as second:
            second.record(event(1))
            first.retire_key(SECOND.verifier_key, "host decommissioned")
            with pytest.raises(NotRecordedError) as caught:
                second.record(event(2))
            assert isinstance(caught.value.__cause__, SigningError)
        with pytest.raises(SigningError, match="retired"):
            opened(path, signer=SECOND, trusted=[KEY])
        first.record(event(3))
    assert verified(path).events == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda log: log.retire_key(SECOND.verifier_key, "never admitted"),
        lambda log: log.retire_key("no key at all", "nonsense"),
        lambda log: log.admit_writer(KEY),
    ],
    ids=["retire unknown", "retire nonsense", "admit twice"],
)
def test_entries_about_keys_that_break_the_rules(path: Path, act: Any) -> None:
    """An entry about a key that no verifier would accept is refused before it is written."""
    with opened(path) as log:
        log.record(event(1))
        with pytest.raises(NotRecordedError) as caught:
            act(log)
        assert isinstance(caught.value.__cause__, VerificationError)
        assert log.record(event(2)).index == 2
    assert verified(path).size == 3


@pytest.mark.parametrize("key", ["nonsense", "", "example.com/front-door+00000000+AA=="])
def test_what_is_no_key_is_not_admitted(path: Path, key: str) -> None:
    """Text that is no verifier key is refused."""
    with opened(path) as log, pytest.raises(MalformedError):
        log.admit_writer(key)


def test_a_key_of_another_log_is_not_admitted(path: Path) -> None:
    """A key bears the name of its log."""
    other = signer(origin="example.com/back-door")
    with opened(path) as log:
        with pytest.raises(EventError):
            log.admit_writer(other.verifier_key)
        with pytest.raises(EventError):
            log.rotate_key(other)


def test_rotation(path: Path) -> None:
    """After a rotation the next key signs, the old one is refused, and the first key verifies."""
    with opened(path, next_key_digest=_digest(SECOND)) as log:
        log.record(event(1))
        receipt = log.rotate_key(SECOND, next_key_digest=_digest(THIRD))
        assert (receipt.index, receipt.checkpoint.size) == (2, 4)
        assert log.verifier_key == str(SECOND.verifier_key)
        log.record(event(2))
        log.rotate_key(THIRD)
        log.record(event(3))
    with pytest.raises(SigningError):
        opened(path)
    with opened(path, signer=THIRD, trusted=[KEY]) as log:
        log.record(event(4))
    assert verified(path).events == 4
    assert verified(path, str(THIRD.verifier_key)).events == 4


def test_rotation_to_another_key_than_committed(path: Path) -> None:
    """A log that committed to its next key takes no other, and stays as it was."""
    with opened(path, next_key_digest=_digest(SECOND)) as log:
        with pytest.raises(WrongKeyError):
            log.rotate_key(THIRD)
        assert log.record(event(1)).index == 1
    assert verified(path).size == 2


def test_rotation_under_load(path: Path) -> None:
    """While threads record, rotations refuse none of them and lose nothing."""
    signers = [signer(bytes([place + 10]) * 32) for place in range(6)]
    errors: list[BaseException] = []
    stop = threading.Event()
    counts = [0] * 6

    def act(place: int) -> None:
        try:
            while not stop.is_set():
                log.record(event(place * 100_000 + counts[place]))
                counts[place] += 1
        except BaseException as error:
            errors.append(error)

    with opened(path) as log:
        threads = [running(lambda place=place: act(place)) for place in range(6)]  # type: ignore[misc]
        for one in signers:
            log.rotate_key(one)
            log.record(event())
        stop.set()
        assert ended(threads)
    assert errors == []
    assert verified(path).events == sum(counts) + 6


def test_a_rotation_whose_outcome_was_unknown_is_settled_by_repeating_it() -> None:
    """If the disk fails as a rotation is committed, repeating the rotation completes it."""
    for written in (False, True):
        store = FaultyStore(MemoryStore())
        with opened_on(store) as log:
            log.record(event(1))
            store.fail("append", UnknownOutcomeError("the disk failed"), written=written)
            with pytest.raises(UnknownOutcomeError):
                log.rotate_key(SECOND)
            receipt = log.rotate_key(SECOND)
            assert (receipt.index, receipt.repeated) == (2, written)
            log.record(event(2))
            assert verified(store).events == 2


def opened_on(store: Any) -> Any:
    """A logger over a store."""
    from biotrail import AuditLogger

    return AuditLogger(store, signer())


# --- key files ---------------------------------------------------------------------------------


def _open(path: Path, passphrase: str | None = "correct horse", **options: Any) -> Any:
    return open_trail(path, origin=ORIGIN, passphrase=passphrase, **options)


def test_key_files_are_made_and_used_again(path: Path) -> None:
    """Key, next key and public key are made beside the log on first use, and used from then on."""
    with _open(path) as log:
        key = log.verifier_key
        log.record(event(1))
    public = path.with_name("trail.db.key.pub")
    assert public.read_text() == f"{key}\n"
    for name in ("trail.db", "trail.db.key", "trail.db.key.next"):
        assert path.with_name(name).stat().st_mode & 0o777 == 0o600
    with _open(path) as log:
        assert log.verifier_key == key
        log.record(event(2))
    assert verified(path, public.read_text()).events == 2


def test_rotating_the_key_file(path: Path) -> None:
    """Two rotations of the key file, with openings between, verify under the first key."""
    with _open(path) as log:
        first = log.verifier_key
        rotate_key_file(log, f"{path}.key", passphrase="correct horse")
        log.record(event(1))
    with _open(path) as log:
        second = log.verifier_key
        rotate_key_file(log, f"{path}.key", passphrase="correct horse")
        log.record(event(2))
        assert len({first, second, log.verifier_key}) == 3
    with _open(path) as log:
        log.record(event(3))
    assert verified(path, first).events == 3


@pytest.mark.parametrize("step", ["prepare_rotation", "rotate_key", "finish_rotation"])
@pytest.mark.parametrize("done", [False, True])
def test_a_rotation_cut_short_is_finished(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    """A crash before or after any step of a rotation leaves a log that opens, and can rotate."""
    log = _open(path)
    first = log.verifier_key
    place: Any = log if step == "rotate_key" else opening
    original = getattr(place, step)

    def crash(*arguments: Any, **options: Any) -> Any:
        if done:
            original(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, step, crash)
    with pytest.raises(KeyboardInterrupt):
        rotate_key_file(log, f"{path}.key", passphrase="correct horse")
    log.close()
    monkeypatch.undo()
    with _open(path) as log:
        log.record(event(1))
        rotate_key_file(log, f"{path}.key", passphrase="correct horse")
        log.record(event(2))
    with _open(path) as log:
        log.record(event(3))
    assert verified(path, first).events == 3


def test_a_rotation_interrupted_by_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk fails as the rotation commits, doing it again in that process completes it."""
    with _open(path) as log:
        first = log.verifier_key
        append = SQLiteStore.append

        def fail(store: SQLiteStore, batch: Any) -> None:
            append(store, batch)
            raise UnknownOutcomeError("the disk failed")

        monkeypatch.setattr(SQLiteStore, "append", fail)
        with pytest.raises(UnknownOutcomeError):
            rotate_key_file(log, f"{path}.key", passphrase="correct horse")
        monkeypatch.undo()
        rotate_key_file(log, f"{path}.key", passphrase="correct horse")
        log.record(event(1))
    with _open(path) as log:
        log.record(event(2))
    assert verified(path, first).events == 2


def test_a_wrong_passphrase(path: Path) -> None:
    """A wrong passphrase is named, and changes nothing."""
    _open(path).close()
    with pytest.raises(KeyFileError, match="passphrase"):
        _open(path, "wrong")
    _open(path).close()


@pytest.mark.parametrize("passphrase", [None, ""])
def test_no_passphrase(path: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str | None) -> None:
    """Without a passphrase nothing is opened or made."""
    monkeypatch.delenv("BIOTRAIL_PASSPHRASE", raising=False)
    with pytest.raises(KeyFileError, match="BIOTRAIL_PASSPHRASE"):
        _open(path, passphrase)
    assert list(path.parent.iterdir()) == []


def test_the_passphrase_from_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The passphrase may come from the environment; one that is passed goes first."""
    monkeypatch.setenv("BIOTRAIL_PASSPHRASE", "correct horse")
    _open(path, None).close()
    with pytest.raises(KeyFileError):
        _open(path, "wrong")
    monkeypatch.setenv("BIOTRAIL_PASSPHRASE", "wrong")
    _open(path, "correct horse").close()


def test_a_missing_key_file_beside_a_log(path: Path) -> None:
    """A log whose key file is gone is not given a new key behind its back."""
    _open(path).close()
    for name in ("trail.db.key", "trail.db.key.next"):
        path.with_name(name).unlink()
    before = sorted(path.parent.iterdir())
    with pytest.raises(KeyFileError):
        _open(path)
    assert sorted(path.parent.iterdir()) == before


def test_a_key_file_elsewhere(path: Path, tmp_path: Path) -> None:
    """The key file may lie away from the log."""
    keys = tmp_path / "keys"
    keys.mkdir()
    with _open(path, key=keys / "door.key") as log:
        log.record(event(1))
    assert sorted(one.name for one in keys.iterdir()) == [
        "door.key",
        "door.key.next",
        "door.key.pub",
    ]
    assert not path.with_name("trail.db.key").exists()


def test_a_key_file_that_was_never_admitted(path: Path, tmp_path: Path) -> None:
    """A writer with a key file of its own is told to have it admitted, and its files stay."""
    _open(path).close()
    other = tmp_path / "other.db"
    _open(other).close()
    first = path.with_name("trail.db.key.pub").read_text().strip()
    before = {one.name: one.read_bytes() for one in tmp_path.glob("other.db.key*")}
    with pytest.raises(SigningError, match="admit") as caught:
        _open(path, key=f"{other}.key", trusted=[first])
    assert not isinstance(caught.value, KeyFileError)
    assert {one.name: one.read_bytes() for one in tmp_path.glob("other.db.key*")} == before


def test_a_public_key_file_of_nonsense(path: Path) -> None:
    """A public key file that holds no key is named."""
    _open(path).close()
    path.with_name("trail.db.key.pub").write_text("nonsense\n")
    with pytest.raises(KeyFileError, match="verifier keys"):
        _open(path)


def test_another_origin(path: Path) -> None:
    """A log opened under another name than its own is refused."""
    _open(path).close()
    with pytest.raises(VerificationError):
        open_trail(path, origin="example.com/back-door", passphrase="correct horse")


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read" * 30])
def test_a_file_of_something_else(path: Path, content: bytes) -> None:
    """A file that is no log is refused by name and left as it is."""
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError):
        opened(path)
    assert path.read_bytes() == content


def test_a_log_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """A missing directory is named."""
    with pytest.raises((StoreUnavailableError, KeyFileError)):
        _open(tmp_path / "absent" / "trail.db")
    with pytest.raises(StoreUnavailableError):
        opened(tmp_path / "absent" / "trail.db")
    assert os.listdir(tmp_path) == []


def test_trusted_keys_as_text_or_parsed(path: Path) -> None:
    """Keys trusted beforehand may be given as text or as keys."""
    with opened(path) as log:
        log.admit_writer(SECOND.verifier_key)
    for given in (KEY, VerifierKey.parse(KEY)):
        opened(path, signer=SECOND, trusted=[given]).close()


# --- theft and loss, with key files --------------------------------------------------------------


def _stolen(path: Path) -> str:
    """A log with key files whose present key a thief has used; returns that key."""
    with _open(path) as log:
        first: str = log.verifier_key
        log.record(event(1))
        log.admit_writer(THIRD.verifier_key)
    return first


def _take_over(path: Path, stolen: str | None, **options: Any) -> Any:
    options.setdefault("since", None if stolen is None else 3)
    return take_over(path, origin=ORIGIN, passphrase="correct horse", stolen=stolen, **options)


@pytest.mark.parametrize("present", ["there", "gone", "under another passphrase"])
def test_taking_over_with_the_next_key_file(path: Path, present: str) -> None:
    """With FILE.next alone the log is taken over, and its files are as after a rotation."""
    first = _stolen(path)
    file = path.with_name("trail.db.key")
    if present != "there":
        file.unlink()
    if present == "under another passphrase":
        other = path.with_name("other.key")
        open_key_file(other, name=ORIGIN, passphrase="of the thief", create=True)
        other.rename(file)
    receipt = _take_over(path, first)
    assert receipt.index == 4
    with _open(path) as log:
        assert log.verifier_key != first
        log.record(event(2))
        rotate_key_file(log, file, passphrase="correct horse")
        log.record(event(3))
    report = verified(path, first)
    assert [(one.first, one.last, one.report) for one in report.affected] == [(3, 3, 4)]
    with pytest.raises(SigningError, match="retired at index 4"):
        opened(path, signer=THIRD, trusted=[first])


def test_taking_over_what_is_lost(path: Path) -> None:
    """Where the present key is lost, nothing is reported, and other writers stay."""
    first = _stolen(path)
    path.with_name("trail.db.key").unlink()
    assert _take_over(path, None).index == 4
    with opened(path, signer=THIRD, trusted=[first], passphrase="correct horse") as log:
        log.record(event(2))
    assert verified(path, first).affected == ()


@pytest.mark.parametrize("step", ["prepare_rotation", "_begin", "_change", "finish_rotation"])
@pytest.mark.parametrize("done", [False, True])
def test_taking_over_cut_short(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    """A crash before or after any step leaves a log that is taken over by doing it again."""
    first = _stolen(path)
    original: Any = getattr(taking_over, step)

    def crash(*arguments: Any, **options: Any) -> Any:
        if done:
            original(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(taking_over, step, crash)
    with pytest.raises(KeyboardInterrupt):
        _take_over(path, first)
    monkeypatch.undo()
    _take_over(path, first)
    with _open(path) as log:
        log.record(event(2))
    report = verified(path, first)
    assert [(one.first, one.last) for one in report.affected] == [(3, 3)]
    assert report.events == 2


def test_taking_over_by_a_stranger(path: Path, tmp_path: Path) -> None:
    """A key file of another log, or one without a key that is trusted, takes nothing over."""
    first = _stolen(path)
    other = tmp_path / "other.db"
    _open(other).close()
    with pytest.raises(WrongKeyError, match="cannot be taken over"):
        _take_over(path, first, key=f"{other}.key", trusted=[first])
    path.with_name("trail.db.key.pub").unlink()
    with pytest.raises(WrongKeyError, match="nothing ties"):
        _take_over(path, first)
    with pytest.raises(MissingError):
        _take_over(tmp_path / "empty.db", first, key=f"{path}.key")
    assert verified(path, first).size == 4
    _take_over(path, first, trusted=[first])
    path.with_name("trail.db.key.next").unlink()
    with pytest.raises(KeyFileError):
        _take_over(path, first, trusted=[first])
