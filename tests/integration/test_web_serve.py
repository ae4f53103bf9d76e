"""The log served by a real process: TLS, certificates of clients, slow clients, and its end."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import httpx
import pytest

from biotrail.canonical import decode_entry
from biotrail.errors import ServingError
from biotrail.stores import SQLiteReader
from biotrail.web.connections import ServeLimits
from biotrail.web.serve import serve
from biotrail.web.tls import server_context
from tests.integration.web_server import (
    Files,
    Served,
    client_context,
    new_files,
    served,
)

STATUS = "/api/v1/status"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A log, tokens and certificates."""
    return new_files(tmp_path_factory.mktemp("served"), events=3)


@pytest.fixture(scope="module")
def secure(files: Files) -> Iterator[Served]:
    """A server over TLS."""
    with served(files, *files.tls) as found:
        yield found


def bearing(files: Files) -> dict[str, str]:
    """The header of who may do everything."""
    return {"authorization": f"Bearer {files.token}"}


def test_tls_1_3_is_served(files: Files, secure: Served) -> None:
    """A client of TLS 1.3 is answered, and the answer tells it to stay with HTTPS."""
    context = client_context()
    with httpx.Client(verify=context, base_url=secure.url, headers=bearing(files)) as client:
        answer = client.get(STATUS)
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]
    assert "server" not in answer.headers


def test_tls_1_2_is_refused(secure: Served) -> None:
    """A client that speaks no TLS newer than 1.2 is refused, by the server and not by itself."""
    older, newer = client_context(), client_context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", secure.port)) as plain,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        older.wrap_socket(plain, server_hostname="localhost")
    newer.minimum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", secure.port)) as plain,
        newer.wrap_socket(plain, server_hostname="localhost") as connected,
    ):
        assert connected.version() == "TLSv1.3"


def test_plain_http_is_refused_where_tls_is_spoken(secure: Served) -> None:
    """A request in the clear to a port of TLS gets no answer."""
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secure.port}{STATUS}")


def test_clients_show_certificates_where_they_are_asked_for(files: Files) -> None:
    """With an authority of clients, who has no certificate is refused, and who has one is served.

    The token is asked for besides.
    """
    with served(files, *files.mutual) as found:
        with (
            httpx.Client(verify=client_context(), headers=bearing(files)) as client,
            pytest.raises((httpx.TransportError, ssl.SSLError)),
        ):
            client.get(found.url + STATUS)
        with httpx.Client(verify=client_context(certificate=True)) as client:
            assert client.get(found.url + STATUS).status_code == 401
            assert client.get(found.url + STATUS, headers=bearing(files)).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_plain_http_beyond_this_machine_is_refused(host: str) -> None:
    """Without TLS no address is served that other machines reach, unless that is said."""
    with pytest.raises(ServingError, match="in the clear"):
        serve(None, host=host, port=0)


def test_plain_http_behind_a_proxy_has_to_be_said(files: Files) -> None:
    """With the flag an address beyond loopback is served; on loopback no flag is needed."""
    for options in (["--host", "0.0.0.0", "--plain-http-behind-proxy"], []):
        with served(files, *options) as found:
            url = f"http://127.0.0.1:{found.port}{STATUS}"
            assert httpx.get(url, headers=bearing(files)).status_code == 200
            assert found.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_closes_the_log(files: Files, number: int) -> None:
    """SIGTERM and SIGINT end the server with code 0, and what it recorded is in the log."""
    with served(files) as found, httpx.Client(headers=bearing(files)) as client:
        assert client.get(found.url + STATUS).status_code == 200
        began = monotonic()
        assert found.end(number) == 0
        assert monotonic() - began < 10
    with closing(SQLiteReader(files.log)) as store:
        assert decode_entry(list(store.entries(0, 1 << 40))[-1].entry).kind == "log_read"


def test_who_is_slow_holds_nobody_up(files: Files) -> None:
    """Clients that never finish a request are cut off in time, and others are served meanwhile."""
    with served(files) as found:
        slow = [socket.create_connection(("127.0.0.1", found.port)) for _ in range(40)]
        try:
            for one in slow:
                one.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            began = monotonic()
            for _ in range(5):
                answer = httpx.get(found.url + STATUS, headers=bearing(files))
                assert answer.status_code == 200
            assert monotonic() - began < 5
        finally:
            for one in slow:
                one.close()
        assert found.end() == 0


def test_a_head_that_is_too_long_is_refused(secure: Served) -> None:
    """A request whose head has no end is answered by an error, not kept in memory."""
    context = client_context()
    with (
        socket.create_connection(("127.0.0.1", secure.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connected,
    ):
        connected.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 40_000)
        assert connected.recv(64).startswith(b"HTTP/1.1 4")


def test_what_cannot_be_served_is_said(files: Files, tmp_path: Path) -> None:
    """A missing key, an encrypted one, a name of nowhere and a port that is taken: in words."""
    certificate = files.folder / "server.pem"
    with pytest.raises(ServingError, match="both"):
        serve(None, certificate=certificate)
    with pytest.raises(ServingError, match="over TLS only"):
        serve(None, client_authority=certificate)
    with pytest.raises(ServingError, match="cannot be used"):
        server_context(certificate, tmp_path / "none.key")
    key = files.folder / "server.key"
    with pytest.raises(ServingError, match="authority"):
        server_context(certificate, key, client_authority=key)
    with pytest.raises(ServingError, match="no address"):
        serve(None, host="nowhere.invalid", port=0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match="nothing can be served"):
            serve(None, port=port, limits=ServeLimits(most=1))
