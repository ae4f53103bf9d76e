"""Somebody looks for a way to a login's handler that leads around its middleware."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests._components import reason_for_absence
from tests.unit.middleware._trail import Trail

if reason_for_absence("middleware") is None and reason_for_absence("http") is None:
    import httpx
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
    from starlette.websockets import WebSocket

    from biotrail.middleware import LoginMiddleware, login

pytestmark = [pytest.mark.component("middleware"), pytest.mark.component("http")]


@pytest.fixture
def trail() -> Trail:
    """A log."""
    return Trail()


def handlers() -> tuple[Any, Any]:
    """A login that lets everybody in, and a page that is none."""

    @login("session.open", modality="face")
    async def log_in(request: Request) -> PlainTextResponse:
        request.state.attempt.grant()
        return PlainTextResponse("welcome")

    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("a page")

    return log_in, page


def ask(
    trail: Trail, routes: Any, path: str, method: str = "POST", **headers: str
) -> tuple[int, str]:
    """Status and text of one answer of an application with these routes."""
    app = Starlette(routes=routes, middleware=[Middleware(LoginMiddleware, log=trail.log)])
    return answer_of(app, path, method, headers)


def answer_of(
    app: Any, path: str, method: str = "POST", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and text of one answer of an application."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await client.request(method, path, headers=headers, follow_redirects=True)

    answer = asyncio.run(asked())
    return answer.status_code, answer.text


def test_logins_below_mounts_are_recorded(trail: Trail) -> None:
    """A marked view is found below mounts, routers, hosts and applications, however deep."""
    log_in, page = handlers()
    route = Route("/login", log_in, methods=["POST"])
    within = [Route("/", page), route]
    for routes, path in (
        ([Mount("/a", routes=within)], "/a/login"),
        ([Mount("/a/{tenant}", app=Router(within))], "/a/north/login"),
        ([Mount("/a", app=Starlette(routes=within))], "/a/login"),
        ([Mount("/a", routes=[Mount("/b", app=Starlette(routes=within))])], "/a/b/login"),
        ([Host("door", app=Router(within))], "/login"),
        ([Host("{name}", app=Router([Mount("/a", routes=within)]))], "/a/login"),
    ):
        known = len(trail.records())
        assert ask(trail, routes, path) == (200, "welcome")
        (record,) = trail.records()[known:]
        assert (record["action"], record["decision"]) == ("session.open", "granted")


def test_an_application_that_is_wrapped_from_outside(trail: Trail) -> None:
    """Around an application, a router or a mount, the middleware finds the marked views in it."""
    log_in, page = handlers()
    within = [Route("/", page), Route("/login", log_in, methods=["POST"])]
    own = [Middleware(LoginMiddleware, log=trail.log)]
    for number, app in enumerate(
        (
            LoginMiddleware(Starlette(routes=within), trail.log),
            LoginMiddleware(Router(within), trail.log),
            Starlette(routes=[Mount("/", routes=within, middleware=own)]),
        )
    ):
        assert answer_of(app, "/login") == (200, "welcome")
        assert len(trail.records()) == number + 1


def test_paths_that_look_otherwise(trail: Trail) -> None:
    """However its path is written, a request reaches the handler with a record, or not at all."""
    log_in, page = handlers()
    below = Mount("/a", routes=[Route("/login", log_in, methods=["POST"]), Route("/", page)])
    routes = [Route("/login", log_in, methods=["POST"]), below]
    reached = 0
    for path in ("/login", "/%6cogin", "/login/", "/login?x=/a", "/a/login", "/a/%6Cogin/"):
        assert ask(trail, routes, path) == (200, "welcome")
        reached += 1
        assert len(trail.records()) == reached
    for path in (
        "//login",
        "/LOGIN",
        "/login;x",
        "/a//login",
        "/a/../b",
        "/%2flogin",
        "/b/a/login",
    ):
        status, text = ask(trail, routes, path)
        assert (status, text != "welcome") == (404, True)
    assert len(trail.records()) == reached


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "X"])
def test_other_methods_let_nobody_in(trail: Trail, method: str) -> None:
    """A method that the login is not for finds no attempt to decide on, and so no way in."""
    log_in, _ = handlers()
    methods = ["POST", "GET", "PUT", "PATCH", "DELETE", "X"]
    headers = {"x-http-method-override": "POST", "x-method-override": "POST"}
    for routes in ([Route("/a", log_in, methods=methods)], [Mount("/a", routes=[])]):
        status, text = ask(trail, routes, "/a", method, **headers)
        assert text != "welcome"
        assert status in (404, 405, 500)
    assert trail.records() == []


def test_what_is_mounted_with_its_own_middleware_records_once(trail: Trail) -> None:
    """Of two middlewares, one around the other, the inner one sees to its own logins alone."""
    log_in, _ = handlers()
    inner, routes = Trail(), [Route("/login", log_in, methods=["POST"])]
    own = [Middleware(LoginMiddleware, log=inner.log)]
    for number, mounted in enumerate(
        (
            Mount("/a", app=Starlette(routes=routes, middleware=own)),
            Mount("/a", app=LoginMiddleware(Starlette(routes=routes), inner.log)),
            Mount("/a", routes=[Mount("/", app=Starlette(routes=routes, middleware=own))]),
        )
    ):
        assert ask(trail, [mounted], "/a/login") == (200, "welcome")
        assert len(inner.records()) == number + 1
    assert trail.records() == []


def test_a_socket_is_no_login(trail: Trail) -> None:
    """A handler of a WebSocket has no attempt, whatever it is marked as."""
    reached = []

    @login("session.open", modality="face")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        reached.append(hasattr(socket.state, "attempt"))
        await socket.close()

    routes = [WebSocketRoute("/login", talk)]
    app = Starlette(routes=routes, middleware=[Middleware(LoginMiddleware, log=trail.log)])
    said = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

    async def receive() -> Any:
        return next(said)

    async def send(_: Any) -> None:
        pass

    scope = {"type": "websocket", "path": "/login", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert reached == [False]
    assert trail.records() == []
