"""An ASGI answer, held back until the attempt behind it is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from biotrail.audit import Attempt
from biotrail.errors import BiotrailError
from biotrail.events import ApplicationDecision
from biotrail.middleware._held import HeldSession
from biotrail.middleware.answers import ANSWER_TOO_LARGE, FAILED, Problem, Refused
from biotrail.middleware.guard import Conclusion, Guard, HandlerFailedError

__all__ = ["HeldAnswer", "send_problem"]

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


class _AnswerTooLargeError(BiotrailError):
    """Stops an application whose answer cannot be held back."""


class HeldAnswer:
    """Stands between an application and its server: takes the answer, records, lets it go."""

    def __init__(
        self,
        guard: Guard,
        attempt: Attempt,
        scope: MutableMapping[str, Any],
        receive: _Receive,
        send: _Send,
    ) -> None:
        """Stand between.

        Args:
            guard: Concludes the attempt.
            attempt: The attempt.
            scope: The request's; its session, if there is one, is restored where it must be.
            receive: The server's.
            send: The server's.
        """
        self._guard, self._attempt = guard, attempt
        self._receive, self._send = receive, send
        self._session = HeldSession(scope.get("session"))
        self._start: _Message | None = None
        self._body = bytearray()
        self._gone = self._concluded = self._stopped = False

    def receive_after(self, body: bytes) -> _Receive:
        """The application's ``receive``: the body that was read, then what the server says."""
        waiting = [body]

        async def receive() -> _Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            message = await self._receive()
            self._gone = self._gone or message["type"] == "http.disconnect"
            return message

        return receive

    async def send(self, message: _Message) -> None:
        """The application's ``send``: nothing leaves before the answer is whole and recorded."""
        if self._concluded:
            return
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            raise HandlerFailedError(f"{message['type']} cannot be held back, or came too early")
        self._body += message.get("body", b"")
        if len(self._body) > self._guard.limits.answer_bytes:
            self._stopped = True
            raise _AnswerTooLargeError("the answer of a login is larger than may be held back")
        if not message.get("more_body", False):
            await self._let_go(self._start)

    async def refuse(self, why: Refused) -> None:
        """Record and answer a request whose handler does not run."""
        problem = self._guard.refuse(self._attempt, why)
        conclusion = await self._conclude(problem.status)
        self._session.restore()
        if why is not Refused.DISCONNECTED:
            await send_problem(self._send, conclusion.problem or problem)

    async def ended(self) -> None:
        """The application has returned."""
        if not self._concluded:
            await self.ended_by(HandlerFailedError("the handler did not complete its answer"))

    async def ended_by(self, error: BaseException) -> bool:
        """The application has raised; returns whether the client has its answer.

        Otherwise the error is to go on, so that whoever is outside answers and reports it.
        """
        if self._concluded:
            return False  # of something that ran after the answer
        if self._stopped:
            error = _AnswerTooLargeError("the answer of a login is larger than may be held back")
        conclusion = await self._conclude(500, error)
        problem = conclusion.problem
        if problem is None or problem is FAILED:
            problem = _own_problem(error)
        if problem is None or not isinstance(error, Exception):
            return False
        await send_problem(self._send, problem)
        return True

    async def _let_go(self, start: _Message) -> None:
        if self._attempt.decision is ApplicationDecision.GRANTED and await self._is_gone():
            await self.refuse(Refused.DISCONNECTED)
            return
        conclusion = await self._conclude(start["status"])
        if conclusion.problem is not None:
            await send_problem(self._send, conclusion.problem)
            return
        if not conclusion.keeps_state:
            lines = start.get("headers", ())
            kept = [line for line in lines if bytes(line[0]).lower() != b"set-cookie"]
            start = {**start, "headers": kept}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": bytes(self._body)})

    async def _conclude(self, status: int, error: BaseException | None = None) -> Conclusion:
        self._concluded = True
        conclusion = await self._guard.conclude_async(self._attempt, status, error)
        if not conclusion.keeps_state:
            self._session.restore()
        return conclusion

    async def _is_gone(self) -> bool:
        """Whether the client has gone while the handler was deciding."""
        if not self._gone:
            try:
                async with asyncio.timeout(0):
                    self._gone = (await self._receive())["type"] == "http.disconnect"
            except TimeoutError:
                pass
        return self._gone


def _own_problem(error: BaseException) -> Problem | None:
    """The answer to what is nobody else's error to report."""
    if isinstance(error, _AnswerTooLargeError):
        return ANSWER_TOO_LARGE
    return FAILED if isinstance(error, HandlerFailedError) else None


async def send_problem(send: _Send, problem: Problem) -> None:
    """Answer with a problem."""
    lines = [(name.lower().encode(), value.encode()) for name, value in problem.headers()]
    if problem.close:
        lines.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": lines})
    await send({"type": "http.response.body", "body": problem.body()})
