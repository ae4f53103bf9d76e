"""Files that earlier versions made, kept beside this test: read as they are, brought up to date.

``version-1.db.xz`` holds 43 entries, payloads in the clear and identities of people.
``version-2.db.xz`` holds 4,302 entries of seven people, five devices and six addresses (what is
sealed is made of numbers, as below); the records of person 3 were erased.
``version-3.db.xz`` is that file, brought up to date by the version that put tags into blocks.
"""

from __future__ import annotations

import lzma
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from biotrail.stores import SealedPayload, SQLiteReader, SQLiteStore
from biotrail.stores._sqlite_tags import ADDRESSES, BLOCK, DEVICES
from biotrail.testing import sample_batch, tampering

FILES = Path(__file__).parent / "files"
FIRST, SIZE = 2, 4_302
ERASED = 3


def unpacked(tmp_path: Path, version: int) -> Path:
    """A file that an earlier version made."""
    path = tmp_path / "log.db"
    path.write_bytes(lzma.decompress((FILES / f"version-{version}.db.xz").read_bytes()))
    return path


def version(path: Path) -> int:
    """The schema version that a file says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def digest(text: str) -> bytes:
    """What references, tags and payloads in the file of version 2 are made of."""
    return sha256(text.encode()).digest()


def with_device(number: int, first: int = FIRST) -> list[int]:
    """Entries from `first` on with this device, whose person was not erased."""
    indices = range(first, SIZE)
    return [i for i in indices if i % 5 == number and i % 11 and i % 7 != ERASED]


def with_address(number: int) -> list[int]:
    """Entries with this address, whose person was not erased."""
    return [i for i in range(FIRST, SIZE) if i % 6 == number and i % 13 and i % 7 != ERASED]


def check_found(store: SQLiteReader) -> None:
    """Hold what is found in the file of version 2 against what was written into it."""
    for number in range(7):
        device = digest(f"device {number}")[:16]
        assert list(store.sealed_by_device(device, 0, SIZE)) == with_device(number) * (number < 5)
        ip = digest(f"address {number}")[:20]
        for length in (20, 12, 9, 8, 4):
            found = list(store.sealed_by_ip(ip[:length], 0, SIZE))
            assert found == with_address(number) * (number < 6)
        person = digest(f"person {number}")[:16]
        of_person = [i for i in range(FIRST, SIZE) if i % 7 == number]
        assert list(store.sealed_of(person, 0, SIZE)) == of_person
        tag = digest(f"tag {number}").hex()
        assert store.references("", tag) == ([] if number == ERASED else [person])
    tagged = sorted(one for number in range(6) for one in with_address(number))
    assert list(store.sealed_by_ip(b"", 0, SIZE)) == tagged
    late = [i for i in with_device(1, 4_000) if i < 4_200]
    assert list(store.sealed_by_device(digest("device 1")[:16], 4_000, 4_200)) == late


def test_version_1_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    """A file of version 1 says the same before and after it was opened for writing."""
    path = unpacked(tmp_path, 1)
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == []
        entries, payloads = list(reader.entries(0, 99)), list(reader.payloads(0, 99))
        assert version(path) == 1
        assert len(entries) == 43
        assert payloads
        with closing(SQLiteStore(path)) as store:
            assert list(store.entries(0, 99)) == entries
            assert list(store.payloads(0, 99)) == payloads
            assert store.structure_faults() == []
            store.append(sample_batch(43, BLOCK))
        assert reader.extent().head == 43 + BLOCK
        assert reader.structure_faults() == []
    assert version(path) == 4


def test_version_2_is_read_as_it_is(tmp_path: Path) -> None:
    """In a file of version 2 everything is found, and it stays as it was."""
    path = unpacked(tmp_path, 2)
    before = path.read_bytes()
    with closing(SQLiteReader(path)) as reader:
        check_found(reader)
        assert reader.structure_faults() == []
    assert path.read_bytes() == before


def test_version_3_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    """It has no postings, and is left so by readers; who opens it for writing writes them."""
    path = unpacked(tmp_path, 3)
    before = path.read_bytes()
    with closing(SQLiteReader(path)) as reader:
        check_found(reader)
        assert reader.structure_faults() == []
        assert list(reader.segments(0, 9)) == []
        assert list(reader.postings("kind", "event", 0, 9)) == []
    assert path.read_bytes() == before
    with closing(SQLiteReader(path)) as reader, closing(SQLiteStore(path)) as store:
        check_found(store)
        assert list(store.segments(0, 9)) == list(reader.segments(0, 9)) == [0]
        assert reader.structure_faults() == []
    assert version(path) == 4


def test_version_2_is_brought_up_to_date(tmp_path: Path) -> None:
    """Opened for writing it becomes version 4; a reader that was open goes on finding the same."""
    path = unpacked(tmp_path, 2)
    with closing(SQLiteReader(path)) as reader:
        check_found(reader)
        entries, payloads = list(reader.entries(0, SIZE)), list(reader.payloads(0, SIZE))
        with closing(SQLiteStore(path)) as store:
            check_found(store)
            check_found(reader)
            assert list(store.entries(0, SIZE)) == entries
            assert list(store.payloads(0, SIZE)) == payloads
            assert store.structure_faults() == []
            extend(store)
        device = digest("device 1")[:16]
        more = list(range(SIZE, SIZE + BLOCK))
        assert list(reader.sealed_by_device(device, 0, 2**40)) == with_device(1) + more
        assert reader.structure_faults() == []
    assert version(path) == 4


def extend(store: SQLiteStore) -> None:
    """Go on until another block is written."""
    batch = sample_batch(SIZE, BLOCK)
    sealed = SealedPayload(b"sealed", bytes(16), device=digest("device 1")[:16])
    entries = [one._replace(payload=None, sealed=sealed) for one in batch.entries]
    store.append(batch._replace(entries=entries))


@pytest.mark.parametrize("person", [0, 5])
def test_erasing_from_what_was_brought_up_to_date(tmp_path: Path, person: int) -> None:
    """Tags of those erased are in no cell of the file any more, and those of others are."""
    path = unpacked(tmp_path, 2)
    reference = digest(f"person {person}")[:16]
    with closing(SQLiteStore(path)) as store:
        gone = list(store.sealed_of(reference, 0, SIZE))
        cells = {i: cells_of(i) for i in range(FIRST, BLOCK) if i % 7 != ERASED}
        stored = rows_of_cells(path)
        assert all(cell in stored for some in cells.values() for cell in some)
        store.destroy_identities([reference])
        store.replace_payloads([(index, b"rest", True) for index in gone])
        assert store.purge_remains()
        assert store.structure_faults() == []
    stored, after = rows_of_cells(path), path.read_bytes()
    assert all((cell in stored) == (i % 7 != person) for i, some in cells.items() for cell in some)
    mine = {cell for i in gone if i < BLOCK for cell in cells[i]}
    assert not any(cell in after for cell in mine - beside_each_other())
    assert digest(f"tag {person}").hex().encode() not in after
    assert digest(f"wrapped {person}") not in after


def beside_each_other() -> set[bytes]:
    """What looks like a cell where the tags of a payload lie beside each other."""
    devices = [digest(f"device {number}")[:16] for number in range(5)]
    return {device + digest(f"address {one}")[:2] for device in devices for one in range(6)}


def rows_of_cells(path: Path) -> bytes:
    """The parts of all blocks, one after the other: in the file, long ones lie in several pages."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT cells FROM sealed_tags ORDER BY id").fetchall()
    return b"".join(row[0] for row in rows)


def cells_of(index: int) -> list[bytes]:
    """The cells of an entry of the file of version 2."""
    device = [DEVICES.cell(index, digest(f"device {index % 5}")[:16])] if index % 11 else []
    ip = [ADDRESSES.cell(index, digest(f"address {index % 6}")[:20])] if index % 13 else []
    return device + ip


def test_a_migration_that_is_broken_off_leaves_version_2(tmp_path: Path) -> None:
    """A table that is in the way stops it whole: the file is of version 2 and finds everything."""
    path = unpacked(tmp_path, 2)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER sealed_tags_stay BEFORE UPDATE ON head BEGIN SELECT 1; END"
        )
    with pytest.raises(Exception, match="sealed_tags_stay"):
        SQLiteStore(path)
    assert version(path) == 2
    with closing(SQLiteReader(path)) as reader:
        check_found(reader)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sealed_tags SET cells = zeroblob(length(cells)) WHERE id < 256",
        "UPDATE sealed_tags SET cells = substr(cells, 2) WHERE cells <> x''",
        "UPDATE sealed_tags SET cells = CAST(x'FFFF' || substr(cells, 3) AS BLOB) WHERE id > 0",
        "UPDATE sealed_tags SET cells = CAST(cells || cells AS BLOB) WHERE length(cells) > 0",
        "INSERT INTO sealed_tags VALUES (511, randomblob(220))",
        "UPDATE sealed_tags SET id = id + 100000",
        "UPDATE sealed_tags SET id = id + 9223372036854000000",
        "DELETE FROM sealed_tags WHERE length(cells) > 0",
        "UPDATE sealed SET device = NULL WHERE idx = 9",
        "UPDATE sealed SET ip = zeroblob(20) WHERE idx = 9",
    ],
)
def test_altered_tags_are_named(tmp_path: Path, change: str) -> None:
    """Tags that are not those beside the payloads are a fault, and looking them up is no crash."""
    path = unpacked(tmp_path, 2)
    SQLiteStore(path).close()
    with tampering(path) as connection:
        connection.execute(change)
    with closing(SQLiteReader(path)) as reader:
        for number in range(5):
            device = digest(f"device {number}")[:16]
            assert set(reader.sealed_by_device(device, 0, SIZE)) <= set(range(SIZE))
        assert set(reader.sealed_by_ip(b"", 0, SIZE)) <= set(range(SIZE))
        faults = reader.structure_faults()
    assert "tags of entries 0 to 4095 are altered" in faults
    assert len(faults) <= 20
