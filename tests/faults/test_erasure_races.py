"""Erasures that meet others: the same erasure elsewhere, a hold, a logger without the vault."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.errors import (
    BiotrailError,
    ErasureIncompleteError,
    LegalHoldError,
    NotRecordedError,
    UnknownPersonError,
    VaultError,
)
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores import SQLiteReader, SQLiteStore
from biotrail.testing import FaultyStore
from tests.faults._child import ForkedChild
from tests.unit.audit._vaulted import WHY, event, key, opened

_RECORDS = 40


class Killed(BaseException):
    """The process ends here: nothing catches this."""


def _filled(path: Path) -> None:
    with opened(path) as log:
        log.record_many([event("anna") for _ in range(_RECORDS)])
        log.record_many([event("ben") for _ in range(4)])


def _break_off(path: Path, step: str) -> None:
    store = FaultyStore(SQLiteStore(path))
    log = opened(store)
    store.fail(step, Killed())
    with pytest.raises(Killed):
        log.erase("anna", **WHY)
    store.heal()
    store.store.close()


def _check_one_tombstone(path: Path) -> None:
    with closing(SQLiteReader(path)) as reader:
        told = list(entries_of_kind(reader, "subject_erased"))
        assert [one.content["payloads"] for one in told] == [_RECORDS]
        assert [one.entry for one in reader.fences()] == [told[0].index]
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.overdue) == (_RECORDS, 0)


def _open_and_close(path: Path) -> str:
    opened(path).close()
    return "done"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("step", ["destroy_identities", "replace_payloads", "append"])
def test_processes_finish_one_erasure(tmp_path: Path, step: str) -> None:
    """Processes that open a log at once, in which one was killed, append one tombstone."""
    for life in range(8):
        path = tmp_path / str(life) / "log.db"
        path.parent.mkdir()
        _filled(path)
        _break_off(path, step)
        children = [ForkedChild(lambda path=path: _open_and_close(path)) for _ in range(4)]  # type: ignore[misc]
        assert [one.said() for one in children] == [["did", "done"]] * 4
        opened(path).close()
        _check_one_tombstone(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_processes_begin_one_erasure(tmp_path: Path) -> None:
    """Processes that erase one person at once leave one tombstone, which counts all of it."""
    for life in range(8):
        path = tmp_path / str(life) / "log.db"
        path.parent.mkdir()
        _filled(path)

        def erase(path: Path = path) -> int:
            with opened(path) as log:
                return log.erase("anna", **WHY).payloads

        said = [child.said() for child in [ForkedChild(erase) for _ in range(4)]]
        assert all(
            one == ["did", _RECORDS] or one[0] in ("UnknownPersonError", "ErasureIncompleteError")
            for one in said
        )
        assert ["did", _RECORDS] in said
        opened(path).close()
        _check_one_tombstone(path)


class Before(FaultyStore):
    """A store before whose first destruction somebody else acts."""

    act: Callable[[], object] | None = None

    def destroy_identities(self, references: Any) -> int:
        """Destroy, after the other act."""
        if self.act is not None:
            act, self.act = self.act, None
            act()
        return super().destroy_identities(references)


def test_another_finishes_it_first(tmp_path: Path) -> None:
    """Whoever finds at its turn that the tombstone is there gives the same certificate."""
    path = tmp_path / "log.db"
    _filled(path)
    store = Before(SQLiteStore(path))
    with opened(store) as log:
        store.act = lambda: opened(path).close()
        certificate = log.erase("anna", **WHY)
    assert certificate.payloads == _RECORDS
    _check_one_tombstone(path)


def test_a_hold_that_meets_an_erasure(tmp_path: Path) -> None:
    """After the fence a hold is refused with the erasure's id, and leaves no entry."""
    path, met = tmp_path / "log.db", []
    _filled(path)
    store = Before(SQLiteStore(path))
    with opened(path) as other, opened(store) as log:
        other.record(event("anna"))  # it knows her, and her key

        def hold() -> None:
            with pytest.raises((ErasureIncompleteError, UnknownPersonError)) as caught:
                other.place_hold("anna", reason="litigation")
            met.append(caught.value)

        store.act = hold
        log.erase("anna", **WHY)
        assert len(met) == 1
        assert list(entries_of_kind(other.erasures.store, "hold_placed")) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_hold_and_an_erasure_at_the_same_moment(tmp_path: Path) -> None:
    """Of a hold and an erasure by two processes exactly one wins, and the other is told."""
    won = set()
    for life in range(12):
        path = tmp_path / str(life) / "log.db"
        path.parent.mkdir()
        _filled(path)

        def erase(path: Path = path) -> int:
            with opened(path) as log:
                return log.erase("anna", **WHY).index

        def hold(path: Path = path) -> int:
            with opened(path) as log:
                return log.place_hold("anna", reason="litigation").index

        acts = [erase, hold] if life % 2 else [hold, erase]
        children = {act.__name__: ForkedChild(act) for act in acts}
        said = {name: child.said() for name, child in children.items()}
        told = said["erase"][0] == "did", said["hold"][0] == "did"
        assert told in ((True, False), (False, True)), said
        won.add(told)
        found = biotrail.verify_log(path, key())
        assert found.erased == (_RECORDS if told[0] else 0)
        with opened(path) as log, pytest.raises((LegalHoldError, UnknownPersonError)):
            log.erase("anna", **WHY)
    assert won


def test_a_logger_that_knows_of_no_vault(tmp_path: Path) -> None:
    """A logger that was open before the log had a vault records nothing in the clear after it."""
    path = tmp_path / "log.db"
    with opened(path, vault=None) as plain:
        plain.record(event("anna"))
        with opened(path) as log:
            log.record(event("anna"))
            with pytest.raises(NotRecordedError) as caught:
                plain.record(event("anna"))
            assert isinstance(caught.value.__cause__, VaultError)
            log.erase("anna", **WHY)
            with pytest.raises(BiotrailError):
                plain.record(event("anna"))
            plain.checkpoint()
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.overdue) == (2, 0)


def test_an_actor_in_the_clear_is_told_of(tmp_path: Path) -> None:
    """A certificate says how many payloads in the clear go on naming the person as the actor."""
    path = tmp_path / "log.db"
    with opened(path, vault=None) as log:
        log.record(event("anna", actor="guard"))
        log.record(event("ben", actor="guard"))
        log.record(event("guard", actor="guard"))
        log.record(event("ben", actor="guard", tenant="east"))
    with opened(path) as log:
        certificate = log.erase("guard", **WHY, beyond=["backups"])
        assert certificate.beyond == (
            "backups",
            "2 payloads in the clear that name the person as the actor",
        )
        log.record(event("eve", actor="keeper"))
        assert log.erase("keeper", **WHY).beyond == ()
        with pytest.raises(UnknownPersonError, match="as the actor"):
            log.erase("guard", **WHY)
