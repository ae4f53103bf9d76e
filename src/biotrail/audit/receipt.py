"""What a caller is given once a record is durable."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from biotrail.tlog import Checkpoint

__all__ = ["Receipt", "SignedCheckpoint"]


@attrs.frozen
class SignedCheckpoint:
    """A checkpoint of the log under its signature.

    Keep one, away from the log: it is what a later rollback or fork is found by.

    Attributes:
        checkpoint: Origin, size and root hash.
        note: The signed note (C2SP), as text.
    """

    checkpoint: Checkpoint
    note: str

    @property
    def size(self) -> int:
        """Size of the tree."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """Root hash of the tree, 32 bytes."""
        return self.checkpoint.root

    def __str__(self) -> str:
        return self.note


@attrs.frozen
class Receipt:
    """The answer to a record: it is durable, and this checkpoint covers it.

    Attributes:
        event_id: Id of the event.
        index: Index of the entry in the log, zero-based.
        leaf_hash: Leaf hash of the entry, 32 bytes.
        recorded: Time of recording.
        checkpoint: A signed checkpoint whose root covers the entry.
        repeated: Whether the event was in the log already, so that nothing new was written.
    """

    event_id: UUID
    index: int
    leaf_hash: bytes
    recorded: datetime
    checkpoint: SignedCheckpoint
    repeated: bool = False
