"""The live feed: the newest records, and a stream of those that follow."""

from __future__ import annotations

from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import Response

from biotrail.errors import QueryError
from biotrail.web.page.desk import Desk, marked, root_of, sentence
from biotrail.web.page.door import Visitor
from biotrail.web.page.forms import fields_of
from biotrail.web.page.questions import Question
from biotrail.web.page.record_view import summary
from biotrail.web.routes.tail import events_of

__all__ = ["live_page", "live_stream"]

_NEWEST = 25
_MOST_SHOWN = 200


async def live_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The page of the feed."""
    question, error = Question(), None
    values: dict[str, Any] = {"rows": None, "stream": ""}
    try:
        given = fields_of(request.url.query)
        question = Question.of({name: given[name] for name in ("where", "show") if name in given})
        limit = min(_NEWEST, desk.state.settings.page_limit)
        asked = question.asked(desk.now, visitor.purpose, limit=limit)
        page = await desk.state.reader.page(visitor.access, asked, route="/live")
        link = attrs.evolve(question, as_of=str(page.checkpoint.size)).link()
        values = {
            "rows": [summary(one) for one in page.records],
            "stream": f"{root_of(request)}/live/stream{link}",
        }
    except QueryError as refused:
        error = refused
    return desk.show(
        request,
        "live.html",
        "Live",
        visitor=visitor,
        here="/live",
        status=200 if error is None else 400,
        question=question,
        problem=None if error is None else sentence(str(error)),
        marked=None if error is None else marked(error),
        most_shown=_MOST_SHOWN,
        **values,
    )


async def live_stream(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The records that follow, as server-sent events; each once, and on after a broken line."""
    given = Question.of(fields_of(request.url.query))
    last = request.headers.get("last-event-id", "")
    if last and not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise QueryError("Last-Event-ID is the index of a record: a whole number")
    start = int(last) + 1 if last else int(given.as_of) if given.as_of else None
    question = Question(where=given.where, attempts=given.attempts)
    tail = await desk.state.tails.open(
        visitor.access,
        question.asked(desk.now, visitor.purpose),
        start=start,
        route="/live/stream",
        in_force=desk.door.in_force(request, visitor),
    )
    return events_of(tail)
