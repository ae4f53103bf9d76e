"""The rules of the test run itself hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests._components import ROOT

_SAMPLE = '''
import pytest

@pytest.mark.component("absent")
def test_needs_something():
    """Nothing is true here."""

def test_skips_by_hand():
    """Nothing is true here."""
    pytest.skip(REASON)
'''


def _run_sample(folder: Path, *, reason: str, required: bool) -> str:
    """Run the sample tests under this project's conftest, with one component made absent."""
    (folder / "conftest.py").write_text(
        "from tests import _components, conftest\n"
        "from tests.conftest import *\n"
        '_components.COMPONENTS["absent"] = lambda: "it is absent"\n'
        f"conftest.REQUIRE_COMPONENTS = {required}\n"
    )
    (folder / "test_sample.py").write_text(f"REASON = {reason!r}\n{_SAMPLE}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    ran = subprocess.run(
        [*command, "--rootdir", str(folder), "-o", f"pythonpath={ROOT}", str(folder)],
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip().splitlines()[-1]


def test_skips_are_allowed_by_default(tmp_path: Path) -> None:
    """A test whose component is absent is skipped, and nothing fails."""
    assert "2 skipped" in _run_sample(tmp_path, reason="by hand", required=False)


def test_skips_fail_where_components_are_required(tmp_path: Path) -> None:
    """With every component required, a skip is a failure."""
    closing = _run_sample(tmp_path, reason="by hand", required=True)
    assert "1 failed" in closing
    assert "1 error" in closing


def test_allowed_skips_stay_skips(tmp_path: Path) -> None:
    """A skip whose reason is allowed stays a skip even where components are required."""
    closing = _run_sample(tmp_path, reason="../shared is absent", required=True)
    assert "1 skipped" in closing
    assert "1 error" in closing


def test_every_test_says_what_is_true(request: pytest.FixtureRequest) -> None:
    """Each test function of this run has a docstring, which is its one sentence."""
    silent = [
        item.nodeid
        for item in request.session.items
        if isinstance(item, pytest.Function) and not item.function.__doc__
    ]
    assert silent == []
