"""The SQLite file: who may open it, what is refused as no log, and which failure is which error."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from biotrail.errors import (
    BiotrailError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from biotrail.stores import SQLiteReader, SQLiteStore, StoreReader
from biotrail.stores._sqlite_errors import translate
from biotrail.testing import sample_batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a log that holds three entries and is not open."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0, 3))
    return path


def test_only_its_owner_may_read_it(path: Path) -> None:
    """A new file has mode 0600 whatever the umask, since payloads lie in it."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_modes_of_existing_files_are_left_alone(path: Path) -> None:
    """The mode that its owner gave a file stays."""
    path.chmod(0o640)
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(3))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_durability_and_strictness(path: Path) -> None:
    """Write-ahead logging is on, every table is STRICT, and the file is marked as ours."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA application_id").fetchone() == (0x62696F74,)
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
        tables = connection.execute("SELECT name, strict FROM pragma_table_list").fetchall()
    assert {name: strict for name, strict in tables if not name.startswith("sqlite_")} == {
        "data_keys": 1,
        "entries": 1,
        "fence_references": 1,
        "fences": 1,
        "head": 1,
        "payloads": 1,
        "posting_times": 1,
        "postings": 1,
        "sealed": 1,
        "sealed_tags": 1,
        "subjects": 1,
        "tiles": 1,
    }


def test_a_closed_store_leaves_one_file(path: Path) -> None:
    """Closing folds the write-ahead log into the file."""
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "name", ["a b", "a?mode=rwc", "a#b", "a%20b", "Zürich", "a'b\"c", ":x:", "a\nb"]
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    """A file may have any name; nothing in it is taken for an option."""
    path = tmp_path / name
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0))
    with closing(SQLiteReader(path)) as reader:
        assert reader.extent().entries == 1
    beside = {name, f"{name}-wal", f"{name}-shm"}
    assert set(os.listdir(tmp_path)) <= beside


def test_paths_of_every_kind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may be text, a Path, and relative; later changes of directory do not matter."""
    monkeypatch.chdir(path.parent)
    for way in (str(path), path, path.name, Path(path.name)):
        with closing(SQLiteReader(way)) as reader:
            assert reader.extent().entries == 3


@pytest.mark.parametrize("kind", [SQLiteReader, SQLiteStore])
def test_another_programs_database(tmp_path: Path, kind: Callable[[Path], StoreReader]) -> None:
    """A database of another program is refused, and left as it was to the byte."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE entries (a)")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailableError, match="another program"):
        kind(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["other.db"]


@pytest.mark.parametrize("pragma", ["user_version = 5", "application_id = 7"])
@pytest.mark.parametrize("kind", [SQLiteReader, SQLiteStore])
def test_databases_marked_otherwise(
    path: Path, kind: Callable[[Path], StoreReader], pragma: str
) -> None:
    """A log of a newer version, and a file with another mark, are refused."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(StoreUnavailableError):
        kind(path)


@pytest.mark.parametrize("content", [b"no database at all, but longer than one", bytes(5_000)])
@pytest.mark.parametrize("kind", [SQLiteReader, SQLiteStore])
def test_files_that_are_no_databases(
    tmp_path: Path, kind: Callable[[Path], StoreReader], content: bytes
) -> None:
    """A file that SQLite cannot read is refused by name."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError), closing(kind(path)) as store:
        store.head()
    assert path.read_bytes() == content


def test_an_empty_file_is_no_log_to_read(tmp_path: Path) -> None:
    """An empty file holds no log: a reader says so; a store begins one in it."""
    path = tmp_path / "log.db"
    path.touch()
    with pytest.raises(StoreUnavailableError):
        SQLiteReader(path).head()
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0))


@pytest.mark.parametrize("name", ["absent.db", "absent/log.db", "."])
def test_readers_make_no_files(tmp_path: Path, name: str) -> None:
    """A reader of what is not there says so, and makes nothing."""
    with pytest.raises(StoreUnavailableError):
        SQLiteReader(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["absent/log.db", "."])
def test_stores_make_no_folders(tmp_path: Path, name: str) -> None:
    """A store whose folder is not there, or whose path is a folder, cannot be opened."""
    with pytest.raises(StoreUnavailableError):
        SQLiteStore(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_readers_cannot_write(path: Path) -> None:
    """A reader has no method that writes, and reads a file that nobody may write."""
    path.chmod(0o400)
    with closing(SQLiteReader(path)) as reader:
        assert reader.extent().entries == 3
        assert not hasattr(reader, "append")
        assert not hasattr(reader, "turn")


def test_a_reader_follows_a_writer(path: Path) -> None:
    """A reader that is open sees what is appended afterwards."""
    with closing(SQLiteReader(path)) as reader, closing(SQLiteStore(path)) as store:
        for first in range(3, 6):
            store.append(sample_batch(first))
            head = reader.head()
            assert head is not None
            assert head.size == first + 1


def test_a_damaged_file(path: Path) -> None:
    """A file whose pages were overwritten is refused by name, wherever that shows."""
    content = bytearray(path.read_bytes())
    content[200:] = b"\xa5" * (len(content) - 200)
    path.write_bytes(content)
    with pytest.raises(StoreError), closing(SQLiteReader(path)) as reader:
        list(reader.entries(0, 9))
    with pytest.raises(StoreError), closing(SQLiteStore(path)) as store:
        store.append(sample_batch(3))


def test_another_program_holds_the_lock(path: Path) -> None:
    """While another program writes, each step waits as long as it was told, and then says so."""
    with (
        closing(SQLiteStore(path, timeout=0.05)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match="locked by another program"):
            store.append(sample_batch(3))
        with pytest.raises(StoreBusyError), store.turn():
            pass
        with pytest.raises(StoreBusyError):
            SQLiteStore(path, timeout=0.05)
        assert store.extent().entries == 3
        other.execute("ROLLBACK")
        store.append(sample_batch(3))


def test_a_turn_keeps_other_writers_out(path: Path) -> None:
    """While one store has the turn, another cannot append, and threads of the first one wait."""
    with closing(SQLiteStore(path)) as store, closing(SQLiteStore(path, timeout=0.05)) as other:
        waiting = threading.Thread(target=store.append, args=[sample_batch(4)])
        with store.turn():
            with pytest.raises(StoreBusyError):
                other.append(sample_batch(3, writer="other"))
            waiting.start()
            store.append(sample_batch(3))
        waiting.join()
        assert store.extent().entries == 5


@pytest.mark.parametrize("attempt", range(5))
def test_a_log_is_begun_by_many_at_once(tmp_path: Path, attempt: int) -> None:
    """Of many that open a new file at once, each gets the one log."""
    path, count = tmp_path / "log.db", 6
    together = threading.Barrier(count)

    def begin(number: int) -> int:
        together.wait()
        with closing(SQLiteStore(path)) as store, store.turn():
            first = store.extent().entries
            store.append(sample_batch(first, writer=str(number)))
            return first

    with ThreadPoolExecutor(count) as pool:
        assert sorted(pool.map(begin, range(count))) == list(range(count))


def test_closed_stores_refuse_by_name(path: Path) -> None:
    """After closing, writing is refused by one of our errors, not by SQLite's."""
    store = SQLiteStore(path)
    store.close()
    with pytest.raises(BiotrailError):
        store.append(sample_batch(3))
    with pytest.raises(BiotrailError), store.turn():
        pass
    with closing(SQLiteReader(path)) as reader:
        assert reader.extent().entries == 3


_CODES = {
    sqlite3.SQLITE_BUSY: StoreBusyError,
    sqlite3.SQLITE_BUSY_SNAPSHOT: StoreBusyError,
    sqlite3.SQLITE_LOCKED: StoreBusyError,
    sqlite3.SQLITE_FULL: StoreFullError,
    sqlite3.SQLITE_READONLY: StoreReadOnlyError,
    sqlite3.SQLITE_READONLY_DBMOVED: StoreReadOnlyError,
    sqlite3.SQLITE_CANTOPEN: StoreUnavailableError,
    sqlite3.SQLITE_CORRUPT: StoreUnavailableError,
    sqlite3.SQLITE_NOTADB: StoreUnavailableError,
    sqlite3.SQLITE_IOERR: StoreUnavailableError,
    sqlite3.SQLITE_IOERR_FSYNC: StoreUnavailableError,
    sqlite3.SQLITE_ERROR: StoreError,
    sqlite3.SQLITE_CONSTRAINT: StoreError,
}


@pytest.mark.parametrize("code", _CODES)
def test_each_failure_has_its_error(code: int) -> None:
    """Each of SQLite's result codes, extended ones too, is one of our errors, with the file."""
    failure = sqlite3.OperationalError("the reason")
    failure.sqlite_errorcode = code
    error = translate(failure, "log.db")
    assert type(error) is _CODES[code]
    assert "log.db" in str(error)


def test_failures_without_a_code() -> None:
    """A failure of Python's module itself is a store error too."""
    assert type(translate(sqlite3.ProgrammingError("closed"), "log.db")) is StoreError
