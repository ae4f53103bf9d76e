"""Threats to a log so long that it is verified in stretches, by several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from biotrail import verify_log
from biotrail.audit.prepare import prepare_other
from biotrail.errors import (
    AlteredError,
    ForkedError,
    MissingError,
    ReorderedError,
    TruncatedError,
    VerificationError,
)
from biotrail.stores import SQLiteReader
from biotrail.testing import tampering
from biotrail.verify import workers
from tests.attacks._tools import copy, event, flipped, key_of, open_fast

STRETCH = 65_536
SIZE = STRETCH + 300


@pytest.fixture(scope="module")
def _long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of a stretch and some more; checkpoints at its end, among others."""
    path = tmp_path_factory.mktemp("long") / "log.db"
    go_on(path, 1, SIZE)
    return path


def go_on(path: Path, done: int, size: int, *, log: int = 0) -> None:
    """Write events without personal fields to a log, up to a size: they take the least time."""
    with open_fast(path) as logger:
        while done < size:
            stop = min(size, done + 1000, (done // STRETCH + 1) * STRETCH)
            logger.record_many(plain(n, log) for n in range(done, stop))
            done = stop


def plain(number: int, log: int) -> Any:
    """An event of nobody."""
    return attrs.evolve(
        event(number, log=log),
        actor=None,
        subject=None,
        comparison=None,
        context=type(event(0).context)(),
    )


@pytest.fixture
def long(_long: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy(_long, tmp_path / "log.db")


def both(path: Path, **options: Any) -> Any:
    """What one process says and what two say must be the same."""
    outcomes: list[Any] = []
    for count in (1, 2):
        try:
            report = verify_log(path, key_of(), workers=count, **options)
            outcomes.append(attrs.evolve(report, seconds=0))
        except VerificationError as error:
            outcomes.append((type(error), error.index, str(error), error.expected, error.found))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


QUICK: Any = {"payloads": False, "lookups": False}


def _edit(path: Path, index: int) -> None:
    with tampering(path) as db:
        (entry,) = db.execute("SELECT entry FROM entries WHERE idx = ?", (index,)).fetchone()
        db.execute("UPDATE entries SET entry = ? WHERE idx = ?", (flipped(entry, 90), index))


def test_it_holds(long: Path) -> None:
    """The whole log holds, whoever does the work, and every entry is an event but the first."""
    report = both(long, **QUICK)
    assert (report.size, report.events) == (SIZE, SIZE - 1)
    assert report.signatures == report.checkpoints > SIZE // 1000
    assert both(long).payloads == 0


def test_strictly(long: Path) -> None:
    """Decoding every entry says the same."""
    assert both(long, strict=True, **QUICK).strict


@pytest.mark.parametrize("index", [7, STRETCH - 1, STRETCH, SIZE - 1])
def test_an_edit(long: Path, index: int) -> None:
    """An altered entry at any end of a stretch is named."""
    _edit(long, index)
    assert both(long, **QUICK)[:2] == (AlteredError, index)


def test_the_first_of_edits_in_all_stretches(long: Path) -> None:
    """Of several, the first is named, whichever process sees its own first."""
    for index in (SIZE - 5, STRETCH + 100, 3_000):
        _edit(long, index)
    assert both(long, **QUICK)[:2] == (AlteredError, 3_000)


@pytest.mark.parametrize("index", [STRETCH - 1, STRETCH])
def test_a_deletion(long: Path, index: int) -> None:
    """A missing entry at the end of a stretch is named."""
    with tampering(long) as db:
        db.execute("DELETE FROM entries WHERE idx = ?", (index,))
    assert both(long, **QUICK)[:2] == (MissingError, index)


def test_entries_exchanged_across_the_boundary(long: Path) -> None:
    """Entries of two stretches that changed places are named at the first."""
    one, other = STRETCH - 1, STRETCH
    with tampering(long) as db:
        rows = dict(db.execute("SELECT idx, entry FROM entries WHERE idx IN (?, ?)", (one, other)))
        for index, entry in ((one, rows[other]), (other, rows[one])):
            db.execute("UPDATE entries SET entry = ? WHERE idx = ?", (entry, index))
    assert both(long, **QUICK)[:2] == (ReorderedError, one)


def test_columns_in_several_stretches(long: Path) -> None:
    """Of columns that lie in several stretches, the first is named."""
    with tampering(long) as db:
        db.execute(
            "UPDATE entries SET reason = 'x' WHERE idx IN (?, ?, ?)",
            (SIZE - 1, STRETCH + 5, 500),
        )
    assert both(long)[:2] == (AlteredError, 500)


@pytest.mark.parametrize("size", [STRETCH, SIZE])
def test_a_tile_of_level_one(long: Path, size: int) -> None:
    """A changed tile of the second level is named, also that of the last full stretch."""
    cut_cleanly(long, size)
    with tampering(long) as db:
        db.execute("UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 1")
    assert both(long, **QUICK)[:2] == (AlteredError, 0)
    with tampering(long) as db:
        db.execute("DELETE FROM tiles WHERE level = 1")
    assert both(long, **QUICK)[:2] == (MissingError, 0)


def test_the_tail_cut_at_the_boundary(long: Path) -> None:
    """Without the rows of the last stretch the log is cut off."""
    with tampering(long) as db:
        db.execute("DELETE FROM entries WHERE idx >= ?", (STRETCH,))
    assert both(long, **QUICK)[:2] == (TruncatedError, STRETCH)


def cut_cleanly(path: Path, size: int) -> str:
    """Cut a log at a checkpoint; returns that."""
    with tampering(path) as db:
        for table in ("entries", "payloads"):
            db.execute(f"DELETE FROM {table} WHERE idx >= ?", (size,))
        db.execute("DELETE FROM tiles WHERE ((idx + 1) << (8 * level + 8)) > ?", (size,))
        db.execute("UPDATE head SET size = ?", (size,))
        query = "SELECT checkpoint FROM entries WHERE idx = ?"
        note: str = db.execute(query, (size - 1,)).fetchone()[0]
    return note


def test_a_log_of_just_one_stretch(long: Path) -> None:
    """A log that ends with a stretch holds, and continues what it must."""
    with tampering(long) as db:
        (note,) = db.execute("SELECT checkpoint FROM entries WHERE idx = 1000").fetchone()
    kept = [note, cut_cleanly(long, STRETCH)]
    report = both(long, from_checkpoint=kept, **QUICK)
    assert (report.size, report.complete_since) == (STRETCH, (1001, STRETCH))


@pytest.mark.parametrize("size", [STRETCH - 1, STRETCH + 1])
def test_a_cut_beside_the_boundary(long: Path, size: int) -> None:
    """Cut one entry beside the end of a stretch, where no checkpoint lies, the log is truncated."""
    cut_cleanly(long, size)
    assert both(long, **QUICK)[0] is TruncatedError


def test_a_forged_last_tile_hides_no_fork(long: Path, tmp_path: Path) -> None:
    """A log of just one stretch whose tile of level 1 is that of another history: no fork hides.

    The tile leads to the root of the checkpoint that was kept, so that it alone would be believed.
    """
    ours, theirs = long, copy(long, tmp_path / "theirs.db")
    cut_cleanly(ours, STRETCH)
    cut_cleanly(theirs, 64_001)
    go_on(theirs, 64_001, STRETCH, log=1)
    with tampering(theirs) as db:
        (kept,) = db.execute(
            "SELECT checkpoint FROM entries WHERE idx = ?", (STRETCH - 1,)
        ).fetchone()
        (tile,) = db.execute("SELECT hashes FROM tiles WHERE level = 1").fetchone()
    assert both(ours, from_checkpoint=kept, **QUICK)[:2] == (ForkedError, STRETCH - 1)
    with tampering(ours) as db:
        db.execute("UPDATE tiles SET hashes = ? WHERE level = 1", (tile,))
    assert both(ours, from_checkpoint=kept, **QUICK)[:2] == (AlteredError, 0)


def test_progress_reaches_the_end(long: Path) -> None:
    """Progress goes up to all entries, and is told in the caller's thread."""
    for count in (1, 2):
        seen: list[tuple[int, int]] = []
        threads: set[int] = set()

        def note(done: int, total: int) -> None:
            seen.append((done, total))  # noqa: B023 - called within the round
            threads.add(threading.get_ident())  # noqa: B023

        verify_log(long, key_of(), workers=count, progress=note, **QUICK)
        assert seen[-1] == (SIZE, SIZE)
        assert seen == sorted(seen)
        assert threads == {threading.get_ident()}


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "import os; os._exit(9)", "print('x')"])
def test_helpers_that_die(long: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a helper leaves undone this process does itself, and the verdict is the same."""
    monkeypatch.setattr(workers, "_PROGRAM", f"{program} # {{}}")
    assert verify_log(long, key_of(), workers=3, **QUICK).size == SIZE


def test_helpers_that_cannot_be_started(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where no interpreter can be started, as inside another program."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert verify_log(long, key_of(), workers=2, **QUICK).size == SIZE
    monkeypatch.setattr(sys, "executable", None)
    assert verify_log(long, key_of(), workers=2, **QUICK).size == SIZE


def test_a_script_without_a_guard(long: Path, tmp_path: Path) -> None:
    """A plain script verifies a long log with several processes, and is not run by each of them."""
    script = tmp_path / "audit.py"
    script.write_text(
        "import biotrail\nprint('once')\n"
        f"print(biotrail.verify_log({str(long)!r}, {key_of()!r}, workers=2,"
        " payloads=False, lookups=False).size)\n"
    )
    paths = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
        check=True,
    )
    assert ran.stdout.split() == ["once", str(SIZE)]


def test_an_error_of_the_callers_stops_the_helpers(long: Path) -> None:
    """An exception in the caller's progress function comes through, and nothing goes on."""

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_log(long, key_of(), workers=2, progress=stop, **QUICK)


def test_a_store_that_is_no_file(long: Path) -> None:
    """Any reader of the contract is verified by this process alone, with the same result."""

    class Reader:
        def __init__(self) -> None:
            self.inner = SQLiteReader(long)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    reader = Reader()
    assert verify_log(reader, key_of(), workers=2, **QUICK).size == SIZE
    reader.inner.close()


# --- what was destroyed, said in another stretch ---------------------------------------------


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of two stretches: somebody's payload in the first is gone, the second says why."""
    path = tmp_path_factory.mktemp("erased") / "log.db"
    go_on(path, 1, 100)
    with open_fast(path) as logger:
        logger.record(event(100))
    go_on(path, 101, SIZE)
    with open_fast(path) as logger:
        (reference,) = logger._store.references("", event(100).subject.id)  # type: ignore[union-attr]
        logger._submit([prepare_other("subject_erased", _tombstone(reference))])
    with tampering(path) as db:
        db.execute("DELETE FROM payloads WHERE idx = 100")
    return path


def _tombstone(reference: bytes) -> dict[str, Any]:
    return {
        "id": bytes(16),
        "references": [reference],
        "fingerprints": [],
        "reason": "a test",
        "legal_basis": "a test",
        "through": SIZE,
        "payloads": 1,
        "requested": "2026-11-23T11:34:00.123456Z",
    }


def test_an_erasure_is_recorded_in_another_stretch(erased: Path) -> None:
    """What a later stretch says excuses what is gone in an earlier one, whoever reads which."""
    report = both(erased)
    assert (report.payloads, report.erased) == (0, 1)


def test_a_column_hides_an_erasure_in_another_stretch(erased: Path, tmp_path: Path) -> None:
    """The column is named, and not the payload that would be missing without the erasure."""
    path = copy(erased, tmp_path / "log.db")
    with tampering(path) as db:
        db.execute("UPDATE entries SET kind = 'event' WHERE kind = 'subject_erased'")
    assert both(path)[:2] == (AlteredError, SIZE)
    assert both(path, lookups=False).erased == 1


def test_a_column_claims_an_erasure_in_another_stretch(long: Path) -> None:
    """An event that a column calls an erasure excuses nothing."""
    with tampering(long) as db:
        db.execute("UPDATE entries SET kind = 'subject_erased' WHERE idx = ?", (SIZE - 1,))
        db.execute("INSERT INTO payloads (idx, payload) VALUES (7, x'00')")
    assert both(long, lookups=False)[:2] == (AlteredError, 7)
