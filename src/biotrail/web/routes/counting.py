"""Routes that count: numbers, facets and timelines, and no single record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from biotrail.canonical import format_time
from biotrail.query import FacetValue, TimeBucket
from biotrail.web.answers import Answer, json_answer, route_of
from biotrail.web.gate import Reader
from biotrail.web.models import CountModel, FacetsModel, TimelineModel
from biotrail.web.questions import (
    CountQuestion,
    CountSearch,
    FacetsQuestion,
    FacetsSearch,
    TimelineQuestion,
    TimelineSearch,
    asked_by,
)
from biotrail.web.routes._common import json_only, problem_answers, reading_router
from biotrail.web.state import state_of

__all__ = ["counting_router"]


def counting_router() -> APIRouter:
    """The routes: each by parameters of the URL, and by a body."""
    router = reading_router("counting")
    body: Any = {"dependencies": [Depends(json_only)], "responses": problem_answers(413, 415)}
    router.get("/count", response_model=CountModel, name="count")(_count)
    router.post("/count", response_model=CountModel, name="search_count", **body)(_search_count)
    router.get("/facets", response_model=FacetsModel, name="facets")(_facets)
    router.post("/facets", response_model=FacetsModel, name="search_facets", **body)(_search_facets)
    router.get("/timeline", response_model=TimelineModel, name="timeline")(_timeline)
    router.post("/timeline", response_model=TimelineModel, name="search_timeline", **body)(
        _search_timeline
    )
    return router


async def _count(
    request: Request, access: Reader, question: Annotated[CountQuestion, Query()]
) -> Response:
    """How many records there are: counted in columns beside the log, where they can tell."""
    return await _counted(request, access, question)


async def _search_count(request: Request, access: Reader, question: CountSearch) -> Response:
    """The same with the question in the body: conditions on people stay out of URLs."""
    return await _counted(request, access, question)


async def _facets(
    request: Request, access: Reader, question: Annotated[FacetsQuestion, Query()]
) -> Response:
    """For each of some fields the values that most records have, and how many have it.

    Counted in columns beside the log, where there are any: as true as they are.
    """
    return await _faceted(request, access, question)


async def _search_facets(request: Request, access: Reader, question: FacetsSearch) -> Response:
    """The same with the question in the body: conditions on people stay out of URLs."""
    return await _faceted(request, access, question)


async def _timeline(
    request: Request, access: Reader, question: Annotated[TimelineQuestion, Query()]
) -> Response:
    """How many records were recorded in each stretch of time; empty stretches are left out."""
    return await _timed(request, access, question)


async def _search_timeline(request: Request, access: Reader, question: TimelineSearch) -> Response:
    """The same with the question in the body: conditions on people stay out of URLs."""
    return await _timed(request, access, question)


async def _counted(request: Request, access: Reader, question: CountQuestion) -> Response:
    answer: Answer[int] = json_answer(request, lambda number: {"count": number})
    asked, route = asked_by(request, question), route_of(request)
    await state_of(request).reader.count(access, asked, route=route, known=answer.known)
    return answer.response()


async def _faceted(request: Request, access: Reader, question: FacetsQuestion) -> Response:
    answer = json_answer(request, _facets_document)
    asked, route = asked_by(request, question), route_of(request)
    options: Any = {"by": tuple(question.by), "most": question.most}
    reader = state_of(request).reader
    await reader.facets(access, asked, route=route, known=answer.known, **options)
    return answer.response()


async def _timed(request: Request, access: Reader, question: TimelineQuestion) -> Response:
    answer = json_answer(request, _timeline_document)
    asked, route = asked_by(request, question), route_of(request)
    options: Any = {name: getattr(question, name) for name in ("bucket", "by", "since", "until")}
    reader = state_of(request).reader
    await reader.timeline(access, asked, route=route, known=answer.known, **options)
    return answer.response()


def _facets_document(found: Mapping[str, Sequence[FacetValue]]) -> dict[str, Any]:
    facets = {
        name: [{"value": one.value, "count": one.count} for one in values]
        for name, values in found.items()
    }
    return {"facets": facets}


def _timeline_document(found: Sequence[TimeBucket]) -> dict[str, Any]:
    buckets = [{"start": format_time(one.start), "count": one.count, "by": one.by} for one in found]
    return {"timeline": buckets}
