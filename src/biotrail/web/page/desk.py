"""What the page's routes share: templates, who asks, and how errors are told to people."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import attrs
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from biotrail.errors import BiotrailError, QuerySyntaxError
from biotrail.web.access import Scope
from biotrail.web.gate import address_of
from biotrail.web.page.door import Door, Visitor
from biotrail.web.page.integrity import Integrity
from biotrail.web.page.words import moment, visible
from biotrail.web.problems import problem_of
from biotrail.web.state import WebState

__all__ = ["Desk", "Handler", "marked", "root_of", "sentence"]

_FOLDER = Path(__file__).parent
_PAGES = (
    ("/", "Status"),
    ("/live", "Live"),
    ("/search", "Search"),
    ("/timeline", "Timeline"),
    ("/scores", "Scores"),
)
_OF_REPORTS = ("/", "/timeline")
# Forms tell where they come from: with "no-referrer" browsers would not say it.
_HEADERS = {"referrer-policy": "same-origin", "vary": "Cookie"}


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "clock": lambda value: f"{moment(value)[:-4]} UTC",
        "count": lambda value: "-" if value is None else f"{value:,}",
        "length_of": lambda value: f"{value:.2f}",
        "moment": moment,
        "visible": lambda value: visible(str(value)),
    }
    return made


@attrs.frozen(eq=False)
class Desk:
    """What the page's routes share.

    Attributes:
        state: What all routes of the application share.
        door: Who may see the page.
        integrity: Whether the log holds.
    """

    state: WebState
    door: Door
    integrity: Integrity
    _templates: Environment = attrs.field(factory=_environment, init=False)

    @property
    def now(self) -> datetime:
        """The present time."""
        return self.state.clock()

    def show(
        self,
        request: Request,
        template: str,
        heading: str,
        *,
        visitor: Visitor | None = None,
        here: str = "",
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A page from its template.

        Args:
            request: What is answered.
            template: Name of the template.
            heading: The page's name.
            visitor: Who looks at it; None on the page where they log in.
            here: Path of the page, where the navigation has it.
            status: HTTP status.
            **values: What the template shows.
        """
        shown = {
            "carried": "",
            "has_login": self.door.has_login,
            "heading": heading,
            "here": here,
            "marked": None,
            "origin": self.state.reader.log.origin if visitor else "",
            "pages": _pages_for(visitor),
            "problem": None,
            "root": root_of(request),
            "running_since": self.integrity.running_since,
            "title": self.state.settings.title,
            "verdict": self.integrity.verdict,
            "visitor": visitor,
        }
        text = self._templates.get_template(template).render(shown | values)
        # What was recorded before may hold anything that Unicode can write.
        return HTMLResponse(text.encode("utf-8", "replace"), status, _HEADERS)

    def problem(self, request: Request, error: BiotrailError, visitor: Visitor | None) -> Response:
        """A page that says what is wrong."""
        told = problem_of(error)
        document = json.loads(bytes(told.body))
        response = self.show(
            request,
            "problem.html",
            document["title"],
            visitor=visitor,
            status=told.status_code,
            message=sentence(document.get("detail", document["title"])),
            marked=marked(error),
        )
        if "retry-after" in told.headers:
            response.headers["retry-after"] = told.headers["retry-after"]
        return response

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A route that is for visitors alone."""

        async def endpoint(request: Request) -> Response:
            visitor: Visitor | None = None
            try:
                self.state.addresses.take(address_of(request))
                visitor = await self.door.visitor(request)
                if visitor is None:
                    return self._to_log_in(request)
                self.state.readers.take(visitor.access.reader)
                if visitor.purpose is None and not _has_no_purpose(request):
                    return self.ask_purpose(request, visitor, _path_of(request))
                return await handler(self, request, visitor)
            except BiotrailError as error:
                return self.problem(request, error, visitor)

        return endpoint

    def ask_purpose(self, request: Request, visitor: Visitor, back: str) -> Response:
        """The page on which a visitor says what they read for."""
        return self.show(request, "purpose.html", "Purpose", visitor=visitor, next=back)

    def _to_log_in(self, request: Request) -> Response:
        if not self.door.has_login:
            title = HTTPStatus.UNAUTHORIZED.phrase
            message = "Log in to the application that this page is part of."
            return self.show(request, "problem.html", title, status=401, message=message)
        back = "" if request.method != "GET" else f"?next={quote(_path_of(request), safe='/')}"
        return RedirectResponse(f"{root_of(request)}/login{back}", 303, _HEADERS)


Handler: TypeAlias = Callable[[Desk, Request, Visitor], Awaitable[Response]]


def _pages_for(visitor: Visitor | None) -> tuple[tuple[str, str], ...]:
    if visitor is None:
        return ()
    reads = visitor.access.may(Scope.READ)
    return tuple(one for one in _PAGES if reads or one[0] in _OF_REPORTS)


def _has_no_purpose(request: Request) -> bool:
    path: str = request.scope["path"]
    return path.endswith(("/purpose", "/logout"))


def _path_of(request: Request) -> str:
    """The path that was asked for, with its question, within the application."""
    path = request.url.path.removeprefix(root_of(request)) or "/"
    return f"{path}?{request.url.query}" if request.url.query else path


def root_of(request: Request) -> str:
    """Where the application is mounted."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


def sentence(text: str) -> str:
    """A message as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def marked(error: BaseException) -> str | None:
    """The line of a condition that cannot be read, with a caret below the place."""
    return error.marked() if isinstance(error, QuerySyntaxError) else None
