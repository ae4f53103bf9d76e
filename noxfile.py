"""Tests on every other CPython from 3.11 that this machine has, and on the oldest dependencies.

`make test` runs all tests on the interpreter that nox itself runs on. Here the others run the tests
that need no component of the machine (no MediaPipe, no Go), which is where versions of Python
differ.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
OLD_EXTRAS = ("cli", "middleware", "query", "web")  # whose packages change most
SLOW = ("docs", "faults", "integration", "interop")

nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True


def _interpreters() -> dict[str, str]:
    """Every CPython >= 3.11 found on PATH and among pyenv's versions: minor version to path."""
    found = subprocess.run(
        [ROOT / "scripts" / "find-python", "--all"], capture_output=True, text=True, check=True
    )
    paths = found.stdout.split("\n")
    tell = "import sys; print('{}.{}'.format(*sys.version_info))"
    versions = {
        subprocess.check_output([path, "-c", tell], text=True).strip(): path
        for path in paths
        if path
    }
    return dict(sorted(versions.items(), key=lambda pair: int(pair[0].split(".")[1])))


INTERPRETERS = _interpreters()
OLDEST = next(iter(INTERPRETERS.values()))
OWN = "{}.{}".format(*sys.version_info)
OTHERS = {name: path for name, path in INTERPRETERS.items() if name != OWN}
nox.options.sessions = [*(["tests"] if OTHERS else []), "lowest", "core"]


def _lower_bounds() -> list[str]:
    """Core dependencies and some extras', at the oldest versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [project["optional-dependencies"][name] for name in OLD_EXTRAS]
    lines = [line for some in (project["dependencies"], *extras) for line in some]
    return [
        line.split(",")[0].replace(">=", "==") for line in lines if not line.startswith("biotrail")
    ]


def _quick_tests(session: nox.Session) -> None:
    """Run what needs no component and no long time; what is skipped here runs in `make test`."""
    session.install("-e", ".[cli,embedding,test]")
    ignored = [f"--ignore=tests/{folder}" for folder in SLOW]
    chosen = ["-n", "2", "-m", "not component", *ignored]
    command = ["python", "-m", "pytest", "-q", *chosen, *session.posargs]
    env = {"BIOTRAIL_REQUIRE_COMPONENTS": "0", "BIOTRAIL_TESTED_BEFORE": "1"}
    session.run(*command, env=env)


@nox.session
@nox.parametrize("python", [nox.param(path, id=name) for name, path in OTHERS.items()])
def tests(session: nox.Session) -> None:
    """Every test that needs no component, with the extras that are quick to install."""
    _quick_tests(session)


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The same with the oldest dependencies that pyproject.toml allows, of the core and the web."""
    session.install("-e", ".", *_lower_bounds())
    _quick_tests(session)


@nox.session(python=OLDEST)
def core(session: nox.Session) -> None:
    """The built wheel imports, and says what is missing, where no extra is installed at all."""
    session.install(".", "hypothesis", "pytest", "pytest-timeout")
    session.run("python", "-m", "pytest", "-q", "tests/test_without_extras.py", *session.posargs)
