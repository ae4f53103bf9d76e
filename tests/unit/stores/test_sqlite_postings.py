"""Postings in a SQLite file: written with whole segments, in order, and held against columns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from biotrail.stores import Lookup, SQLiteReader, SQLiteStore, WrittenEntry
from biotrail.stores.postings import SEGMENT, SearchableStore, decode_occurred, segment_of
from biotrail.testing import sample_batch, tampering


def fill(store: SQLiteStore, first: int, count: int) -> None:
    """Append entries of two actions, each with a target of its own."""
    written = [
        WrittenEntry(
            b"entry",
            None,
            Lookup("event", at, occurred=at - 7, action=f"a{at % 2}", target=f"t{at}"),
        )
        for at in range(first, first + count)
    ]
    store.append(sample_batch(first)._replace(entries=written))


def check(store: SQLiteReader, numbers: list[int]) -> None:
    """Hold all that is kept against the look-up columns."""
    assert list(store.segments(0, 2**40)) == numbers
    for number in numbers:
        first = number * SEGMENT
        expected = segment_of(number, [one for _, one in store.lookups(first, first + SEGMENT)])
        assert list(store.occurred(number, number + 1)) == [(number, expected.occurred)]
        assert decode_occurred(expected.occurred)[0] == first - 7
        for field in ("kind", "action", "target", "tenant"):
            found = {
                (field, v): data for _, v, data in store.field_postings(field, number, number + 1)
            }
            assert found == {k: v for k, v in expected.postings.items() if k[0] == field}
        positions = expected.postings["action", "a1"]
        assert list(store.postings("action", "a1", number, number + 1)) == [(number, positions)]
    assert isinstance(store, SearchableStore)
    assert store.structure_faults() == store.posting_faults() == []


@pytest.mark.parametrize("batch", [1_000, 4_095, 4_096, 5_000, 9_000])
def test_whole_segments_are_written(tmp_path: Path, batch: int) -> None:
    """However entries come, each whole segment has its postings, and the tail has none."""
    with closing(SQLiteStore(tmp_path / "log.db")) as store:
        assert isinstance(store, SearchableStore)
        for first in range(0, 9_000, batch):
            fill(store, first, min(batch, 9_000 - first))
        check(store, [0, 1])


def test_two_writers_take_turns(tmp_path: Path) -> None:
    """Who has not written all entries of a segment reads the others back."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as one, closing(SQLiteStore(path)) as other:
        for number, first in enumerate(range(0, 9_000, 1_500)):
            fill((one, other)[number % 2], first, 1_500)
        check(one, [0, 1])
        check(other, [0, 1])


def test_a_batch_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    """Columns of a batch that was rolled back are in no postings."""
    with closing(SQLiteStore(tmp_path / "log.db")) as store:
        fill(store, 0, 4_000)
        refused = sample_batch(4_000, 96)
        twice = refused._replace(entries=[*refused.entries[:-1], refused.entries[0]])
        with pytest.raises(Exception, match=r"UNIQUE|event"):
            store.append(twice)
        fill(store, 4_000, 96)
        check(store, [0])


def test_an_older_log_is_completed_when_opened(tmp_path: Path) -> None:
    """Segments that are missing are written by whoever opens the log for writing, 16 at a time."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        fill(store, 0, 18 * SEGMENT)
        assert list(store.segments(0, 99)) == list(range(16))
    with closing(SQLiteReader(path)) as reader, closing(SQLiteStore(path)) as store:
        assert list(reader.segments(0, 99)) == list(range(18))
        check(store, list(range(18)))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE postings SET positions = x'0100' WHERE field = 'target' AND value = 't7'",
        "DELETE FROM postings WHERE value = 'a1'",
        "INSERT INTO postings VALUES (0, 'action', 'door', x'0100')",
        "INSERT INTO postings VALUES (99, 'action', 'door', x'0100')",
        "UPDATE postings SET segment = 5",
        "UPDATE posting_times SET occurred = zeroblob(32768)",
        "UPDATE posting_times SET segment = 9223372036854775807",
        "UPDATE entries SET action = 'door' WHERE idx = 5",
        "UPDATE entries SET action = NULL WHERE idx = 5",
    ],
)
def test_altered_postings_are_named(tmp_path: Path, change: str) -> None:
    """Postings that are not those of the columns are named, until they are written anew."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        fill(store, 0, SEGMENT)
    with tampering(path) as connection:
        connection.execute(change)
    with closing(SQLiteReader(path)) as reader:
        assert any("postings" in one for one in reader.posting_faults())
        with closing(SQLiteStore(path)) as store:
            store.renew_postings()
            assert list(store.segments(0, 9)) == [0]
        assert reader.posting_faults() == []


def test_postings_are_not_changed_by_mistake(tmp_path: Path) -> None:
    """A trigger refuses to change what was written."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        fill(store, 0, SEGMENT)
    with closing(sqlite3.connect(path)) as connection:
        for statement in (
            "UPDATE postings SET positions = x''",
            "UPDATE posting_times SET occurred = x''",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(statement)
