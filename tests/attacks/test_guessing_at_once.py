"""Threat: who guesses often at once learns by the answers which guess was right, and comes again.

A lock lets nobody in. But where a match that it turned away is answered otherwise than a
non-match, a hundred guesses that are under way when it comes tell as much as a hundred in peace.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from biotrail import Attempt, AuditLogger, Context, Reason
from biotrail.errors import AttemptRefusedError
from biotrail.limits import Limit, LimitPolicy
from biotrail.middleware import ContextCapture, recorded_attempt
from tests._components import reason_for_absence
from tests.attacks._guessing import signer
from tests.unit.middleware._doors import COMPONENTS, DOORS, Answer, asgi_scope
from tests.unit.middleware._trail import SECRET, FullAtTimes, Trail

pytestmark = pytest.mark.component("middleware")

POLICY = LimitPolicy(
    name="three",
    ip=Limit(failures=3, lock=timedelta(hours=1), window=timedelta(hours=1)),
)


class LimitedTrail(Trail):
    """A log with limits."""

    def __init__(self) -> None:
        """Three failures of one address, and it is locked for an hour."""
        super().__init__()
        self.log.close()
        self.store = FullAtTimes()
        self.log = AuditLogger(self.store, signer(), limits=POLICY)  # type: ignore[assignment]


@pytest.fixture
def trail() -> Iterator[LimitedTrail]:
    """A log with limits."""
    logging.disable(logging.CRITICAL)
    made = LimitedTrail()
    yield made
    made.log.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", list(DOORS))
def test_no_answer_tells_a_match_from_a_non_match(name: str, trail: LimitedTrail) -> None:
    """Where a lock came while the handler compared, its answer, cookie and session do not leave."""
    if reason := reason_for_absence(COMPONENTS.get(name, name)):
        pytest.skip(reason)
    post, _ = DOORS[name](
        trail, **({} if name.startswith("django") else {"capture": ContextCapture()})
    )
    first = post(b"deny")
    assert SECRET in first.everything()  # it is the handler's own
    post(b"deny")
    post(b"deny")
    answers = [post(body) for body in (b"deny", b"grant", b"nothing")]
    assert {_seen(one) for one in answers} == {_seen(answers[0])}
    assert answers[0].status == 403
    assert not any(SECRET in one.everything() for one in answers)
    decided = [(one["decision"], one["reason"]) for one in trail.records()[-3:]]
    assert decided == [
        ("denied", "non_match"),
        ("denied", "attempt_limit"),
        ("denied", "no_decision"),
    ]


def _seen(answer: Answer) -> tuple[Any, ...]:
    """All of an answer."""
    return answer.status, tuple(sorted(answer.headers)), answer.body


def test_guesses_that_pass_the_check_together(trail: LimitedTrail) -> None:
    """Twelve guesses are compared before the first is recorded; three of them are answered."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from biotrail.middleware import LoginMiddleware, login

    async def ask_all() -> list[list[Any]]:
        together = asyncio.Barrier(12)

        @login("session.open", modality="face")
        async def enter(request: Request) -> Response:
            attempt: Attempt = request.state.attempt
            if attempt.check_limits() is not None:
                return Response("try again later", 429)
            await together.wait()
            if await request.body() == b"right":
                attempt.grant()
                return Response("welcome")
            attempt.deny(Reason.NON_MATCH)
            return Response("no", 401)

        app = Starlette(
            routes=[Route("/login", enter, methods=["POST"])],
            middleware=[Middleware(LoginMiddleware, log=trail.log)],
        )
        bodies = [b"wrong"] * 5 + [b"right"] + [b"wrong"] * 6
        answers = await asyncio.gather(*(_asked(app, body) for body in bodies))
        return [*answers, await _asked(app, b"right")]

    *answers, after = asyncio.run(ask_all())
    codes = [start["status"] for start, _ in answers]
    assert codes.count(401) == 2  # the third brings the lock
    assert codes.count(403) == 10
    assert len({str(one) for one in answers if one[0]["status"] == 403}) == 1
    assert after[0]["status"] == 429  # who asked beforehand answers for itself


async def _asked(app: Any, body: bytes) -> list[Any]:
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Any:
        for message in messages:
            return message
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asgi_scope([]), receive, send)
    return sent


def test_functions_tell_no_more(trail: LimitedTrail) -> None:
    """A function's answer to a match and to a non-match is the same refusal in a lock."""

    @recorded_attempt(
        trail.log,
        action="door.open",
        modality="face",
        context=lambda *_: Context(ip="192.0.2.1"),
    )
    def opens(matches: bool, *, attempt: Attempt) -> str:
        attempt.grant() if matches else attempt.deny(Reason.NON_MATCH)
        return "opens" if matches else "stays"

    enter: Any = opens
    assert [enter(False), enter(False)] == ["stays", "stays"]
    told = []
    for matches in (False, False, True):
        with pytest.raises(AttemptRefusedError) as refused:
            enter(matches)
        told.append(str(refused.value))
    assert len(set(told)) == 1
