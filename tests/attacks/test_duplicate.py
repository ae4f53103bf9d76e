"""Threat: an entry is put in a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import verify_log
from biotrail.errors import AlteredError, InsertedError, VerificationError
from tests.attacks._tools import Row, key_of, rewrite, rows_of, sql, verdict


def _copy_of(row: Row, *, with_id: bool = False) -> Row:
    columns = row.columns if with_id else (*row.columns[:2], None, *row.columns[3:])
    return Row(row.entry, None, columns, row.payload)


@pytest.mark.parametrize(
    ("source", "to"),
    [(5, 6), (5, 5), (5, 50), (60, 50), (100, 101), (101, 101), (255, 256), (285, 280), (3, 290)],
)
def test_a_copy_put_in(log: Path, source: int, to: int) -> None:
    """A copy is named where it stands second, or where it stands and was never recorded."""

    def change(rows: list[Row]) -> None:
        rows.insert(to, _copy_of(rows[source]))

    rewrite(log, change)
    error = verdict(log, InsertedError, to + 1 if source == to else to)
    assert error.exit_code == 13


def test_a_copy_at_the_end(log: Path) -> None:
    """A copy of the last entry behind it is named there, whether the head moved along or not."""
    total = len(rows_of(log))
    rewrite(log, lambda rows: rows.append(_copy_of(rows[-1])))
    verdict(log, InsertedError, total)
    sql(log, f"UPDATE head SET size = {total}")
    verdict(log, InsertedError, total)


def test_a_copy_with_its_checkpoint(singles: Path) -> None:
    """Copying the checkpoint along helps nothing."""

    def change(rows: list[Row]) -> None:
        rows.append(_copy_of(rows[-1]))
        rows[-1].note = rows[-2].note

    rewrite(singles, change)
    verdict(singles, InsertedError, 300)


@pytest.mark.parametrize(("source", "to"), [(5, 50), (60, 50), (290, 5), (280, 298), (5, 298)])
def test_an_entry_overwritten_with_another(log: Path, source: int, to: int) -> None:
    """Where a copy takes another's place, that other one was altered."""

    def change(rows: list[Row]) -> None:
        rows[to].entry = rows[source].entry

    rewrite(log, change)
    error = verdict(log, AlteredError, to)
    assert (error.expected, error.found) == (to, source)


def test_the_last_entry_overwritten_with_another(log: Path) -> None:
    """At the end of the log that is still seen by its checkpoint's size."""
    last = len(rows_of(log)) - 1

    def change(rows: list[Row]) -> None:
        rows[last].entry = rows[40].entry

    rewrite(log, change)
    verdict(log, AlteredError, last)


def test_a_whole_block_again(log: Path) -> None:
    """A block put in a second time is named at its first entry."""

    def change(rows: list[Row]) -> None:
        rows[201:201] = [_copy_of(row) for row in rows[101:201]]

    rewrite(log, change)
    with pytest.raises(VerificationError) as caught:
        verify_log(log, key_of(), workers=1)
    assert (type(caught.value), caught.value.index) == (InsertedError, 201)
