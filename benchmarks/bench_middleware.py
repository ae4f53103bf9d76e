"""Target 4.4: what the middleware adds to a login handler, beyond the record itself.

Both sides run the same handler in the same framework, without a server, and record the same event,
with the same context, in a log in memory. One side has the middleware; the other records in the
handler, with a context that was made beforehand. For WSGI the body comes as from a socket, where
a read may hang (gunicorn), or lies in memory already (waitress, "body at hand").
"""

from __future__ import annotations

import asyncio
import io
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import biotrail
from benchmarks.harness import Options, Target, interleave
from biotrail.middleware import (
    ContextCapture,
    FlaskLogins,
    Login,
    LoginMiddleware,
    TrustedProxies,
    WSGILogins,
    login,
)

_BODY = b"x" * 2_000
_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Mobile Safari/537.36"
)
_HEADERS = {
    "Host": "localhost",
    "User-Agent": _AGENT,
    "Accept": "*/*",
    "Content-Type": "application/octet-stream",
    "X-Forwarded-For": "203.0.113.66, 192.0.2.60",
    "X-Request-ID": "5f0c1d8e",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
_PROXIES = TrustedProxies(hops=1, networks=["127.0.0.1/32"], header="x-forwarded-for")
_FIELDS: dict[str, Any] = {"action": "session.open", "target": "payroll", "modality": "face"}
_ANSWER = b'{"granted": true}'


def _context() -> biotrail.Context:
    return ContextCapture(proxies=_PROXIES).capture(_HEADERS.items(), "127.0.0.1").context


def _log() -> biotrail.AuditLogger:
    return biotrail.open(":memory:", origin="example.com/bench")


def adding(options: Options) -> list[Target]:
    """The time that the middleware adds to one request, in each framework."""
    rounds, size = options.pick(15, 2), options.pick(400, 20)
    targets = []
    makes: dict[str, Callable[..., _Requests]] = {
        "starlette": _starlette,
        "flask": partial(_flask, _AsFromSocket),
        "flask, body at hand": partial(_flask, io.BytesIO),
        "django": partial(_django, _AsFromSocket),
        "django, body at hand": partial(_django, io.BytesIO),
        "wsgi": partial(_plain, _AsFromSocket),
        "wsgi, body at hand": partial(_plain, io.BytesIO),
    }
    for name, make in makes.items():
        with _log() as mine, _log() as theirs:
            guarded, plain = make(mine, guarded=True), make(theirs, guarded=False)
            ours, bare = interleave(rounds, partial(guarded, size), partial(plain, size))
            assert mine.checkpoint().size == theirs.checkpoint().size
        added = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
        targets.append(
            Target(
                f"4.4 {name}",
                f"the middleware adds to a login handler in {name}, beyond the record",
                added,
                "ms",
                None,
                added,
                0.3,
                at_most=True,
                details={
                    "with, ms": round(statistics.median(ours), 3),
                    "without, ms": round(statistics.median(bare), 3),
                },
            )
        )
    return targets


class _AsFromSocket:
    """A body of which nobody knows that no read will hang."""

    def __init__(self, body: bytes) -> None:
        stream = io.BytesIO(body)
        self.read, self.readline = stream.read, stream.readline


_Stream = Callable[[bytes], object]
_Requests = Callable[[int], float]
"""So many requests; returns milliseconds for each."""


def _timed(size: int, one: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(size):
        one()
    return (time.perf_counter() - began) / size * 1e3


def _starlette(log: biotrail.AuditLogger, *, guarded: bool) -> _Requests:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    context = _context()

    @login(**_FIELDS)
    async def with_middleware(request: Request) -> Response:
        await request.body()
        request.state.attempt.grant()
        return Response(_ANSWER)

    async def by_hand(request: Request) -> Response:
        await request.body()
        async with log.attempt(**_FIELDS, context=context) as attempt:
            attempt.grant()
        return Response(_ANSWER)

    view = with_middleware if guarded else by_hand
    app = Starlette(routes=[Route("/login", view, methods=["POST"])])
    if guarded:
        app.add_middleware(LoginMiddleware, log=log, capture=ContextCapture(proxies=_PROXIES))
    lines = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "root_path": "",
        "query_string": b"",
        "headers": [*lines, (b"content-length", b"%d" % len(_BODY))],
        "client": ("127.0.0.1", 40_000),
    }

    async def requests(size: int) -> float:
        began = time.perf_counter()
        for _ in range(size):
            body = iter([{"type": "http.request", "body": _BODY}])
            sent: list[Any] = []
            await app(dict(scope), _receiver(body), _sender(sent))
            assert sent[0]["status"] == 200
        return (time.perf_counter() - began) / size * 1e3

    return lambda size: asyncio.run(requests(size))


def _receiver(messages: Any) -> Any:
    async def receive() -> Any:
        for message in messages:
            return message
        await asyncio.sleep(60)

    return receive


def _sender(sent: list[Any]) -> Any:
    async def send(message: Any) -> None:
        sent.append(message)

    return send


def _flask(stream: _Stream, log: biotrail.AuditLogger, *, guarded: bool) -> _Requests:
    import flask

    context = _context()
    app = flask.Flask("bench")
    if guarded:
        FlaskLogins(app, log, capture=ContextCapture(proxies=_PROXIES))

    @login(**_FIELDS)
    def with_middleware() -> bytes:
        flask.request.get_data()
        flask.g.attempt.grant()
        return _ANSWER

    def by_hand() -> bytes:
        flask.request.get_data()
        with log.attempt(**_FIELDS, context=context) as attempt:
            attempt.grant()
        return _ANSWER

    app.add_url_rule("/login", "log_in", with_middleware if guarded else by_hand, methods=["POST"])
    return lambda size: _timed(size, lambda: _wsgi(app, stream))


def _plain(stream: _Stream, log: biotrail.AuditLogger, *, guarded: bool) -> _Requests:
    context = _context()

    def with_middleware(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        environ["biotrail.attempt"].grant()
        start("200 OK", [])
        return [_ANSWER]

    def by_hand(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["wsgi.input"].read(len(_BODY))
        with log.attempt(**_FIELDS, context=context) as attempt:
            attempt.grant()
        start("200 OK", [])
        return [_ANSWER]

    capture = ContextCapture(proxies=_PROXIES)
    ours = WSGILogins(with_middleware, log, login=Login(**_FIELDS), capture=capture)
    app = ours if guarded else by_hand
    return lambda size: _timed(size, lambda: _wsgi(app, stream))


def _wsgi(app: Any, stream: _Stream) -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/login",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(_BODY)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": stream(_BODY),
        "wsgi.errors": sys.stderr,
        **{f"HTTP_{name.upper().replace('-', '_')}": text for name, text in _HEADERS.items()},
    }
    started: list[str] = []
    parts = app(environ, lambda status, headers, error=None: started.append(status))
    b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    assert started[-1].startswith("200")


def _django(stream: _Stream, log: biotrail.AuditLogger, *, guarded: bool) -> _Requests:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpRequest, HttpResponse
    from django.test import override_settings
    from django.urls import path

    if not settings.configured:
        settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["localhost"])
        django.setup()
    context = _context()

    @login(**_FIELDS)
    def with_middleware(request: HttpRequest) -> HttpResponse:
        assert request.body
        request.attempt.grant()
        return HttpResponse(_ANSWER)

    def by_hand(request: HttpRequest) -> HttpResponse:
        assert request.body
        with log.attempt(**_FIELDS, context=context) as attempt:
            attempt.grant()
        return HttpResponse(_ANSWER)

    urls = ModuleType(f"bench_urls_{guarded}")
    view = with_middleware if guarded else by_hand
    urls.urlpatterns = [path("login", view)]  # type: ignore[attr-defined]
    ours = ["biotrail.middleware.django.LoginMiddleware"] if guarded else []
    changed = override_settings(
        ROOT_URLCONF=urls, MIDDLEWARE=ours, BIOTRAIL={"LOG": log, "PROXIES": _PROXIES}
    )
    with changed:
        handler = WSGIHandler()

    def requests(size: int) -> float:
        with changed:
            return _timed(size, lambda: _wsgi(handler, stream))

    return requests
