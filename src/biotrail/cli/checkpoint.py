"""``biotrail checkpoint``: the present signed checkpoint, to be kept away from the log."""

from __future__ import annotations

from pathlib import Path

from biotrail.cli._continues import check_continues
from biotrail.cli._cosigning import CosignerFile, cosigned
from biotrail.cli._given import Database, Json, Key, Output, kept_checkpoint, write_file
from biotrail.cli._output import grid, say, write_json, write_text
from biotrail.errors import MissingError
from biotrail.stores import SQLiteReader, StoreReader
from biotrail.tlog import unverified_checkpoint

__all__ = ["checkpoint", "present_checkpoint"]


def checkpoint(
    log: Database,
    output: Output = None,
    post_quantum: CosignerFile = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Print or write the log's present signed checkpoint.

    Keep it where whoever can change the log cannot reach: `verify --from-checkpoint` finds by it a
    tail that was cut off, an older copy, and a second history. A file that holds a checkpoint
    already is replaced only if the log continues that one.
    """
    before = None
    if output is not None and output.exists():
        before = kept_checkpoint(output, option="--output")
    if post_quantum is not None:
        note = cosigned(log, post_quantum, key, [] if before is None else [before])
    else:
        note = _continued(log, before)
    if output is not None:
        write_file(output, note.encode("utf-8"))
    _tell(note, output, as_json=as_json)


def _continued(log: Path, before: str | None) -> str:
    store = SQLiteReader(log)
    try:
        note = present_checkpoint(store)
        if before is not None:
            check_continues(store, note, before)
        return note
    finally:
        store.close()


def present_checkpoint(store: StoreReader) -> str:
    """The signed checkpoint at the head, as it is stored.

    Raises:
        MissingError: There is none.
    """
    head = store.head()
    if head is None or not head.checkpoint:
        raise MissingError("the log has no checkpoint at its head")
    return head.checkpoint


def _tell(note: str, output: Path | None, *, as_json: bool) -> None:
    vouched = unverified_checkpoint(note)
    if as_json:
        told = {"origin": vouched.origin, "size": vouched.size, "root": vouched.root.hex()}
        write_json({**told, "note": note, "file": None if output is None else str(output)})
    elif output is None:
        write_text(note)
    else:
        say(f"Checkpoint of size {vouched.size:,} written to {output}", style="bold")
        grid([("log", vouched.origin), ("root hash", vouched.root.hex())])
