"""Logins in Django.

Name `LoginMiddleware` last in ``MIDDLEWARE``, and set ``BIOTRAIL``::

    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "biotrail.middleware.django.LoginMiddleware",
    ]
    BIOTRAIL = {
        "LOG": "mysite.audit.open_log",
        "PROXIES": {"hops": 1, "header": "x-forwarded-for"},
    }

Last, so that the record is durable before another middleware saves the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from biotrail.errors import MissingDependencyError
from biotrail.middleware._django_held import DjangoTurn, problem_response
from biotrail.middleware._django_settings import guard_from_settings
from biotrail.middleware._held import header_lines
from biotrail.middleware.answers import Problem
from biotrail.middleware.logins import Login, login_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

__all__ = ["LoginMiddleware"]

_Answer: TypeAlias = "HttpResponseBase | Awaitable[HttpResponseBase]"


class LoginMiddleware:
    """Records every request to a login, and lets its answer leave only when that is durable.

    The view finds its `biotrail.Attempt` as ``request.attempt`` and decides on it. Views are marked
    by `biotrail.middleware.login` (class-based ones by ``method_decorator(login(...),
    name="dispatch")``), or named by their path among the settings. Runs under WSGI and ASGI.

    The settings, all in the mapping ``BIOTRAIL``:

    * ``LOG``: the log, a function that opens it, or the dotted name of either. Needed.
    * ``LOGINS``: a sequence of `Login`, or of mappings of its fields.
    * ``PROXIES``: a `TrustedProxies`, or a mapping of its fields.
    * ``GEOLOCATION``: the path of a database in MaxMind's format.
    * ``PARSE_USER_AGENTS``: whether to, which is the default.
    * ``LIMITS``: a `Limits`, or a mapping of its fields.
    * ``REFUSE_UNDECIDED``, ``RETRY_AFTER``: as in `Guard`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Made by Django.

        Args:
            get_response: The rest of the way to the view.

        Raises:
            MissingDependencyError: Django, or a package for the capture, is not installed.
            MiddlewareError: A setting is not as it must be, or a middleware that keeps sessions
                stands behind this one.
        """
        try:
            from asgiref.sync import iscoroutinefunction, markcoroutinefunction
        except ImportError:
            raise MissingDependencyError(
                "logins in Django need the package django: pip install 'biotrail[django]'"
            ) from None
        self._get_response = get_response
        self._guard = guard_from_settings()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> _Answer:
        """Serve one request."""
        login = self._login(request)
        if self._is_async:
            return self._serve_async(login, request)
        if login is None:
            return self._get_response(request)
        turn = self._begin(login, request)
        if isinstance(turn, Problem):
            return problem_response(turn)
        refused = turn.read(patient=False)
        if refused is not None:
            return turn.conclude(refused)
        try:
            response = self._get_response(request)
        except BaseException as error:
            turn.broke_off(error)
            raise
        return turn.conclude(response)

    async def _serve_async(self, login: Login | None, request: HttpRequest) -> HttpResponseBase:
        if login is None:
            return await self._get_response(request)
        turn = self._begin(login, request)
        if isinstance(turn, Problem):
            return problem_response(turn)
        refused = turn.read(patient=True)  # under ASGI Django has the whole body by now
        if refused is not None:
            return await turn.conclude_async(refused)
        try:
            response = await self._get_response(request)
        except BaseException as error:
            await turn.broke_off_async(error)
            raise
        return await turn.conclude_async(response)

    def _begin(self, login: Login, request: HttpRequest) -> DjangoTurn | Problem:
        headers = header_lines(request.META)
        peer = request.META.get("REMOTE_ADDR") or None
        attempt = self._guard.begin(login, headers, peer)
        if isinstance(attempt, Problem):
            return attempt
        request.attempt = attempt
        return DjangoTurn(self._guard, attempt, request, headers)

    def _login(self, request: HttpRequest) -> Login | None:
        from django.urls import Resolver404, get_resolver

        found = self._guard.login_for(request.method or "", request.path_info)
        if found is not None:
            return found
        try:
            match = get_resolver(getattr(request, "urlconf", None)).resolve(request.path_info)
        except Resolver404:
            return None
        marked = login_of(match.func)
        return marked if marked is not None and request.method in marked.methods else None
