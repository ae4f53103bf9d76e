"""A WSGI answer, held back until the attempt behind it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from biotrail.errors import BiotrailError
from biotrail.middleware.guard import HandlerFailedError

__all__ = ["AnswerTooLargeError", "HeldStart", "WSGIApplication", "WSGIStart"]

WSGIStart: TypeAlias = Callable[..., Callable[[bytes], object]]
WSGIApplication: TypeAlias = Callable[[dict[str, Any], WSGIStart], Iterable[bytes]]


class AnswerTooLargeError(BiotrailError):
    """Stops an application whose answer cannot be held back."""


class HeldStart:
    """The ``start_response`` that an application is given (PEP 3333), and what it answered."""

    def __init__(self, limit: int) -> None:
        """Hold back at most so many bytes."""
        self._limit = limit
        self._started: tuple[str, list[tuple[str, str]]] | None = None
        self._body = bytearray()

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        """Take status and headers; with `exc_info` they replace what was taken before.

        Raises:
            HandlerFailedError: It is the second call, and none for an error.
        """
        if self._started is not None:
            if exc_info is None:
                raise HandlerFailedError("the handler began its answer twice")
            self._body.clear()  # none of it has left
        self._started = status, list(headers)
        return self._write

    def _write(self, part: bytes) -> None:
        self._body += part
        if len(self._body) > self._limit:
            raise AnswerTooLargeError("the answer of a login is larger than may be held back")

    def take(self, parts: Iterable[bytes]) -> None:
        """Take the whole of what the application returned, and close it.

        Raises:
            AnswerTooLargeError: It is longer than may be held back.
            Exception: Whatever the application raises while it is read.
        """
        try:
            for part in parts:
                self._write(part)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    @property
    def status(self) -> int:
        """The status code.

        Raises:
            HandlerFailedError: The application began no answer, or with something else.
        """
        code = "" if self._started is None else self._started[0][:3]
        if not (len(code) == 3 and code.isascii() and code.isdigit()):
            raise HandlerFailedError("the handler began no answer, or one without a status")
        return int(code)

    def let_go(self, start: WSGIStart, *, cookies: bool) -> list[bytes]:
        """Answer with what was held back.

        Args:
            start: The server's ``start_response``.
            cookies: Whether the cookies that the application sets go with it.
        """
        assert self._started is not None
        line, headers = self._started
        kept = headers if cookies else [one for one in headers if one[0].lower() != "set-cookie"]
        start(line, kept)
        return [bytes(self._body)]
