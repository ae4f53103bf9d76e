"""Logins in Flask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from biotrail.audit import Attempt
from biotrail.errors import MissingDependencyError
from biotrail.middleware._held import HeldSession, header_lines, hold
from biotrail.middleware._wsgi_body import take_body
from biotrail.middleware.answers import ANSWER_TOO_LARGE, FAILED, Problem
from biotrail.middleware.capture import ContextCapture
from biotrail.middleware.guard import Conclusion, Guard, HandlerFailedError, Limits, LogSource
from biotrail.middleware.logins import Login, login_of

if TYPE_CHECKING:
    from flask import Flask, Request, Response

__all__ = ["FlaskLogins"]

_TURN = "_biotrail_turn"


@attrs.define
class _Turn:
    attempt: Attempt
    session: HeldSession


class FlaskLogins:
    """Records every request to a login of a Flask application; its answer waits for the record.

    The view finds its `biotrail.Attempt` as ``flask.g.attempt`` and decides on it. Make this right
    after the application, before other functions are registered with ``before_request`` and
    ``after_request``: then it reads the request before them, and records after all of them, right
    before Flask saves the session.
    """

    def __init__(
        self,
        app: Flask,
        log: LogSource,
        *,
        logins: Iterable[Login] = (),
        capture: ContextCapture | None = None,
        limits: Limits | None = None,
        refuse_undecided: bool = True,
        retry_after: int = 5,
    ) -> None:
        """Guard an application's logins.

        Args:
            app: The application.
            log: See `Guard`. Servers that fork (gunicorn) need a function that opens it.
            logins: Logins that are known by their path; see `Guard`. Views that are marked by
                `biotrail.middleware.login` are found by themselves.
            capture: See `Guard`.
            limits: See `Guard`.
            refuse_undecided: See `Guard`.
            retry_after: See `Guard`.

        Raises:
            MiddlewareError: A setting is not as it must be.
            MissingDependencyError: Flask, or a package for the capture, is not installed.
        """
        try:
            import flask
        except ImportError:
            raise MissingDependencyError(
                "logins in Flask need the package flask: pip install 'biotrail[flask]'"
            ) from None
        self._flask = flask
        self._app = app
        self._guard = Guard(
            log,
            logins=logins,
            capture=capture,
            limits=limits,
            refuse_undecided=refuse_undecided,
            retry_after=retry_after,
        )
        app.before_request(self._begin)
        app.after_request(self._answer)
        app.teardown_request(self._torn_down)
        app.extensions["biotrail"] = self

    def close(self) -> None:
        """Close the log, if it was opened here."""
        self._guard.close()

    def _begin(self) -> Response | None:
        flask = self._flask
        environ = flask.request.environ
        login = self._login(flask.request)
        if login is None:
            return None
        headers = header_lines(environ)
        attempt = self._guard.begin(login, headers, environ.get("REMOTE_ADDR") or None)
        if isinstance(attempt, Problem):
            return self._response(attempt)
        flask.g.attempt = attempt
        setattr(flask.g, _TURN, _Turn(attempt, HeldSession(flask.session)))
        refused = take_body(self._guard, environ, headers)
        return None if refused is None else self._response(self._guard.refuse(attempt, refused))

    def _login(self, request: Request) -> Login | None:
        found = self._guard.login_for(request.method, request.path)
        if found is None and request.endpoint is not None:
            marked = login_of(self._app.view_functions.get(request.endpoint))
            found = marked if marked and request.method in marked.methods else None
        return found

    def _answer(self, response: Response) -> Response:
        turn = self._flask.g.pop(_TURN, None)
        if turn is None:
            return response
        problem, error = self._held(response), None
        if problem is not None:
            error = HandlerFailedError(problem.detail)
        conclusion = self._guard.conclude(turn.attempt, response.status_code, error)
        if not conclusion.keeps_state or error is not None:
            turn.session.restore()
            response.headers.remove("Set-Cookie")
        chosen = _chosen(conclusion, problem)
        return response if chosen is None else self._response(chosen)

    def _held(self, response: Response) -> Problem | None:
        """Read a streamed answer to its end; what to answer instead where that cannot be done."""
        if not response.is_streamed and not response.direct_passthrough:
            size = response.calculate_content_length() or 0
            return ANSWER_TOO_LARGE if size > self._guard.limits.answer_bytes else None
        response.direct_passthrough = False
        try:
            body = hold(response.iter_encoded(), self._guard.limits.answer_bytes)
        except Exception:
            self._app.logger.exception("the answer of a login broke off")
            return FAILED
        finally:
            response.close()
        if body is None:
            return ANSWER_TOO_LARGE
        response.set_data(body)
        return None

    def _torn_down(self, error: BaseException | None) -> None:
        """Record what came to no answer: an error that Flask let through."""
        turn = self._flask.g.pop(_TURN, None)
        if turn is not None:
            error = error or HandlerFailedError("the request was torn down without an answer")
            self._guard.conclude(turn.attempt, 500, error)

    def _response(self, problem: Problem) -> Response:
        made = self._app.response_class(problem.body(), status=problem.status)
        for name, value in problem.headers():
            made.headers[name] = value
        return made


def _chosen(conclusion: Conclusion, problem: Problem | None) -> Problem | None:
    """What to answer: that nothing was recorded comes before that the answer could not be held."""
    if problem is None or (conclusion.problem is not None and conclusion.problem is not FAILED):
        return conclusion.problem
    return problem
