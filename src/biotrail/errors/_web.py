"""What goes wrong at the door of a log: who asks may not, or asks too often."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "AccessError",
    "ForbiddenError",
    "NoSuchRecordError",
    "ServingError",
    "TokenFileError",
    "TooManyRequestsError",
    "UnauthorizedError",
]


class AccessError(BiotrailError):
    """A reader was turned away; nothing of the log was shown."""


class UnauthorizedError(AccessError):
    """Nobody is known by what was given, or nothing was given: the token is wrong or over."""


class ForbiddenError(AccessError):
    """The reader is known and may not do this.

    A scope, a purpose or a reason is missing.
    """


class TooManyRequestsError(AccessError):
    """A reader, or an address, asks more often than it may.

    Attributes:
        retry_after: After how many seconds it may ask again.
    """

    def __init__(self, what: str, *, retry_after: float) -> None:
        super().__init__(f"{what}: ask again in {max(1, round(retry_after))} s")
        self.retry_after = retry_after


class NoSuchRecordError(BiotrailError):
    """There is no such record, or none that this reader may see: which of the two is not said."""


class TokenFileError(BiotrailError):
    """The file of tokens cannot be used: absent, too open, damaged, or not to be written."""


class ServingError(BiotrailError):
    """The log is not served: not in the clear beyond this machine, or not at this address."""
