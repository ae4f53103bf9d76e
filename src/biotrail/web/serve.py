"""An application served by uvicorn: over TLS 1.3, or in the clear on this machine alone."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from biotrail.errors import MissingDependencyError, ServingError
from biotrail.web.tls import server_context

if TYPE_CHECKING:
    from biotrail.web.connections import ServeLimits

__all__ = ["serve"]

_Path = str | os.PathLike[str]
_BACKLOG = 512


def serve(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8443,
    certificate: _Path | None = None,
    key: _Path | None = None,
    client_authority: _Path | None = None,
    plain_http_behind_proxy: bool = False,
    proxies: Sequence[str] = (),
    limits: ServeLimits | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve an application until SIGINT or SIGTERM; answers under way are ended then.

    Where TLS ends here it is 1.3. Requests are not logged: what is asked may name people, and the
    audit log tells it. In the clear it is served on this machine's own addresses (loopback); on
    others only for a proxy that ends TLS, and only if that is said.

    Args:
        app: The application, as `create_app` makes it; or any other of ASGI.
        host: A name or an address of this machine.
        port: The port; any that is free if 0.
        certificate: PEM file with the server's certificate; in the clear if None.
        key: PEM file with its key.
        client_authority: PEM file with the authority of clients' certificates: nobody is served
            without one (mutual TLS).
        plain_http_behind_proxy: Serve in the clear on other addresses than loopback too.
        proxies: Addresses and networks of proxies, whose X-Forwarded-For and X-Forwarded-Proto are
            believed.
        limits: Bounds on connections.
        started: Called with the URL once it can be reached.

    Raises:
        ServingError: It would be served in the clear beyond this machine; or not at this address.
        MissingDependencyError: uvicorn is not installed (extra ``web``).
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingDependencyError(
            "serving a log needs uvicorn, which is not installed: pip install 'biotrail[web]'"
        ) from error
    from biotrail.web.connections import ServeLimits, bounded_protocol

    bounds = ServeLimits() if limits is None else limits
    if proxies and limits is None:
        bounds = ServeLimits(most_of_one=None)
    context = _context(certificate, key, client_authority)
    config = uvicorn.Config(
        app,
        http=bounded_protocol(bounds),
        ws="none",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=bounds.most,
        timeout_keep_alive=bounds.idle_seconds,
        timeout_graceful_shutdown=bounds.grace_seconds,
        h11_max_incomplete_event_size=bounds.head_bytes,
    )
    config.load()
    config.ssl = context  # uvicorn's own would take TLS 1.2 too

    class Server(uvicorn.Server):
        """Ends streams that have no end of their own, and returns instead of dying by a signal."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if started is not None and sockets:
                started(_url(sockets[0], secure=context is not None, host=host))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(bounds.grace_seconds):
                    await _end_streams(app)
            await super().shutdown(sockets)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            with _handling(self.handle_exit):
                yield

    sockets = _listening(host, port, anywhere=context is not None or plain_http_behind_proxy)
    try:
        with asyncio.Runner(loop_factory=lambda: _Loop(bounds.handshake_seconds)) as runner:
            runner.run(Server(config).serve(sockets))
    finally:
        for one in sockets:
            one.close()


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose servers do not wait for a minute until TLS is agreed on."""

    def __init__(self, handshake_seconds: float) -> None:
        super().__init__()
        self._handshake_seconds = handshake_seconds

    async def create_server(self, *args: Any, **options: Any) -> Any:
        """Begin to serve."""
        if options.get("ssl") is not None:
            options.setdefault("ssl_handshake_timeout", self._handshake_seconds)
        return await super().create_server(*args, **options)


def _context(
    certificate: _Path | None, key: _Path | None, client_authority: _Path | None
) -> ssl.SSLContext | None:
    if certificate is not None and key is not None:
        return server_context(certificate, key, client_authority=client_authority)
    if certificate is not None or key is not None:
        raise ServingError("TLS needs both a certificate and its key")
    if client_authority is not None:
        raise ServingError("clients show certificates over TLS only: give a certificate and a key")
    return None


def _listening(host: str, port: int, *, anywhere: bool) -> list[socket.socket]:
    """Sockets at all addresses of a host, which are looked at before anything is bound."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError, OverflowError) as error:
        raise ServingError(f"{host!r} is no address of this machine: {error}") from error
    addresses = dict.fromkeys((family, str(place[0])) for family, *_, place in found)
    for _, address in addresses:
        if not anywhere and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise ServingError(
                f"{address} can be reached from other machines: a log is not served there in the "
                "clear. Give a certificate and its key; or, where a proxy ends TLS in front of "
                "this, say so (plain_http_behind_proxy, --plain-http-behind-proxy)"
            )
    sockets: list[socket.socket] = []
    try:
        for family, address in addresses:
            taken = port if port or not sockets else sockets[0].getsockname()[1]
            sockets.append(_bound(family, address, taken))
    except (OSError, OverflowError) as error:
        for one in sockets:
            one.close()
        raise ServingError(f"nothing can be served at {host}:{port}: {error}") from error
    return sockets


def _bound(family: int, address: str, port: int) -> socket.socket:
    # Named, as asyncio sends small pieces at once only where it knows that it is TCP.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(_BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _url(bound: socket.socket, *, secure: bool, host: str) -> str:
    name = f"[{host}]" if ":" in host else host or "localhost"
    return f"{'https' if secure else 'http'}://{name}:{bound.getsockname()[1]}"


async def _end_streams(app: Any) -> None:
    """End what follows the log: it has no end of its own."""
    state = getattr(getattr(app, "state", None), "biotrail", None)
    tails = getattr(state, "tails", None)
    if tails is not None:
        await tails.end()


@contextlib.contextmanager
def _handling(handle: Callable[[int, Any], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, handle) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
