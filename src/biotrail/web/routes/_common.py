"""What the routes have in common: parameters that all take, and problems that all may answer."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path
from starlette.exceptions import HTTPException
from starlette.requests import Request

from biotrail.signing import SignedCheckpoint
from biotrail.web.problems import PROBLEM

__all__ = [
    "PROBLEMS",
    "Index",
    "checkpoint_document",
    "file_answers",
    "json_only",
    "problem_answers",
    "reading_router",
]

_LARGEST = 2**63 - 1
Index = Annotated[
    int, Path(ge=0, le=_LARGEST, description="Index of the entry in the log, from 0.")
]
_DESCRIPTIONS: Final = {
    400: "The request is not in its form, or cannot be asked so.",
    401: "No token, or none that is known and in force.",
    403: "The reader has not the scope; or a purpose or a reason is not given.",
    404: "There is no such thing, or none that this reader may see.",
    409: "It is sealed, and the application cannot open it.",
    410: "It was erased.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    429: "This reader asks too often; `Retry-After` says when it may ask again.",
    500: "The log does not check out where it was read; or something went wrong.",
    503: "The read could not be recorded, so nothing is shown; or the log cannot be read.",
}


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an OpenAPI document says of problems."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {PROBLEM: {"schema": schema}}}
        for status in statuses
    }


PROBLEMS: Final = problem_answers(400, 401, 403, 429, 500, 503)
"""The problems that every route may answer."""

_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The reader has this already, by the ETag that it sent."}
}


def file_answers(media_type: str, description: str, *, binary: bool) -> dict[int | str, Any]:
    """What an OpenAPI document says of an answer that is no JSON."""
    schema = {"type": "string", **({"format": "binary"} if binary else {})}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


async def _told(
    purpose: Annotated[
        str | None,
        Header(
            alias="Biotrail-Purpose",
            description="What is read for; needed where the token has several purposes.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        Header(
            alias="Biotrail-Reveal-Reason",
            description="Why personal fields are shown or asked by; recorded.",
        ),
    ] = None,
    held: Annotated[
        str | None,
        Header(alias="If-None-Match", description="ETags of answers that the reader has."),
    ] = None,
) -> None:
    """The headers that every reading route takes, for the document; see `asked_by`."""


def reading_router(tag: str) -> APIRouter:
    """A router of routes that read the log."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        dependencies=[Depends(_told)],
        responses={**_NOT_MODIFIED, **PROBLEMS},
    )


async def json_only(request: Request) -> None:
    """See that a body is JSON.

    Raises:
        HTTPException: It is something else (415).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, "the body must be JSON: Content-Type: application/json")


def checkpoint_document(checkpoint: SignedCheckpoint) -> dict[str, Any]:
    """A checkpoint as a JSON object."""
    return {"size": checkpoint.size, "root": checkpoint.root, "note": checkpoint.note}
