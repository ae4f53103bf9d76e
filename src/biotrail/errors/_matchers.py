"""What goes wrong with matchers, references and galleries."""

from __future__ import annotations

from typing import Any

from biotrail.errors._root import BiotrailError

__all__ = [
    "AlteredReferenceError",
    "CalibrationError",
    "DeletionIncompleteError",
    "DuplicateReferenceError",
    "ExpiredReferenceError",
    "GalleryFileError",
    "ImageError",
    "MatcherError",
    "ModelError",
    "NetworkSealError",
    "ReferenceKeyError",
    "ReferenceStoreError",
    "ReferenceStoreRollbackError",
    "ReferenceUnavailableError",
    "RevokedReferenceError",
    "UnknownReferenceError",
]


class MatcherError(BiotrailError):
    """A matcher backend cannot be used, or was given something that it cannot compare."""


class ImageError(MatcherError):
    """What was to be captured from is no image, or a broken, too large or unknown one."""


class ModelError(MatcherError):
    """A model file is missing or is not the file that its SHA-256 says."""


class NetworkSealError(MatcherError):
    """A matcher that must run without network could not be sealed from it."""


class CalibrationError(MatcherError):
    """A calibration is not what it must be, or the scores cannot support what was asked of them.

    Attributes:
        people: How many people the scores are of, where that is why.
        people_needed: How many people would do at the least, where that is why.
    """

    def __init__(
        self, message: str, *, people: int | None = None, people_needed: int | None = None
    ) -> None:
        super().__init__(message)
        self.people = people
        self.people_needed = people_needed


class ReferenceUnavailableError(MatcherError):
    """A reference cannot be compared with; `reason` is the word that an event carries."""

    reason = "not_enrolled"


class UnknownReferenceError(ReferenceUnavailableError):
    """No reference is kept under this id."""


class ExpiredReferenceError(ReferenceUnavailableError):
    """The reference's time is over: the person has to be enrolled again."""

    reason = "reference_expired"


class RevokedReferenceError(ReferenceUnavailableError):
    """The reference was revoked."""

    reason = "reference_revoked"


class ReferenceStoreError(MatcherError):
    """A reference store cannot be opened, read or written."""


class ReferenceKeyError(ReferenceStoreError):
    """The key is not the one that this reference store was made with."""


class ReferenceStoreRollbackError(ReferenceStoreError):
    """The file of a reference store is older than the host remembers: an earlier copy."""


class AlteredReferenceError(ReferenceStoreError):
    """A row of a reference store is not as it was written: changed, swapped or damaged."""


class DuplicateReferenceError(MatcherError):
    """Features that were to be enrolled reach a threshold with references that are there already.

    Attributes:
        candidates: The `biotrail.matchers.Candidate` of each, best first.
    """

    def __init__(self, message: str, candidates: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class GalleryFileError(MatcherError):
    """A file cannot be read as the gallery that was asked for.

    Attributes:
        reason: ``"absent"``, ``"unreadable"``, ``"not a gallery"``, ``"truncated"``,
            ``"corrupted"``, ``"wrong key"``, ``"key needed"`` or ``"other model"``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class DeletionIncompleteError(MatcherError):
    """Something of a deleted reference is still there.

    Attributes:
        report: The `biotrail.matchers.DeletionReport`: which place holds how much of what.
    """

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report
