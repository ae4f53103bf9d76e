"""The route that takes records out as a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from biotrail.web.answers import route_of
from biotrail.web.export_forms import FORMS
from biotrail.web.gate import Reader
from biotrail.web.questions import AsOf, RevealingQuestion, Where, asked_by
from biotrail.web.routes._common import reading_router
from biotrail.web.routes.tail import in_force_of
from biotrail.web.state import state_of
from biotrail.web.streams import Stream

__all__ = ["export_router"]


class ExportQuestion(RevealingQuestion):
    """Which records are taken out, and as what."""

    format: Literal["jsonl", "csv", "parquet"] = Field(
        "jsonl", description="JSON Lines, CSV with names in the first row, or Parquet."
    )
    where: Where = None
    as_of: AsOf = None


def export_router() -> APIRouter:
    """The route."""
    router = reading_router("records")
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = {one.media_type: schema for one in FORMS.values()}
    told = "All records that were asked for, in order of index. A connection that breaks off, and "
    told += "a chunked answer without its end, are no whole file."
    router.get(
        "/export",
        response_class=Response,
        name="export",
        responses={200: {"description": told, "content": content}},
    )(_export)
    return router


async def _export(
    request: Request, access: Reader, question: Annotated[ExportQuestion, Query()]
) -> Response:
    """Take all answers out as a file, each held against one signed checkpoint.

    The log has a record of every 10,000 before they leave.
    """
    asked, state = asked_by(request, question), state_of(request)
    export = await state.exports.open(
        access,
        asked,
        form=question.format,
        route=route_of(request),
        in_force=in_force_of(state, access),
    )
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="records.{export.form.suffix}"',
        "biotrail-checkpoint-size": str(export.size),
    }
    return Stream(
        export.pieces(), ended=export.close, media_type=export.form.media_type, headers=headers
    )
