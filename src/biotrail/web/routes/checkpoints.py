"""Routes of the log as a whole: what it is now, its checkpoints, and its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from biotrail.canonical import format_time
from biotrail.errors import QueryError
from biotrail.signing import SignedCheckpoint
from biotrail.trust import Admission
from biotrail.web.answers import Answer, Rendered, json_answer, route_of
from biotrail.web.gate import Reader
from biotrail.web.models import CheckpointsModel, KeysModel, StatusModel
from biotrail.web.questions import CheckpointsQuestion, asked_by
from biotrail.web.routes._common import (
    checkpoint_document,
    file_answers,
    problem_answers,
    reading_router,
)
from biotrail.web.state import state_of

__all__ = ["log_router"]

_LARGEST = 2**63 - 1
Size = Annotated[int, Path(ge=1, le=_LARGEST, description="How many entries it is of.")]


def log_router() -> APIRouter:
    """The routes."""
    router = reading_router("log")
    router.get("/status", response_model=StatusModel, name="status")(_status)
    router.get("/checkpoints", response_model=CheckpointsModel, name="checkpoints")(_checkpoints)
    note = file_answers("text/plain", "The signed note (C2SP tlog-checkpoint).", binary=False)
    router.get(
        "/checkpoints/{size}",
        response_class=Response,
        name="checkpoint",
        responses={**note, **problem_answers(404)},
    )(_checkpoint)
    router.get("/keys", response_model=KeysModel, name="keys")(_keys)
    return router


async def _status(request: Request, access: Reader) -> Response:
    """The log's name, its size, and its newest signed checkpoint, verified."""
    state = state_of(request)
    status = await state.reader.status(access, asked_by(request), route=route_of(request))
    answer = json_answer(request, lambda document: document)
    answer.known(
        {
            "origin": status.origin,
            "size": status.checkpoint.size,
            "time": format_time(state.clock()),
            "verifier_key": status.first_key,
            "checkpoint": checkpoint_document(status.checkpoint),
        }
    )
    return answer.response()


async def _checkpoints(
    request: Request, access: Reader, question: Annotated[CheckpointsQuestion, Query()]
) -> Response:
    """Checkpoints that the log keeps, the newest first, each verified."""
    state, asked = state_of(request), asked_by(request, question)
    found = await state.reader.checkpoints(
        access, asked, before=question.before, route=route_of(request)
    )
    answer = json_answer(request, _checkpoints_document)
    answer.known(found)
    return answer.response()


async def _checkpoint(request: Request, access: Reader, size: Size) -> Response:
    """The signed checkpoint of one size, as a note that anybody can verify."""
    answer: Answer[SignedCheckpoint] = Answer(
        request,
        lambda checkpoint: Rendered(checkpoint.note.encode()),
        media_type="text/plain; charset=utf-8",
    )
    reader, route = state_of(request).reader, route_of(request)
    try:
        found = await reader.checkpoint(access, asked_by(request), size, route=route)
    except QueryError as error:
        raise HTTPException(404, str(error)) from error
    answer.known(found)
    return answer.response()


async def _keys(request: Request, access: Reader) -> Response:
    """Every key that the log admitted, in order, as its own entries tell."""
    keys = await state_of(request).reader.keys(access, asked_by(request), route=route_of(request))
    answer = json_answer(request, _keys_document)
    answer.known(keys)
    return answer.response()


def _checkpoints_document(found: Sequence[SignedCheckpoint]) -> dict[str, Any]:
    before = found[-1].size if found and found[-1].size > 1 else None
    return {"checkpoints": [checkpoint_document(one) for one in found], "before": before}


def _keys_document(found: Sequence[Admission]) -> dict[str, Any]:
    keys = [
        {
            "verifier_key": str(one.key),
            "key_id": one.key.key_id,
            "purpose": one.purpose,
            "added": one.added,
            "after": one.after,
            "retired": one.retired,
            "until": one.until,
        }
        for one in found
    ]
    return {"origin": found[0].key.name, "keys": keys}
