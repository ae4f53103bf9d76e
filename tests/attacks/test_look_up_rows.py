"""Rows beside the log that lead a look-up astray: they add nothing, and replace nothing unseen."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import AlteredError, MissingError, WrappedKeyError
from biotrail.query import RecordReader, open_records
from biotrail.stores import SQLiteStore
from biotrail.testing.tamper import tampering
from biotrail.vault import Vault
from tests.unit.query._logs import event, sealed_log


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, Vault]:
    """A log of twelve records, and its vault."""
    path = tmp_path / "trail.db"
    _, vault = sealed_log((event(number) for number in range(12)), store=SQLiteStore(path))
    return path, vault


def _found(log: tuple[Path, Vault], look_up: str, asked: str) -> tuple[list[int], list[int]]:
    with open_records(log[0], vault=log[1]) as records:
        answers = getattr(records, look_up)(asked)
        return [one.index for one in answers], answers.misleading


def _sql(path: Path, statement: str, values: tuple[Any, ...] = ()) -> None:
    with tampering(path) as connection:
        connection.execute(statement, values)


def _column(path: Path, name: str, index: int) -> bytes:
    connection = sqlite3.connect(path)
    try:
        query = f"SELECT {name} FROM sealed WHERE idx = ?"
        found: bytes = connection.execute(query, (index,)).fetchone()[0]
        return found
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("column", "look_up", "asked"),
    [
        ("subject", "by_person", "person-0"),
        ("actor", "by_person", "person-0"),
        ("device", "by_device", "reader-0"),
        ("ip", "by_address", "192.0.0.0"),
        ("ip", "by_address", "192.0.0.0/24"),
    ],
)
def test_a_row_that_claims_another_record(
    log: tuple[Path, Vault], column: str, look_up: str, asked: str
) -> None:
    """A row that says that a record is somebody else's adds no answer, and is reported."""
    path, _ = log
    before, misleading = _found(log, look_up, asked)
    assert misleading == []
    assert 3 not in before
    # Entry 2 is of person-0, reader-0 and 192.0.0.0; entry 3 of others.
    source = "subject" if look_up == "by_person" else column
    _sql(path, f"UPDATE sealed SET {column} = ? WHERE idx = 3", (_column(path, source, 2),))
    assert _found(log, look_up, asked) == (before, [3])


def test_an_identity_that_leads_to_somebody_else(log: tuple[Path, Vault]) -> None:
    """A person's row that leads to another's reference does not give out the other's records."""
    path, vault = log
    with open_records(path, vault=vault) as records:
        tags = records._keyring.tags()  # type: ignore[union-attr] # it has a vault
        assert tags is not None
        mine, other = (tags.person("", one) for one in ("person-0", "person-1"))
    query = "(SELECT reference FROM subjects WHERE identity = ?)"
    _sql(path, f"UPDATE subjects SET reference = {query} WHERE identity = ?", (other, mine))
    assert _found(log, "by_person", "person-0") == ([], [12, 9, 6, 3])
    assert _found(log, "by_person", "person-1") == ([12, 9, 6, 3], [])


def test_rows_beyond_the_log(log: tuple[Path, Vault]) -> None:
    """A row beyond the head is no answer; one whose entry is gone is an error."""
    path, _ = log
    values = _column(path, "payload", 2), _column(path, "subject", 2)
    _sql(path, "INSERT INTO sealed (idx, payload, subject) VALUES (99, ?, ?)", values)
    assert _found(log, "by_person", "person-0")[0] == [11, 8, 5, 2]
    _sql(path, "DELETE FROM entries WHERE idx = 5")
    with pytest.raises(MissingError, match="entry 5"):
        _found(log, "by_person", "person-0")


def test_an_answer_that_was_exchanged(log: tuple[Path, Vault]) -> None:
    """A payload put in the place of another, of the same person even, is not taken for it."""
    path, _ = log
    _sql(path, "UPDATE sealed SET payload = ? WHERE idx = 5", (_column(path, "payload", 2),))
    with pytest.raises(AlteredError) as caught:
        _found(log, "by_person", "person-0")
    assert caught.value.index == 5


def test_a_row_that_hides_a_record(log: tuple[Path, Vault]) -> None:
    """A store can hide a record from a look-up; reading the records one by one finds it still."""
    path, vault = log
    _sql(path, "UPDATE sealed SET device = NULL WHERE idx = 2")
    assert _found(log, "by_device", "reader-0") == ([12, 7], [])
    with open_records(path, vault=vault) as records:
        assert records.record(2).field("device_id") == "reader-0"


def test_columns_in_the_clear_are_not_believed(log: tuple[Path, Vault]) -> None:
    """What is asked of the clear is decided by the entry, whatever its columns say."""
    from biotrail.query import Where

    path, vault = log
    _sql(path, "UPDATE entries SET outcome = 'failure', action = 'other', recorded = 0")
    with open_records(path, vault=vault) as records:
        assert list(records.records(where=Where(outcome="failure"))) == []
        assert len(list(records.records(where=Where(action="door.open")))) == 12


def test_a_key_that_is_somebody_elses(log: tuple[Path, Vault]) -> None:
    """A wrapped key put in another's place does not open what it was put before."""
    path, vault = log
    with open_records(path, vault=vault) as records:
        mine, other = (records.record(one).content["subject"] for one in (2, 3))
    vault.forget()
    query = "(SELECT wrapped FROM data_keys WHERE reference = ?)"
    _sql(path, f"UPDATE data_keys SET wrapped = {query} WHERE reference = ?", (other, mine))
    store = SQLiteStore(path)
    try:
        with pytest.raises(WrappedKeyError):
            RecordReader(store, vault=vault).record(2)
    finally:
        store.close()
