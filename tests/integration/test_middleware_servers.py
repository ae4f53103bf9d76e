"""Logins behind real servers, asked by a real client and by hostile ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail import Record, open_records, verify_log
from tests._components import ROOT, reason_for_absence
from tests.integration.middleware_server import signer, vault_of
from tests.unit.middleware._doors import COMPONENTS
from tests.unit.middleware._trail import SECRET

pytestmark = [pytest.mark.component(one) for one in ("http", "http_servers", "middleware")]

SERVED = [
    ("fastapi", "uvicorn"),
    ("flask", "gunicorn"),
    ("flask", "waitress"),
    ("flask", "werkzeug"),
    ("wsgi", "gunicorn"),
    ("django", "django"),
    ("django", "waitress"),
    ("django_async", "uvicorn"),
]
READS_ALL_BEFORE = {("flask", "waitress"), ("django", "waitress"), ("django_async", "uvicorn")}
"""Here server or framework has the whole body before anything of ours runs."""


class Served:
    """A running server."""

    def __init__(self, kind: tuple[str, str], folder: Path, port: int) -> None:
        self.kind, self.folder, self.port = kind, folder, port

    def post(self, body: bytes, **options: Any) -> Any:
        """One login, by httpx."""
        import httpx

        headers = {"X-Forwarded-For": "203.0.113.9, 192.0.2.60", "User-Agent": "door/1"}
        headers |= options.pop("headers", {})
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            return client.post("/login", content=body, headers=headers, **options)

    def raw(self, request: bytes, *, hang_up: bool = False) -> bytes:
        """Send bytes, and read what comes until the server closes or is silent for 3 s."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request)
            if hang_up:
                return b""
            connection.settimeout(3)
            try:
                while part := connection.recv(65_536):
                    answer += part
            except (TimeoutError, ConnectionResetError):
                pass
        return answer

    def records(self) -> list[Record]:
        """What is in the log, opened."""
        vault = vault_of(self.folder)
        try:
            with open_records(self.folder / "trail.db", vault=vault) as reader:
                return [one for one in reader.records() if one.kind == "event"]
        finally:
            vault.close()

    def wait_for_records(self, count: int) -> list[Record]:
        """The records, once there are so many."""
        deadline = time.monotonic() + 10
        while len(found := self.records()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == count
        return found

    def last_refusal(self, count: int) -> object:
        """Why the last of so many was refused before its handler ran."""
        event = self.wait_for_records(count)[-1].event
        assert event is not None
        return event.labels["request_refused"]


@pytest.fixture(params=SERVED, ids="-".join)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server in a process of its own; its log is verified in the end."""
    framework, server = request.param
    if reason := reason_for_absence(COMPONENTS.get(framework, framework)):
        pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    vault_of(tmp_path).close()
    command = [sys.executable, "-m", "tests.integration.middleware_server"]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    process = subprocess.Popen(
        [*command, framework, server, str(tmp_path), str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Served(request.param, tmp_path, port)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    if (tmp_path / "trail.db").exists():
        verify_log(tmp_path / "trail.db", signer().verifier_key)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            _, said = process.communicate()
            raise AssertionError(f"the server did not start:\n{said.decode()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not listen")


def test_logins_over_http(served: Served) -> None:
    """Granted, denied, undecided, broken: each is answered and recorded, with its context."""
    answers = [served.post(body) for body in (b"grant", b"deny", b"nothing", b"grant-raise")]
    assert [one.status_code for one in answers] == [200, 200, 403, 500]
    assert answers[0].text == SECRET
    assert answers[0].cookies["token"] == SECRET
    assert not any(SECRET in str(one.headers) + one.text for one in answers[2:])
    records = served.wait_for_records(4)
    events = [one.event for one in records if one.event is not None]
    assert [(one.decision, one.reason) for one in events] == [
        ("granted", "match"),
        ("denied", "non_match"),
        ("denied", "no_decision"),
        ("denied", "error"),
    ]
    context = events[0].context
    assert (str(context.ip), context.user_agent) == ("192.0.2.60", "door/1")
    assert context.provenance["ip"] == "proxy_asserted"


def test_a_full_disk_over_http(served: Served) -> None:
    """While nothing can be recorded nobody is let in and nothing leaves; afterwards all is well."""
    assert served.post(b"grant").status_code == 200
    (served.folder / "full").touch()
    answer = served.post(b"grant")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert not answer.cookies
    assert SECRET not in str(answer.headers) + answer.text
    (served.folder / "full").unlink()
    assert served.post(b"grant").status_code == 200
    assert len(served.wait_for_records(2)) == 2


def test_an_oversized_upload_over_http(served: Served) -> None:
    """An upload over the limit is answered with 413, by its announcement alone, and recorded."""
    assert served.post(b"x" * 2_000).status_code == 413
    (record,) = served.wait_for_records(1)
    assert record.event is not None
    assert record.event.outcome == "failure"
    assert record.event.labels["request_refused"] == "body_too_large"


def test_hostile_clients(served: Served) -> None:
    """Line breaks, slow bodies and clients that hang up harm nobody; attempts are recorded."""
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    spoofed = served.raw(
        head + b"X-Request-ID: a\rSet-Cookie: stolen=1\r\nContent-Length: 7\r\n\r\nnothing"
    )
    assert b"\nSet-Cookie: stolen" not in spoofed
    before = len(served.records()) if (served.folder / "trail.db").exists() else 0
    began = head + b"Content-Length: 50\r\n\r\ngra"
    if served.kind in READS_ALL_BEFORE:
        served.raw(began, hang_up=True)
    else:
        assert b" 408 " in served.raw(began)
        assert served.last_refusal(before + 1) == "too_slow"
        served.raw(began, hang_up=True)
        assert served.last_refusal(before + 2) in ("disconnected", "too_slow")
    assert served.post(b"grant").status_code == 200
