"""What the routes of an application share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import attrs
from starlette.requests import HTTPConnection, Request

from biotrail.web.access import Access
from biotrail.web.exporting import Exports
from biotrail.web.limiting import Rates
from biotrail.web.reading import RecordedReader
from biotrail.web.settings import WebSettings
from biotrail.web.tailing import Tails

if TYPE_CHECKING:
    from biotrail.web.tokens import TokenBook

__all__ = ["Authenticate", "WebState", "state_of"]

Authenticate: TypeAlias = Callable[[Request], Awaitable[Access | None]]
"""Says who makes a request, or None where it is nobody that is known."""


@attrs.frozen(eq=False)
class WebState:
    """What the routes of an application share.

    Attributes:
        reader: The one door to the log.
        settings: The limits.
        clock: Returns the present time, aware.
        tokens: The tokens that readers have, if there are any.
        authenticate: Says by the host's own means who makes a request, if there is such a thing.
        readers: Counts the requests of readers.
        addresses: Counts the requests of addresses.
        tails: All who follow the log.
        exports: All exports that are under way.
    """

    reader: RecordedReader
    settings: WebSettings
    clock: Callable[[], datetime]
    tokens: TokenBook | None
    authenticate: Authenticate | None
    readers: Rates
    addresses: Rates
    tails: Tails
    exports: Exports


def state_of(connection: HTTPConnection) -> WebState:
    """What was handed to the application that answers this request."""
    state: WebState = connection.app.state.biotrail
    return state
