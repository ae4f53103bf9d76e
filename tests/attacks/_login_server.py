"""Logins behind a real uvicorn in this process, and a client that sends any bytes."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from biotrail import Event
from biotrail.middleware import ContextCapture, Limits, Login, LoginMiddleware, TrustedProxies
from tests.unit.middleware._doors import decide
from tests.unit.middleware._trail import SECRET, Trail

Application = Callable[[Any, Any, Any], Awaitable[None]]

BODY_BYTES = 1_000
LIMITS = Limits(
    body_bytes=BODY_BYTES,
    answer_bytes=2_000,
    header_bytes=40_000,
    header_lines=60,
    read_seconds=0.4,
)
HOPS = (0, 1, 2)
"""The numbers of trusted proxies: the login at ``/1`` stands behind one."""


class LoginServer:
    """Three logins in one server; which it is says the path, what happens says the body."""

    def __init__(self, trail: Trail, port: int) -> None:
        self.trail, self.port = trail, port
        self.taken = 0  # bytes of bodies that the server handed on
        self.waiting, self.go_on = threading.Event(), threading.Event()
        self._logins = {f"/{hops}": self._guarded(hops) for hops in HOPS}

    def _guarded(self, hops: int) -> Application:
        proxies = TrustedProxies(hops=hops or None)
        capture = ContextCapture(proxies=proxies, parse_user_agents=False)
        login = Login(action="session.open", modality="face")
        return LoginMiddleware(
            self._handle, self.trail.log, login=login, capture=capture, limits=LIMITS
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, and count what comes of its body."""

        async def counted() -> Any:
            message = await receive()
            self.taken += len(message.get("body", b""))
            return message

        await self._logins[scope["path"]](scope, counted, send)

    async def _handle(self, scope: Any, receive: Any, send: Any) -> None:
        attempt, body = scope["state"]["attempt"], (await receive())["body"]
        if body == b"grant later":
            self.waiting.set()
            await asyncio.to_thread(self.go_on.wait, 10)
        if body in (b"grant, then deny", b"deny, then grant"):
            first, second = body.split(b", then ")
            decide(attempt, first)
            status = decide(attempt, second)
        else:
            status = decide(attempt, body)
        lines = [(b"set-cookie", f"token={SECRET}".encode())]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": SECRET.encode()})

    def send(self, request: bytes, *, pieces: Iterator[bytes] | None = None) -> bytes:
        """Send bytes, then pieces of a body until the server breaks off; returns its answer."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request)
            if pieces is not None:
                _trickle(connection, pieces)
            return received(connection)

    def post(self, body: bytes, *lines: bytes, hops: int = 0) -> bytes:
        """One login with header lines as they are given."""
        return self.send(head(hops, *lines, b"Content-Length: %d" % len(body)) + body)

    def wait_for_event(self, count: int) -> Event:
        """The last of so many events, once there are so many."""
        deadline = time.monotonic() + 10
        while len(self.trail.log.events) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.trail.log.events) == count
        return self.trail.log.events[-1]


def head(hops: int, *lines: bytes) -> bytes:
    """The head of a request to one of the logins."""
    first = b"POST /%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" % hops
    return first + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    answer = b""
    connection.settimeout(5)
    try:
        while part := connection.recv(65_536):
            answer += part
    except ConnectionError:
        pass
    return answer


def _trickle(connection: socket.socket, pieces: Iterator[bytes]) -> None:
    connection.settimeout(0.05)
    try:
        for piece in pieces:
            connection.sendall(piece)
    except (OSError, TimeoutError):
        return


@contextmanager
def serving(trail: Trail) -> Iterator[LoginServer]:
    """A server on a free port, stopped in the end."""
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    served = LoginServer(trail, listening.getsockname()[1])
    config = uvicorn.Config(
        served,
        log_config=None,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield served
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
