"""Threat: the clock goes backwards, or somebody says that it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from biotrail import verify_log
from biotrail.canonical import frame_entry, split_entry
from biotrail.errors import AlteredError, MalformedError
from biotrail.testing import FixedClock
from tests.attacks._tools import (
    Row,
    event,
    key_of,
    open_fast,
    rechained,
    resigned,
    rewrite,
    rows_of,
    signer,
    verdict,
)

EARLY = "2001-01-01T00:00:00.000000Z"


def _set_back(row: Row, recorded: str = EARLY) -> None:
    head = split_entry(row.entry)
    row.entry = frame_entry(head.index, head.prev, recorded, head.body)


def test_an_honest_clock_that_was_set_back(tmp_path: Path) -> None:
    """A clock that is set back an hour, or to 1970, makes no entry earlier than the one before."""
    path = tmp_path / "log.db"
    clock = FixedClock()
    with open_fast(path, clock=clock) as logger:
        logger.record(event(1))
        for moved in (timedelta(hours=-1), timedelta(days=-20_000), timedelta(hours=3)):
            clock.move(moved)
            logger.record(event(2 + abs(int(moved.total_seconds()))))
    times = [split_entry(row.entry).recorded for row in rows_of(path)]
    assert times == sorted(times)
    assert verify_log(path, key_of(), strict=True, workers=1).size == 5


def test_a_writer_opened_with_an_early_clock(singles: Path) -> None:
    """A log that is opened again on a machine whose clock lags goes on from its last time."""
    with open_fast(singles, clock=lambda: datetime(2001, 1, 1, tzinfo=UTC)) as logger:
        logger.record(event(900))
    assert verify_log(singles, key_of(), workers=1).size == 301


@pytest.mark.parametrize("index", [1, 100, 280, 299])
def test_a_time_that_was_changed(singles: Path, index: int) -> None:
    """An entry whose time was set back was altered."""
    rewrite(singles, lambda rows: _set_back(rows[index]))
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [1, 100, 280, 299])
def test_a_time_that_was_changed_with_the_chain(singles: Path, index: int) -> None:
    """The same where the chain and the tiles were made to fit: nothing is blamed on the writer."""

    def change(rows: list[Row]) -> None:
        _set_back(rows[index])
        rechained(rows, index)

    rewrite(singles, change, tiles=True)
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [1, 100, 280, 299])
def test_a_writer_that_lies(singles: Path, index: int) -> None:
    """A time that goes back under a good signature is malformed: the writer broke the rule."""

    def change(rows: list[Row]) -> None:
        _set_back(rows[index])
        rechained(rows, index)
        resigned(rows, signer(), index)

    rewrite(singles, change, tiles=True)
    error = verdict(singles, MalformedError, index)
    assert error.found == EARLY


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00.000000Z", "yesterday, about teatime..."])
def test_a_time_that_is_none(singles: Path, text: str) -> None:
    """A signed entry whose time is no time is malformed."""

    def change(rows: list[Row]) -> None:
        _set_back(rows[299], text)
        resigned(rows, signer(), 299)

    rewrite(singles, change)
    verdict(singles, MalformedError, 299)
    verdict(singles, MalformedError, 299, payloads=False, lookups=False)
