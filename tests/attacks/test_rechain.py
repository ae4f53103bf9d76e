"""Threat: after an edit the attacker makes everything fit that needs no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.canonical import decode_entry, frame_entry, split_entry
from biotrail.errors import AlteredError
from biotrail.verify.beside import lookup_of
from tests.attacks._tools import Row, rechained, rewrite, rows_of, verdict


def edited(row: Row) -> None:
    """Turn a grant into a denial, in the entry and in its columns."""
    head = split_entry(row.entry)
    body = head.body.replace(b"hdecisionggranted", b"hdecisionfdenied")
    row.entry = frame_entry(head.index, head.prev, head.recorded, body)
    row.columns = tuple(lookup_of(decode_entry(row.entry)))


@pytest.mark.parametrize("index", [1, 42, 100, 101, 255, 256, 270, 299])
@pytest.mark.parametrize("tiles", [True, False])
def test_with_a_checkpoint_each(singles: Path, index: int, tiles: bool) -> None:
    """The first checkpoint after the edit gives it away, at its index, tiles rewritten or not."""

    def change(rows: list[Row]) -> None:
        edited(rows[index])
        rechained(rows, index + 1)

    rewrite(singles, change, tiles=tiles)
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [1, 42, 100, 101, 255, 256, 511])
def test_within_batches_with_old_tiles(hundreds: Path, index: int) -> None:
    """Within a batch, the tile that was left as it was tells the entry."""

    def change(rows: list[Row]) -> None:
        edited(rows[index])
        rechained(rows, index + 1)

    rewrite(hundreds, change)
    error = verdict(hundreds, AlteredError, index)
    assert error.expected != error.found


@pytest.mark.parametrize(("index", "named"), [(42, 1), (101, 101), (150, 101), (600, 501)])
def test_within_batches_with_new_tiles(hundreds: Path, index: int, named: int) -> None:
    """With all rewritten, columns and tiles too, the batch is known, and all before it proven."""

    def change(rows: list[Row]) -> None:
        edited(rows[index])
        rechained(rows, index + 1)

    rewrite(hundreds, change, tiles=True)
    error = verdict(hundreds, AlteredError, named)
    assert f"up to {named + 99}" in str(error)


@pytest.mark.parametrize("index", [42, 150, 600])
def test_columns_forgotten(hundreds: Path, index: int) -> None:
    """Where the attacker forgot the columns, these tell the entry within the batch."""

    def change(rows: list[Row]) -> None:
        columns = rows[index].columns
        edited(rows[index])
        rows[index].columns = columns
        rechained(rows, index + 1)

    rewrite(hundreds, change, tiles=True)
    verdict(hundreds, AlteredError, index)


@pytest.mark.parametrize("index", [42, 150, 600])
def test_a_payload_that_does_not_fit(hundreds: Path, index: int) -> None:
    """Where the commitment was edited, the payload tells the entry."""

    def change(rows: list[Row]) -> None:
        head = split_entry(rows[index].entry)
        at = head.body.index(b"gpayloadX ") + 20
        body = head.body[:at] + bytes([head.body[at] ^ 1]) + head.body[at + 1 :]
        rows[index].entry = frame_entry(index, head.prev, head.recorded, body)
        rechained(rows, index + 1)

    rewrite(hundreds, change, tiles=True)
    verdict(hundreds, AlteredError, index)


def test_the_whole_log_from_the_genesis_entry(log: Path) -> None:
    """Rewriting everything from index 0 is named at index 0."""

    def change(rows: list[Row]) -> None:
        head = split_entry(rows[0].entry)
        rows[0].entry = frame_entry(0, bytes(32), "2000-01-01T00:00:00.000000Z", head.body)
        rows[0].columns = tuple(lookup_of(decode_entry(rows[0].entry)))
        rechained(rows, 1)

    rewrite(log, change, tiles=True)
    verdict(log, AlteredError, 0)


def test_rewritten_checkpoints_too(log: Path) -> None:
    """Writing the new roots into the checkpoints, with the old signatures, is an alteration."""
    import base64

    from biotrail.tlog import Checkpoint, CompactRange, leaf_hash

    def change(rows: list[Row]) -> None:
        edited(rows[150])
        rechained(rows, 151)
        tree = CompactRange()
        for row in rows:
            tree.append(leaf_hash(row.entry))
            if row.note is not None and tree.size > 150:
                lines = row.note.split("\n")
                lines[2] = base64.b64encode(tree.root()).decode()
                row.note = "\n".join(lines)
                assert Checkpoint.parse("\n".join(lines[:3]) + "\n").size == tree.size

    rewrite(log, change, tiles=True)
    verdict(log, AlteredError, 150 if len(rows_of(log)) == 300 else 200)
