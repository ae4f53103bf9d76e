"""The first page: whether the log holds, with when and against what, and how it stands."""

from __future__ import annotations

import attrs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from biotrail.errors import SignatureError
from biotrail.signing import parse_note
from biotrail.web.access import Scope
from biotrail.web.asked import Asked
from biotrail.web.page.desk import Desk, root_of
from biotrail.web.page.door import Visitor
from biotrail.web.page.forms import read_form

__all__ = ["status_page", "verify_now"]

_CHECKPOINTS = 8


@attrs.frozen
class SignatureLine:
    """One signature line of a checkpoint: of a key of the log, or of a witness."""

    name: str
    key_id: str
    own: bool


async def status_page(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """The first page."""
    reader, access = desk.state.reader, visitor.access
    asked = Asked(purpose=visitor.purpose, limit=_CHECKPOINTS)
    status = await reader.status(access, asked, route="/")
    checkpoints, keys = None, None
    if access.may(Scope.READ):
        checkpoints = await reader.checkpoints(access, asked, route="/")
        keys = await reader.keys(access, asked, route="/")
    if desk.integrity.is_due():
        desk.integrity.begin()
    lines = _lines(status.checkpoint.note, status.origin)
    verdict = desk.integrity.verdict
    found = None if verdict is None else verdict.verification
    return desk.show(
        request,
        "status.html",
        "Status",
        visitor=visitor,
        here="/",
        verdict=verdict,  # the one that `since` is counted from: another may be there by now
        status_=status,
        signatures=lines,
        witnessed=any(not one.own for one in lines),
        checkpoints=checkpoints,
        keys=keys,
        since=0 if found is None else max(status.checkpoint.size - found.size, 0),
        has_given_keys=desk.integrity.has_given_keys,
    )


def _lines(note: str, origin: str) -> tuple[SignatureLine, ...]:
    try:
        signatures = parse_note(note).signatures
    except SignatureError:
        return ()
    return tuple(
        SignatureLine(one.name, one.key_id.hex(), one.name == origin) for one in signatures
    )


async def verify_now(desk: Desk, request: Request, visitor: Visitor) -> Response:
    """Begin a verification, and show the first page again."""
    visitor.access.require(Scope.READ)
    desk.door.check_form(request, visitor, await read_form(request, desk.state.settings.body_bytes))
    desk.integrity.begin()
    return RedirectResponse(f"{root_of(request)}/", 303)
