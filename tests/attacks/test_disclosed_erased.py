"""Showing what is being erased, or was: refused, with the entry that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.errors import ErasedError, MissingError
from biotrail.query import RecordReader, open_records
from biotrail.stores import SQLiteStore
from biotrail.stores.sealed import Fence
from biotrail.testing.tamper import tampering
from tests.unit.query._logs import event, open_log, sealed_log

_WHY = {"reason": "subject_request", "legal_basis": "GDPR Art. 17(1)(b)"}


def test_a_person_whose_erasure_was_begun() -> None:
    """Behind a fence nothing of a person is shown, even while their key is still there."""
    store, vault = sealed_log([event(0)])
    records = RecordReader(store, vault=vault)
    assert records.prove(2, fields=["subject"]).index == 2
    reference = records.record(2).content["subject"]
    store.write_fence(Fence(bytes(16), (reference,), b"", 0))
    with pytest.raises(ErasedError, match="being erased"):
        records.prove(2, fields=["subject"])
    assert records.prove(2, fields=["actor"]).index == 2


def test_a_payload_whose_row_is_gone(tmp_path: Path) -> None:
    """Where the whole row is gone, the entry that says why is named; without one it is missing."""
    path = tmp_path / "trail.db"
    _, vault = sealed_log([event(0, actor=None)], store=SQLiteStore(path))
    with tampering(path) as connection:
        connection.execute("DELETE FROM sealed WHERE idx = 2")
    with open_records(path, vault=vault) as records, pytest.raises(MissingError, match="no entry"):
        records.prove(2, fields=["ip"])
    with open_log(SQLiteStore(path), vault) as log:
        log.erase("person-0", **_WHY)
        size = log.checkpoint().size
    with open_records(path, vault=vault) as records:
        with pytest.raises(ErasedError, match="subject_request") as caught:
            records.prove(2, fields=["ip"])
        assert caught.value.index is not None
        assert 2 < caught.value.index < size
        assert records.record(caught.value.index).kind == "subject_erased"
