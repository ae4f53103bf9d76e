"""Around every answer: headers that make browsers careful, bounds on bodies, and no stack traces.

Pure ASGI: it holds nothing of a request but a count of bytes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from biotrail.web.problems import problem

__all__ = ["Guard"]

_log = logging.getLogger("biotrail.web")
_Refusal: TypeAlias = tuple[int, str, str]
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TWO_YEARS: Final = "max-age=63072000"
_TOO_LARGE: Final = (413, "Content Too Large", "the body of the request is larger than is taken")
# Whoever stands in front may go by the other one: what follows would be another's request (RFC 9112
# section 6.1: the connection must be closed).
_TWO_LENGTHS: Final = (
    400,
    "Bad Request",
    "a body has one length: Transfer-Encoding or Content-Length",
)
_TOO_SLOW: Final = (408, "Request Timeout", "the body of the request did not come in time")


class Guard:
    """Wraps an application."""

    def __init__(self, app: ASGIApp, *, body_bytes: int, body_seconds: float) -> None:
        """Wrap it.

        Args:
            app: The application.
            body_bytes: How many bytes a body may have.
            body_seconds: In how many seconds it has to come.
        """
        self._app = app
        self._body_bytes = body_bytes
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        secure = scope.get("scheme") == "https"

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add_headers(MutableHeaders(scope=message), secure=secure)
            await send(message)

        if (refused := self._refused_head(scope)) is not None:
            await problem(*refused, headers={"connection": "close"})(scope, receive, answer)
            return
        try:
            await self._app(scope, self._bounded(receive), answer)
        except Exception as error:
            # Its message may hold what was asked: the kind and the place are enough to find it.
            _log.error("%s at %s", type(error).__name__, _place(error))
            if begun:
                raise ConnectionAbortedError("the answer could not be ended") from None
            failed = problem(500, "Something went wrong", "whoever runs this can find it in a log")
            await failed(scope, receive, answer)

    def _refused_head(self, scope: Scope) -> _Refusal | None:
        """Why a request is refused by its head alone; None where it is not."""
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if not lengths:
            return None
        if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
            return _TWO_LENGTHS
        known = all(one.isdigit() and int(one[:20]) <= self._body_bytes for one in lengths)
        return None if known else _TOO_LARGE

    def _bounded(self, receive: Receive) -> Receive:
        seen, ended = 0, False
        until: float | None = None

        async def bounded() -> Message:
            nonlocal seen, ended, until
            if ended:
                return await receive()
            now = asyncio.get_running_loop().time()
            until = now + self._body_seconds if until is None else until
            try:
                message = await asyncio.wait_for(receive(), max(until - now, 0))
            except TimeoutError:
                ended = True
                raise _refusal(*_TOO_SLOW) from None
            seen += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if seen > self._body_bytes:
                ended = True
                raise _refusal(*_TOO_LARGE)
            return message

        return bounded


def _refusal(status: int, _: str, detail: str) -> HTTPException:
    return HTTPException(status, detail, {"connection": "close"})


def _add_headers(headers: MutableHeaders, *, secure: bool) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")
    if secure:
        headers.setdefault("strict-transport-security", _TWO_YEARS)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
