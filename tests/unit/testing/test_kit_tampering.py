"""The tools of an attacker change what they are told to change, and nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from biotrail.stores import SQLiteReader, SQLiteStore, StoredEntry
from biotrail.testing import (
    copy_log,
    edit_entry,
    flip_bit,
    sample_batch,
    sample_entry,
    swap_entries,
    tampering,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with six entries in two batches."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0, 3))
        store.append(sample_batch(3, 3))
    return path


def read(path: Path) -> list[StoredEntry]:
    """Return the entries in a file."""
    with closing(SQLiteReader(path)) as reader:
        return list(reader.entries(0, 99))


def test_editing_an_entry(path: Path) -> None:
    """One bit of one entry is changed, and nothing else."""
    before = read(path)
    with tampering(path) as connection:
        edit_entry(connection, 4, lambda entry: flip_bit(entry, 9))
    after = read(path)
    assert after[4].entry == flip_bit(before[4].entry, 9) != before[4].entry
    assert after[:4] + after[5:] == before[:4] + before[5:]
    with tampering(path) as connection, pytest.raises(LookupError):
        edit_entry(connection, 6, bytes)


def test_an_exception_leaves_the_file_alone(path: Path) -> None:
    """If the block raises, nothing is changed and the triggers are there."""
    before = read(path)

    def fail() -> None:
        with tampering(path) as connection:
            connection.execute("DELETE FROM entries")
            raise KeyError("on purpose")

    with pytest.raises(KeyError):
        fail()
    assert read(path) == before
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == []


def test_swapping_entries(path: Path) -> None:
    """Two entries change places with all that lies beside them, but not their checkpoints."""
    with tampering(path) as connection:
        swap_entries(connection, 1, 5)
    order = [0, 5, 2, 3, 4, 1]
    assert [one.entry for one in read(path)] == [sample_entry(index).entry for index in order]
    checkpoints = [one.checkpoint is not None for one in read(path)]
    assert checkpoints == [False, False, True, False, False, True]
    with closing(SQLiteReader(path)) as reader:
        assert [one for _, one in reader.lookups(0, 9)] == [
            sample_entry(index).lookup for index in order
        ]
        assert dict(reader.payloads(0, 9)) == {
            place: sample_entry(index).payload
            for place, index in enumerate(order)
            if sample_entry(index).payload
        }


def test_copying_a_log_that_is_open(path: Path, tmp_path: Path) -> None:
    """A copy holds what the log held, also while the log is open for writing."""
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(6))
        copy = copy_log(path, tmp_path / "copy.db")
        store.append(sample_batch(7))
    assert len(read(copy)) == 7
    assert len(read(path)) == 8


@pytest.mark.parametrize(("bit", "expected"), [(0, b"\x01\x00"), (7, b"\x80\x00"), (8, b"\0\x01")])
def test_flipping_bits(bit: int, expected: bytes) -> None:
    """Bit 0 is the lowest of the first byte; flipping twice changes nothing."""
    assert flip_bit(b"\0\0", bit) == expected
    assert flip_bit(expected, bit) == b"\0\0"
