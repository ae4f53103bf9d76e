"""Every program in examples/ runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests._components import ROOT, reason_for_absence
from tests.docs._snippets import run_process

EXAMPLES = sorted(ROOT.glob("examples/*.py"))
_NEEDS = "# needs: "


def _needed(program: Path) -> list[str]:
    """The components named in the line ``# needs: one, two`` of a program, if it has one."""
    lines = program.read_text(encoding="utf-8").splitlines()
    named = [line.removeprefix(_NEEDS) for line in lines if line.startswith(_NEEDS)]
    return [name.strip() for line in named for name in line.split(",")]


@pytest.mark.parametrize("program", EXAMPLES, ids=[program.name for program in EXAMPLES])
def test_example_runs(program: Path, tmp_path: Path) -> None:
    """The program, copied to an empty folder, ends well there."""
    for name in _needed(program):
        if reason := reason_for_absence(name):
            pytest.skip(f"component {name}: {reason}")
    copy = Path(shutil.copy(program, tmp_path))
    ran = run_process([sys.executable, str(copy)], tmp_path)
    assert ran.returncode == 0, ran.stdout
