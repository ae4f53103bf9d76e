"""The application: the API over a log, and the auditor's page, to be mounted or served."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import FastAPI

from biotrail.audit import AuditLogger
from biotrail.errors import EventError
from biotrail.web.document import add_document
from biotrail.web.exporting import Exports
from biotrail.web.headers import Guard
from biotrail.web.limiting import Rates
from biotrail.web.page import page_router
from biotrail.web.problems import add_problems
from biotrail.web.reading import RecordedReader
from biotrail.web.routes.checkpoints import log_router
from biotrail.web.routes.counting import counting_router
from biotrail.web.routes.export import export_router
from biotrail.web.routes.records import records_router
from biotrail.web.routes.tail import tail_router
from biotrail.web.routes.tokens import tokens_router
from biotrail.web.settings import WebSettings
from biotrail.web.state import Authenticate, WebState
from biotrail.web.tailing import Tails

if TYPE_CHECKING:
    from biotrail.web.tokens import TokenBook

__all__ = ["create_app"]


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    log: AuditLogger,
    *,
    tokens: TokenBook | None = None,
    authenticate: Authenticate | None = None,
    settings: WebSettings | None = None,
    trusted: Sequence[str] = (),
    kept: Sequence[str] = (),
    clock: Callable[[], datetime] = _now,
    ticking: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """Make an application over an open log.

    Serve it with `biotrail.web.serve`, or mount it: ``host.mount("/audit", create_app(log, ...))``.
    It writes to the log, since every read is recorded there before its answer leaves.

    Args:
        log: The log, open for recording; with its vault, if it has one. Not closed with this.
        tokens: The tokens by which readers are known.
        authenticate: Says by the host's own means who makes a request; asked before the tokens. It
            returns None for whom it does not know. (Where it goes by cookies, guard against
            forged requests: what is asked by POST changes nothing but is recorded.)
        settings: The limits.
        trusted: Verifier keys of the log, as text, against which the auditor's page verifies it;
            none for the key that the log itself begins with.
        kept: Signed checkpoints that were kept elsewhere: the page verifies that the log continues
            them.
        clock: Returns the present time, aware.
        ticking: Returns seconds that never go back, by which requests are counted.

    Raises:
        EventError: Neither tokens nor an authentication were given: nobody could be let in.
    """
    if tokens is None and authenticate is None:
        raise EventError("tokens", None, "give a TokenBook, or authenticate, or both")
    settings = WebSettings() if settings is None else settings
    app = FastAPI(
        title=settings.title,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    reader = RecordedReader(log, settings)
    state = app.state.biotrail = WebState(
        reader=reader,
        settings=settings,
        clock=clock,
        tokens=tokens,
        authenticate=authenticate,
        readers=Rates(
            per_minute=settings.requests_per_minute,
            most_known=settings.most_known,
            clock=ticking,
            who="reader",
        ),
        addresses=Rates(
            per_minute=settings.requests_per_minute_and_address,
            most_known=settings.most_known,
            clock=ticking,
            who="address",
        ),
        tails=Tails(reader),
        exports=Exports(reader),
    )
    app.add_middleware(
        Guard, body_bytes=settings.body_bytes, body_seconds=float(settings.body_seconds)
    )
    add_problems(app)
    for made in (
        log_router,
        records_router,
        counting_router,
        tail_router,
        export_router,
        tokens_router,
    ):
        app.include_router(made())
    app.include_router(page_router(state, trusted=trusted, kept=kept))
    add_document(app)
    return app
