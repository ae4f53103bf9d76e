"""Start Python children that find biotrail and the tests where this process does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """The environment of a child."""
    found = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": found, "PYTHONDONTWRITEBYTECODE": "1"}


def start(script: Path | str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A child that runs a script, or a module's text."""
    command = [sys.executable, *(["-c", script] if isinstance(script, str) else [str(script)])]
    return subprocess.Popen([*command, *arguments], env=environment(), text=True, **options)
