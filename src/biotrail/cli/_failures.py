"""What an error looks like to a person and to a machine, and the code it exits with."""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import suppress

import typer
from rich.text import Text

from biotrail.cli._output import Row, emit, grid, printable, say, write_json
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ForkedError,
    InsertedError,
    MalformedError,
    MissingError,
    NotCosignedError,
    ProofError,
    ReorderedError,
    RolledBackError,
    SignatureError,
    TruncatedError,
    VerificationError,
    WrongKeyError,
)

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "USAGE",
    "describe",
    "exit_code_of",
    "report_failure",
    "report_refusal",
    "report_usage",
    "usage_errors",
]

USAGE = 2
FAILED = 3
"""Exit code of an error that is no verdict."""

INTERRUPTED = 130
"""Exit code of a command that was broken off at a question, as by Ctrl-C elsewhere."""

_NOBODY_READS = 141

_KEEP = "Keep this file as it is, as evidence, and work on a copy."
_ADVICE: dict[type[BiotrailError], tuple[str, str]] = {
    AlteredError: (
        "Bytes that were recorded have been changed since.",
        f"{_KEEP} A backup that verifies shows what stood there before.",
    ),
    NotCosignedError: (
        "The checkpoint lacks the post-quantum cosignature that you asked for.",
        "Ask for the checkpoint that was published with it (`biotrail checkpoint --post-quantum`), "
        "and make sure that the cosigner's key is the right one.",
    ),
    MissingError: (
        "Something that was recorded is no longer there.",
        f"{_KEEP} Look for the entry in a backup that verifies.",
    ),
    InsertedError: ("Something stands in the log that was never recorded there.", _KEEP),
    ReorderedError: ("The entries are there, in another order than the recorded one.", _KEEP),
    TruncatedError: (
        "The newest entries have been cut off.",
        f"{_KEEP} Look for them in a backup, or with whoever holds a receipt.",
    ),
    RolledBackError: (
        "The log is an older state of itself than a checkpoint that you kept.",
        f"{_KEEP} Find out whether somebody restored a backup; what came after it is gone.",
    ),
    ForkedError: (
        "The log signed two histories: somebody was shown another log than you.",
        f"Keep both signed checkpoints; together they are the proof. {_KEEP}",
    ),
    WrongKeyError: (
        "The log, or a part of it, is signed by a key that nothing you trust vouches for.",
        "Make sure that the key is the one of this log. If it is, the log was signed anew by "
        "somebody else.",
    ),
    MalformedError: (
        "The bytes cannot be read as what they should be.",
        f"Make sure that it is the right file. If it is: {_KEEP[0].lower()}{_KEEP[1:]}",
    ),
    SignatureError: (
        "No key that you trust vouches for this checkpoint.",
        "Make sure that the key is the one of this log. After a rotation, `biotrail keys show` "
        "names the key that signed; verify the log before you trust it.",
    ),
    ProofError: (
        "The record is not shown to be in the log: the file or its entry was changed, or the "
        "proof is for another checkpoint.",
        "Ask for a new proof file. If that fails too, verify the log itself.",
    ),
    VerificationError: ("The log does not hold.", _KEEP),
}


def usage_errors() -> type[Exception]:
    """The class of all errors in how the command was called (Typer does not name it)."""
    found = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")
    assert issubclass(found, Exception)
    return found


def exit_code_of(error: BiotrailError) -> int:
    """The exit code that belongs to an error."""
    return int(getattr(error, "exit_code", FAILED))


def describe(error: BiotrailError) -> dict[str, object]:
    """An error as the value of ``"error"`` in a JSON document."""
    found = {
        "kind": _kind(error),
        "type": type(error).__name__,
        "exit_code": exit_code_of(error),
        "index": getattr(error, "index", None),
        "message": str(error),
    }
    for name in ("expected", "found"):
        if (value := getattr(error, name, None)) is not None:
            found[name] = value.hex() if isinstance(value, bytes) else _json_value(value)
    return found


def report_failure(error: BiotrailError, *, as_json: bool) -> int:
    """Print an error; returns the exit code.

    JSON goes to standard output, text to standard error.
    """
    if as_json:
        write_json({"error": describe(error)})
    else:
        _print_failure(error)
    return exit_code_of(error)


def report_usage(error: Exception) -> int:
    """Print, as JSON, that the command was called wrongly; returns the exit code."""
    message = getattr(error, "format_message", error.__str__)()
    kind = {"kind": "usage", "type": "UsageError", "exit_code": USAGE, "index": None}
    write_json({"error": {**kind, "message": message}})
    return USAGE


def report_refusal(error: OSError) -> int:
    """Say what the operating system refused; returns the exit code.

    A reader of the output who went away (as ``head`` does) is no error to be told of.
    """
    gone = error.errno == errno.EPIPE
    if not gone:
        say(f"biotrail: {error.strerror or error}", style="red", stderr=True)
    with suppress(OSError, ValueError):  # what is still waiting to be written has nowhere to go
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return _NOBODY_READS if gone else FAILED


def _kind(error: BiotrailError) -> str:
    """The verdict's own word, or the words of the error's name."""
    if type(error) is BiotrailError:
        return "error"
    words = re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", type(error).__name__.removesuffix("Error"))
    return str(getattr(error, "kind", " ".join(words).lower() or "error"))


def _json_value(value: object) -> object:
    return value if isinstance(value, (bool, int, str)) else str(value)


def _print_failure(error: BiotrailError) -> None:
    code = exit_code_of(error)
    if code == FAILED:
        say(f"biotrail: {error}", style="red", stderr=True)
        return
    verdict = Text(printable(_kind(error)).upper(), style="bold red")
    emit(verdict + Text(f"  (exit code {code})", style="dim"), stderr=True)
    grid(_rows(error), stderr=True)


def _rows(error: BiotrailError) -> list[Row]:
    told = describe(error)
    rows: list[Row] = [("what", str(error))]
    rows += [
        (name, str(told[name]))
        for name in ("index", "expected", "found")
        if told.get(name) is not None
    ]
    advice = next((_ADVICE[one] for one in type(error).__mro__ if one in _ADVICE), None)
    if advice is not None:
        rows += [("meaning", advice[0]), ("do", advice[1])]
    return rows
