"""The route that follows the log: server-sent events, continued where a connection broke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.responses import Response

from biotrail.errors import QueryError, UnauthorizedError
from biotrail.web.access import Access
from biotrail.web.answers import route_of
from biotrail.web.gate import Reader
from biotrail.web.questions import RevealingQuestion, Where, asked_by
from biotrail.web.routes._common import file_answers, reading_router
from biotrail.web.state import WebState, state_of
from biotrail.web.streams import Stream
from biotrail.web.tailing import Tail

__all__ = ["EVENTS", "events_of", "in_force_of", "tail_router"]

EVENTS = "text/event-stream"
_LARGEST = 2**63 - 1


class TailQuestion(RevealingQuestion):
    """Which records are followed, and from where."""

    where: Where = None
    start: int | None = Field(
        None,
        ge=0,
        le=_LARGEST,
        description="Index of the first record; without it, only those to come.",
    )


def tail_router() -> APIRouter:
    """The route."""
    router = reading_router("records")
    told = (
        "Server-sent events: each has a record's index as its `id`, and the record in JSON as its "
        "`data`. An event `problem` says why no more come."
    )
    router.get(
        "/tail",
        response_class=Response,
        name="tail",
        responses=file_answers(EVENTS, told, binary=False),
    )(_tail)
    return router


async def _tail(
    request: Request,
    access: Reader,
    question: Annotated[TailQuestion, Query()],
    last: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="Index of the last record that was received: go on after it.",
        ),
    ] = None,
) -> Response:
    """Follow the log: each record once, in order, as it is acknowledged."""
    asked = asked_by(request, question)
    start = question.start if not last else _after(last)
    state = state_of(request)
    tail = await state.tails.open(
        access,
        asked,
        start=start,
        route=route_of(request),
        in_force=in_force_of(state, access),
    )
    return events_of(tail)


def events_of(tail: Tail) -> Stream:
    """A tail as an answer."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(tail.events(), ended=tail.close, media_type=EVENTS, headers=headers)


def in_force_of(state: WebState, access: Access) -> Callable[[], None]:
    """Says, as long as a tail lasts, whether its reader may still read.

    Readers whom the host knows by its own means end by `Access.expires` alone.
    """
    tokens = state.tokens
    by_token = tokens is not None and any(one.id == access.reader for one in tokens.tokens())

    def check() -> None:
        if access.expires is not None and access.expires <= state.clock():
            raise UnauthorizedError("this needs a token that is known and in force")
        if by_token and tokens is not None:
            tokens.check(access, state.clock())

    return check


def _after(last: str) -> int:
    if not last.isascii() or not last.isdecimal() or len(last) > 18:
        raise QueryError("Last-Event-ID is the index of a record: a whole number")
    return int(last) + 1
