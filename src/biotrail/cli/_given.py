"""What is given to commands: shared options, and how keys, checkpoints and files are read."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._output import printable
from biotrail.errors import BiotrailError, MalformedError
from biotrail.signing import VerifierKey
from biotrail.tlog import unverified_checkpoint

__all__ = [
    "Database",
    "Json",
    "Key",
    "Output",
    "check_writable",
    "kept_checkpoint",
    "moment",
    "read_file",
    "verifier_keys",
    "write_file",
]

Database = Annotated[
    Path, typer.Argument(metavar="DB", help="The log: its SQLite file.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
Key = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="VKEY|FILE",
        help="A verifier key that you trust, or a file with one a line. May be repeated.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file.", show_default=False),
]

_PRIVATE = "-----BEGIN"


def verifier_keys(
    given: list[str] | None, *, beside: Path | None = None, option: str = "--key"
) -> list[VerifierKey]:
    """The verifier keys that were given, as text or in files.

    Args:
        given: What followed each ``--key``.
        beside: The log, to say where its verifier key was put when it began.
        option: What they were given with, to say so.

    Raises:
        typer.BadParameter: None was given, or one is neither a key nor a file of keys.
    """
    if not given:
        place = "" if beside is None else f" It was written to {beside}.key.pub when the log began."
        raise _unfit(
            "a verifier key must be given: a log's own word for its key proves nothing."
            f"{place} Get it from whoever runs the log, by a way that does not lead through the "
            "log.",
            option,
        )
    return [key for one in given for key in _keys_in(one, option)]


def _keys_in(given: str, option: str) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(given.strip())]
    except MalformedError as error:
        if not Path(given).is_file():
            message = f"{given!r} is neither a file that is there nor a verifier key: {error}"
            raise _unfit(message, option) from error
    text = read_file(Path(given)).decode("utf-8", "replace")
    if text.startswith(_PRIVATE):
        message = f"{given} is a private key file; give the verifier key, as in {given}.pub"
        raise _unfit(message, option)
    try:
        keys = [VerifierKey.parse(line) for line in text.splitlines() if line]
    except MalformedError as error:
        raise _unfit(f"{given} does not hold verifier keys: {error}", option) from error
    if not keys:
        raise _unfit(f"{given} is empty", option)
    return keys


def _unfit(message: str, option: str) -> typer.BadParameter:
    return typer.BadParameter(printable(message), param_hint=option)


def moment(text: str, option: str) -> datetime:
    """A time that was given; in UTC if it does not say.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        rule = "is not a time of the form 2026-11-23 or 2026-11-23T11:34:00Z"
        raise typer.BadParameter(f"{printable(repr(text))} {rule}", param_hint=option) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def kept_checkpoint(path: Path, *, option: str) -> str:
    """The signed checkpoint in a file; its signature is not looked at yet.

    Raises:
        typer.BadParameter: The file cannot be read, or holds something else.
    """
    try:
        note = read_file(path).decode("utf-8")
        unverified_checkpoint(note)
    except (BiotrailError, UnicodeDecodeError) as error:
        message = f"{path} does not hold a signed checkpoint: {error}"
        raise typer.BadParameter(printable(message), param_hint=option) from error
    return note


def read_file(path: Path) -> bytes:
    """The bytes of a file; ``-`` is standard input.

    Raises:
        BiotrailError: It cannot be read.
    """
    try:
        if str(path) == "-":
            return typer.get_binary_stream("stdin").read()
        return path.read_bytes()
    except OSError as error:
        raise BiotrailError(f"{path} cannot be read: {error.strerror}") from error


def check_writable(path: Path, *, option: str) -> None:
    """See that a file can be written, before something is done that cannot be undone.

    Raises:
        typer.BadParameter: It cannot.
    """
    folder = path.parent
    if path.is_dir():
        why = f"{path} is a directory"
    elif not folder.is_dir():
        why = f"there is no directory {folder}"
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = f"nothing may be written in {folder}"
    else:
        return
    raise typer.BadParameter(printable(why), param_hint=option)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, replacing what was there.

    Raises:
        BiotrailError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise BiotrailError(f"{path} cannot be written: {error.strerror}") from error
