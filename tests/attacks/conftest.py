"""Logs to attack; every test works on a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks._tools import build, copy

SINGLES = [1] * 299
HUNDREDS = [100] * 6


@pytest.fixture(scope="session")
def _singles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("singles") / "log.db", SINGLES)


@pytest.fixture(scope="session")
def _hundreds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("hundreds") / "log.db", HUNDREDS)


@pytest.fixture
def singles(_singles: Path, tmp_path: Path) -> Path:
    """A log of 300 entries, each under a checkpoint of its own; the first 256 fill a tile."""
    return copy(_singles, tmp_path / "singles.db")


@pytest.fixture
def hundreds(_hundreds: Path, tmp_path: Path) -> Path:
    """A log of 601 entries, a checkpoint at sizes 1, 101, 201 ...; the first 512 fill two tiles."""
    return copy(_hundreds, tmp_path / "hundreds.db")


@pytest.fixture(params=["singles", "hundreds"])
def log(request: pytest.FixtureRequest) -> Path:
    """Either of them."""
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture
def another(tmp_path: Path) -> Callable[[Path], Path]:
    """Make one more copy of a log."""
    made: list[Path] = []

    def make(path: Path) -> Path:
        made.append(copy(path, tmp_path / f"another-{len(made)}.db"))
        return made[-1]

    return make
