"""The auditor's page: server-rendered, over the same recorded reads as the API.

Who may look is in `door`, `sessions` and `forms`, what is asked in `questions`; the rest is a
module for each page, its template, and in ``static`` the style and the small programs of the
browser.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta

from fastapi import APIRouter

from biotrail.web.page.desk import Desk
from biotrail.web.page.door import Door
from biotrail.web.page.drawing import scores_page, timeline_page
from biotrail.web.page.entering import (
    choose_purpose,
    log_in,
    log_in_form,
    log_out,
    page_files,
    purpose_form,
)
from biotrail.web.page.following import live_page, live_stream
from biotrail.web.page.integrity import Integrity
from biotrail.web.page.reading_one import entry_bytes, proof_file, record_page
from biotrail.web.page.searching import search_page
from biotrail.web.page.sessions import Sessions
from biotrail.web.page.status import status_page, verify_now
from biotrail.web.state import WebState

__all__ = ["page_router"]

_FOR_VISITORS = (
    ("/", ("GET",), status_page),
    ("/verify", ("POST",), verify_now),
    ("/search", ("GET", "POST"), search_page),
    ("/timeline", ("GET", "POST"), timeline_page),
    ("/scores", ("GET", "POST"), scores_page),
    ("/live", ("GET",), live_page),
    ("/live/stream", ("GET",), live_stream),
    ("/records/{index}", ("GET", "POST"), record_page),
    ("/records/{index}/proof", ("GET",), proof_file),
    ("/records/{index}/entry", ("GET",), entry_bytes),
    ("/purpose", ("GET",), purpose_form),
    ("/purpose", ("POST",), choose_purpose),
    ("/logout", ("POST",), log_out),
)


def page_router(
    state: WebState,
    *,
    trusted: Sequence[str] = (),
    kept: Sequence[str] = (),
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> APIRouter:
    """The routes of the auditor's page.

    Args:
        state: What all routes of the application share.
        trusted: Verifier keys of the log that were given beforehand, to verify it against.
        kept: Signed checkpoints of the log that were kept elsewhere: it has to continue them.
        draw: Returns as many random bytes as it is asked for.
    """
    settings = state.settings
    sessions = Sessions(
        most=settings.most_sessions,
        length=timedelta(minutes=settings.session_minutes),
        draw=draw,
    )
    door = Door(sessions, tokens=state.tokens, authenticate=state.authenticate, clock=state.clock)
    integrity = Integrity(state.reader.log, trusted=trusted, kept=kept, clock=state.clock)
    desk = Desk(state, door, integrity)
    router = APIRouter(include_in_schema=False)
    for path, methods, handler in _FOR_VISITORS:
        router.add_route(
            path, desk.guarded(handler), methods=list(methods), include_in_schema=False
        )
    if door.has_login:
        router.add_route("/login", log_in_form(desk), methods=["GET"], include_in_schema=False)
        router.add_route("/login", log_in(desk), methods=["POST"], include_in_schema=False)
    router.add_route("/static/{name}", page_files(), methods=["GET"], include_in_schema=False)
    return router
