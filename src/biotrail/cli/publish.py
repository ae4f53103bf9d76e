"""``biotrail publish``: the log as a directory of tiles that any web server can serve."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._continues import check_continues
from biotrail.cli._cosigning import CosignerFile, cosigned
from biotrail.cli._given import Database, Json, Key, kept_checkpoint, write_file
from biotrail.cli._output import grid, say, write_json
from biotrail.cli.checkpoint import present_checkpoint
from biotrail.errors import BiotrailError, ForkedError
from biotrail.stores import SQLiteReader
from biotrail.tlog import published_files, unverified_checkpoint
from biotrail.tlog.publish import CHECKPOINT_PATH

__all__ = ["publish"]


def publish(
    log: Database,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Made if it is not there.", show_default=False)
    ],
    post_quantum: CosignerFile = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Write the log as a C2SP tlog-tiles directory; repeat it as the log grows.

    It holds entries, tiles and the signed checkpoint, and no payloads. Files that are there are
    never changed, but for the checkpoint, which is replaced last. A directory that another history
    was published to is left as it is.
    """
    before = _published(directory)
    store = SQLiteReader(log)
    try:
        note = present_checkpoint(store)
        if post_quantum is not None:
            note = cosigned(log, post_quantum, key, before)
        for one in before:
            check_continues(store, note, one)
        written = _publish(store, note, directory)
    finally:
        store.close()
    vouched = unverified_checkpoint(note)
    if as_json:
        told = {"directory": str(directory), "origin": vouched.origin, "size": vouched.size}
        write_json({**told, "root": vouched.root.hex(), "files_written": written})
        return
    say(f"{vouched.origin} published to {directory}", style="bold")
    grid([("size", f"{vouched.size:,}"), ("files", f"{written} new, the checkpoint last")])


def _published(directory: Path) -> list[str]:
    """The checkpoint that was published before, if one was."""
    before = directory / CHECKPOINT_PATH
    return [kept_checkpoint(before, option="DIR")] if before.exists() else []


def _publish(store: SQLiteReader, note: str, directory: Path) -> int:
    """Write what is new beside the directory's files, and move it in once the root is right."""
    size = unverified_checkpoint(note).size
    entries = (one.entry for one in store.entries(0, size))
    staged: list[str] = []
    with _staging(directory) as folder:
        for path, data in published_files(entries, note):
            if path == CHECKPOINT_PATH:
                break
            if not _is_there(directory / path, data):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_file(folder / path, data)
                staged.append(path)
        else:
            raise BiotrailError("nothing was published: the log has no checkpoint")
        for path in staged:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).replace(directory / path)
    write_file(directory / CHECKPOINT_PATH, note.encode("utf-8"))
    return len(staged) + 1


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".biotrail-", dir=directory))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise BiotrailError(f"{directory} cannot be written: {error.strerror}") from error


def _is_there(path: Path, data: bytes) -> bool:
    """Whether a file was published before.

    Raises:
        ForkedError: Another one was, under its name.
    """
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    if found != data:
        raise ForkedError(f"{path} was published before, with other content; it is left as it is")
    return True
