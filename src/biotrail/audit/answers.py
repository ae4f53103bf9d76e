"""What callers are told: the receipts, or the one kind of error that says nothing was recorded."""

from __future__ import annotations

from biotrail.audit.receipt import Receipt
from biotrail.errors import (
    BiotrailError,
    ClosedError,
    EventError,
    ForkedProcessError,
    LimitError,
    NotRecordedError,
    UnknownOutcomeError,
)

__all__ = ["every", "not_recorded", "only"]


_THEMSELVES = (NotRecordedError, ClosedError, EventError, ForkedProcessError, LimitError)


class _NotRecorded:
    """Says of whatever else goes wrong that nothing was recorded; the cause is chained.

    A class with no state, since a record passes through it twice and a generator costs more.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UnknownOutcomeError):
            # One error may befall many callers: each is given one of its own.
            raise UnknownOutcomeError(str(error)) from error
        if isinstance(error, _THEMSELVES):
            return
        if isinstance(error, BiotrailError):
            raise NotRecordedError(f"not recorded: {error}") from error


not_recorded = _NotRecorded()


def only(answers: list[Receipt | BiotrailError]) -> Receipt:
    """The receipt of the one record; raises its error."""
    (answer,) = answers
    if isinstance(answer, BiotrailError):
        raise answer
    return answer


def every(answers: list[Receipt | BiotrailError]) -> list[Receipt]:
    """The receipts of all records; raises the first error."""
    for answer in answers:
        if isinstance(answer, BiotrailError):
            raise answer
    return answers  # type: ignore[return-value] # errors have just been ruled out
