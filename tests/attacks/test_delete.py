"""Threat: entries are deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.errors import MissingError, TruncatedError
from tests.attacks._tools import Row, rechained, rewrite, rows_of, sql, verdict


def _delete(path: Path, where: str) -> None:
    sql(path, f"DELETE FROM entries WHERE {where}", f"DELETE FROM payloads WHERE {where}")


@pytest.mark.parametrize("index", [0, 1, 50, 100, 101, 255, 256, 298])
def test_a_row_that_is_gone(log: Path, index: int) -> None:
    """A hole in the rows is named at its index: the first, a middle one, the last of a batch."""
    _delete(log, f"idx = {index}")
    error = verdict(log, MissingError, index)
    assert (error.expected, error.found) == (index, index + 1)
    assert error.exit_code == 12


def test_many_rows_that_are_gone(log: Path) -> None:
    """Of many holes the first is named."""
    _delete(log, "idx BETWEEN 40 AND 60 OR idx = 200 OR idx % 97 = 0 AND idx > 0")
    verdict(log, MissingError, 40)


@pytest.mark.parametrize("index", [0, 1, 50, 100, 101, 255, 256, 290, 298])
def test_rows_moved_up_over_the_hole(log: Path, index: int) -> None:
    """Moving all rows after the deleted one up by one hides nothing."""

    def change(rows: list[Row]) -> None:
        del rows[index]

    rewrite(log, change)
    error = verdict(log, MissingError, index)
    assert (error.expected, error.found) == (index, index + 1)


@pytest.mark.parametrize("index", [50, 100, 120, 258, 290])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_several_rows_moved_up(singles: Path, index: int, count: int) -> None:
    """The same for a run of rows: the first that is gone is named."""

    def change(rows: list[Row]) -> None:
        del rows[index : index + count]

    if index + count < 299:
        rewrite(singles, change)
        verdict(singles, MissingError, index)


@pytest.mark.parametrize("index", [1, 50, 100, 254])
def test_rows_renumbered_too(log: Path, index: int) -> None:
    """Writing the new number into every entry, but not the chain, is still a deletion."""

    def change(rows: list[Row]) -> None:
        from biotrail.canonical import frame_entry, split_entry

        del rows[index]
        for place, row in enumerate(rows[index:], index):
            head = split_entry(row.entry)
            row.entry = frame_entry(place, head.prev, head.recorded, head.body)

    rewrite(log, change)
    verdict(log, MissingError, index)


@pytest.mark.parametrize("index", [1, 50, 100, 254, 290, 298])
def test_the_chain_made_to_fit(singles: Path, index: int) -> None:
    """Rewriting the whole chain after the deletion leaves checkpoints for one entry more."""

    def change(rows: list[Row]) -> None:
        del rows[index]
        rechained(rows, index)

    rewrite(singles, change, tiles=True)
    verdict(singles, MissingError, index)


@pytest.mark.parametrize(("index", "named"), [(50, 1), (101, 101), (120, 101), (590, 501)])
def test_the_chain_made_to_fit_within_batches(hundreds: Path, index: int, named: int) -> None:
    """With everything rewritten, only the batch is known: its first entry is named."""

    def change(rows: list[Row]) -> None:
        del rows[index]
        rechained(rows, index)

    rewrite(hundreds, change, tiles=True)
    verdict(hundreds, MissingError, named)


@pytest.mark.parametrize("index", [50, 101, 120, 500])
def test_old_tiles_tell_the_index(hundreds: Path, index: int) -> None:
    """Where the tiles were left as they were, the entry itself is named."""

    def change(rows: list[Row]) -> None:
        del rows[index]
        rechained(rows, index)

    rewrite(hundreds, change)
    verdict(hundreds, MissingError, index)


def test_the_last_row(log: Path) -> None:
    """Without its last entry alone, the log is cut off."""
    last = len(rows_of(log)) - 1
    _delete(log, f"idx = {last}")
    error = verdict(log, TruncatedError, last)
    assert (error.expected, error.found) == (last + 1, last)


def test_a_hole_and_a_cut_tail(log: Path) -> None:
    """A hole is named before a tail that is cut off, too."""
    _delete(log, "idx = 20 OR idx > 250")
    verdict(log, MissingError, 20)
