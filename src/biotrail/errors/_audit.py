"""What goes wrong while an attempt is recorded."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "ClosedError",
    "EventConflictError",
    "ForkedProcessError",
    "NotRecordedError",
    "OverloadedError",
    "SpoolError",
    "UnknownOutcomeError",
]


class EventConflictError(BiotrailError):
    """An event id was used again for an event with different content."""


class NotRecordedError(BiotrailError):
    """The attempt was not recorded; by default it must not be granted. The cause is chained."""


class UnknownOutcomeError(NotRecordedError):
    """The store failed while committing: the record may or may not be durable.

    Recording the same event (same id) again is safe and settles it.
    """


class SpoolError(BiotrailError):
    """The spool cannot be used, or has no room; what it holds already is untouched."""


class OverloadedError(NotRecordedError):
    """The bounded queue stayed full for longer than the configured wait; nothing was written."""


class ClosedError(BiotrailError):
    """The logger is closed."""


class ForkedProcessError(BiotrailError):
    """The logger was opened in another process (before a fork) and cannot be used in this one."""
