"""Erasures that are broken off at every step, killed at any moment, or held up by readers."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.errors import (
    BiotrailError,
    ErasureIncompleteError,
    MissingError,
    StoreUnavailableError,
    UnknownPersonError,
)
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores import SQLiteReader, SQLiteStore
from biotrail.testing import FaultyStore
from tests.unit.audit._vaulted import WHY, event, everything, key, opened

STEPS = (
    "turn",
    "write_fence",
    "fences",
    "destroy_identities",
    "sealed_of",
    "payloads_at",
    "replace_payloads",
    "clear_payloads",
    "append",
    "purge_remains",
    "finish_fence",
    "indices_of_other_kinds",
)


class Killed(BaseException):
    """The process ends here: nothing catches this."""


def _filled(path: Path) -> None:
    with opened(path) as log:
        log.record_many([event("anna") for _ in range(4)])
        log.record_many([event("ben") for _ in range(4)])


def _check_erased(path: Path) -> None:
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.overdue, found.sealed) == (4, 0, 12)
    with closing(SQLiteReader(path)) as reader:
        told = list(entries_of_kind(reader, "subject_erased"))
        assert [one.content["payloads"] for one in told] == [4]
        assert reader.fences(unfinished=True) == []
        assert reader.fences()[0].entry == told[0].index
    opened(path).close()
    assert len(Path(f"{path}.erasures").read_text().splitlines()) == 1


def _erase_and_break(path: Path, step: str, after: int, *, written: bool, error: Any) -> bool:
    """Erase on a store that fails at one call of a step; whether it came to that."""
    store = FaultyStore(SQLiteStore(path))
    log = opened(store)
    fault = store.fail(step, error, written=written, after=after)
    try:
        log.erase("anna", **WHY)
    except (Killed, BiotrailError):
        pass
    finally:
        store.heal()
        store.store.close()  # what a kill leaves: the file, and nothing said
    return fault.times < 1


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_broken_off_at_each_step(tmp_path: Path, step: str, written: bool) -> None:
    """Killed before or after any call of any step: opened again, the erasure is done, once."""
    for after in range(40):
        path = tmp_path / str(after) / "log.db"
        path.parent.mkdir()
        _filled(path)
        if not _erase_and_break(path, step, after, written=written, error=Killed()):
            break
        with opened(path) as log:
            assert log.unfinished_erasures() == []
            log.record(event("ben"))
            with suppress(UnknownPersonError):  # where it was killed before the fence
                log.erase("anna", **WHY)
            found = biotrail.verify_log(path, key())
            assert (found.erased, found.overdue, found.sealed) == (4, 0, 14)
        with closing(SQLiteReader(path)) as reader:
            told = list(entries_of_kind(reader, "subject_erased"))
            assert [one.content["payloads"] for one in told] == [4]
            assert [one.entry for one in reader.fences()] == [told[0].index]
    assert after > 0, "the step is never taken"


@pytest.mark.parametrize("step", ["destroy_identities", "replace_payloads", "append"])
def test_failing_steps_are_told_and_tried_again(tmp_path: Path, step: str) -> None:
    """A store that fails gives an error with the erasure's id; the same call then goes on."""
    path = tmp_path / "log.db"
    _filled(path)
    store = FaultyStore(SQLiteStore(path))
    with opened(store) as log:
        store.fail(step, StoreUnavailableError("the disk failed"))
        with pytest.raises(ErasureIncompleteError) as caught:
            log.erase("anna", **WHY)
        assert log.unfinished_erasures() == [caught.value.erasure]
        (certificate,) = log.resume_erasures()
        assert certificate.erasure == caught.value.erasure
        assert log.unfinished_erasures() == []
    _check_erased(path)


def test_a_broken_erasure_does_not_keep_a_log_from_recording(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where what is left cannot be done at opening either, the log opens, and lists it."""
    path = tmp_path / "log.db"
    _filled(path)
    _erase_and_break(path, "replace_payloads", 0, written=False, error=Killed())
    store = FaultyStore(SQLiteStore(path))
    store.fail("replace_payloads", StoreUnavailableError("no answer"), times=1)
    with opened(store) as log:
        assert len(log.unfinished_erasures()) == 1
        assert "unfinished" in caplog.text
        log.record(event("ben"))
        store.fail("replace_payloads", StoreUnavailableError("no answer"))
        with pytest.raises(ErasureIncompleteError):
            log.resume_erasures()
        log.resume_erasures()


def test_half_destroyed_is_missing_and_not_erased(tmp_path: Path) -> None:
    """Between destruction and tombstone the log does not hold: no entry accounts for the gap."""
    path = tmp_path / "log.db"
    _filled(path)
    _erase_and_break(path, "append", 0, written=False, error=Killed())
    with pytest.raises(MissingError, match="unfinished"):
        biotrail.verify_log(path, key())
    opened(path).close()
    _check_erased(path)


def test_readers_of_an_older_state_are_waited_for(tmp_path: Path) -> None:
    """While a reader holds an older state, copies lie in the journal: the erasure says so."""
    path = tmp_path / "log.db"
    _filled(path)
    with opened(path) as log, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        log.erasures._pause = lambda seconds: None
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sealed").fetchone()
        with pytest.raises(ErasureIncompleteError, match="reader"):
            log.erase("anna", **WHY)
        assert biotrail.verify_log(path, key()).erased == 4
        reader.execute("COMMIT")
        log.resume_erasures()
        _check_erased(path)


def test_two_threads_erase_one_person(tmp_path: Path) -> None:
    """One of them does it; the other gets the same erasure, or is told that nothing is left."""
    path = tmp_path / "log.db"
    _filled(path)
    answers: list[Any] = []

    def erase(log: biotrail.AuditLogger) -> None:
        try:
            answers.append(log.erase("anna", **WHY))
        except UnknownPersonError as error:
            answers.append(error)

    with opened(path) as log:
        threads = [threading.Thread(target=erase, args=(log,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 4
    assert sum(isinstance(one, UnknownPersonError) for one in answers) == 3
    _check_erased(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_processes_erase_one_person(tmp_path: Path) -> None:
    """Processes that erase at once leave one erasure, and a log that holds."""
    path = tmp_path / "log.db"
    _filled(path)
    children = [_forked(path) for _ in range(3)]
    for child in children:
        os.waitpid(child, 0)
    opened(path).close()
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.overdue) == (4, 0)
    with closing(SQLiteReader(path)) as reader:
        assert len(reader.fences()) == 1
        assert reader.fences(unfinished=True) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """SIGKILL at random moments, again and again: in the end nothing of the person is there."""
    source = random.Random(4)
    for life in range(25):
        path = tmp_path / str(life) / "log.db"
        path.parent.mkdir()
        _filled(path)
        child = _forked(path)
        time.sleep(source.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with opened(path) as log:
            assert log.unfinished_erasures() == []
            with suppress(UnknownPersonError):
                log.erase("anna", **WHY)
        found = biotrail.verify_log(path, key())
        assert (found.erased, found.overdue, found.sealed) == (4, 0, 12)
        assert b"device of anna" not in everything(path)


def _forked(path: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            with opened(path) as log:
                log.erase("anna", **WHY)
        finally:
            os._exit(0)
    return child
