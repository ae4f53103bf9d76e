"""Somebody speaks to the server itself: requests in one another, half of them, and none at all."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic

import pytest

from biotrail.canonical import decode_entry
from biotrail.stores import SQLiteReader
from tests._components import reason_for_absence

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from tests.integration.web_server import Files, Served, new_files, served

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]

ONE, COUNT = b"/api/v1/records/3", b"/api/v1/count"
LAST = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A log of five events."""
    return new_files(tmp_path_factory.mktemp("wire"), events=5)


@pytest.fixture(scope="module")
def server(files: Files) -> Iterator[Served]:
    """A server of it, in the clear on this machine."""
    with served(files) as found:
        yield found
        assert found.end() == 0


class Wire:
    """A way to send bytes, and what the log says of reads."""

    def __init__(self, files: Files, server: Served) -> None:
        self._log, self._port = files.log, server.port
        self._bearer = f"Authorization: Bearer {files.token}\r\n".encode()

    def request(
        self, method: bytes = b"GET", path: bytes = ONE, more: bytes = b"", host: bytes = b"x"
    ) -> bytes:
        """The head of a request of somebody who may do everything."""
        lines = b"Host: " + host + b"\r\n" + self._bearer + more
        return method + b" " + path + b" HTTP/1.1\r\n" + lines + b"\r\n"

    def counting(self, more: bytes, body: bytes) -> bytes:
        """A question with a body."""
        kind = b"Content-Type: application/json\r\n"
        return self.request(b"POST", COUNT, kind + more) + body

    def sent(self, data: bytes, *, waits: bool = True) -> list[int]:
        """The statuses of what is answered until the server closes; none where nobody waits."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self._port), 10) as connection:
            connection.sendall(data)
            while waits and (part := connection.recv(65_536)):
                answer += part
        heads = answer.split(b"HTTP/1.1 ")[1:]
        return [int(one[:3]) for one in heads]

    def reads(self) -> int:
        """How many reads the log tells of."""
        with closing(SQLiteReader(self._log)) as store:
            entries = store.entries(0, 1 << 40)
            return sum(decode_entry(one.entry).kind == "log_read" for one in entries)


@pytest.fixture(scope="module")
def wire(files: Files, server: Served) -> Wire:
    """A way to the server."""
    return Wire(files, server)


def test_requests_in_a_row_are_each_recorded(wire: Wire) -> None:
    """Of requests that are sent before the first is answered, each is recorded and answered."""
    known = wire.reads()
    assert wire.sent(wire.request() * 4 + wire.request(more=LAST)) == [200] * 5
    assert wire.reads() == known + 5


def test_who_does_not_wait_is_recorded_all_the_same(wire: Wire) -> None:
    """Whoever asks and goes before the answer is recorded; so is who has the answer already."""
    known = wire.reads()
    wire.sent(wire.request(), waits=False)
    assert wire.sent(wire.request(more=b"If-None-Match: *\r\n" + LAST)) == [304]
    assert wire.sent(wire.request(more=b"Range: bytes=0-1\r\n" + LAST)) == [200]
    until = monotonic() + 10
    while wire.reads() < known + 3 and monotonic() < until:
        pass  # nothing says when the server has come to the first
    assert wire.reads() == known + 3


SMUGGLED: list[tuple[str, Callable[[Wire], bytes]]] = [
    (
        "a length and chunks",
        lambda wire: wire.counting(
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"
        ),
    ),
    (
        "chunks and a length",
        lambda wire: wire.counting(
            b"Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", b"2\r\n{}\r\n0\r\n\r\n"
        ),
    ),
    (
        "two lengths",
        lambda wire: wire.counting(b"Content-Length: 2\r\nContent-Length: 9\r\n", b"{}"),
    ),
    ("a list of lengths", lambda wire: wire.counting(b"Content-Length: 2, 9\r\n", b"{}")),
    ("a signed length", lambda wire: wire.counting(b"Content-Length: +2\r\n", b"{}")),
    (
        "chunks within something else",
        lambda wire: wire.counting(
            b"Transfer-Encoding: chunked, identity\r\n", b"2\r\n{}\r\n0\r\n\r\n"
        ),
    ),
    (
        "a blank before the colon",
        lambda wire: wire.counting(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    ),
    (
        "a chunk that is no number",
        lambda wire: wire.counting(b"Transfer-Encoding: chunked\r\n", b"0x2\r\n{}\r\n0\r\n\r\n"),
    ),
    ("no host", lambda wire: wire.request().replace(b"Host: x\r\n", b"")),
    ("two hosts", lambda wire: wire.request(host=b"x\r\nHost: y")),
    ("no version", lambda wire: b"GET " + ONE + b"\r\n\r\n"),
]


@pytest.mark.parametrize(("name", "made"), SMUGGLED, ids=[name for name, _ in SMUGGLED])
def test_no_request_hides_in_another(wire: Wire, name: str, made: Callable[[Wire], bytes]) -> None:
    """Where it is not certain how far a request goes, it is refused, and what follows not read."""
    known = wire.reads()
    assert wire.sent(made(wire) + wire.request()) == [400]
    assert wire.reads() == known


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/static/../api/v1/records/3", 404),
        (b"//api/v1/records/3", 404),
        (b"/api/v1/records/3/", 404),
        (b"/API/v1/records/3", 404),
        (b"/api/v1/records/3;x", 400),
        (b"/api/v1/records/3%00", 400),
        (b"/api/v1/records/\xc3\xa9", 400),
        (b"http://elsewhere/api/v1/records/3", 404),
        (b"/api/v1%2frecords/3", 200),
    ],
)
def test_paths_that_are_written_otherwise(wire: Wire, path: bytes, status: int) -> None:
    """A path leads to its route, where it is recorded, or nowhere."""
    known = wire.reads()
    assert wire.sent(wire.request(path=path, more=LAST)) == [status]
    assert wire.reads() == known + (status == 200)


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        (b"HEAD", b"", 405),
        (b"TRACE", b"", 405),
        (b"PUT", b"", 405),
        (b"POST", b"X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n", 405),
        (b"GET", b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", 200),
        (b"GET", b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", 200),
        (b"GET", b"X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Proto: https\r\n", 200),
    ],
)
def test_other_ways_to_ask(wire: Wire, method: bytes, more: bytes, status: int) -> None:
    """No other method and no other protocol reads without being recorded."""
    known = wire.reads()
    assert wire.sent(wire.request(method, more=more + LAST)) == [status]
    assert wire.reads() == known + (status == 200)
