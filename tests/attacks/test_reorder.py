"""Threat: entries are put into another order."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import verify_log
from biotrail.errors import AlteredError, ReorderedError, VerificationError
from tests.attacks._tools import Row, key_of, rechained, rewrite, verdict

PAIRS = [(1, 2), (5, 9), (99, 100), (100, 101), (3, 290), (255, 256), (260, 261), (150, 250)]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("notes_stay", [True, False])
def test_two_entries(log: Path, one: int, other: int, notes_stay: bool) -> None:
    """Two entries that changed places, adjacent or distant, across batches and tiles, are named."""

    def change(rows: list[Row]) -> None:
        rows[one], rows[other] = rows[other], rows[one]
        if notes_stay:
            rows[one].note, rows[other].note = rows[other].note, rows[one].note

    rewrite(log, change)
    error = verdict(log, ReorderedError, one)
    assert (error.expected, error.found, error.exit_code) == (one, other, 14)


def test_the_genesis_entry_and_another(log: Path) -> None:
    """The first entry, too, has its place."""

    def change(rows: list[Row]) -> None:
        rows[0], rows[7] = rows[7], rows[0]

    rewrite(log, change)
    verdict(log, ReorderedError, 0)


@pytest.mark.parametrize(("start", "to"), [(10, 30), (30, 10), (120, 280), (280, 120), (255, 257)])
def test_one_entry_moved(log: Path, start: int, to: int) -> None:
    """An entry taken out and put in elsewhere is named at the first place that is wrong."""

    def change(rows: list[Row]) -> None:
        rows.insert(to, rows.pop(start))

    rewrite(log, change)
    verdict(log, ReorderedError, min(start, to))


def test_two_blocks(log: Path) -> None:
    """Whole blocks that changed places are named at the first entry."""

    def change(rows: list[Row]) -> None:
        rows[101:301] = rows[201:301] + rows[101:201]

    rewrite(log, change)
    verdict(log, ReorderedError, 101)


def test_all_in_reverse(log: Path) -> None:
    """A log read backwards is named at index 0."""
    rewrite(log, list.reverse)
    verdict(log, ReorderedError, 0)


@pytest.mark.parametrize(("one", "other"), [(5, 6), (99, 150), (260, 270)])
def test_the_chain_made_to_fit(log: Path, one: int, other: int) -> None:
    """With numbers, hashes and tiles rewritten, the content of the first place was altered."""

    def change(rows: list[Row]) -> None:
        rows[one], rows[other] = rows[other], rows[one]
        rows[one].note, rows[other].note = rows[other].note, rows[one].note
        rechained(rows, one)

    rewrite(log, change, tiles=True)
    if log.name == "singles.db":
        verdict(log, AlteredError, one)
        return
    with pytest.raises(VerificationError) as caught:
        verify_log(log, key_of(), workers=1)
    assert type(caught.value) is AlteredError
    assert caught.value.index == one // 100 * 100 + 1
