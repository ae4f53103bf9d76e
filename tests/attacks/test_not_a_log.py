"""Threat: what is given for verification is no log, or not all of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import MemoryStore, SQLiteStore, verify_log
from biotrail.errors import (
    AlteredError,
    MalformedError,
    MissingError,
    RolledBackError,
    StoreUnavailableError,
)
from tests.attacks._tools import key_of, raw_sql, rows_of, sql, verdict


def test_an_empty_log(tmp_path: Path) -> None:
    """A log without a genesis entry is never valid."""
    SQLiteStore(tmp_path / "log.db").close()
    verdict(tmp_path / "log.db", MissingError, 0)
    with pytest.raises(MissingError):
        verify_log(MemoryStore(), key_of())


def test_no_such_file(tmp_path: Path) -> None:
    """A path that leads nowhere is the caller's mistake, and no verdict on a log."""
    with pytest.raises(StoreUnavailableError, match="no such file"):
        verify_log(tmp_path / "nowhere.db", key_of())


def test_a_directory(tmp_path: Path) -> None:
    """A directory is not a log."""
    verdict(tmp_path, MalformedError, None)


@pytest.mark.parametrize("content", [b"x", b"SQLite format 3\x00", b"\x00" * 8192, b"{}" * 9000])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    """A file that is no SQLite database is malformed."""
    path = tmp_path / "log.db"
    path.write_bytes(content)
    verdict(path, MalformedError, None)


def test_a_file_of_no_bytes(singles: Path) -> None:
    """A file that was emptied is no log."""
    kept = rows_of(singles)[-1].note or ""
    singles.write_bytes(b"")
    with pytest.raises((MissingError, MalformedError)):
        verify_log(singles, key_of())
    with pytest.raises((MissingError, MalformedError, RolledBackError)):
        verify_log(singles, key_of(), from_checkpoint=kept)


def test_another_programs_database(tmp_path: Path) -> None:
    """A SQLite database of another program is malformed as a log."""
    path = tmp_path / "log.db"
    raw_sql(path, "CREATE TABLE entries (idx INTEGER PRIMARY KEY, entry BLOB)")
    verdict(path, MalformedError, None)


@pytest.mark.parametrize("table", ["head", "entries", "payloads", "tiles", "subjects"])
def test_a_table_that_is_gone(hundreds: Path, table: str) -> None:
    """A log without one of its tables gets a verdict."""
    raw_sql(hundreds, f"DROP TABLE {table}")
    verdict(hundreds, MalformedError, None)


@pytest.mark.parametrize("table", ["entries", "payloads", "tiles"])
def test_a_table_that_is_empty(hundreds: Path, table: str) -> None:
    """A log whose rows of one kind are all gone gets a verdict."""
    from biotrail.errors import TruncatedError

    sql(hundreds, f"DELETE FROM {table}")
    if table == "entries":
        verdict(hundreds, TruncatedError, 0)
    else:
        verdict(hundreds, MissingError, {"payloads": 1, "tiles": 0}[table])


def test_half_a_file(hundreds: Path) -> None:
    """A file that was cut off gets a verdict."""
    whole = hundreds.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:-4096], whole[: len(whole) // 2 + 1000]):
        hundreds.write_bytes(part)
        with pytest.raises((MalformedError, AlteredError, MissingError)):
            verify_log(hundreds, key_of(), workers=1)


GUARDS = [
    "entries_no_update",
    "entries_no_delete",
    "tiles_no_update",
    "payloads_no_update",
    "head_only_grows",
]


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_that_was_taken_off(singles: Path, guard: str) -> None:
    """A trigger that is absent is named, since it can only have been taken off on purpose."""
    raw_sql(singles, f"DROP TRIGGER {guard}")
    assert guard in str(verdict(singles, AlteredError, None))
    assert verify_log(singles, key_of(), lookups=False, workers=1).size == 300


def test_a_guard_that_was_weakened(singles: Path) -> None:
    """A trigger of the same name that does nothing is named, too."""
    raw_sql(
        singles,
        "DROP TRIGGER entries_no_delete",
        "CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT 1; END",
    )
    verdict(singles, AlteredError, None)


def test_a_trigger_that_was_put_in(singles: Path) -> None:
    """A trigger that swallows what is written to the log is named."""
    raw_sql(
        singles,
        "CREATE TRIGGER quiet BEFORE INSERT ON payloads "
        "WHEN NEW.idx > 300 BEGIN SELECT RAISE(IGNORE); END",
    )
    assert "quiet" in str(verdict(singles, AlteredError, None))


def test_a_view_in_the_place_of_a_table(singles: Path) -> None:
    """A view that shows each reader something else is named."""
    raw_sql(
        singles,
        "DROP TRIGGER payloads_no_update",
        "ALTER TABLE payloads RENAME TO hidden",
        "CREATE VIEW payloads AS SELECT idx, payload FROM hidden",
    )
    verdict(singles, AlteredError, None)


def test_an_index_of_the_hosts_own(singles: Path) -> None:
    """An index that the host added for its own queries is no damage."""
    raw_sql(singles, "CREATE INDEX by_reason ON entries (reason)", "ANALYZE")
    assert verify_log(singles, key_of(), workers=1).size == 300


def test_a_file_that_may_only_be_read(singles: Path) -> None:
    """A log on a medium that cannot be written verifies as any other."""
    singles.chmod(0o400)
    singles.parent.chmod(0o500)
    try:
        assert verify_log(singles, key_of(), workers=1).size == 300
    finally:
        singles.parent.chmod(0o700)
