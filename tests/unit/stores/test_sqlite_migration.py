"""Files of an older schema: read as they are, brought up to date by whoever writes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from biotrail.errors import StoreError
from biotrail.stores import Fence, SealedPayload, SQLiteReader, SQLiteStore, WrappedKey
from biotrail.stores._sqlite_schema import APPLICATION_ID, MIGRATIONS
from biotrail.stores._sqlite_tags import BLOCK
from biotrail.testing import sample_batch, tampering


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of version 1 with three entries, as the first release made it."""
    path = tmp_path / "log.db"
    batch = sample_batch(0, 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        for index, (entry, payload, lookup, _) in enumerate(batch.entries):
            note = batch.checkpoint if index == 2 else None
            marks = ", ".join("?" * (3 + len(lookup)))
            connection.execute(
                f"INSERT INTO entries VALUES ({marks})", (index, entry, note, *lookup)
            )
            if payload is not None:
                connection.execute("INSERT INTO payloads VALUES (?, ?)", (index, payload))
        connection.execute("UPDATE head SET size = 3")
    return path


def version(path: Path) -> int:
    """The schema version that a file says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_readers_leave_an_older_file_as_it_is(path: Path) -> None:
    """A file of version 1 is read, has nothing sealed, is sound, and stays as it is."""
    before = path.read_bytes()
    with closing(SQLiteReader(path)) as reader:
        assert reader.extent().head == 3
        assert dict(reader.payloads(0, 9)) == reader.payloads_at([0, 1, 2])
        assert list(reader.clear_payloads(0, 9)) == [0, 1]
        assert set(reader.entries_at([1, 7])) == {1}
        assert reader.structure_faults() == []
        assert list(reader.sealed_of(bytes(16), 0, 9)) == []
        assert list(reader.sealed_by_device(bytes(16), 0, 9)) == []
        assert list(reader.sealed_by_ip(b"", 0, 9)) == []
        assert reader.data_keys([bytes(16)]) == {}
        assert reader.data_keys_after(0, 9) == []
        assert reader.count_data_keys() == reader.count_data_keys("key") == 0
        assert reader.fence_count() == 0
        assert reader.fences() == []
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_writer_brings_it_up_to_date(path: Path) -> None:
    """Opened for writing it becomes version 4, with all that it held, and takes sealed payloads."""
    with closing(SQLiteReader(path)) as reader:
        entries, payloads = list(reader.entries(0, 9)), list(reader.payloads(0, 9))
        with closing(SQLiteStore(path)) as store:
            assert list(store.entries(0, 9)) == entries
            assert list(store.payloads(0, 9)) == payloads
            assert store.structure_faults() == []
            (one,) = sample_batch(3).entries
            sealed = one._replace(payload=None, sealed=SealedPayload(b"sealed", bytes(16)))
            store.append(sample_batch(3)._replace(entries=[sealed]))
        # The reader that was open all the time sees what came in.
        assert list(reader.payloads(3, 4)) == [(3, b"sealed")]
        assert list(reader.sealed_of(bytes(16), 0, 9)) == [3]
        assert reader.extent().payloads == 4
    assert version(path) == 4


def test_an_older_file_on_a_read_only_medium(path: Path) -> None:
    """Where nothing can be written a file of version 1 is read all the same."""
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with closing(SQLiteReader(path)) as reader:
            assert reader.extent().head == 3
    finally:
        path.parent.chmod(0o700)


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    """A table that is in the way stops the migration whole; the file stays of version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE fences (a)")
    with pytest.raises(StoreError):
        SQLiteStore(path)
    assert version(path) == 1
    with closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    assert "sealed" not in names
    with closing(SQLiteReader(path)) as reader:
        assert reader.extent().head == 3


@pytest.mark.parametrize("older", [1, 2])
def test_a_version_that_was_turned_back(tmp_path: Path, older: int) -> None:
    """A file that says it is of an older version has guards that are no part of that."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0, 3))
    with tampering(path) as connection:
        connection.execute(f"PRAGMA user_version = {older}")
    with closing(SQLiteReader(path)) as reader:
        assert any("no part of a log" in fault for fault in reader.structure_faults())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sealed SET payload = x'00' || payload",
        "UPDATE sealed SET payload = zeroblob(length(payload))",
        "UPDATE sealed SET payload = x'00', subject = zeroblob(16)",
        "UPDATE sealed SET payload = x'00', actor = zeroblob(16)",
        "UPDATE sealed SET payload = x'00', device = zeroblob(16)",
        "UPDATE sealed SET payload = x'00', ip = zeroblob(20)",
        "UPDATE sealed SET payload = x'00', idx = 9",
        "DELETE FROM sealed",
        "UPDATE data_keys SET wrapped = x'01' WHERE wrapped = zeroblob(length(wrapped))",
        "UPDATE data_keys SET fingerprint = x'01'",
        "UPDATE data_keys SET reference = x'01' WHERE id = 1",
        "DELETE FROM data_keys",
        "UPDATE fences SET content = x''",
        "UPDATE fences SET through = 9",
        "UPDATE fences SET entry = NULL",
        "UPDATE fences SET entry = 9",
        "DELETE FROM fences",
        "UPDATE fence_references SET reference = x''",
        "DELETE FROM fence_references",
        "UPDATE sealed_tags SET cells = x'00' || cells",
        "UPDATE sealed_tags SET id = id + 1",
        "DELETE FROM sealed_tags",
    ],
)
def test_mistakes_in_the_sealed_half_are_refused(tmp_path: Path, statement: str) -> None:
    """Payloads only shrink, destroyed keys stay destroyed, fences stay, nothing is deleted."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        (one,) = sample_batch(0).entries
        sealed = SealedPayload(b"sealed", b"s" * 16, b"a" * 16, b"d" * 16, b"i" * 20)
        keys = [WrappedKey(bytes([i]) * 16, "key", b"wrapped", bytes(32)) for i in (1, 2)]
        entry = one._replace(payload=None, sealed=sealed)
        store.append(sample_batch(0)._replace(entries=[entry], keys=keys))
        store.write_fence(Fence(b"erasure", (b"s" * 16,), b"content", 0))
        store.destroy_identities([keys[0].reference])
        store.finish_fence(b"erasure", 1)
        store.append(sample_batch(1, BLOCK - 1))
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(statement)


def test_both_kinds_of_payload_are_a_fault(tmp_path: Path) -> None:
    """An entry with a sealed payload and one in the clear is named by the structure's check."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0, 2))
    with tampering(path) as connection:
        connection.execute("INSERT INTO sealed (idx, payload) VALUES (1, x'00')")
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == ["an entry has a sealed payload and one in the clear"]
