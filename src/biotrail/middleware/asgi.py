"""Middleware for ASGI applications: Starlette, FastAPI, and whatever else speaks ASGI 3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from biotrail.audit import Attempt
from biotrail.middleware._asgi_body import read_body
from biotrail.middleware._asgi_held import HeldAnswer, send_problem
from biotrail.middleware._asgi_marked import Marked, marked_login, marked_routes
from biotrail.middleware.answers import Problem, Refused
from biotrail.middleware.capture import ContextCapture
from biotrail.middleware.guard import Guard, Limits, LogSource
from biotrail.middleware.logins import Login

__all__ = ["LoginMiddleware"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_UNHELD = ("http.response.", "websocket.")
"""Ways around plain answers (files sent by the server, early hints); not offered to a login."""


class LoginMiddleware:
    """Records every request to a login, and lets its answer leave only when that is durable.

    The handler finds its `biotrail.Attempt` as ``request.state.attempt`` and decides on it. Other
    requests pass untouched.

    Add it before (so inside) a middleware that keeps sessions: what a handler that was not heard
    wrote into ``request.session`` is then taken back.
    """

    def __init__(
        self,
        app: Application,
        log: LogSource,
        *,
        login: Login | None = None,
        logins: Iterable[Login] = (),
        capture: ContextCapture | None = None,
        limits: Limits | None = None,
        refuse_undecided: bool = True,
        retry_after: int = 5,
    ) -> None:
        """Wrap an application.

        Args:
            app: The application.
            log: See `Guard`. One that is opened here is closed when the application shuts down.
            login: What every request is an attempt at; for the middleware of a single route.
            logins: Logins that are known by their path; see `Guard`. Views of Starlette and
                FastAPI that are marked by `biotrail.middleware.login` are found by themselves,
                below mounts too, unless what is mounted has this middleware itself.
            capture: See `Guard`.
            limits: See `Guard`.
            refuse_undecided: See `Guard`.
            retry_after: See `Guard`.

        Raises:
            MiddlewareError: A setting is not as it must be.
            MissingDependencyError: A package for the capture is not installed.
        """
        self._app = app
        self._login = login
        self._marked: tuple[int, Marked] = (-1, [])
        self._guard = Guard(
            log,
            logins=logins,
            capture=capture,
            limits=limits,
            refuse_undecided=refuse_undecided,
            retry_after=retry_after,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                self._guard.close()
            return
        login = self._login_for(scope) if scope["type"] == "http" else None
        if login is None:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        attempt = self._guard.begin(login, scope["headers"], client[0] if client else None)
        if isinstance(attempt, Problem):
            await send_problem(send, attempt)
        else:
            await self._serve(attempt, scope, receive, send)

    async def _serve(self, attempt: Attempt, scope: Scope, receive: Receive, send: Send) -> None:
        held = HeldAnswer(self._guard, attempt, scope, receive, send)
        try:
            body = await self._body(scope, receive)
            if isinstance(body, Refused):
                await held.refuse(body)
                return
            scope.setdefault("state", {})["attempt"] = attempt
            scope["extensions"] = _held_extensions(scope)
            await self._app(scope, held.receive_after(body), held.send)
        except BaseException as error:
            if not await held.ended_by(error):
                raise
        else:
            await held.ended()

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Refused:
        headers = scope["headers"]
        length = next((value for name, value in headers if name == b"content-length"), None)
        text = None if length is None else length.decode("latin-1")
        refused = self._guard.refused_head(headers, text)
        if refused is not None:
            return refused
        limits = self._guard.limits
        return await read_body(receive, limits.body_bytes, limits.read_seconds)

    def _login_for(self, scope: Scope) -> Login | None:
        method = scope["method"]
        if self._login is not None:
            return self._login if method in self._login.methods else None
        found = self._guard.login_for(method, _path(scope))
        return found or self._marked_login(scope, method)

    def _marked_login(self, scope: Scope, method: str) -> Login | None:
        """The login of the view that Starlette's router will choose, if that is marked."""
        routes: Any = getattr(self._app, "routes", None)  # where it was wrapped from outside
        routes = getattr(scope.get("app"), "routes", ()) if routes is None else routes
        if self._marked[0] != len(routes):
            self._marked = (len(routes), marked_routes(routes, _has_its_own))
        return marked_login(self._marked[1], scope, method)


def _has_its_own(app: Any) -> bool:
    """Whether what is mounted somewhere has a middleware for logins itself."""
    added = getattr(app, "user_middleware", ())
    if isinstance(app, LoginMiddleware) or any(one.cls is LoginMiddleware for one in added):
        return True
    within = getattr(app, "app", None)  # as what wraps an application calls it
    return within is not None and _has_its_own(within)


def _path(scope: Scope) -> str:
    """The path below the place where the application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _held_extensions(scope: Scope) -> dict[str, Any]:
    given = scope.get("extensions") or {}
    return {name: value for name, value in given.items() if not name.startswith(_UNHELD)}
