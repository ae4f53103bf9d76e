"""How the demonstration is told: numbered steps for people, or one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.padding import Padding
from rich.text import Text

from biotrail.cli._output import Row, emit, grid, printable, say, write_json

__all__ = ["Story"]

FAILED = 1
Cell = str | tuple[str, str]


class Story:
    """Tells the steps, and remembers what was expected and did not come.

    Attributes:
        quiet: Whether one JSON document is printed at the end, and nothing before.
        told: What the document says.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.told: dict[str, Any] = {}
        self._steps = 0
        self._expected = 0
        self._missed: list[str] = []
        self._rows: list[Row] = []
        self._kept: dict[str, str] = {}

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._flush()
        self._steps += 1
        if not self.quiet:
            say()
            say(f"{self._steps}. {title}", style="bold")

    def tell(self, sentence: str) -> None:
        """Say a sentence within a step."""
        self._flush()
        if not self.quiet:
            emit(Padding(Text(printable(sentence)), (0, 0, 0, 2)))

    def row(self, cells: Sequence[Cell]) -> None:
        """Add a row to the step's table; a cell may be text with its style."""
        self._rows.append(
            tuple(one if isinstance(one, str) else Text(printable(one[0]), one[1]) for one in cells)
        )

    def note(self, name: str, value: object) -> None:
        """Put something into the document."""
        self.told[name] = value

    def append(self, name: str, value: object) -> None:
        """Add to a list in the document."""
        self.told.setdefault(name, []).append(value)

    def keep(self, name: str, value: str) -> None:
        """Remember something to be said if the files are left there."""
        self._kept[name] = value

    def expect(self, came: bool, what: str) -> None:
        """Take note of something that must be so."""
        self._expected += 1
        if not came:
            self._missed.append(what)

    def left(self, folder: Path) -> None:
        """Say that the files are left there."""
        self.note("folder", str(folder))
        self._flush()
        if not self.quiet:
            say()
            say(f"Everything is left in {folder}", style="bold")
            grid(list(self._kept.items()))

    def end(self) -> None:
        """Say how it went.

        Raises:
            typer.Exit: Something that had to come did not.
        """
        self._flush()
        code = FAILED if self._missed else 0
        if self.quiet:
            counted = {"expected": self._expected, "missed": self._missed}
            write_json({**self.told, **counted, "exit_code": code})
        elif self._missed:
            say()
            for what in self._missed:
                say(f"Not as expected: {what}", style="bold red", stderr=True)
        else:
            say()
            say(f"All {self._expected} expectations were met.", style="bold green")
        if code:
            raise typer.Exit(code)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows and not self.quiet:
            grid(rows)
