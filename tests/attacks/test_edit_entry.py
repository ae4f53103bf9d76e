"""Threat: bytes of an entry are changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail import verify_log
from biotrail.errors import AlteredError, VerificationError
from tests.attacks._tools import Row, flipped, key_of, rewrite, rows_of, sql, verdict

PLACES = [0, 1, 42, 100, 101, 199, 200, 254, 255, 256, 257, 298]


def _edit(path: Path, index: int, data: bytes) -> None:
    sql(path, f"UPDATE entries SET entry = x'{data.hex()}' WHERE idx = {index}")


@pytest.mark.parametrize("index", PLACES)
@pytest.mark.parametrize("at", [0, 1, 2, 3, 20, 50, 75, -100, -1])
def test_an_edit_is_named_at_its_entry(singles: Path, index: int, at: int) -> None:
    """One changed bit anywhere in an entry is called an alteration of that entry."""
    entry = rows_of(singles)[index].entry
    _edit(singles, index, flipped(entry, at % len(entry)))
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [*PLACES, 599, 600])
@pytest.mark.parametrize("at", [0, 3, 20, 50, -1])
def test_an_edit_within_a_batch_is_named_at_its_entry(hundreds: Path, index: int, at: int) -> None:
    """The same where a checkpoint covers a hundred entries."""
    entry = rows_of(hundreds)[index].entry
    _edit(hundreds, index, flipped(entry, at % len(entry)))
    verdict(hundreds, AlteredError, index)


@settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_byte_of_any_entry(singles: Path, data: st.DataObject) -> None:
    """Whatever byte is changed, and to what, the verdict is an alteration of that entry."""
    index = data.draw(st.integers(0, 299))
    entry = rows_of(singles)[index].entry
    at = data.draw(st.integers(0, len(entry) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda one: one != entry[at]))
    _edit(singles, index, entry[:at] + bytes([value]) + entry[at + 1 :])
    verdict(singles, AlteredError, index)
    _edit(singles, index, entry)


@pytest.mark.parametrize("index", [0, 50, 270, 299])
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: b"",
        lambda entry: entry[:-1],
        lambda entry: entry + b"\x00",
        lambda entry: entry[:30],
        lambda entry: b"\x00" * len(entry),
        lambda entry: entry * 200,
    ],
)
def test_lengths(singles: Path, index: int, change: Callable[[bytes], bytes]) -> None:
    """An entry that is cut short, lengthened or wiped out was altered."""
    _edit(singles, index, change(rows_of(singles)[index].entry))
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [0, 60, 280, 299])
def test_a_cell_of_another_type(singles: Path, index: int) -> None:
    """An entry that was made text or a number, past the table's strictness, was altered."""
    for value in ("'text'", "17", "1.5"):
        with sqlite3.connect(singles) as db:
            db.execute("PRAGMA writable_schema = 1")
            db.execute("UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')')")
        db.close()
        sql(singles, f"UPDATE entries SET entry = {value} WHERE idx = {index}")
        verdict(singles, AlteredError, index)


def test_the_first_of_several_edits_is_named(log: Path) -> None:
    """Of many changed entries, the first is named."""

    def change(rows: list[Row]) -> None:
        for index in (290, 130, 200, 31, 30):
            rows[index].entry = flipped(rows[index].entry, 90)

    rewrite(log, change)
    verdict(log, AlteredError, 30)


def test_the_verdict_shows_what_was_recorded(singles: Path) -> None:
    """The leaf hash that was recorded is given as expected, the one that is there as found."""
    from biotrail.tlog import leaf_hash

    before = rows_of(singles)[77].entry
    _edit(singles, 77, flipped(before, 120))
    error = verdict(singles, AlteredError, 77)
    assert error.expected == leaf_hash(before).hex()
    assert error.found == leaf_hash(flipped(before, 120)).hex()
    assert (error.kind, error.exit_code) == ("altered", 11)


def test_every_option_finds_it(hundreds: Path) -> None:
    """Whatever is asked of a verification, an edit does not pass."""
    _edit(hundreds, 550, flipped(rows_of(hundreds)[550].entry, 200))
    choices: tuple[dict[str, Any], ...] = (
        {"payloads": False, "lookups": False},
        {"strict": True},
        {"every_signature": True},
        {"every_signature": False, "payloads": False, "lookups": False},
    )
    for options in choices:
        with pytest.raises(VerificationError) as caught:
            verify_log(hundreds, key_of(), **options)
        assert caught.value.index == 550
