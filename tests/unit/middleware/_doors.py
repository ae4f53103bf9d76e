"""One login in each framework, whose handler does what the body of the request says."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from biotrail import Attempt
from biotrail.middleware import FlaskLogins, Limits, Login, LoginMiddleware, WSGILogins, login
from tests.unit.middleware._trail import SECRET, Trail

LIMITS: dict[str, Any] = {
    "body_bytes": 1_000,
    "answer_bytes": 2_000,
    "header_bytes": 4_000,
    "read_seconds": 0.3,
}
PROXIES = {"hops": 1, "networks": ["127.0.0.0/8"]}


class Answer(NamedTuple):
    """What a client sees."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def everything(self) -> str:
        """All of it as one text, to look for what must not be there."""
        return f"{self.headers} {self.body!r}"

    def header(self, name: str) -> str | None:
        """One header's value."""
        return next((value for one, value in self.headers if one.lower() == name), None)


Post = Callable[..., Answer]
"""Called with the body, and perhaps headers, path and method."""


def decide(attempt: Attempt, body: bytes) -> int:
    """Do as the body says; returns the status to answer."""
    word = body.decode().partition(" ")[0]
    if word.startswith("grant"):
        attempt.identified("ada")
        attempt.grant()
    elif word == "deny":
        attempt.deny("non_match")
    elif word == "no-face":
        attempt.failed_to_acquire("no_face")
    elif word == "step-up":
        attempt.used("one_time_password", role="step_up")
        attempt.grant("other_factor")
    elif word == "fall-back":
        attempt.used("pin", role="fallback")
        attempt.grant("other_factor")
    if word.endswith("raise"):
        raise RuntimeError(f"the handler broke: {SECRET}")
    return 500 if word.endswith("500") else 200


def streamed(body: bytes) -> Iterator[bytes]:
    """A streamed answer: short, too long, or broken off."""
    yield SECRET.encode()
    if body.endswith(b"endless"):
        while True:
            yield b"x" * 100
    if body.endswith(b"broken"):
        raise RuntimeError("the stream broke")


def starlette_door(trail: Trail, **options: Any) -> tuple[Post, Any]:
    """A door in Starlette, with a session kept in a cookie outside the middleware."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    @login("session.open", modality="face", target="payroll")
    async def enter(request: Request) -> Response:
        body = await request.body()
        request.session["who"] = SECRET
        status = decide(request.state.attempt, body)
        if b"stream" in body:
            return StreamingResponse(streamed(body))
        answer = Response(SECRET, status)
        answer.set_cookie("token", SECRET)
        return answer

    async def other(request: Request) -> Response:
        return Response(f"{hasattr(request.state, 'attempt')}")

    app = Starlette(
        routes=[
            Route("/login", enter, methods=["POST"]),
            Route("/login", other, methods=["GET"]),
            Route("/other", other, methods=["POST"]),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key="key"),
            Middleware(LoginMiddleware, log=trail.log, limits=Limits(**LIMITS), **options),
        ],
    )
    return asgi_post(app), app


def asgi_post(app: Any) -> Post:
    """A client of an ASGI application."""

    def post(
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        path: str = "/login",
        method: str = "POST",
    ) -> Answer:
        sent: list[Any] = []
        lines = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        if not any(name == b"content-length" for name, _ in lines):
            lines.append((b"content-length", str(len(body)).encode()))
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            asyncio.run(app(asgi_scope(lines, path, method), receive, send))
        except RuntimeError as error:  # goes on to the server, which has answered by then
            if "the handler broke" not in str(error):
                raise
        return answer_of(sent)

    return post


def asgi_scope(
    lines: list[tuple[bytes, bytes]], path: str = "/login", method: str = "POST"
) -> dict[str, Any]:
    """The scope of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": lines,
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 80),
    }


def answer_of(sent: list[Any]) -> Answer:
    """The answer that ASGI messages make."""
    start, *rest = sent
    headers = [(name.decode(), value.decode()) for name, value in start.get("headers", ())]
    return Answer(start["status"], headers, b"".join(one.get("body", b"") for one in rest))


def flask_door(trail: Trail, **options: Any) -> tuple[Post, Any]:
    """A door in Flask."""
    import flask

    app = flask.Flask("door")
    app.secret_key = "key"
    FlaskLogins(app, trail.log, limits=Limits(**LIMITS), **options)

    @app.post("/login")
    @login("session.open", modality="face", target="payroll")
    def enter() -> Any:
        body = flask.request.get_data()
        flask.session["who"] = SECRET
        status = decide(flask.g.attempt, body)
        if b"stream" in body:
            return flask.Response(streamed(body))
        answer = flask.Response(SECRET, status)
        answer.set_cookie("token", SECRET)
        return answer

    @app.get("/login")
    @app.post("/other")
    def other() -> str:
        return str("attempt" in flask.g)

    return wsgi_post(app), app


def wsgi_door(trail: Trail, **options: Any) -> tuple[Post, Any]:
    """A door of plain WSGI, with a session kept in a cookie outside the middleware."""

    def enter(environ: dict[str, Any], start: Any) -> Iterator[bytes] | list[bytes]:
        body = environ["wsgi.input"].read()
        environ["door.session"]["who"] = SECRET
        status = decide(environ["biotrail.attempt"], body)
        write = start(f"{status} As It Is", [("Set-Cookie", f"token={SECRET}")])
        if b"stream" in body:
            return streamed(body)
        write(SECRET.encode())
        return []

    def other(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [str("biotrail.attempt" in environ).encode()]

    def routed(environ: dict[str, Any], start: Any) -> Any:
        here = (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/login")
        return (enter if here else other)(environ, start)

    described = Login(action="session.open", path="/login", modality="face", target="payroll")
    guarded = WSGILogins(
        routed,
        trail.log,
        logins=[described],
        session="door.session",
        limits=Limits(**LIMITS),
        **options,
    )

    def app(environ: dict[str, Any], start: Any) -> Any:
        session = environ["door.session"] = {}

        def with_session(status: str, lines: list[tuple[str, str]], error: Any = None) -> Any:
            if session:
                lines = [*lines, ("Set-Cookie", f"session={session}")]
            return start(status, lines, error)

        try:
            return guarded(environ, with_session)
        except RuntimeError as error:  # goes on to the server, which answers
            if "the handler broke" not in str(error) and "the stream broke" not in str(error):
                raise
            with_session("500 Internal Server Error", [])
            return [b"broken"]

    return wsgi_post(app), app


def wsgi_post(app: Any) -> Post:
    """A client of a WSGI application."""

    def post(
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        path: str = "/login",
        method: str = "POST",
    ) -> Answer:
        environ = wsgi_environ(body, headers or {}, path, method)
        started: list[Any] = []
        parts = app(environ, lambda status, lines, error=None: started.append((status, lines)))
        content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return Answer(int(started[-1][0][:3]), started[-1][1], content)

    return post


def wsgi_environ(
    body: bytes, headers: Mapping[str, str], path: str = "/login", method: str = "POST"
) -> dict[str, Any]:
    """The environment of a request."""
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    length = named.pop("HTTP_CONTENT_LENGTH", str(len(body)))
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": length,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **named,
    }


def configure_django() -> None:
    """Settings for the doors in Django, once in a process."""
    import django
    from django.conf import settings

    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="key",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=_django_urls(),
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "biotrail.middleware.django.LoginMiddleware",
        ],
        LOGGING_CONFIG=None,
    )
    django.setup()


def _django_urls() -> ModuleType:
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for part in streamed(body):
            yield part

    @login("session.open", modality="face", target="payroll")
    def enter(request: Any) -> Any:
        if request.method != "POST":
            return HttpResponse(str(hasattr(request, "attempt")))
        body = request.body
        request.session["who"] = SECRET
        status = decide(request.attempt, body)
        if b"stream" in body:
            in_task = hasattr(request, "scope")
            return StreamingHttpResponse(pieces(body) if in_task else streamed(body))
        answer = HttpResponse(SECRET, status=status)
        answer.set_cookie("token", SECRET)
        return answer

    def other(request: Any) -> Any:
        return HttpResponse(str(hasattr(request, "attempt")))

    module = ModuleType("door_urls")
    module.urlpatterns = [path("login", enter), path("other", other)]  # type: ignore[attr-defined]
    return module


def django_settings(trail: Trail, **options: Any) -> dict[str, Any]:
    """The middleware's settings."""
    named = {name.upper(): value for name, value in options.items()}
    return {"LOG": trail.log, "LIMITS": LIMITS, "PROXIES": PROXIES, **named}


def django_door(trail: Trail, **options: Any) -> tuple[Post, Any]:
    """A door in Django, by WSGI."""
    configure_django()
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    with override_settings(BIOTRAIL=django_settings(trail, **options)):
        app = WSGIHandler()
    return wsgi_post(app), app


def django_async_door(trail: Trail, **options: Any) -> tuple[Post, Any]:
    """A door in Django, by ASGI."""
    configure_django()
    from django.core.handlers.asgi import ASGIHandler
    from django.test import override_settings

    with override_settings(BIOTRAIL=django_settings(trail, **options)):
        app = ASGIHandler()
    return asgi_post(app), app


DOORS: dict[str, Callable[..., tuple[Post, Any]]] = {
    "fastapi": starlette_door,
    "flask": flask_door,
    "wsgi": wsgi_door,
    "django": django_door,
    "django_async": django_async_door,
}
COMPONENTS = {"wsgi": "middleware", "django_async": "django"}
"""What a door needs, where that is not named as the door is."""
