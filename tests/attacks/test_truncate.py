"""Threat: the tail of the log is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import verify_log
from biotrail.errors import MissingError, RolledBackError, TruncatedError
from tests.attacks._tools import Row, key_of, rewrite, rows_of, sql, verdict


def cut(path: Path, size: int) -> None:
    """Cut a log off so that nothing shows within it, if a checkpoint lies there."""

    def change(rows: list[Row]) -> None:
        del rows[size:]

    rewrite(path, change)


def _last_note(path: Path) -> str:
    return rows_of(path)[-1].note or ""


@pytest.mark.parametrize("size", [1, 50, 101, 256, 299])
def test_rows_deleted(log: Path, size: int) -> None:
    """Where only the rows are gone, the head tells."""
    total = len(rows_of(log))
    sql(log, f"DELETE FROM entries WHERE idx >= {size}")
    error = verdict(log, TruncatedError, size)
    assert (error.expected, error.found, error.exit_code) == (total, size, 15)


@pytest.mark.parametrize("size", [1, 50, 101, 256, 299])
def test_rows_and_head(log: Path, size: int) -> None:
    """Where the head was moved along, the payloads tell."""
    sql(log, f"DELETE FROM entries WHERE idx >= {size}", f"UPDATE head SET size = {size}")
    verdict(log, TruncatedError, size)


@pytest.mark.parametrize("size", [2, 50, 100, 102, 200, 500, 600])
def test_cut_within_a_batch(hundreds: Path, size: int) -> None:
    """A cut within a batch leaves entries that no checkpoint covers; the first is named."""
    cut(hundreds, size)
    verdict(hundreds, TruncatedError, (size - 1) // 100 * 100 + 1 if size % 100 != 1 else size)


@pytest.mark.parametrize("size", [1, 101, 201, 501])
def test_a_clean_cut_is_not_seen_from_inside(log: Path, size: int) -> None:
    """Cut at a checkpoint, what is left is a true earlier state: the report claims no more."""
    size = min(size, 298)
    if log.name == "hundreds.db" and size == 298:
        size = 501
    cut(log, size)
    report = verify_log(log, key_of(), workers=1)
    assert report.size == size
    assert report.complete_since == ()


@pytest.mark.parametrize("size", [1, 101, 201])
def test_a_clean_cut_is_seen_with_a_checkpoint(log: Path, size: int) -> None:
    """Whoever kept any later checkpoint sees that the log was rolled back, and to where."""
    kept, total = _last_note(log), len(rows_of(log))
    cut(log, size)
    error = verdict(log, RolledBackError, size, from_checkpoint=kept)
    assert (error.expected, error.found, error.exit_code) == (total, size, 16)


def test_a_checkpoint_from_before_the_cut_shows_nothing(log: Path) -> None:
    """A kept checkpoint that is older than the cut is continued, and the report says from where."""
    kept = rows_of(log)[100].note or ""
    cut(log, 201)
    report = verify_log(log, key_of(), from_checkpoint=kept, workers=1)
    assert report.complete_since == (101,)


def test_the_longest_of_several_checkpoints_counts(log: Path) -> None:
    """Of several checkpoints, one that is longer than the log is enough."""
    rows = rows_of(log)
    kept = [rows[0].note or "", rows[200].note or "", rows[100].note or ""]
    cut(log, 101)
    error = verdict(log, RolledBackError, 101, from_checkpoint=kept)
    assert error.expected == 201


def test_an_edit_is_named_before_the_cut(log: Path) -> None:
    """An altered entry in what is left comes before the cut."""
    from biotrail.errors import AlteredError

    kept = _last_note(log)
    cut(log, 201)
    sql(log, "UPDATE entries SET entry = zeroblob(200) WHERE idx = 60")
    verdict(log, AlteredError, 60, from_checkpoint=kept)


def test_everything_deleted(log: Path) -> None:
    """A log without a single row is never valid, and is rolled back for who kept a checkpoint."""
    kept, total = _last_note(log), len(rows_of(log))
    cut(log, 0)
    verdict(log, MissingError, 0)
    error = verdict(log, RolledBackError, 0, from_checkpoint=kept)
    assert (error.expected, error.found) == (total, 0)


def test_the_head_set_back(log: Path) -> None:
    """A head that names fewer entries than are there and signed is altered."""
    from biotrail.errors import AlteredError

    total = len(rows_of(log))
    sql(log, "UPDATE head SET size = 201")
    error = verdict(log, AlteredError, 201)
    assert (error.expected, error.found) == (total, 201)


def test_the_head_set_forward(log: Path) -> None:
    """A head that names more entries than are there speaks for a cut."""
    total = len(rows_of(log))
    sql(log, f"UPDATE head SET size = {total + 5}")
    verdict(log, TruncatedError, total)


def test_the_head_deleted(log: Path) -> None:
    """Without its head row the log does not pass for an empty one."""
    from biotrail.errors import AlteredError

    sql(log, "DELETE FROM head")
    verdict(log, AlteredError, 0)
