"""Takes the code blocks out of Markdown pages and runs each as a newcomer would.

All blocks of a page run in order in one temporary folder, each in a process of its own, so that a
later block finds the files that an earlier one wrote, and nothing else of it. A block stays unrun
only where an HTML comment with the reason stands right before it::

    <!-- not run: needs a camera -->
    ```python
    ...
    ```
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests._components import ROOT

RUN_LANGUAGES = ("python", "console")
TIMEOUT_SECONDS = 240

_BLOCK = re.compile(
    r"(?:^[ ]*<!--\s*not run:(?P<reason>[^\n]*?)-->[ ]*\n\s*)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    code: str
    not_run: str | None


class Command(NamedTuple):
    """One ``$`` line of a console block, with the lines that it should print."""

    line: str
    output: list[str]


def blocks(page: Path) -> Iterator[Block]:
    """Every block of the page in a language that is run here, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        if found["language"] in RUN_LANGUAGES:
            indent = found["indent"]
            code = "".join(
                line.removeprefix(indent) for line in found["code"].splitlines(keepends=True)
            )
            line = text.count("\n", 0, found.start("code"))
            name = page.relative_to(ROOT).as_posix()
            yield Block(name, line, found["language"], code, found["reason"])


def commands(code: str) -> list[Command]:
    """The ``$`` lines of a console block; a line that ends in a backslash goes on in the next."""
    found: list[Command] = []
    lines = iter(code.splitlines())
    for line in lines:
        if line.startswith("$ "):
            while line.endswith("\\"):
                line = f"{line}\n{next(lines).removeprefix('> ')}"
            found.append(Command(line.removeprefix("$ "), []))
        elif line.strip():
            if not found:
                raise AssertionError(f"output before the first '$ ' line: {line!r}")
            found[-1].output.append(line)
    return found


def _environment(folder: Path) -> dict[str, str]:
    """The caller's, with this interpreter's programs first on PATH and a home of its own."""
    programs = str(Path(sys.executable).parent)
    return os.environ | {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", ""))),
        "PYTHONPATH": "",
        "TERM": "dumb",
        "TMPDIR": str(folder),
    }


def run_process(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run in the folder; standard error goes where standard output goes, as on a terminal."""
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )


def _appears(expected: str, printed: str) -> bool:
    """Whether one printed line holds the expected one; ``...`` stands for anything."""
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in expected.split("..."))
    return any(re.search(pattern, " ".join(line.split())) for line in printed.splitlines())


def run_console(block: Block, folder: Path) -> None:
    """Run each command; it must succeed (or end in ``|| true``) and print what the page shows."""
    for command in commands(block.code):
        ran = run_process(["bash", "-euo", "pipefail", "-c", command.line], folder)
        told = f"{block.page}:{block.line}: $ {command.line}\n{ran.stdout}"
        assert ran.returncode == 0, f"exit status {ran.returncode}\n{told}"
        missing = [line for line in command.output if not _appears(line, ran.stdout)]
        assert not missing, f"not printed: {missing}\n{told}"


def run_python(block: Block, folder: Path) -> None:
    """Run the block as a program; it must end well."""
    program = folder / f"line_{block.line}.py"
    program.write_text(block.code, encoding="utf-8")
    ran = run_process([sys.executable, str(program)], folder)
    assert ran.returncode == 0, f"{block.page}:{block.line}\n{ran.stdout}"


def run_block(block: Block, folder: Path) -> None:
    """Run a block, unless the page says why not."""
    if block.not_run is not None:
        assert block.not_run.strip(), f"{block.page}:{block.line}: 'not run:' needs a reason"
    elif block.language == "python":
        run_python(block, folder)
    else:
        run_console(block, folder)
