"""Whoever can change the file of references: swapped, edited, restored rows; bytes that stay.

The thief of the file without its key, and the one who writes into it, get nothing to compare with;
and what was deleted is in no file of the store.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from biotrail.errors import (
    AlteredReferenceError,
    DeletionIncompleteError,
    MatcherError,
    ReferenceKeyError,
    ReferenceStoreError,
    ReferenceStoreRollbackError,
)
from biotrail.matchers.deletion import delete_references
from biotrail.matchers.reference_store import ReferenceStore
from tests.unit.matchers._keeping import KEY, matcher, reference, store

pytestmark = pytest.mark.component("numpy")

ONE, TWO = "reference-of-person-0001", "reference-of-person-0002"
COUNT = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of sixty references, one of each model; the file is closed."""
    with store(tmp_path) as made:
        for number in range(COUNT):
            made.add(reference(number, version=str(number % 2)), subject=f"person {number}")
    return tmp_path / "references.db"


def change(path: Path, *statements: str) -> None:
    """Write into the file, as who has no key can."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def refused(path: Path, id: str = ONE) -> None:
    """The reference is refused as altered, both alone and among all."""
    with ReferenceStore(path, KEY) as opened:
        with pytest.raises(AlteredReferenceError):
            opened.get(id)
        with pytest.raises(AlteredReferenceError):
            list(opened.references())


CHANGES = {
    "the first byte": "sealed = CAST(x'00' || substr(sealed, 2) AS BLOB)",
    "a byte of the features": (
        "sealed = CAST(substr(sealed, 1, 40) || x'00' || substr(sealed, 42) AS BLOB)"
    ),
    "the tag": "sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)",
    "bytes as text": "sealed = CAST(sealed AS TEXT)",
    "cut off": "sealed = substr(sealed, 1, 20)",
    "emptied": "sealed = x''",
    "text in its place": "sealed = 'sealed'",
    "another card": f"card = x'{matcher('0').card.digest.hex()}'",
    "another person": "mark = x'00000000000000000000000000000000'",
    "another row's content": f"sealed = (SELECT sealed FROM reference WHERE id = '{TWO}')",
    "all of another row but its id": (
        "(card, mark, sealed) = (SELECT card, mark, sealed FROM reference "
        "WHERE id = 'reference-of-person-0003')"
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_row_is_refused(path: Path, what: str) -> None:
    """A row that was changed anywhere is refused by name, and the others are not."""
    change(path, f"UPDATE reference SET {CHANGES[what]} WHERE id = '{ONE}'")
    refused(path)
    with ReferenceStore(path, KEY) as opened:
        assert opened.get(TWO).id == TWO


def test_swapped_rows_are_refused(path: Path) -> None:
    """Two rows that exchange their ids are both refused: nobody enters as somebody else."""
    change(
        path,
        f"UPDATE reference SET id = 'x' WHERE id = '{ONE}'",
        f"UPDATE reference SET id = '{ONE}' WHERE id = '{TWO}'",
        f"UPDATE reference SET id = '{TWO}' WHERE id = 'x'",
    )
    refused(path, ONE)
    refused(path, TWO)


def test_a_revoked_row_is_not_revived(path: Path) -> None:
    """A tombstone that is called active opens as altered, not as a reference."""
    with ReferenceStore(path, KEY) as opened:
        opened.revoke(ONE, reason="key_compromised")
    change(path, f"UPDATE reference SET state = 1 WHERE id = '{ONE}'")
    refused(path)


def test_a_row_of_another_store_is_refused(path: Path, tmp_path: Path) -> None:
    """A row of another file under the same key does not open here."""
    (tmp_path / "other").mkdir()
    with store(tmp_path / "other") as other:
        other.add(reference(1), subject="person 1")
    change(
        path,
        f"ATTACH '{tmp_path / 'other' / 'references.db'}' AS other",
        f"DELETE FROM reference WHERE id = '{ONE}'",
        "INSERT INTO reference SELECT * FROM other.reference",
    )
    refused(path)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE store SET salt = x'00'", ReferenceKeyError),
        ("UPDATE store SET proof = x'00'", ReferenceKeyError),
        ("UPDATE store SET salt = 'salt'", ReferenceStoreError),
        ("INSERT INTO store SELECT * FROM store", ReferenceStoreError),
        ("DROP TABLE reference", ReferenceStoreError),
    ],
)
def test_a_damaged_store_is_refused(path: Path, statement: str, error: type[Exception]) -> None:
    """A damaged salt, proof or table is an error by name, never an empty store."""
    change(path, statement)
    with pytest.raises(error), ReferenceStore(path, KEY) as opened:
        opened.ids()


def test_every_byte_flipped_is_noticed_or_harmless(path: Path, tmp_path: Path) -> None:
    """Whichever byte of the file flips, what is given out is a reference as it was, or an error."""
    original = path.read_bytes()
    with ReferenceStore(path, KEY) as opened:
        known = {one.id: one.to_bytes() for one in opened.references()}
    flipped = tmp_path / "flipped" / "references.db"
    flipped.parent.mkdir()
    for place in range(0, len(original), 997):
        data = bytearray(original)
        data[place] ^= 0x41
        flipped.write_bytes(data)
        try:
            with ReferenceStore(flipped, KEY) as opened:
                given = {one.id: one.to_bytes() for one in opened.references()}
        except MatcherError:
            continue
        assert given.items() <= known.items()


def test_features_are_not_in_the_file(path: Path) -> None:
    """No stretch of any feature lies open in the file."""
    data = path.read_bytes()
    for number in range(COUNT):
        for row in reference(number, version=str(number % 2)).values:
            raw = row.tobytes()
            assert not any(raw[at : at + 8] in data for at in range(0, len(raw), 8))


def test_an_older_copy_is_noticed_by_who_remembers(path: Path, tmp_path: Path) -> None:
    """A copy from before a revocation is refused where the host remembers the version since."""
    copy = tmp_path / "copy"
    shutil.copy(path, copy)
    with ReferenceStore(path, KEY) as opened:
        opened.revoke(ONE, reason="key_compromised")
        remembered = opened.version
    ReferenceStore(path, KEY, expect_at_least=remembered).close()
    shutil.copy(copy, path)
    with pytest.raises(ReferenceStoreRollbackError, match=f"was of version {remembered} before"):
        ReferenceStore(path, KEY, expect_at_least=remembered)
    with ReferenceStore(path, KEY) as opened:  # without a memory it is a file like any other
        assert opened.get(ONE).id == ONE


@pytest.mark.parametrize(
    "change_of_version",
    [
        "version = version + 1",
        "version = 1000",
        "version = 0",
        "version = -1",
        "version = 'one'",
        "version_seal = x''",
        "version_seal = 'seal'",
        "version_seal = CAST(substr(version_seal, 2) AS BLOB)",
    ],
)
def test_a_version_is_not_raised_without_the_key(path: Path, change_of_version: str) -> None:
    """Who writes another number into an older copy does not pass it off as a newer one."""
    change(path, f"UPDATE store SET {change_of_version}")
    with pytest.raises(AlteredReferenceError, match="version"):
        ReferenceStore(path, KEY, expect_at_least=1)
    with ReferenceStore(path, KEY) as opened:
        with pytest.raises(AlteredReferenceError):
            opened.add(reference(COUNT))
        assert len(opened) == COUNT


def test_a_version_that_is_taken_away_is_an_early_one(path: Path) -> None:
    """A file that is made to look as if nothing ever changed is of version 0."""
    change(path, "UPDATE store SET version = 0, version_seal = x''")
    with pytest.raises(ReferenceStoreRollbackError):
        ReferenceStore(path, KEY, expect_at_least=1)


def _sealed(path: Path) -> dict[str, bytes]:
    connection = sqlite3.connect(path)
    found = dict(connection.execute("SELECT id, sealed FROM reference").fetchall())
    connection.close()
    return found


def _left(folder: Path, sealed: bytes) -> list[str]:
    """Files of the folder that hold any 12 bytes in a row of what was sealed."""
    pieces = [sealed[at : at + 12] for at in range(len(sealed) - 12)]
    return [
        one.name
        for one in folder.iterdir()
        if one.is_file() and any(piece in one.read_bytes() for piece in pieces)
    ]


def _delete(opened: ReferenceStore) -> None:
    delete_references([ONE], [opened])


def _revoke(opened: ReferenceStore) -> None:
    opened.revoke(ONE, reason="policy")


def _replace(opened: ReferenceStore) -> None:
    opened.replace(ONE, reference(COUNT))


def _revoke_card(opened: ReferenceStore) -> None:
    opened.revoke_card(matcher("1").card.digest, reason="model_changed")


@pytest.mark.parametrize("act", [_delete, _revoke, _replace, _revoke_card])
def test_deleted_bytes_are_in_no_file(path: Path, act: Callable[[ReferenceStore], None]) -> None:
    """After deletion, revocation and re-enrolment no file holds 12 bytes of what was sealed."""
    before = _sealed(path)[ONE]
    assert _left(path.parent, before) == ["references.db"]
    with ReferenceStore(path, KEY) as opened:
        act(opened)
        assert _left(path.parent, before) == []


def test_everything_deleted_in_turns(path: Path) -> None:
    """However pages are reorganised on the way, nothing of any deleted reference stays."""
    before = _sealed(path)
    with ReferenceStore(path, KEY) as opened:
        while ids := opened.ids()[::7]:
            assert delete_references(ids, [opened]).complete
            data = path.read_bytes()
            assert not any(before[id][:12] in data or before[id][-12:] in data for id in ids)
            assert not any(id.encode() in data for id in ids)
    assert _sealed(path) == {}


def test_stale_pages_are_rewritten(path: Path) -> None:
    """Bytes that another program left behind in free pages are found, and written over."""
    before = _sealed(path)
    change(
        path,
        "PRAGMA secure_delete = OFF",
        "CREATE TABLE copy AS SELECT * FROM reference",
        "DROP TABLE copy",
    )
    assert path.read_bytes().count(before[ONE][:12]) > 1
    with ReferenceStore(path, KEY) as opened:
        assert delete_references([ONE], [opened]).complete
    assert _left(path.parent, before[ONE]) == []


def test_a_copy_beside_is_found_and_named(path: Path) -> None:
    """A backup beside the file keeps the deletion from being called complete, and is named."""
    copy = Path(shutil.copy(path, path.with_name("references.db.bak")))
    with ReferenceStore(path, KEY) as opened:
        with pytest.raises(DeletionIncompleteError) as caught:
            delete_references([ONE], [opened])
        (place,) = caught.value.report.places  # type: ignore[attr-defined]
        assert (place.rows_after, place.copies_after > 0) == (0, True)
        assert [name for name, _ in place.looked_through] == ["references.db", copy.name]
        copy.unlink()
        assert delete_references([TWO], [opened]).complete


def test_a_write_ahead_log_is_not_left(path: Path) -> None:
    """A file that another program put into write-ahead mode is put back before it is used."""
    change(path, "PRAGMA journal_mode = WAL")
    before = _sealed(path)[ONE]
    with ReferenceStore(path, KEY) as opened:
        assert delete_references([ONE], [opened]).complete
        assert sorted(one.name for one in path.parent.iterdir()) == ["references.db"]
    assert _left(path.parent, before) == []
