"""Threat: stored tiles of the tree are changed, so that proofs would go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail.errors import AlteredError, InsertedError, MissingError
from biotrail.tlog import leaf_hash
from tests.attacks._tools import flipped, rows_of, sql, verdict


def _tile(path: Path, number: int = 0) -> bytes:
    rows = rows_of(path)[number * 256 : number * 256 + 256]
    return b"".join(leaf_hash(row.entry) for row in rows)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 8191), bit=st.integers(0, 7), number=st.integers(0, 1))
def test_any_bit_of_a_tile(hundreds: Path, at: int, bit: int, number: int) -> None:
    """A changed hash in a tile is named at the entry for which it stands."""
    changed = flipped(_tile(hundreds, number), at, bit)
    sql(hundreds, f"UPDATE tiles SET hashes = x'{changed.hex()}' WHERE idx = {number}")
    error = verdict(hundreds, AlteredError, number * 256 + at // 32)
    assert "the entries hold" in str(error)
    true = _tile(hundreds, number).hex()
    sql(hundreds, f"UPDATE tiles SET hashes = x'{true}' WHERE idx = {number}")


@pytest.mark.parametrize("value", ["x''", "zeroblob(8191)", "zeroblob(8193)"])
def test_a_tile_of_another_length(hundreds: Path, value: str) -> None:
    """A tile that is cut short or lengthened is altered."""
    sql(hundreds, f"UPDATE tiles SET hashes = {value} WHERE idx = 1")
    verdict(hundreds, AlteredError, 256)


def test_a_tile_that_was_deleted(hundreds: Path) -> None:
    """A full tile that is not there is missing."""
    sql(hundreds, "DELETE FROM tiles WHERE idx = 1")
    verdict(hundreds, MissingError, 256)


@pytest.mark.parametrize("level", [0, 1, 2, 7, 8, 2**62])
@pytest.mark.parametrize("index", [2, 5, 2**62])
def test_a_tile_beyond_the_log(hundreds: Path, level: int, index: int) -> None:
    """A tile that stands for entries which are not there was put in, however far off it says."""
    sql(hundreds, f"INSERT INTO tiles (level, idx, hashes) VALUES ({level}, {index}, x'')")
    error = verdict(hundreds, InsertedError, _first(level, index))
    assert error.exit_code == 13


def _first(level: int, index: int) -> int:
    return index << 8 * (min(level, 8) + 1)


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (0, -1), (-(2**63), 0), (0, -(2**63))])
def test_a_tile_of_a_negative_place(hundreds: Path, level: int, index: int) -> None:
    """A tile below the first level or before the first entry was put in."""
    sql(hundreds, f"INSERT INTO tiles (level, idx, hashes) VALUES ({level}, {index}, x'')")
    verdict(hundreds, InsertedError, 0)
