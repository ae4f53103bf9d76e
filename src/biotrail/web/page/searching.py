"""The page of search: records that answer a question, and links that narrow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from biotrail.canonical import PERSONAL_FIELDS
from biotrail.errors import ForbiddenError, QueryError
from biotrail.query import FacetValue
from biotrail.web.access import Scope
from biotrail.web.page.desk import Desk, marked, root_of, sentence
from biotrail.web.page.door import Visitor
from biotrail.web.page.forms import fields_of, read_form
from biotrail.web.page.questions import RANGES, Question, narrowed
from biotrail.web.page.record_view import summary
from biotrail.web.page.words import label

__all__ = ["FormAnswer", "question_page", "search_page"]

_FACETS = {
    "outcome": "Outcome",
    "reason": "Reason",
    "modality": "Modality",
    "action": "Action",
    "matcher": "Matcher",
    "kind": "Kind",
}
_MOST_VALUES = 8
_REVEALABLE = tuple((name, label(name)) for name in PERSONAL_FIELDS)


@attrs.frozen
class FacetLink:
    """A value of a field, how many have it, and the question that asks for it."""

    value: str
    count: int
    link: str


@attrs.frozen(eq=False)
class FormAnswer:
    """A page with the form of a question on it, before it is known what it answers.

    Attributes:
        template: Name of the template.
        heading: The page's name.
        here: Its path.
        empty: What the template is given where the question was not answered.
        answer: Asks the log, and returns what the template shows.
    """

    template: str
    heading: str
    here: str
    empty: Mapping[str, Any]
    answer: Any


async def question_page(
    desk: Desk, request: Request, visitor: Visitor, page: FormAnswer
) -> Response:
    """A page that answers the question of a link, or of a form that was sent.

    A question that gives a reason is answered right away. Any other becomes an address, which can
    be kept.
    """
    question, values, error = Question(), dict(page.empty), None
    try:
        if request.method == "POST":
            fields = await read_form(request, desk.state.settings.body_bytes)
            desk.door.check_form(request, visitor, fields)
            question = Question.of(fields)
            if not question.is_private:
                address = f"{root_of(request)}{page.here}{question.link()}"
                return RedirectResponse(address, 303)
        else:
            question = _without_reason(fields_of(request.url.query))
        values |= await page.answer(desk, visitor, question)
    except (QueryError, ForbiddenError) as refused:
        error = refused
    return desk.show(
        request,
        page.template,
        page.heading,
        visitor=visitor,
        here=page.here,
        status=200 if error is None else 403 if isinstance(error, ForbiddenError) else 400,
        carried=question.link() if not question.is_private else "",
        question=question,
        ranges=RANGES,
        revealable=_REVEALABLE,
        may_reveal=visitor.access.may(Scope.REVEAL),
        needs_reason=isinstance(error, ForbiddenError),
        problem=None if error is None else sentence(str(error)),
        marked=None if error is None else marked(error),
        **values,
    )


def _without_reason(given: dict[str, list[str]]) -> Question:
    """The question of a link; a link gives no reason, and so reveals nothing."""
    return Question.of({name: value for name, value in given.items() if name not in _PRIVATE})


_PRIVATE = frozenset({"reason", "reveal"})


async def search_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The page of search."""
    empty = {"page": None, "rows": (), "facets": (), "further": None}
    page = FormAnswer("search.html", "Search", "/search", empty, _search)
    return await question_page(desk, request, visitor, page)


async def _search(desk: Desk, visitor: Visitor, question: Question) -> dict[str, Any]:
    reader, now = desk.state.reader, desk.now
    asked = question.asked(now, visitor.purpose)
    page = await reader.page(visitor.access, asked, route="/search")
    facets = await reader.facets(
        visitor.access,
        attrs.evolve(asked, cursor=None, reveal=()),
        by=tuple(_FACETS),
        most=_MOST_VALUES,
        route="/search",
    )
    return {
        "page": page,
        "rows": [summary(one) for one in page.records],
        "facets": [(_FACETS[name], _links(question, name, facets[name])) for name in _FACETS],
        "further": None if page.next is None else question.next(page.next, now),
    }


def _links(question: Question, name: str, values: tuple[FacetValue, ...]) -> tuple[FacetLink, ...]:
    found = []
    for one in values:
        try:
            where = narrowed(question.where, name, one.value)
        except QueryError:  # the condition has no room for one more
            continue
        found.append(FacetLink(one.value, one.count, question.link(where=where)))
    return tuple(found)
