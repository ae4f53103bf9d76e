"""Routes of records: pages of them, one, its proof, and its bytes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from biotrail.tlog import ProofFile
from biotrail.web.answers import Answer, Rendered, route_of
from biotrail.web.gate import Reader
from biotrail.web.models import PageModel, ShownRecordModel
from biotrail.web.questions import (
    RecordQuestion,
    RecordsQuestion,
    RecordsSearch,
    asked_by,
)
from biotrail.web.routes._common import (
    Index,
    checkpoint_document,
    file_answers,
    json_only,
    problem_answers,
    reading_router,
)
from biotrail.web.shapes import Shown, ShownPage, encoded
from biotrail.web.state import state_of

__all__ = ["records_router"]

_ONE = problem_answers(404)
_TEXT = "text/plain; charset=utf-8"
_CBOR = "application/cbor"


def records_router() -> APIRouter:
    """The routes."""
    router = reading_router("records")
    router.get("/records", response_model=PageModel, name="records")(_records)
    router.post(
        "/records/search",
        response_model=PageModel,
        name="search",
        dependencies=[Depends(json_only)],
        responses=problem_answers(413, 415),
    )(_search)
    router.get("/records/{index}", response_model=ShownRecordModel, name="record", responses=_ONE)(
        _record
    )
    proof = file_answers("text/plain", "The proof file (C2SP tlog-proof).", binary=False)
    router.get(
        "/records/{index}/proof",
        response_class=Response,
        name="proof",
        responses={**proof, **problem_answers(404, 409, 410)},
    )(_proof)
    entry = file_answers(_CBOR, "The bytes that are the leaf of the tree.", binary=True)
    router.get(
        "/records/{index}/entry",
        response_class=Response,
        name="entry",
        responses={**entry, **_ONE},
    )(_entry)
    return router


async def _records(
    request: Request, access: Reader, question: Annotated[RecordsQuestion, Query()]
) -> Response:
    """One page of records, each proven against the same signed checkpoint."""
    return await _page(request, access, question)


async def _search(request: Request, access: Reader, question: RecordsSearch) -> Response:
    """The same with the question in the body: conditions on people stay out of URLs."""
    return await _page(request, access, question)


async def _page(request: Request, access: Reader, question: RecordsQuestion) -> Response:
    asked = asked_by(request, question)
    answer = Answer(request, _rendered_page, private=bool(asked.reveal))
    reader = state_of(request).reader
    await reader.page(access, asked, route=route_of(request), known=answer.known)
    return answer.response()


async def _record(
    request: Request,
    access: Reader,
    index: Index,
    question: Annotated[RecordQuestion, Query()],
) -> Response:
    """One record, and the signed checkpoint that it is proven against."""
    asked = asked_by(request, question)
    answer = Answer(request, _rendered_record, private=bool(asked.reveal))
    reader = state_of(request).reader
    await reader.one(access, index, asked, route=route_of(request), known=answer.known)
    return answer.response()


async def _proof(
    request: Request,
    access: Reader,
    index: Index,
    question: Annotated[RecordQuestion, Query()],
) -> Response:
    """The proof file of a record: what shows to anybody that it is in the log.

    It carries the entry, and of its personal fields those that are revealed and no others.
    """
    asked = asked_by(request, question)
    answer: Answer[ProofFile] = Answer(
        request,
        lambda proof: Rendered(proof.encode()),
        media_type=_TEXT,
        private=bool(asked.reveal),
        filename=f"{index}.tlog-proof",
    )
    reader = state_of(request).reader
    await reader.proof(access, index, asked, route=route_of(request), known=answer.known)
    return answer.response()


async def _entry(request: Request, access: Reader, index: Index) -> Response:
    """The bytes of an entry, as they were recorded: the leaf of the tree."""
    answer: Answer[Shown] = Answer(
        request,
        lambda shown: Rendered(shown.found.record.data),
        media_type=_CBOR,
        filename=f"{index}.cbor",
    )
    reader = state_of(request).reader
    asked = asked_by(request)
    await reader.one(access, index, asked, route=route_of(request), known=answer.known)
    return answer.response()


def _rendered_page(page: ShownPage) -> Rendered:
    records = encoded([one.document() for one in page.records])
    rest = encoded(
        {
            "next": page.next,
            "misleading": page.misleading,
            "checkpoint": checkpoint_document(page.checkpoint),
        }
    )
    return Rendered(b'{"records":' + records + b"," + rest[1:], records)


def _rendered_record(shown: Shown) -> Rendered:
    record = encoded(shown.document())
    checkpoint = encoded(checkpoint_document(shown.found.checkpoint))
    return Rendered(record[:-1] + b',"checkpoint":' + checkpoint + b"}", record)
