"""What an audit can find: the negative verdicts on a log."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "AlteredError",
    "ForkedError",
    "InsertedError",
    "MalformedError",
    "MissingError",
    "ReorderedError",
    "RolledBackError",
    "TruncatedError",
    "VerificationError",
    "WrongKeyError",
]


class VerificationError(BiotrailError):
    """Base of all negative verdicts on a log.

    Attributes:
        kind: The verdict in one word or two, e.g. ``"altered"``.
        exit_code: The exit code of the command line for this verdict.
        index: First bad index (zero-based), or None where no single index can be named.
        expected: What should have been there, if known (often a hash).
        found: What was there, if anything.
    """

    kind = "failed"
    exit_code = 10

    def __init__(
        self,
        message: str,
        *,
        index: int | None = None,
        expected: object = None,
        found: object = None,
    ) -> None:
        super().__init__(message)
        self.index = index
        self.expected = expected
        self.found = found


class AlteredError(VerificationError):
    """Bytes that were recorded have been changed."""

    kind, exit_code = "altered", 11


class MissingError(VerificationError):
    """An entry, payload or checkpoint that must be there is not."""

    kind, exit_code = "missing", 12


class InsertedError(VerificationError):
    """An entry stands where it was never recorded."""

    kind, exit_code = "inserted", 13


class ReorderedError(VerificationError):
    """Entries are there, but not in the order in which they were recorded."""

    kind, exit_code = "reordered", 14


class TruncatedError(VerificationError):
    """The tail of the log has been cut off."""

    kind, exit_code = "truncated", 15


class RolledBackError(VerificationError):
    """The log is an older state of itself than a checkpoint that was kept."""

    kind, exit_code = "rolled back", 16


class ForkedError(VerificationError):
    """The log's history differs from one that the same log signed before: a split view."""

    kind, exit_code = "forked", 17


class WrongKeyError(VerificationError):
    """The log is not signed by the key that was given, or by a key that it never admitted."""

    kind, exit_code = "wrong key", 18


class MalformedError(VerificationError):
    """Bytes cannot be read as what they should be."""

    kind, exit_code = "malformed", 19
