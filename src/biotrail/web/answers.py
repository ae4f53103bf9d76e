"""Answers: bytes that were rendered before the read was recorded, and their ETags."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from biotrail.web.shapes import encoded

__all__ = ["Answer", "Rendered", "json_answer", "route_of"]

_Value = TypeVar("_Value")
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_LONGEST = 2_048
_JSON = "application/json"


class Rendered(NamedTuple):
    """The bytes of an answer.

    Attributes:
        body: All of them.
        essence: What the ETag is made of, where that is not all: the ETag is weak then. (Each read
            makes the log grow, so that a newer checkpoint proves the same records.)
    """

    body: bytes
    essence: bytes | None = None


class Answer(Generic[_Value]):
    """Renders what was found, and knows whether the reader has it already.

    `known` is what `RecordedReader` asks before it records the read; `response` comes after.
    """

    def __init__(
        self,
        request: Request,
        render: Callable[[_Value], Rendered],
        *,
        media_type: str = _JSON,
        private: bool = False,
        filename: str | None = None,
    ) -> None:
        """Answer a request.

        Args:
            request: The request.
            render: Returns the bytes of the answer.
            media_type: Their media type.
            private: Whether it may show personal fields, so that nobody may keep it.
            filename: What a browser may call it when it keeps it.
        """
        self._render = render
        self._media_type = media_type
        self._private = private
        self._filename = filename
        self._held = _held(request)
        self._body = b""
        self._tag, self._weak = "", ""

    def known(self, value: _Value) -> bool:
        """Whether the reader has this already, by the ETags that it sent."""
        self._body, essence = self._render(value)
        self._weak = "" if essence is None else "W/"
        self._tag = sha256(self._body if essence is None else essence).hexdigest()[:32]
        return self._is_held

    def response(self) -> Response:
        """The answer; 304 without a body where the reader has it."""
        tag = f'{self._weak}"{self._tag}"'
        keeping = "no-store" if self._private else "private, no-cache"
        headers = {"etag": tag, "cache-control": keeping}
        if self._is_held:
            return Response(None, 304, headers)
        if self._filename is not None:
            headers["content-disposition"] = f'attachment; filename="{self._filename}"'
        return Response(self._body, 200, headers, self._media_type)

    @property
    def _is_held(self) -> bool:
        return self._held is None or self._tag in self._held


def json_answer(
    request: Request, shape: Callable[[_Value], object], *, private: bool = False
) -> Answer[_Value]:
    """An answer in JSON.

    Args:
        request: The request.
        shape: Returns the document of what was found.
        private: See `Answer`.
    """
    return Answer(request, lambda value: Rendered(encoded(shape(value))), private=private)


def route_of(request: Request) -> str:
    """Method and template of the route that answers, as a read is recorded under it."""
    return f"{request.method} {request.scope['route'].path}"


def _held(request: Request) -> frozenset[str] | None:
    """The tags of the answers that the reader has; None where it takes any for the present one."""
    if request.method != "GET":
        return frozenset()
    text = ", ".join(request.headers.getlist("if-none-match"))[:_LONGEST]
    if text.strip() == "*":
        return None
    return frozenset(_TAG.findall(text))
