"""Logging in and out, what one reads for, and the page's files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from biotrail.errors import BiotrailError, UnauthorizedError
from biotrail.web.gate import address_of
from biotrail.web.page.desk import Desk, root_of
from biotrail.web.page.door import Visitor
from biotrail.web.page.forms import check_origin, local_path, read_form

__all__ = ["choose_purpose", "log_in", "log_in_form", "log_out", "page_files", "purpose_form"]

_STATIC = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def _back(request: Request, given: str) -> str:
    return f"{root_of(request)}{local_path(given, '/')}"


def log_in_form(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """The page on which a token is given."""

    async def endpoint(request: Request) -> Response:
        try:
            desk.state.addresses.take(address_of(request))
            return _form(desk, request, request.query_params.get("next", "/"))
        except BiotrailError as error:
            return desk.problem(request, error, None)

    return endpoint


def _form(
    desk: Desk, request: Request, back: str, *, message: str = "", status: int = 200
) -> Response:
    hours = desk.state.settings.session_minutes / 60
    return desk.show(
        request,
        "login.html",
        "Log in",
        status=status,
        message=message,
        next=local_path(back, "/"),
        hours=f"{hours:g}",
    )


def log_in(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """Take a token, and begin a session."""

    async def endpoint(request: Request) -> Response:
        try:
            desk.state.addresses.take(address_of(request))
            fields = await read_form(request, desk.state.settings.body_bytes)
            check_origin(request)
        except BiotrailError as error:
            return desk.problem(request, error, None)
        back = fields.get("next", ["/"])[-1]
        try:
            set_cookie = await desk.door.log_in(request, fields.get("token", [""])[-1])
        except UnauthorizedError:
            message = "This token is not known, or no longer valid."
            return _form(desk, request, back, message=message, status=401)
        except BiotrailError as error:
            return desk.problem(request, error, None)
        response = RedirectResponse(_back(request, back), 303)
        set_cookie(response)
        return response

    return endpoint


async def log_out(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """End the session."""
    fields = await read_form(request, desk.state.settings.body_bytes)
    desk.door.check_form(request, visitor, fields)
    response = RedirectResponse(f"{root_of(request)}/login", 303)
    desk.door.log_out(request, response)
    response.headers["clear-site-data"] = '"cache"'
    return response


async def purpose_form(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The page on which a visitor says what they read for."""
    return desk.ask_purpose(request, visitor, "/")


async def choose_purpose(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """Remember what a visitor reads for."""
    fields = await read_form(request, desk.state.settings.body_bytes)
    desk.door.check_form(request, visitor, fields)
    purpose = visitor.access.purpose(fields.get("purpose", [""])[-1])
    response = RedirectResponse(_back(request, fields.get("next", ["/"])[-1]), 303)
    desk.door.choose(request, response, purpose)
    return response


def page_files() -> Callable[[Request], Awaitable[Response]]:
    """Style, program and icon: read once, and found by their names alone."""
    files = {one.name: one.read_bytes() for one in _STATIC.iterdir() if one.suffix in _TYPES}
    tags = {name: f'"{sha256(data).hexdigest()[:32]}"' for name, data in files.items()}

    async def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            return Response(status_code=404)
        headers = {"cache-control": "no-cache", "etag": tags[name]}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(files[name], 200, headers, _TYPES[Path(name).suffix])

    return endpoint
