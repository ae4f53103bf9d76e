"""Traces of deleted bytes in files: any remainder of some length is found, wherever it lies."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from biotrail.matchers import _traces
from biotrail.matchers._traces import files_beside, needles_of, traces


@pytest.mark.parametrize("length", [12, 16, 17, 28, 128, 129, 143, 144, 145, 300, 5_000])
def test_remainders_are_found(tmp_path: Path, length: int) -> None:
    """Any 144 bytes in a row of a secret, or all of a short one, are found in a file."""
    secret = os.urandom(length)
    needles = list(needles_of(secret))
    assert all(len(needle) >= min(16, length) for needle in needles)
    path = tmp_path / "file"
    for start in range(0, max(1, length - 144), 7):
        path.write_bytes(os.urandom(50) + secret[start : start + 144] + os.urandom(50))
        assert traces(path, needles) > 0
    path.write_bytes(os.urandom(10_000))
    assert traces(path, needles) == 0


def test_nothing_is_missed_between_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A needle that lies across the pieces in which a file is read is found."""
    monkeypatch.setattr(_traces, "_CHUNK", 64)
    path = tmp_path / "file"
    needle = b"0123456789abcdef"
    for place in range(200):
        path.write_bytes(bytes(place) + needle + bytes(300 - place))
        assert traces(path, [needle, b"fedcba"]) == 1
    assert traces(path, []) == 0


@pytest.mark.component("numpy")
def test_many_needles_are_found_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search for thousands at once finds what searches one by one find, across pieces too."""
    monkeypatch.setattr(_traces, "_CHUNK", 1_000)
    source = random.Random(7)
    needles = [source.randbytes(source.choice((12, 16, 36))) for _ in range(3_000)]
    there = needles[::17]
    path = tmp_path / "file"
    path.write_bytes(b"".join(one + source.randbytes(source.randrange(9)) for one in there))
    assert traces(path, needles) == len(there)
    assert sum(traces(path, [one]) for one in needles) == len(there)


def test_files_beside(tmp_path: Path) -> None:
    """Journals and copies whose name begins alike are looked through; folders and others not."""
    for name in ("r.db", "r.db-wal", "r.db-journal", "r.db.bak", "other.db"):
        (tmp_path / name).touch()
    (tmp_path / "r.db.folder").mkdir()
    names = [one.name for one in files_beside(tmp_path / "r.db")]
    assert names == ["r.db", "r.db-journal", "r.db-wal", "r.db.bak"]
