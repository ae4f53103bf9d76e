"""What goes wrong while records are watched by rules."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = ["DetectionError"]


class DetectionError(BiotrailError):
    """A rule is configured in a wrong way, or what a detector keeps is not of this log.

    Attributes:
        path: The file that it is about, or None.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path
