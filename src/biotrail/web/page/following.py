"""The live feed: the newest records, and a stream of those that follow."""

from __future__ import annotations

from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import Response

from biotrail.errors import BiotrailError, QueryError
from biotrail.web.page.desk import Desk, marked, root_of
from biotrail.web.page.door import Visitor, fields_of
from biotrail.web.page.questions import Question
from biotrail.web.page.record_view import summary

__all__ = ["live_page"]

_NEWEST = 25
_MOST_SHOWN = 200


async def live_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The page of the feed."""
    question, error = Question(), None
    values: dict[str, Any] = {"rows": None, "stream": ""}
    try:
        given = fields_of(request.url.query)
        question = Question.of({name: given[name] for name in ("where", "show") if name in given})
        asked = question.asked(desk.now, visitor.purpose, limit=_NEWEST)
        page = await desk.state.reader.page(visitor.access, asked, route="/live")
        start = page.checkpoint.size
        link = attrs.evolve(question, as_of=str(start)).link()
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
        problem=None if error is None else _told(error),
        marked=None if error is None else marked(error),
        most_shown=_MOST_SHOWN,
        **values,
    )


def _told(error: BiotrailError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
