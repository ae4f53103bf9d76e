"""Routes of tokens: made, listed and revoked over HTTP by who has the scope for it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from biotrail.errors import NoSuchRecordError
from biotrail.query.asynchronous import in_thread
from biotrail.web.access import Scope
from biotrail.web.answers import route_of
from biotrail.web.asked import Asked
from biotrail.web.gate import Reader
from biotrail.web.issuing import RecordedTokens
from biotrail.web.questions import PURPOSE_HEADER
from biotrail.web.routes._common import PROBLEMS, json_only, problem_answers
from biotrail.web.shapes import encoded
from biotrail.web.state import WebState, state_of

__all__ = ["tokens_router"]

_Scope = Literal["admin", "export", "read", "report", "reveal"]
_Word = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
_Words = Annotated[list[_Word], Field(min_length=1, max_length=16)]
_Scopes = Annotated[list[_Scope], Field(min_length=1, max_length=5)]
_Name = Annotated[str | None, Field(min_length=1, max_length=256)]
_Tenant = Annotated[str | None, Field(min_length=1, max_length=128)]
_Time = AwareDatetime | None


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    scopes: _Scopes = Field(description="What its bearer may do.")
    purposes: _Words = Field(description="What its bearer may read for; of its maker's.")
    expires: AwareDatetime = Field(description="When it expires; no later than its maker's.")
    name: _Name = Field(None, description="A name for its bearer; recorded as personal.")
    tenant: _Tenant = Field(None, description="The tenant that it is held to; its maker's if none.")
    since: _Time = Field(None, description="It sees what was recorded then or later.")
    until: _Time = Field(None, description="It sees what was recorded before.")


class TokenModel(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(extra="forbid", title="Token")

    id: UUID = Field(description="Reads are recorded under it.")
    name: str | None
    scopes: list[_Scope]
    purposes: list[str]
    tenant: str | None
    since: AwareDatetime | None
    until: AwareDatetime | None
    created: AwareDatetime
    expires: AwareDatetime
    revoked: AwareDatetime | None
    state: Literal["valid", "expired", "revoked"]


class MadeTokenModel(TokenModel):
    """A token that was just made."""

    model_config = ConfigDict(extra="forbid", title="MadeToken")

    token: str = Field(description="Its text: shown now and never again.")


class TokensModel(BaseModel):
    """Tokens."""

    model_config = ConfigDict(extra="forbid", title="Tokens")

    tokens: list[TokenModel]


def tokens_router() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["tokens"], responses=PROBLEMS)
    unknown = problem_answers(404)
    router.get("/tokens", response_model=TokensModel, name="tokens", responses=unknown)(_tokens)
    router.post(
        "/tokens",
        response_model=MadeTokenModel,
        status_code=201,
        name="make_token",
        dependencies=[Depends(json_only)],
        responses=problem_answers(404, 413, 415),
    )(_create)
    router.delete(
        "/tokens/{token}", response_model=TokenModel, name="revoke_token", responses=unknown
    )(_revoke)
    return router


async def _tokens(
    request: Request,
    access: Reader,
    purpose: Annotated[str | None, Header(alias=PURPOSE_HEADER)] = None,
) -> Response:
    """The tokens that the reader may revoke; secrets are not known here."""
    access.require(Scope.ADMIN)
    state = state_of(request)
    found = await in_thread(_issuer(state).tokens, access)
    admitted = await state.reader.admit(access, Asked(purpose=purpose), scope=Scope.ADMIN)
    await state.reader.record(access, admitted, route=route_of(request), rows=0)
    return _json({"tokens": [_document(one, state) for one in found]})


async def _create(request: Request, access: Reader, token: TokenRequest) -> Response:
    """Make a token; it gives no more of the log than its maker's own.

    The log records it first. Its text is in the answer, and nowhere else.
    """
    access.require(Scope.ADMIN)
    state = state_of(request)
    create = partial(_issuer(state).create, by=access, **dict(token))
    text, made = await in_thread(create)
    place = f"{request.url.path}/{made.id}"
    return _json({"token": text, **_document(made, state)}, 201, {"location": place})


async def _revoke(request: Request, access: Reader, token: UUID) -> Response:
    """Revoke a token: it is refused from the next request on. The log records it."""
    access.require(Scope.ADMIN)
    state = state_of(request)
    revoked = await in_thread(partial(_issuer(state).revoke, token, by=access))
    return _json(_document(revoked, state))


def _issuer(state: WebState) -> RecordedTokens:
    if state.tokens is None:
        raise NoSuchRecordError("readers are known by the host's own means here, not by tokens")
    return RecordedTokens(state.tokens, state.reader.log)


def _document(token: Any, state: WebState) -> dict[str, Any]:
    return {**token.document(), "state": token.state(state.clock())}


def _json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(encoded(document), status, kept, "application/json")
