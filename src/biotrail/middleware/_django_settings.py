"""The middleware's settings in Django."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from biotrail.errors import EventError, MiddlewareError
from biotrail.middleware.capture import ContextCapture
from biotrail.middleware.geolocation import Geolocation
from biotrail.middleware.guard import Guard, Limits
from biotrail.middleware.logins import Login
from biotrail.middleware.proxies import TrustedProxies

__all__ = ["guard_from_settings"]

Made = TypeVar("Made")

_US = "biotrail.middleware.django.LoginMiddleware"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_KNOWN = frozenset(
    {
        "GEOLOCATION",
        "LIMITS",
        "LOG",
        "LOGINS",
        "PARSE_USER_AGENTS",
        "PROXIES",
        "REFUSE_UNDECIDED",
        "RETRY_AFTER",
    }
)


def guard_from_settings() -> Guard:
    """The guard that ``settings.BIOTRAIL`` describes; its log is closed when the process ends.

    Raises:
        MiddlewareError: A setting is missing, unknown or not as it must be, or the order of the
            middleware lets sessions be saved before the record.
        MissingDependencyError: A package for the capture is not installed.
    """
    from django.conf import settings

    given = getattr(settings, "BIOTRAIL", None)
    if not isinstance(given, Mapping) or "LOG" not in given:
        raise MiddlewareError("settings.BIOTRAIL: must be a mapping with LOG, the log or its name")
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        raise MiddlewareError(f"settings.BIOTRAIL: unknown {', '.join(unknown)}; known: {known}")
    _check_order(list(settings.MIDDLEWARE))
    guard = Guard(
        _named(given["LOG"]),
        logins=[_made(Login, one, "LOGINS") for one in given.get("LOGINS", ())],
        capture=_capture(given),
        limits=_made(Limits, given.get("LIMITS", {}), "LIMITS"),
        refuse_undecided=bool(given.get("REFUSE_UNDECIDED", True)),
        retry_after=given.get("RETRY_AFTER", 5),
    )
    atexit.register(guard.close)
    return guard


def _capture(given: Mapping[str, Any]) -> ContextCapture:
    path = given.get("GEOLOCATION")
    return ContextCapture(
        proxies=_made(TrustedProxies, given.get("PROXIES", {}), "PROXIES"),
        geolocation=None if path is None else Geolocation(path),
        parse_user_agents=bool(given.get("PARSE_USER_AGENTS", True)),
    )


def _named(log: Any) -> Any:
    from django.utils.module_loading import import_string

    if not isinstance(log, str):
        return log
    try:
        return import_string(log)
    except ImportError as error:
        raise MiddlewareError(f"settings.BIOTRAIL['LOG']: {error}") from error


def _made(kind: Callable[..., Made], given: Any, name: str) -> Made:
    if not isinstance(given, Mapping):
        return given  # type: ignore[no-any-return] # an object of the kind itself
    try:
        return kind(**given)
    except (TypeError, MiddlewareError, EventError) as error:
        raise MiddlewareError(f"settings.BIOTRAIL[{name!r}]: {error}") from error


def _check_order(names: list[str]) -> None:
    if _US in names and _SESSIONS in names and names.index(_SESSIONS) > names.index(_US):
        raise MiddlewareError(
            f"settings.MIDDLEWARE: {_US} must stand after {_SESSIONS}, best last; "
            "else a session is saved before the record"
        )
