"""Every error as RFC 9457 says it: ``application/problem+json``, without a trace of the program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from biotrail.errors import (
    BiotrailError,
    ClosedError,
    ErasedError,
    EventError,
    ForbiddenError,
    KeyProviderError,
    NoSuchFieldError,
    NoSuchRecordError,
    NotRecordedError,
    QueryError,
    QuerySyntaxError,
    SealedError,
    SignatureError,
    StoreError,
    TooManyRequestsError,
    UnauthorizedError,
    VerificationError,
)
from biotrail.web.shapes import encoded

__all__ = ["PROBLEM", "add_problems", "problem", "problem_of"]

PROBLEM = "application/problem+json"
_CHALLENGE = 'Bearer realm="biotrail"'
_MOST_FAULTS = 16
_LONGEST = 1_024
# The first that fits counts: what derives from another stands before it.
_KINDS: tuple[tuple[type[BiotrailError], int, str], ...] = (
    (QuerySyntaxError, 400, "The condition cannot be read"),
    (QueryError, 400, "This cannot be asked so"),
    (EventError, 400, "A value is not as it must be"),
    (UnauthorizedError, 401, "Who asks is not known"),
    (ForbiddenError, 403, "This reader may not do that"),
    (NoSuchRecordError, 404, "There is no such record"),
    (NoSuchFieldError, 404, "There is no such field"),
    (ErasedError, 410, "It was erased"),
    (SealedError, 409, "It is sealed"),
    (TooManyRequestsError, 429, "Too many requests"),
    (NotRecordedError, 503, "The read could not be recorded, so nothing is shown"),
    (KeyProviderError, 503, "The keys of personal data are out of reach"),
    (ClosedError, 503, "The log is closed"),
    (StoreError, 503, "The log cannot be read at the moment"),
    (VerificationError, 500, "The log does not check out here"),
    (SignatureError, 500, "The log does not check out here"),
)
_SAYS_NOTHING = frozenset({503})
_WITHHELD = "what went wrong is told to whoever runs this application"


def problem(
    status: int,
    title: str,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """An answer that says what is wrong.

    Args:
        status: HTTP status.
        title: What kind of problem it is; the same for each of its kind.
        detail: What it is this time, and what to do.
        headers: Further headers.
        **members: What else the document says.
    """
    document = {"type": "about:blank", "title": title, "status": status}
    if detail is not None:
        document["detail"] = detail[:_LONGEST]
    return Response(encoded({**document, **members}), status, headers, PROBLEM)


def problem_of(error: BiotrailError) -> Response:
    """An error of the library as an answer."""
    found = next((one for one in _KINDS if isinstance(error, one[0])), None)
    if found is None:
        return problem(500, "Something went wrong", _WITHHELD)
    _, status, title = found
    # Errors of stores and keys may tell of files and hosts.
    detail = _WITHHELD if status in _SAYS_NOTHING else str(error)
    return problem(status, title, detail, headers=_headers(error), **_members(error))


def add_problems(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""

    def of_library(_: Request, error: Exception) -> Response:
        assert isinstance(error, BiotrailError)
        return problem_of(error)

    def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title = HTTPStatus(error.status_code).phrase
        detail = None if error.detail == title else str(error.detail)
        return problem(error.status_code, title, detail, headers=error.headers)

    def of_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refused(error.errors())

    app.add_exception_handler(BiotrailError, of_library)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_request)


def refused(faults: Any) -> Response:
    """The answer to a request that is not in its form; what was sent is not repeated."""
    told = [
        {"where": ".".join(str(one) for one in fault["loc"])[:_LONGEST], "what": fault["msg"]}
        for fault in list(faults)[:_MOST_FAULTS]
    ]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in told)
    return problem(400, "The request is not in its form", detail, faults=told)


def _headers(error: BiotrailError) -> dict[str, str] | None:
    if isinstance(error, UnauthorizedError):
        return {"www-authenticate": _CHALLENGE}
    if isinstance(error, TooManyRequestsError):
        return {"retry-after": str(max(1, math.ceil(error.retry_after)))}
    return None


def _members(error: BiotrailError) -> dict[str, Any]:
    if isinstance(error, QuerySyntaxError):
        return {"position": error.position, "hint": error.hint}
    if isinstance(error, VerificationError):
        return {"verdict": error.kind, "index": error.index}
    return {}
