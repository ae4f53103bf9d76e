"""Threat: an event is recorded again under the id that it had."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from biotrail import verify_log
from biotrail.errors import AlteredError, EventConflictError
from tests.attacks._tools import event, key_of, open_fast, rows_of, sql, verdict


def test_the_same_event_again(log: Path) -> None:
    """Recording an event again answers with the first receipt, and writes nothing."""
    total = len(rows_of(log))
    with open_fast(log) as logger:
        receipt = logger.record(event(50))
    assert receipt.index == 51
    assert verify_log(log, key_of(), workers=1).size == total


def test_another_event_under_its_id(log: Path) -> None:
    """An id that is taken is not given to another event."""
    with open_fast(log) as logger, pytest.raises(EventConflictError):
        logger.record(attrs.evolve(event(50), decision="denied"))


def test_an_id_hidden_from_the_writer(singles: Path) -> None:
    """An event that was recorded twice, since its first id was hidden, is found in the columns."""
    hidden = rows_of(singles)[51].columns[2]
    sql(singles, "UPDATE entries SET event_id = NULL WHERE idx = 51")
    verdict(singles, AlteredError, 51)
    with open_fast(singles) as logger:
        assert logger.record(event(50)).index == 300
    verdict(singles, AlteredError, 51)
    sql(
        singles,
        "DROP INDEX entries_event_id",
        f"UPDATE entries SET event_id = x'{hidden.hex()}' WHERE idx = 51",
    )
    assert "structure" in str(verdict(singles, AlteredError, None))


def test_an_index_that_only_looks_like_the_guard(singles: Path) -> None:
    """Putting the guard's text back over an index that was never checked is found, too."""
    hidden = rows_of(singles)[51].columns[2]
    sql(singles, "UPDATE entries SET event_id = NULL WHERE idx = 51")
    with open_fast(singles) as logger:
        logger.record(event(50))
    sql(
        singles,
        "DROP INDEX entries_event_id",
        f"UPDATE entries SET event_id = x'{hidden.hex()}' WHERE idx = 51",
        "CREATE INDEX entries_event_id ON entries (event_id) WHERE event_id IS NOT NULL",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX entries_event_id', "
        "'CREATE UNIQUE INDEX entries_event_id') WHERE name = 'entries_event_id'",
    )
    verdict(singles, AlteredError, None)
