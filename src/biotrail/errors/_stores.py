"""What goes wrong where a log is kept."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "EventIdTakenError",
    "FenceMovedError",
    "HeadMovedError",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnavailableError",
]


class StoreError(BiotrailError):
    """A store could not do what was asked. Base of the errors below."""


class HeadMovedError(StoreError):
    """The head was not as expected: another writer appended first. Nothing was written."""


class FenceMovedError(StoreError):
    """An erasure was begun since the batch was made. Nothing of the batch was written."""


class EventIdTakenError(StoreError):
    """Some events of a batch are in the log already. Nothing of the batch was written.

    Attributes:
        taken: Indices of the entries that bear the ids, by id (16 bytes each).
    """

    def __init__(self, taken: dict[bytes, int]) -> None:
        super().__init__(f"{len(taken)} event(s) of the batch are recorded already")
        self.taken = taken


class StoreBusyError(StoreError):
    """Another program holds the store locked for longer than the configured wait."""


class StoreFullError(StoreError):
    """No space is left. Nothing of this batch was written."""


class StoreReadOnlyError(StoreError):
    """The store, or the file system below it, does not allow writing."""


class StoreUnavailableError(StoreError):
    """The store cannot be opened or read: absent, not a biotrail log, or a failing disk."""
