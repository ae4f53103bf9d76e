"""The log followed over a real server by real connections."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

import biotrail
from tests.integration.web_server import (
    ORIGIN,
    PASSPHRASE,
    Files,
    client_context,
    event,
    new_files,
    served,
)

TAIL = "/api/v1/tail"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A log with twenty events, tokens and certificates."""
    return new_files(tmp_path, events=20)


def bearing(files: Files, last: str | None = None) -> dict[str, str]:
    """The headers of a reader who may come back."""
    headers = {"authorization": f"Bearer {files.token}"}
    return headers if last is None else {**headers, "last-event-id": last}


def lines_of(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """The fields of the events of an answer."""
    for line in answer.iter_lines():
        name, _, value = line.partition(":")
        if name:
            yield name, value.removeprefix(" ")


def opened(files: Files) -> biotrail.AuditLogger:
    """The log, for another writer than the server."""
    return biotrail.open(files.log, origin=ORIGIN, passphrase=PASSPHRASE)


def test_each_record_comes_once_across_reconnections(files: Files) -> None:
    """A reader whose connection breaks again and again has each event once, and none is missing.

    Another process writes meanwhile, and the server itself is ended and started anew once.
    """
    came: list[str] = []
    last: str | None = None
    whole = {f"door-{number}" for number in range(120)}

    def read(url: str, client: httpx.Client, most: int) -> None:
        nonlocal last
        params = {"where": "action = door.open", "start": "0"}
        with client.stream("GET", url + TAIL, params=params, headers=bearing(files, last)) as one:
            assert one.status_code == 200
            assert one.headers["content-type"].startswith("text/event-stream")
            for name, value in lines_of(one):
                if name == "id":
                    identity = value
                elif name == "data":
                    came.append(json.loads(value)["content"]["target"])
                    last = identity
                    if len(came) >= most:
                        return

    def write() -> None:
        with opened(files) as log:
            for number in range(20, 120):
                log.record(event(number))

    writing = threading.Thread(target=write)
    with httpx.Client(verify=client_context(), timeout=20) as client:
        with served(files, *files.tls) as found:
            writing.start()
            for most in (7, 8, 31):
                read(found.url, client, most)
            assert found.end() == 0
        with served(files, *files.tls) as found:
            for most in (32, 77, 120):
                read(found.url, client, most)
            writing.join()
    assert len(came) == len(whole)
    assert set(came) == whole
    assert came == sorted(came, key=lambda one: int(one.removeprefix("door-")))


def test_open_tails_do_not_hold_up_the_end(files: Files) -> None:
    """SIGTERM ends a server within seconds while readers follow, and the log tells of each end."""
    with served(files) as found:
        clients = [_asking(found.port, files) for _ in range(3)]
        for one in clients:
            assert b"retry:" in _until(one, b"retry:")
        began = monotonic()
        assert found.end() == 0
        assert monotonic() - began < 6
        for one in clients:
            one.close()
    with opened(files) as log:
        routes = [_route(one) for one in log.search("kind = log_read")]
    assert routes.count(f"GET {TAIL} opened") == routes.count(f"GET {TAIL} ended") == 3


def test_who_vanishes_gives_its_place_back(files: Files) -> None:
    """A reader that is gone without a word frees its place for another, and its end is recorded."""
    with served(files) as found:
        for _ in range(3):  # a reader may have eight tails
            clients = [_asking(found.port, files) for _ in range(8)]
            for one in clients:
                assert b"200 OK" in _until(one, b"retry:")
            refused = _asking(found.port, files)
            assert b"429" in _until(refused, b"\r\n\r\n")
            for one in (*clients, refused):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.close()
            _wait_for_a_place(found.port, files)
        assert found.end() == 0
    with opened(files) as log:
        routes = [_route(one) for one in log.search("kind = log_read")]
    assert routes.count(f"GET {TAIL} opened") == routes.count(f"GET {TAIL} ended") >= 24


def test_who_does_not_read_holds_nobody_up(files: Files) -> None:
    """Readers that take nothing slow neither a writer elsewhere nor a reader beside them."""
    with served(files) as found, opened(files) as log:
        stuck = [_asking(found.port, files, "?start=0") for _ in range(6)]
        quick = _asking(found.port, files, "?where=action%20=%20door.last")
        assert b"retry:" in _until(quick, b"retry:")
        began = monotonic()
        for _ in range(20):
            log.record_many([event(number) for number in range(100)])
        log.record(biotrail.Event(action="door.last", decision="granted"))
        assert monotonic() - began < 15
        assert b"door.last" in _until(quick, b"door.last")
        for one in (*stuck, quick):
            one.close()
        assert found.end() == 0


def test_a_revoked_token_ends_what_it_opened(files: Files) -> None:
    """A token that is revoked opens no tail, from the next request on."""
    with served(files) as found:
        first = _asking(found.port, files)
        assert b"200 OK" in _until(first, b"retry:")
        files.book.revoke(files.book.authenticate(files.token).reader)
        again = _asking(found.port, files)
        assert b"401" in _until(again, b"\r\n\r\n")
        first.close()
        again.close()
        assert found.end() == 0


def _asking(port: int, files: Files, query: str = "") -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    head = f"GET {TAIL}{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {files.token}\r\n\r\n"
    client.sendall(head.encode())
    return client


def _until(client: socket.socket, what: bytes) -> bytes:
    found = b""
    while what not in found:
        some = client.recv(4_096)
        assert some, found
        found += some
    return found


def _wait_for_a_place(port: int, files: Files) -> None:
    for _ in range(200):
        with _asking(port, files) as one:
            if b"200 OK" in _until(one, b"\r\n\r\n"):
                return
        sleep(0.05)
    raise AssertionError("no place was given back")


def _route(found: biotrail.VerifiedEntry) -> Any:
    content: Any = found.record.content
    return content["route"]
