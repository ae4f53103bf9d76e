"""What goes wrong while records are sent to another system."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "ForwardingError",
    "PositionError",
    "SinkRefusedError",
    "SinkUnavailableError",
]


class ForwardingError(BiotrailError):
    """Records could not be sent to another system, or were asked to be sent in a wrong way."""


class PositionError(ForwardingError):
    """A forwarder's position is of another log than this one, or cannot be read or written.

    Nothing was sent: find out whether the log was replaced, or rolled back to an older state.
    """


class SinkUnavailableError(ForwardingError):
    """The receiver could not be reached, or did not say that it took the records: try again.

    Attributes:
        after: Seconds that the receiver asked to wait, or None.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class SinkRefusedError(ForwardingError):
    """The receiver refuses these records for good: sending them again would change nothing."""
