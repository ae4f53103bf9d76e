"""Who may see the page: sessions behind a cookie, or the host's own authentication.

A browser sends its cookies wherever a form of another site tells it to. So the cookie is for this
site alone (``SameSite=Strict``, ``HttpOnly``), every form carries a token of its session, and a
request that changes something has to come from a page of this origin, as the browser says itself
(``Sec-Fetch-Site``, ``Origin``).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import attrs
from starlette.requests import Request
from starlette.responses import Response

from biotrail.errors import ForbiddenError, UnauthorizedError
from biotrail.query.asynchronous import in_thread
from biotrail.web.access import Access
from biotrail.web.page.forms import Fields, check_origin
from biotrail.web.page.sessions import Session, Sessions
from biotrail.web.state import Authenticate

if TYPE_CHECKING:
    from biotrail.web.tokens import TokenBook

__all__ = ["Door", "Visitor"]

_COOKIE = "biotrail-session"
_PURPOSE = "biotrail-purpose"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@attrs.frozen
class Visitor:
    """Who looks at a page.

    Attributes:
        access: What they may see.
        form_token: What forms carry for them.
        purpose: What they read for; None where they have several and chose none yet.
        ends: When their session is over; None where the host authenticates.
    """

    access: Access
    form_token: str = attrs.field(repr=False)
    purpose: str | None = None
    ends: datetime | None = None


class Door:
    """Lets visitors in, and knows them again."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        tokens: TokenBook | None,
        authenticate: Authenticate | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Let in whom the tokens know, or the host.

        Args:
            sessions: Who is logged in.
            tokens: The tokens; None where the host authenticates by itself.
            authenticate: The host's own authentication; asked first.
            clock: What time it is, aware.
        """
        self._sessions = sessions
        self._tokens = tokens
        self._authenticate = authenticate
        self.clock = clock

    @property
    def has_login(self) -> bool:
        """Whether a visitor logs in with a token."""
        return self._tokens is not None

    async def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None where nobody is known, or their token no longer holds.

        Raises:
            TokenFileError: The tokens cannot be read: nobody is let in.
        """
        if self._authenticate is not None:
            access = await self._authenticate(request)
            if access is not None and (access.expires is None or access.expires > self.clock()):
                form_token = self._sessions.form_token(f"reader {access.reader}")
                return Visitor(access, form_token, _purpose(request, access))
        return await self._of_session(request)

    async def _of_session(self, request: Request) -> Visitor | None:
        if self._tokens is None:
            return None
        name, now = self._name(request), self.clock()
        session = self._sessions.find(name, now)
        if session is None:
            return None
        try:
            access = await in_thread(self._tokens.check, session.access, now)
        except UnauthorizedError:
            self._sessions.end(name)
            return None
        return Visitor(access, session.form_token, _purpose(request, access), session.ends)

    def in_force(self, request: Request, visitor: Visitor) -> Callable[[], None]:
        """What says, as long as a stream lasts, whether its visitor may still see it."""
        name, access = self._name(request), visitor.access

        def check() -> None:
            now = self.clock()
            if visitor.ends is not None and self._sessions.find(name, now) is None:
                raise UnauthorizedError("the session is over")
            if access.expires is not None and access.expires <= now:
                raise UnauthorizedError("the token is no longer valid")
            if visitor.ends is not None and self._tokens is not None:
                self._tokens.check(access, now)

        return check

    async def log_in(self, request: Request, token: str) -> Callable[[Response], None]:
        """Begin a session, and end the one that the browser came with.

        Returns:
            What sets the cookie on a response.

        Raises:
            UnauthorizedError: The token is not known, or no longer valid.
            TokenFileError: The tokens cannot be read.
        """
        if self._tokens is None:
            raise UnauthorizedError("this application is logged in to by its host")
        now = self.clock()
        access = await in_thread(self._tokens.authenticate, token.strip(), now)
        self._sessions.end(self._name(request))
        value, session = self._sessions.begin(access, now)
        return lambda response: self._set(request, response, value, session, now)

    def log_out(self, request: Request, response: Response) -> None:
        """End the session, and drop the cookies."""
        self._sessions.end(self._name(request))
        for name in (_cookie(request), _PURPOSE):
            response.delete_cookie(
                name, path="/", secure=_is_secure(request), httponly=True, samesite="strict"
            )

    def choose(self, request: Request, response: Response, purpose: str) -> None:
        """Remember what a visitor reads for."""
        response.set_cookie(
            _PURPOSE,
            purpose,
            path="/",
            secure=_is_secure(request),
            httponly=True,
            samesite="strict",
        )

    def check_form(self, request: Request, visitor: Visitor, fields: Fields) -> None:
        """See that a form came from a page of ours, that was shown to this visitor.

        Raises:
            ForbiddenError: It did not.
        """
        check_origin(request)
        given = fields.get("form_token", [""])[-1]
        if not hmac.compare_digest(given.encode(), visitor.form_token.encode()):
            raise ForbiddenError("this form is not of your session: load the page again")

    def _name(self, request: Request) -> str | None:
        return request.cookies.get(_cookie(request))

    def _set(
        self, request: Request, response: Response, value: str, session: Session, now: datetime
    ) -> None:
        response.set_cookie(
            _cookie(request),
            value,
            max_age=max(int((session.ends - now).total_seconds()), 0),
            path="/",
            secure=_is_secure(request),
            httponly=True,
            samesite="strict",
        )


def _purpose(request: Request, access: Access) -> str | None:
    """What a visitor reads for: the only purpose, or the one that they chose."""
    if len(access.purposes) == 1:
        return access.purposes[0]
    chosen = request.cookies.get(_PURPOSE)
    return chosen if chosen in access.purposes else None


def _is_secure(request: Request) -> bool:
    """Whether the cookie is for encrypted connections alone: all but those of one machine."""
    return request.url.scheme == "https" or request.url.hostname not in _LOOPBACK


def _cookie(request: Request) -> str:
    # The prefix binds it to this very host, so that no other of the same domain can set it.
    return f"__Host-{_COOKIE}" if _is_secure(request) else _COOKIE
