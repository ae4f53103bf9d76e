"""Views that are marked as logins, wherever in the routes of Starlette or FastAPI they stand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from biotrail.middleware.logins import Login, login_of

__all__ = ["Marked", "marked_login", "marked_routes"]

Marked: TypeAlias = list[tuple[Any, "Login | Marked"]]
"""Routes to marked views, each with its login; and mounts, each with those below it."""

_Skips: TypeAlias = Callable[[Any], bool]


def marked_routes(routes: Iterable[Any], skips: _Skips) -> Marked:
    """The routes to marked views; those of included routers and of mounts as well.

    Args:
        routes: The routes of an application.
        skips: Whether what is mounted somewhere sees to its logins by itself.
    """
    return list(_marked(routes, skips))


def marked_login(marked: Marked, scope: Mapping[str, Any], method: str) -> Login | None:
    """The login of the view that the router will choose, if that is marked.

    Args:
        marked: As `marked_routes` found them.
        scope: The request's.
        method: Its method.
    """
    for route, what in marked:
        if isinstance(what, Login) and method not in what.methods:
            continue
        match, below = route.matches(scope)
        if match.name != "FULL":
            continue
        if isinstance(what, Login):
            return what
        return marked_login(what, {**scope, **below}, method)  # from a mount no way leads back
    return None


def _marked(routes: Iterable[Any], skips: _Skips) -> Iterator[tuple[Any, Login | Marked]]:
    fastapi = sys.modules.get("fastapi.routing")
    expand = getattr(fastapi, "iter_route_contexts", None)  # older ones copy the routes instead
    for route in routes if expand is None else expand(routes):
        login = login_of(getattr(route, "endpoint", None))
        if login is not None:
            yield route, login
        elif not skips(getattr(route, "app", None)):
            below = marked_routes(getattr(route, "routes", None) or (), skips)
            if below:
                yield route, below
