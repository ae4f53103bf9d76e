"""Threat: entries of one log are put into another."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import AuditLogger, Ed25519Signer, SQLiteStore
from biotrail.errors import AlteredError, WrongKeyError
from tests.attacks._tools import Row, build, event, key_of, rewrite, rows_of, verdict

OTHER = "biotrail.example/back-door"


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    """A log of the same origin and key, but of other events."""
    return build(tmp_path / "twin.db", [1] * 299, log=1)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A log of the same key under another origin."""
    signer = Ed25519Signer.from_seed(OTHER, bytes([1]) * 32)
    path = tmp_path / "stranger.db"
    with AuditLogger(SQLiteStore(path), signer) as logger:
        logger.record_many(event(n, log=2) for n in range(120))
        for n in range(120, 299):
            logger.record(event(n, log=2))
    return path


@pytest.mark.parametrize("index", [1, 50, 254, 260, 299])
def test_one_entry_of_a_twin(singles: Path, twin: Path, index: int) -> None:
    """One entry of another log in the place of our own was altered."""
    rows = rows_of(twin)

    def change(own: list[Row]) -> None:
        own[index] = rows[index]

    rewrite(singles, change)
    verdict(singles, AlteredError, index)


def test_the_first_entry_of_a_twin(singles: Path, twin: Path) -> None:
    """A first entry with its own checkpoint is signed too: the next is what does not follow."""
    first = rows_of(twin)[0]

    def change(own: list[Row]) -> None:
        own[0] = first

    rewrite(singles, change)
    verdict(singles, AlteredError, 1)


@pytest.mark.parametrize("index", [50, 100, 255, 270, 299])
@pytest.mark.parametrize("tiles", [True, False])
def test_the_tail_of_a_twin(singles: Path, twin: Path, index: int, tiles: bool) -> None:
    """A tail with its own checkpoints, signed by the same key, does not follow on our entry."""
    rows = rows_of(twin)

    def change(own: list[Row]) -> None:
        own[index:] = rows[index:]

    rewrite(singles, change, tiles=tiles)
    verdict(singles, AlteredError, index)


@pytest.mark.parametrize("index", [0, 40, 270])
def test_the_tail_of_another_origin(singles: Path, stranger: Path, index: int) -> None:
    """The tail of a log of another origin is altered; the whole of it is of the wrong key."""
    rows = rows_of(stranger)

    def change(own: list[Row]) -> None:
        own[index:] = rows[index:]

    rewrite(singles, change, tiles=True)
    verdict(singles, WrongKeyError if index == 0 else AlteredError, index)


def test_a_checkpoint_of_another_origin(singles: Path, stranger: Path) -> None:
    """A checkpoint of another log, signed by the same private key, is named where it stands."""
    note = rows_of(stranger)[200].note

    def change(own: list[Row]) -> None:
        own[200].note = note

    rewrite(singles, change)
    verdict(singles, WrongKeyError, 200)


def test_the_head_of_a_twin(singles: Path, twin: Path) -> None:
    """Our tail behind another log's beginning, all signed, is named where it does not follow on."""
    rows = rows_of(twin)

    def change(own: list[Row]) -> None:
        own[:150] = rows[:150]

    rewrite(singles, change)
    verdict(singles, AlteredError, 150)


def test_the_whole_of_another_log(singles: Path, stranger: Path) -> None:
    """Another log altogether is of the wrong key."""
    error = verdict(stranger, WrongKeyError, 0)
    assert (error.expected, error.found) == ("biotrail.example/front-door", OTHER)
    assert key_of() != key_of(origin=OTHER)
