"""The page of one record, its proof and its bytes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from biotrail.errors import ForbiddenError, NoSuchRecordError, QueryError
from biotrail.web.access import Scope
from biotrail.web.asked import Asked
from biotrail.web.page.desk import Desk, sentence
from biotrail.web.page.door import Visitor
from biotrail.web.page.forms import read_form
from biotrail.web.page.questions import Question
from biotrail.web.page.record_view import view_of

__all__ = ["entry_bytes", "proof_file", "record_page"]

_ROUTE = "/records/{index}"
_LARGEST = 2**63 - 1


def _index(request: Request) -> int:
    text: str = request.path_params["index"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= _LARGEST or str(number) != text:
        raise NoSuchRecordError("a record is named by its index, a whole number")
    return number


async def record_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """One record; by POST with personal fields that are revealed for a reason."""
    index, question, problem = _index(request), Question(), None
    reader, access = desk.state.reader, visitor.access
    plain = Asked(purpose=visitor.purpose)
    if request.method == "POST":
        fields = await read_form(request, desk.state.settings.body_bytes)
        desk.door.check_form(request, visitor, fields)
        question = Question.of(fields)
    try:
        if request.method == "POST" and not question.reveal:
            raise QueryError("choose at least one field to show")
        asked = Asked(
            reveal=question.reveal,  # type: ignore[arg-type] # the converter takes any sequence
            reason=question.reason or None,
            purpose=visitor.purpose,
        )
        shown = await reader.one(access, index, asked, route=_ROUTE)
    except (QueryError, ForbiddenError) as error:
        if request.method != "POST":
            raise
        problem = sentence(str(error))
        shown = await reader.one(access, index, plain, route=_ROUTE)
    keys = await reader.keys(access, plain, route=_ROUTE)
    return desk.show(
        request,
        "record.html",
        f"Entry {index:,}",
        visitor=visitor,
        status=200 if problem is None else 400,
        record=view_of(shown),
        checkpoint=shown.found.checkpoint,
        question=question,
        problem=problem,
        may_reveal=access.may(Scope.REVEAL),
        offered=[str(one.key) for one in keys],
    )


async def proof_file(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The proof file of a record, as a download; nothing personal is in it."""
    index = _index(request)
    asked = Asked(purpose=visitor.purpose)
    proof = await desk.state.reader.proof(
        visitor.access, index, asked, route="/records/{index}/proof"
    )
    return _download(proof.encode(), f"entry-{index}.tlog-proof", "text/plain; charset=utf-8")


async def entry_bytes(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The bytes of a record's entry, as a download."""
    index = _index(request)
    asked = Asked(purpose=visitor.purpose)
    shown = await desk.state.reader.one(
        visitor.access, index, asked, route="/records/{index}/entry"
    )
    return _download(shown.found.record.data, f"entry-{index}.cbor", "application/cbor")


def _download(data: bytes, name: str, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, 200, headers, media_type)
