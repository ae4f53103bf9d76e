"""Real receivers on loopback addresses: syslog over TLS, HTTPS."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from socket import create_server, socket
from typing import Any

import pytest


class Authority:
    """A certificate authority for 127.0.0.1, and a server's context of it."""

    def __init__(self, folder: Path, *, name: str = "127.0.0.1") -> None:
        import trustme

        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(self.server)


class SyslogReceiver:
    """Reads frames of RFC 5425; may close in the middle."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context, self._socket = context, create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.data = b""
        self.breaks_off: int = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            plain.settimeout(5)
            with suppress(OSError), closing(plain):
                self._read(plain)

    def _read(self, plain: socket) -> None:
        with self._context.wrap_socket(plain, server_side=True) as tls:
            if self.breaks_off:
                self.breaks_off -= 1
                tls.recv(10)
                return
            while found := tls.recv(65_536):
                self.data += found
            tls.unwrap().close()

    @property
    def messages(self) -> list[bytes]:
        """The messages so far."""
        found, rest = [], self.data
        while rest:
            size, _, rest = rest.partition(b" ")
            found.append(rest[: int(size)])
            rest = rest[int(size) :]
        return found

    def close(self) -> None:
        """Stop."""
        with suppress(OSError):
            self._socket.shutdown(2)
        self._socket.close()
        self._thread.join(10)


class HttpsReceiver:
    """Keeps what is posted; answers as `answers` says, else 204."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.decide: Callable[[bytes], int] | None = None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                status, extra = receiver.answers.pop(0) if receiver.answers else (204, {})
                if receiver.decide is not None:
                    status = receiver.decide(body)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that refuses the certificate is what some tests ask for."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self._server.server_address[1]}/in"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that the tests' receivers have their certificates from."""
    return Authority(tmp_path)


@pytest.fixture
def syslog(authority: Authority) -> Iterator[SyslogReceiver]:
    """A syslog receiver over TLS."""
    with closing(SyslogReceiver(authority.server)) as found:
        yield found


@pytest.fixture
def https(authority: Authority) -> Iterator[HttpsReceiver]:
    """An HTTPS receiver."""
    with closing(HttpsReceiver(authority.server)) as found:
        yield found
