"""The door of the command line: opens `biotrail.cli`, or says how to install what it needs.

This module needs none of the optional packages, so that ``biotrail`` and ``python -m biotrail``
answer with a sentence, not with a traceback, where only the library itself is installed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

__all__ = ["MISSING_EXTRA_EXIT_CODE", "main"]

MISSING_EXTRA_EXIT_CODE: Final = 2
"""What the command exits with when the packages of the ``cli`` extra are not installed."""

_NEEDED: Final = ("typer", "rich")


def main() -> None:
    """Run the command line; exits the process with its code.

    Raises:
        SystemExit: Always, with the exit code of the command.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"biotrail: the command line needs {' and '.join(missing)}, not installed here.\n"
            "Install it with: pip install 'biotrail[cli]'\n"
        )
        raise SystemExit(MISSING_EXTRA_EXIT_CODE)
    import_module("biotrail.cli").app(prog_name="biotrail")


if __name__ == "__main__":
    main()
