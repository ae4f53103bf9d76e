"""Threat: bytes of the file itself are changed, below SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotrail import verify_log
from biotrail.errors import VerificationError
from tests.attacks._tools import build, key_of

_TABLES = ("head", "entries", "payloads", "tiles", "subjects")


def _contents(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as db:
        return {one: db.execute(f"SELECT * FROM {one} ORDER BY 1, 2").fetchall() for one in _TABLES}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, list[Any]]]:
    """The bytes of a log of 270 entries, and every row in it."""
    path = build(tmp_path_factory.mktemp("small") / "log.db", [1] * 10 + [259])
    return path.read_bytes(), _contents(path)


def _check(path: Path, data: bytes, true: dict[str, list[Any]]) -> None:
    """Either the verdict has a name, or every row reads as it was written."""
    path.write_bytes(data)
    with suppress(VerificationError):
        verify_log(path, key_of(), payloads=False, lookups=False, workers=1)
    try:
        verify_log(path, key_of(), workers=1)
    except VerificationError:
        return
    assert _contents(path) == true


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_of_the_file(
    small: tuple[bytes, dict[str, list[Any]]], tmp_path: Path, data: st.DataObject
) -> None:
    """A file with some bytes changed gets a verdict, unless no row was touched by it."""
    whole, true = small
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    _check(tmp_path / "log.db", bytes(changed), true)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.integers(0), at=st.integers(0, 130), value=st.integers(0, 255))
def test_bytes_that_hold_the_file_together(
    small: tuple[bytes, dict[str, list[Any]]], tmp_path: Path, page: int, at: int, value: int
) -> None:
    """The same for the file's header and the headers of its pages, where SQLite's own state is."""
    whole, true = small
    place = page % (len(whole) // 4096) * 4096 + at
    _check(tmp_path / "log.db", whole[:place] + bytes([value]) + whole[place + 1 :], true)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.integers(0), other=st.integers(0), length=st.sampled_from([1, 100, 4096]))
def test_parts_copied_over_others(
    small: tuple[bytes, dict[str, list[Any]]], tmp_path: Path, one: int, other: int, length: int
) -> None:
    """The same where a part of the file, or a whole page, was written over another."""
    whole, true = small
    count = len(whole) // length
    source, target = one % count * length, other % count * length
    changed = whole[:target] + whole[source : source + length] + whole[target + length :]
    _check(tmp_path / "log.db", changed, true)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0), more=st.binary(max_size=20))
def test_the_file_cut_short_or_lengthened(
    small: tuple[bytes, dict[str, list[Any]]], tmp_path: Path, size: int, more: bytes
) -> None:
    """The same for a file of any other length."""
    whole, true = small
    _check(tmp_path / "log.db", whole[: size % (len(whole) + 1)] + more, true)
