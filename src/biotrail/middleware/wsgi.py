"""Middleware for WSGI applications (PEP 3333): any callable, whatever the framework."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from biotrail.audit import Attempt
from biotrail.middleware._held import HeldSession, header_lines
from biotrail.middleware._wsgi_body import take_body
from biotrail.middleware._wsgi_held import (
    AnswerTooLargeError,
    HeldStart,
    WSGIApplication,
    WSGIStart,
)
from biotrail.middleware.answers import ANSWER_TOO_LARGE, FAILED, Problem
from biotrail.middleware.capture import ContextCapture
from biotrail.middleware.guard import Guard, HandlerFailedError, Limits, LogSource
from biotrail.middleware.logins import Login

__all__ = ["WSGILogins"]

_ATTEMPT = "biotrail.attempt"


class WSGILogins:
    """Records every request to a login, and lets its answer leave only when that is durable.

    The handler finds its `biotrail.Attempt` as ``environ["biotrail.attempt"]`` and decides on it.
    Other requests pass untouched, and have no attempt. Wrap the handler itself with `login`, so
    that no way leads to it but through here; or the whole application with `logins`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        log: LogSource,
        *,
        login: Login | None = None,
        logins: Iterable[Login] = (),
        session: str | None = None,
        capture: ContextCapture | None = None,
        limits: Limits | None = None,
        refuse_undecided: bool = True,
        retry_after: int = 5,
    ) -> None:
        """Wrap an application.

        Args:
            app: The application, or the handler of one route.
            log: See `Guard`. Servers that fork (gunicorn) need a function that opens it.
            login: What every request is an attempt at, where `app` is the handler.
            logins: Logins that are known by their path; see `Guard`.
            session: The name in the environment under which a middleware outside of this one keeps
                the session: what a handler that was not heard wrote into it is taken back.
            capture: See `Guard`.
            limits: See `Guard`.
            refuse_undecided: See `Guard`.
            retry_after: See `Guard`.

        Raises:
            MiddlewareError: A setting is not as it must be.
            MissingDependencyError: A package for the capture is not installed.
        """
        self._app, self._login, self._session = app, login, session
        self._guard = Guard(
            log,
            logins=logins,
            capture=capture,
            limits=limits,
            refuse_undecided=refuse_undecided,
            retry_after=retry_after,
        )

    def close(self) -> None:
        """Close the log, if it was opened here."""
        self._guard.close()

    def __call__(self, environ: dict[str, Any], start: WSGIStart) -> Iterable[bytes]:
        """Serve one request."""
        login = self._login_for(environ)
        if login is None:
            return self._app(environ, start)
        headers = header_lines(environ)
        attempt = self._guard.begin(login, headers, environ.get("REMOTE_ADDR") or None)
        if isinstance(attempt, Problem):
            return _answer(start, attempt)
        return self._serve(attempt, headers, environ, start)

    def _serve(
        self,
        attempt: Attempt,
        headers: list[tuple[str, str]],
        environ: dict[str, Any],
        start: WSGIStart,
    ) -> list[bytes]:
        session = HeldSession(None if self._session is None else environ.get(self._session))
        refused = take_body(self._guard, environ, headers)
        if refused is not None:
            problem = self._guard.refuse(attempt, refused)
            conclusion = self._guard.conclude(attempt, problem.status)
            return _answer(start, conclusion.problem or problem)
        environ[_ATTEMPT] = attempt
        held = HeldStart(self._guard.limits.answer_bytes)
        try:
            held.take(self._app(environ, held))
            status = held.status
        except BaseException as error:
            problem_or_none = self._broke_off(attempt, session, error)
            if problem_or_none is None:
                raise
            return _answer(start, problem_or_none)
        conclusion = self._guard.conclude(attempt, status)
        if not conclusion.keeps_state:
            session.restore()
        if conclusion.problem is not None:
            return _answer(start, conclusion.problem)
        return held.let_go(start, cookies=conclusion.keeps_state)

    def _broke_off(
        self, attempt: Attempt, session: HeldSession, error: BaseException
    ) -> Problem | None:
        """Record an error; what to answer, or None where it is to go on to whoever reports it."""
        conclusion = self._guard.conclude(attempt, 500, error)
        session.restore()
        if not isinstance(error, Exception):
            return None
        if conclusion.problem is not None and conclusion.problem is not FAILED:
            return conclusion.problem
        if isinstance(error, AnswerTooLargeError):
            return ANSWER_TOO_LARGE
        return FAILED if isinstance(error, HandlerFailedError) else None

    def _login_for(self, environ: dict[str, Any]) -> Login | None:
        method = environ["REQUEST_METHOD"]
        if self._login is not None:
            return self._login if method in self._login.methods else None
        raw = environ.get("PATH_INFO", "").encode("latin-1", "replace")
        return self._guard.login_for(method, raw.decode("utf-8", "replace"))


def _answer(start: WSGIStart, problem: Problem) -> list[bytes]:
    start(problem.status_line, problem.headers())
    return [problem.body()]
