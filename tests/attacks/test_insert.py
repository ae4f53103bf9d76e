"""Threat: an entry that was never recorded is put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.canonical import frame_entry, split_entry
from biotrail.errors import InsertedError, TruncatedError, WrongKeyError
from biotrail.tlog import leaf_hash
from tests.attacks._tools import Row, rechained, resigned, rewrite, rows_of, signer, sql, verdict


def forged(rows: list[Row], index: int, *, source: int = 40) -> Row:
    """An entry with the right number, chained to the one before, that says something else."""
    after = split_entry(rows[index - 1].entry)
    body = split_entry(rows[source].entry).body.replace(b"door.open", b"door.shut")
    entry = frame_entry(index, leaf_hash(rows[index - 1].entry), after.recorded, body)
    return Row(entry, None, (rows[source].columns[0], 0, *[None] * 11), rows[source].payload)


@pytest.mark.parametrize("index", [1, 50, 100, 101, 255, 256, 280, 298])
def test_a_fitting_entry_put_in(log: Path, index: int) -> None:
    """A forged entry that follows on the one before is named; its follower still does, too."""

    def change(rows: list[Row]) -> None:
        rows.insert(index, forged(rows, index))

    rewrite(log, change)
    verdict(log, InsertedError, index)


@pytest.mark.parametrize("index", [1, 50, 101, 255, 256, 290, 298])
def test_the_chain_made_to_fit(singles: Path, index: int) -> None:
    """Rewriting everything behind it leaves checkpoints for one entry fewer."""

    def change(rows: list[Row]) -> None:
        rows.insert(index, forged(rows, index))
        rechained(rows, index)

    rewrite(singles, change, tiles=True)
    verdict(singles, InsertedError, index)


@pytest.mark.parametrize(("index", "named"), [(50, 1), (101, 101), (120, 101), (580, 501)])
def test_the_chain_made_to_fit_within_batches(hundreds: Path, index: int, named: int) -> None:
    """With everything rewritten, only the batch is known: its first entry is named."""

    def change(rows: list[Row]) -> None:
        rows.insert(index, forged(rows, index))
        rechained(rows, index)

    rewrite(hundreds, change, tiles=True)
    verdict(hundreds, InsertedError, named)


def test_at_the_end_with_the_head_left(log: Path) -> None:
    """A forged entry behind the head was put in."""
    total = len(rows_of(log))
    rewrite(log, lambda rows: rows.append(forged(rows, total)))
    sql(log, f"UPDATE head SET size = {total}")
    error = verdict(log, InsertedError, total)
    assert (error.expected, error.found) == (total, total + 1)


def test_at_the_end_with_the_head_moved(log: Path) -> None:
    """With the head moved along it cannot be told from a tail cut off within a batch: so it says.

    Either way the index is that of the first entry which no checkpoint covers.
    """
    total = len(rows_of(log))
    rewrite(log, lambda rows: rows.append(forged(rows, total)))
    error = verdict(log, TruncatedError, total)
    assert "or they were put in" in str(error)


def test_at_the_end_under_a_strangers_checkpoint(log: Path) -> None:
    """A forged entry under a checkpoint by a stranger's key: wrong key."""
    total = len(rows_of(log))

    def change(rows: list[Row]) -> None:
        rows.append(forged(rows, total))
        rows[-1].note = ""
        resigned(rows, signer(9), total)

    rewrite(log, change)
    verdict(log, WrongKeyError, total)


def test_far_off(log: Path) -> None:
    """A row at the greatest index that SQLite has was put in, and nothing overflows."""
    total = len(rows_of(log))
    sql(
        log,
        "INSERT INTO entries (idx, entry, kind, recorded) "
        "VALUES (9223372036854775807, x'00', 'event', 0)",
    )
    verdict(log, InsertedError, total)


def test_before_the_first(log: Path) -> None:
    """A row before index 0, which no reader asks for, is found by the check of the structure."""
    from biotrail.errors import AlteredError

    sql(
        log,
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (-1, x'00', 'event', 0)",
    )
    verdict(log, AlteredError, None)
