"""What a verification has proven, as separate answers."""

from __future__ import annotations

import attrs

from biotrail.verify.affected import AffectedEntries

__all__ = ["Verification"]


@attrs.frozen
class Verification:
    """A log that checked out: what exactly was proven, and what was not asked.

    Integrity has no field of its own: without it there is no `Verification`, but an error.

    Attributes:
        origin: The log's origin.
        size: Number of entries: the verdict is for the log at this size.
        root: Root hash at this size, 32 bytes.
        checkpoint: The signed checkpoint at this size.
        keys: Verifier keys of the log, as text, in the order in which they were added.
        affected: Entries that are not to be believed, in order: a key signed for them that the log
            itself reports as stolen by then, or one that such a key let in.
        checkpoints: How many checkpoints were compared with the recomputed root.
        signatures: How many of their signatures were verified.
        every_signature: Whether that was every one of them. If not, the last of each key in each
            stretch was: each vouches for everything before it.
        strict: Whether every entry was decoded and re-encoded.
        complete_since: Sizes of the earlier checkpoints that this log was found to continue.
            Empty: completeness is not shown, since nothing kept elsewhere was given; a tail that
            was cut off cleanly cannot be seen then.
        payloads: How many payloads in the clear opened to their commitments; None if not checked,
            as are the next five.
        sealed: How many parts of payloads are sealed, and those that were recorded. A sealed
            payload has a part for each person whom the event names, at least one.
        erased: How many parts (or payloads in the clear) are gone by a recorded erasure.
        retained: How many are gone by a recorded retention.
        overdue: How many are still there although an erasure of their person is recorded, or a
            retention that covers them, and no hold keeps them: finish it with ``biotrail doctor``.
        disbelieved: How many are gone as only entries say that are not to be believed
            (`affected`): a thief may have destroyed them. They are in neither of the counts above.
        lookups: Whether look-up columns and the store's structure were found to agree with the
            entries; None if not checked.
        events: How many entries are events.
        seconds: How long it took.
    """

    origin: str
    size: int
    root: bytes
    checkpoint: str
    keys: tuple[str, ...]
    affected: tuple[AffectedEntries, ...]
    checkpoints: int
    signatures: int
    every_signature: bool
    strict: bool
    complete_since: tuple[int, ...]
    payloads: int | None
    sealed: int | None
    erased: int | None
    retained: int | None
    overdue: int | None
    disbelieved: int | None
    lookups: bool | None
    events: int
    seconds: float
