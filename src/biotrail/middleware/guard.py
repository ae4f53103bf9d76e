"""What all adapters share: an attempt's way from the head of a request to what may be answered.

The way of a request, whichever the framework::

    head ─► login? ─► context captured ─► attempt begun ─► body read, within its limits
                                                                  │
               what may leave ◄── recorded, durably ◄── answer held back ◄── handler decides

Nothing of the handler's answer leaves before the record is durable.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import attrs

from biotrail.audit import Attempt, AuditLogger
from biotrail.errors import BiotrailError, MiddlewareError
from biotrail.events import ApplicationDecision, Outcome, Reason
from biotrail.middleware.answers import (
    FAILED,
    NO_DECISION,
    OVERRULED,
    REFUSALS,
    Problem,
    Refused,
    not_recorded,
)
from biotrail.middleware.capture import ContextCapture, Headers
from biotrail.middleware.logins import Login

__all__ = ["Conclusion", "Guard", "HandlerFailedError", "Limits", "LogSource"]

_LOG = logging.getLogger(__name__)
LogSource = AuditLogger | Callable[[], AuditLogger]
"""A log, or what opens it: called once in each process, when the first attempt begins."""

_REASONS = {
    Refused.HEADERS_TOO_LARGE: Reason.NOTHING_CAPTURED,
    Refused.BODY_TOO_LARGE: Reason.NOTHING_CAPTURED,
    Refused.LENGTH_REQUIRED: Reason.NOTHING_CAPTURED,
    Refused.TOO_SLOW: Reason.TIMEOUT,
    Refused.DISCONNECTED: Reason.CANCELLED,
}
_FIRST_ERROR, _FIRST_FAILURE = 400, 500


class HandlerFailedError(BiotrailError):
    """The handler's answer says that it failed; the attempt is recorded as ended by an error."""


def _positive(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    if not number and not (value is None and attribute.name == "read_seconds"):
        raise MiddlewareError(f"limits.{attribute.name}: must be a number above 0")


@attrs.frozen(kw_only=True)
class Limits:
    """How much of a request a login takes, and how much of an answer is held back.

    Attributes:
        header_lines: Most header lines.
        header_bytes: Most bytes of names and values of headers together.
        body_bytes: Most bytes of the body. It is read into memory before the handler runs.
        read_seconds: Seconds in which the whole body has to arrive; None for any time.
        answer_bytes: Most bytes of the handler's answer; a longer one is an error.
    """

    header_lines: int = attrs.field(default=100, validator=_positive)
    header_bytes: int = attrs.field(default=32 * 1024, validator=_positive)
    body_bytes: int = attrs.field(default=10 * 1024 * 1024, validator=_positive)
    read_seconds: float | None = attrs.field(default=30.0, validator=_positive)
    answer_bytes: int = attrs.field(default=1024 * 1024, validator=_positive)


@attrs.frozen
class Conclusion:
    """What may be answered, now that an attempt is recorded, or could not be.

    Attributes:
        problem: What to answer in the handler's place; None where its own answer may leave.
        keeps_state: Whether the cookies and the changes of the session that the handler made may
            stay: only where it was heard, as one that granted or denied and was not overruled.
    """

    problem: Problem | None
    keeps_state: bool


class Guard:
    """Begins and concludes the attempts of one service. Shared among threads and tasks."""

    def __init__(
        self,
        log: LogSource,
        *,
        logins: Iterable[Login] = (),
        capture: ContextCapture | None = None,
        limits: Limits | None = None,
        refuse_undecided: bool = True,
        retry_after: int = 5,
    ) -> None:
        """Set up.

        Args:
            log: Where attempts are recorded; a function that opens it where processes fork after
                this, since a log is not taken through a fork.
            logins: The logins that are known by their path. Marked views need no entry here.
            capture: How the context is captured; without proxies and places if None.
            limits: On requests and answers.
            refuse_undecided: Whether an answer below 400 of a handler that neither granted nor
                denied is withheld. Its attempt is recorded as denied in any case.
            retry_after: Seconds after which clients are told to try again while nothing can be
                recorded.

        Raises:
            MiddlewareError: A setting is not as it must be.
            MissingDependencyError: A package for the capture is not installed.
        """
        self._source = log
        self._opened: tuple[int, AuditLogger] | None = None
        self._mutex = Lock()
        self._logins = tuple(logins)
        if any(one.path is None for one in self._logins):
            raise MiddlewareError("logins: each must have a path")
        if retry_after < 0:
            raise MiddlewareError("retry_after: must be a whole number of seconds")
        self._capture = ContextCapture() if capture is None else capture
        self.limits = Limits() if limits is None else limits
        self._refuse_undecided = refuse_undecided
        self._not_recorded = not_recorded(retry_after)

    def login_for(self, method: str, path: str) -> Login | None:
        """The login that a request is an attempt at, by its path."""
        return next((one for one in self._logins if one.covers(method, path)), None)

    def begin(self, login: Login, headers: Headers, peer: str | None) -> Attempt | Problem:
        """Begin the attempt of a request, with its context.

        Returns:
            The attempt; or the answer to give where none can begin, such as when the log is closed.
        """
        captured = self._capture.capture(headers, peer)
        try:
            fields = login.fields(captured.labels)
            return self._log().attempt(context=captured.context, **fields)
        except Exception:
            _LOG.exception("an attempt could not begin; the login was refused")
            return self._not_recorded

    def refuse(self, attempt: Attempt, why: Refused) -> Problem:
        """Deny an attempt whose request was refused before its handler ran; not yet recorded."""
        attempt.labelled(request_refused=why.value)
        gone = why is Refused.DISCONNECTED
        attempt.deny(_REASONS[why], outcome=Outcome.UNKNOWN if gone else Outcome.FAILURE)
        return REFUSALS[why]

    def refused_head(self, headers: Headers, length: str | None) -> Refused | None:
        """Why a request is refused by its head alone; None where it is not."""
        lines = size = 0
        for name, value in headers:
            lines += 1
            size += len(name) + len(value)
        if lines > self.limits.header_lines or size > self.limits.header_bytes:
            return Refused.HEADERS_TOO_LARGE
        if length is not None and length.isascii() and length.isdigit():
            # As text first: a number of thousands of digits is no number here.
            digits = length.lstrip("0")
            if len(digits) > 18 or int(digits or "0") > self.limits.body_bytes:
                return Refused.BODY_TOO_LARGE
        return None

    def conclude(
        self, attempt: Attempt, status: int, error: BaseException | None = None
    ) -> Conclusion:
        """Record how an attempt ended.

        Args:
            attempt: The attempt.
            status: Status code of the handler's answer; not looked at where there is an error.
            error: What the handler raised.
        """
        decided, knew = attempt.decision, error is not None or attempt.locked is not None
        if error is not None:
            status = _FIRST_FAILURE
        error = error or _failure(decided, status)
        try:
            attempt.__exit__(type(error) if error else None, error, None)
        except Exception:
            return self._failed_to_record()
        return self._concluded(attempt, decided, status, knew=knew)

    async def conclude_async(
        self, attempt: Attempt, status: int, error: BaseException | None = None
    ) -> Conclusion:
        """`conclude` from a task."""
        decided, knew = attempt.decision, error is not None or attempt.locked is not None
        if error is not None:
            status = _FIRST_FAILURE
        error = error or _failure(decided, status)
        try:
            await attempt.__aexit__(type(error) if error else None, error, None)
        except Exception:
            return self._failed_to_record()
        return self._concluded(attempt, decided, status, knew=knew)

    def _concluded(
        self, attempt: Attempt, decided: ApplicationDecision | None, status: int, *, knew: bool
    ) -> Conclusion:
        if attempt.locked is not None and not knew:
            # The handler answers a match and a non-match differently: of guesses that are sent at
            # once, all but the first few would tell what they are, and no lock would slow them.
            return Conclusion(OVERRULED, keeps_state=False)
        if decided is ApplicationDecision.DENIED or attempt.granted:
            return Conclusion(None, keeps_state=True)
        if decided is ApplicationDecision.GRANTED:
            return Conclusion(FAILED if status >= _FIRST_ERROR else OVERRULED, keeps_state=False)
        if not self._refuse_undecided:
            return Conclusion(None, keeps_state=True)
        return Conclusion(NO_DECISION if status < _FIRST_ERROR else None, keeps_state=False)

    def _failed_to_record(self) -> Conclusion:
        _LOG.exception("an attempt could not be recorded; the login was refused")
        return Conclusion(self._not_recorded, keeps_state=False)

    def _log(self) -> AuditLogger:
        if isinstance(self._source, AuditLogger):
            return self._source
        opened = self._opened
        if opened is not None and opened[0] == os.getpid():
            return opened[1]
        with self._mutex:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), self._source())
            return self._opened[1]

    def close(self) -> None:
        """Close the log, if it was opened here."""
        with self._mutex:
            opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()


def _failure(decided: ApplicationDecision | None, status: int) -> HandlerFailedError | None:
    """An answer that lets nobody in, of a handler that granted; or of one that broke undecided."""
    granted = decided is ApplicationDecision.GRANTED
    if (granted and status >= _FIRST_ERROR) or (decided is None and status >= _FIRST_FAILURE):
        return HandlerFailedError(f"the handler answered {status}")
    return None
