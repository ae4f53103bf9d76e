"""A payload moved among those of the other kind, where an erasure would not look for it."""

from __future__ import annotations

from pathlib import Path

import pytest

import biotrail
from biotrail.errors import AlteredError
from biotrail.testing.tamper import tampering

_TO_SEALED = (
    "INSERT INTO sealed (idx, payload, subject, found) SELECT idx, payload, "
    "(SELECT subject FROM entries WHERE entries.idx = payloads.idx), 1 FROM payloads WHERE idx = ?"
)
_TO_CLEAR = "INSERT INTO payloads (idx, payload) SELECT idx, payload FROM sealed WHERE idx = ?"


@pytest.mark.parametrize("vault", [False, True])
def test_a_payload_moved_to_the_other_table_is_altered(tmp_path: Path, vault: bool) -> None:
    """In the clear among the sealed ones, or sealed among clear ones: named at its entry."""
    path = tmp_path / "log.db"
    event = biotrail.Event(action="door.open", decision="granted", reason="match", subject="anna")
    with biotrail.open(path, origin="example.com/door", passphrase="pass word", vault=vault) as log:
        index = log.record(event).index
    key = (tmp_path / "log.db.key.pub").read_text().strip()
    assert biotrail.verify_log(path, key).lookups
    with tampering(path) as connection:
        connection.execute(_TO_CLEAR if vault else _TO_SEALED, [index])
        source = "sealed" if vault else "payloads"
        connection.execute(f"DELETE FROM {source} WHERE idx = ?", [index])
    with pytest.raises(AlteredError, match="would not be found") as caught:
        biotrail.verify_log(path, key)
    assert caught.value.index == index
