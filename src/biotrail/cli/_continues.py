"""Before a kept checkpoint is replaced: does the log continue it?"""

from __future__ import annotations

from biotrail.errors import ForkedError, RolledBackError, WrongKeyError
from biotrail.stores import StoreReader
from biotrail.tlog import unverified_checkpoint
from biotrail.verify.prove import unverified_root_at

__all__ = ["check_continues"]


def check_continues(store: StoreReader, note: str, kept_note: str) -> None:
    """Check that the log as stored continues a checkpoint; signatures are not looked at.

    Args:
        store: The log.
        note: Its present checkpoint.
        kept_note: The checkpoint that was kept.

    Raises:
        WrongKeyError: It is a checkpoint of another log.
        RolledBackError: The log is shorter now.
        ForkedError: The log has another history now.
    """
    present, kept = unverified_checkpoint(note), unverified_checkpoint(kept_note)
    if present.origin != kept.origin:
        raise WrongKeyError(
            f"the checkpoint that was kept is of the log {kept.origin}, not of {present.origin}",
            expected=kept.origin,
            found=present.origin,
        )
    if kept.size > present.size:
        raise RolledBackError(
            f"the log has {present.size} entries, and the checkpoint that was kept has {kept.size}",
            index=present.size,
            expected=kept.size,
            found=present.size,
        )
    root = unverified_root_at(store, kept)
    if root != kept.root:
        raise ForkedError(
            f"at size {kept.size} the log has another history than the checkpoint that was kept",
            index=kept.size - 1 if kept.size else None,
            expected=kept.root.hex(),
            found=root.hex(),
        )
