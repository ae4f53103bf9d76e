"""Child processes: forked, or started so that they find biotrail where this process does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from biotrail import BiotrailError

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """The environment of a child."""
    found = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": found, "PYTHONDONTWRITEBYTECODE": "1"}


def start(script: Path | str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A child that runs a script, or a module's text."""
    command = [sys.executable, *(["-c", script] if isinstance(script, str) else [str(script)])]
    return subprocess.Popen([*command, *arguments], env=environment(), text=True, **options)


class ForkedChild:
    """A forked child that does one thing and says what came of it."""

    def __init__(self, act: Callable[[], Any]) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                said = ["did", act()]
            except BiotrailError as error:
                said = [type(error).__name__, str(error)]
            except BaseException as error:
                said = ["failed", repr(error)]
            os.write(writer, json.dumps(said).encode())
            os._exit(0)
        os.close(writer)
        self._reader = reader

    def said(self) -> Any:
        """Wait for its end; what it said."""
        with open(self._reader, "rb") as file:
            text = file.read()
        os.waitpid(self.pid, 0)
        return json.loads(text)
