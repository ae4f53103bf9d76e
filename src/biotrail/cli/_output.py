"""How the command line speaks: text that no recorded value can steer, or one JSON document.

Whoever attempts to log in chooses some of what is recorded (a user agent, a session), so every
value passes `printable`, and nothing is ever read as Rich's markup.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = [
    "Row",
    "console",
    "emit",
    "grid",
    "heading",
    "printable",
    "progress",
    "say",
    "write_json",
    "write_lines",
    "write_text",
]

Row = tuple["str | Text", ...]
_WIDTH_OF_PIPES = 160
_INDENT = (0, 0, 0, 2)


def printable(value: object) -> str:
    r"""The text of a value with all that could steer a terminal, or hide in it, escaped.

    Control characters, escape sequences, marks that turn the direction of writing, and characters
    of no width are written as Python would: ``\x1b``, ``\u202e``.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in str(value)
    )


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error as it is now; it takes no markup in texts."""
    stream = sys.stderr if stderr else sys.stdout
    plain = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        file=stream,
        width=_WIDTH_OF_PIPES if plain else None,
        markup=False,
        emoji=False,
        highlight=False,
    )


def say(text: str = "", *, style: str = "", stderr: bool = False) -> None:
    """Print a sentence, wrapped at the terminal's width.

    On standard error it stays one line where that is a pipe: whoever started the command waits for
    that sentence, whatever width the environment's ``COLUMNS`` tells.
    """
    emit(Text(printable(text), style=style), stderr=stderr, fold=not stderr)


def write_text(text: str) -> None:
    """Write text as it is: for what is to be copied, or is a file's content."""
    sys.stdout.write(text)


def write_lines(text: str, *, stderr: bool = False) -> None:
    """Write lines that others may have worded: not wrapped, and escaped as by `printable`."""
    stream = sys.stderr if stderr else sys.stdout
    stream.writelines(f"{printable(line)}\n" for line in text.split("\n"))


def heading(text: str, *, style: str = "bold") -> None:
    """Print a heading after an empty line."""
    say()
    say(text, style=style)


def grid(rows: Iterable[Row], *, stderr: bool = False) -> None:
    """Print labels with their values, indented, long last values folded under themselves."""
    every = [[_cell(cell) for cell in row] for row in rows]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    for _ in range(2, max(map(len, every), default=2)):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in every:
        table.add_row(*row)
    emit(Padding(table, _INDENT, expand=False), stderr=stderr)


def _cell(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(printable(cell))


def emit(what: RenderableType, *, stderr: bool = False, fold: bool = True) -> None:
    """Print anything of Rich; into a pipe without the spaces that fill lines up.

    Args:
        what: What to print.
        stderr: Whether to print it on standard error.
        fold: Whether lines are folded into a pipe too, at the width that it is taken to have.
    """
    output = console(stderr=stderr)
    if output.is_terminal:
        output.print(what)
        return
    with output.capture() as captured:
        output.print(what, soft_wrap=not fold)
    stream = sys.stderr if stderr else sys.stdout
    stream.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def write_json(document: object, *, indent: int | None = 2) -> None:
    """Write one JSON document; it is ASCII, so that no terminal is steered by it either."""
    text = json.dumps(document, indent=indent, ensure_ascii=True).replace("\x7f", "\\u007f")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error, if that is a terminal; gives what reports done of all."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
