"""The passphrase of a key file: from the environment, or asked for; never an argument."""

from __future__ import annotations

import os
import sys

import typer

from biotrail.audit.opening import PASSPHRASE_VARIABLE
from biotrail.errors import KeyFileError

__all__ = ["ask_passphrase"]


def ask_passphrase(*, new: bool = False) -> str:
    """The passphrase; asked for on a terminal, twice where it is a new one.

    Raises:
        KeyFileError: It is in no variable, and there is no terminal to ask at.
    """
    if found := os.environ.get(PASSPHRASE_VARIABLE):
        return found
    if not sys.stdin.isatty():
        raise KeyFileError(
            f"no passphrase for the key file: set {PASSPHRASE_VARIABLE}, or call this on a "
            "terminal to be asked"
        )
    answer: str = typer.prompt(
        "Passphrase of the key file", hide_input=True, confirmation_prompt=new, err=True
    )
    return answer
