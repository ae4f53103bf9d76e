"""What is true of a login in every framework."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from biotrail import Attempt
from biotrail.middleware import ContextCapture, TrustedProxies
from tests._components import reason_for_absence
from tests.unit.middleware._doors import COMPONENTS, DOORS, PROXIES, Post
from tests.unit.middleware._trail import SECRET, Trail

pytestmark = pytest.mark.component("middleware")


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest, trail: Trail) -> Post:
    """A login in one framework."""
    return made(request.param, trail)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the frameworks would print of handlers that break."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def made(name: str, trail: Trail, **options: Any) -> Post:
    """A door of a framework, skipped where it is absent."""
    if reason := reason_for_absence(COMPONENTS.get(name, name)):
        pytest.skip(reason)
    if not name.startswith("django") and "capture" not in options:
        options["capture"] = ContextCapture(proxies=TrustedProxies(**PROXIES))  # type: ignore[arg-type]
    post, _app = DOORS[name](trail, **options)
    return post


def test_granted(door: Post, trail: Trail) -> None:
    """A handler that grants is heard: its answer, cookie and session leave, and it is recorded."""
    answer = door(b"grant")
    assert (answer.status, answer.body) == (200, SECRET.encode())
    assert f"token={SECRET}" in answer.everything()
    assert trail.said() == ("granted", "success", "match", None)
    assert {trail.only()[name] for name in ("action", "modality", "target")} == {
        "session.open",
        "face",
        "payroll",
    }


@pytest.mark.parametrize(("body", "reason"), [(b"deny", "non_match"), (b"no-face", "no_face")])
def test_denied(door: Post, trail: Trail, body: bytes, reason: str) -> None:
    """A handler that denies, or captured nothing, answers for itself, and it is recorded."""
    answer = door(body)
    assert (answer.status, answer.body) == (200, SECRET.encode())
    assert trail.said() == ("denied", "failure", reason, None)


def test_undecided(door: Post, trail: Trail) -> None:
    """A handler that decides nothing lets nobody in, whatever it answers."""
    answer = door(b"nothing")
    assert answer.status == 403
    assert SECRET not in answer.everything()
    assert json.loads(answer.body)["status"] == 403
    assert trail.said() == ("denied", "unknown", "no_decision", None)


@pytest.mark.parametrize("name", list(DOORS))
def test_undecided_may_be_let_through(name: str, trail: Trail) -> None:
    """A host may choose to let undecided answers through; they are recorded as denied."""
    answer = made(name, trail, refuse_undecided=False)(b"nothing")
    assert (answer.status, answer.body) == (200, SECRET.encode())
    assert trail.said() == ("denied", "unknown", "no_decision", None)


@pytest.mark.parametrize("body", [b"raise", b"grant-raise", b"500", b"grant-500"])
def test_broken(door: Post, trail: Trail, body: bytes) -> None:
    """A handler that breaks is recorded as an error, also if it granted before."""
    answer = door(body)
    assert answer.status == 500
    cookies = [value for name, value in answer.headers if name.lower() == "set-cookie"]
    assert not any(SECRET in one or one.startswith("session") for one in cookies)
    assert trail.said() == ("denied", "unknown", "error", None)


@pytest.mark.parametrize(
    "body", [b"grant", b"deny", b"nothing", b"raise", b"grant-raise", b"grant stream"]
)
def test_log_full(door: Post, trail: Trail, body: bytes) -> None:
    """Where nothing can be recorded the login is refused, and nothing of its answer leaves."""
    trail.store.full = True
    answer = door(body)
    assert answer.status == 503
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("retry-after") == "5"
    assert answer.header("set-cookie") is None
    assert SECRET not in answer.everything()
    trail.store.full = False
    assert not trail.records()
    assert door(b"grant").status == 200


def test_log_closed(door: Post, trail: Trail) -> None:
    """With a log that is closed the login is refused."""
    trail.log.close()
    answer = door(b"grant")
    assert (answer.status, answer.header("set-cookie")) == (503, None)
    assert SECRET not in answer.everything()


def test_overruled(door: Post, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record does not grant what the handler granted, nobody is let in."""
    monkeypatch.setattr(Attempt, "granted", False)
    answer = door(b"grant")
    assert (answer.status, answer.header("set-cookie")) == (403, None)
    assert SECRET not in answer.everything()


@pytest.mark.parametrize(
    ("body", "factor", "role"),
    [(b"step-up", "one_time_password", "step_up"), (b"fall-back", "pin", "fallback")],
)
def test_factors(door: Post, trail: Trail, body: bytes, factor: str, role: str) -> None:
    """Factors that step up, or stand in for the biometric, are recorded as such."""
    assert door(body).status == 200
    record = trail.only()
    assert record["factors"] == [factor]
    assert (record["labels"]["factor_role"], record["reason"]) == (role, "other_factor")


def test_streamed(door: Post, trail: Trail) -> None:
    """A streamed answer is held back whole."""
    answer = door(b"grant stream")
    assert (answer.status, answer.body) == (200, SECRET.encode())
    assert trail.said() == ("granted", "success", "match", None)


def test_streamed_without_end(door: Post, trail: Trail) -> None:
    """A streamed answer that is longer than may be held back is an error; nothing of it leaves."""
    answer = door(b"grant stream endless")
    assert answer.status == 500
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "unknown", "error", None)


@pytest.mark.parametrize("name", ["flask", "wsgi", "django", "django_async"])
def test_streamed_and_broken(name: str, trail: Trail) -> None:
    """A streamed answer that breaks off is an error; nothing of it leaves."""
    answer = made(name, trail)(b"grant stream broken")
    assert answer.status == 500
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "unknown", "error", None)


def test_oversized(door: Post, trail: Trail) -> None:
    """An upload that is too large is answered with 413, and recorded as a failure."""
    answer = door(b"grant " + b"x" * 1_000)
    assert answer.status == 413
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "failure", "nothing_captured", "body_too_large")


@pytest.mark.parametrize("length", ["9" * 5_000, "1001", "0" * 30 + "9999"])
def test_oversized_by_its_own_word(door: Post, trail: Trail, length: str) -> None:
    """A Content-Length beyond the limit is refused unread, however it is written."""
    answer = door(b"grant", {"Content-Length": length})
    assert answer.status in (413, 431)
    assert trail.only()["outcome"] == "failure"


def test_too_many_headers(door: Post, trail: Trail) -> None:
    """Headers beyond the limit are answered with 431, and recorded as a failure."""
    answer = door(b"grant", {"X-Padding": "x" * 5_000})
    assert answer.status == 431
    assert trail.said() == ("denied", "failure", "nothing_captured", "headers_too_large")


@pytest.mark.parametrize(("path", "method"), [("/other", "POST"), ("/login", "GET")])
def test_other_requests(door: Post, trail: Trail, path: str, method: str) -> None:
    """Requests that are no logins have no attempt, and nothing is recorded."""
    assert door(b"", path=path, method=method).body == b"False"
    assert not trail.records()


def test_context(door: Post, trail: Trail) -> None:
    """The context is captured: the client behind the proxy, ids, and who vouches for them."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    door(
        b"grant",
        {
            "X-Forwarded-For": "203.0.113.66, 192.0.2.60",
            "X-Request-ID": "req-1",
            "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
            "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36",
        },
    )
    context = trail.context()
    assert str(context.ip) == "192.0.2.60"
    assert (context.request_id, context.trace_id, context.os) == ("req-1", trace, "Windows 10")
    assert context.provenance["ip"] == "proxy_asserted"
    assert context.provenance["os"] == "client_claimed"


@pytest.mark.parametrize("name", ["fastapi", "flask", "wsgi"])
def test_spoofed(name: str, trail: Trail) -> None:
    """A client that says it is somebody else is recorded by its own address, with a label."""
    post = made(name, trail, capture=ContextCapture())
    post(b"grant", {"X-Forwarded-For": "192.0.2.60", "Forwarded": "for=192.0.2.60"})
    context = trail.context()
    assert (str(context.ip), context.provenance["ip"]) == ("127.0.0.1", "observed")
    assert trail.only()["labels"] == {"forwarding_refused": "untrusted_peer"}


def test_header_injection(door: Post, trail: Trail) -> None:
    """Line breaks in what a client sends come back in no answer, and do not reach the ids."""
    bad = "x\r\nSet-Cookie: stolen=1"
    answer = door(b"nothing", {"X-Request-ID": bad, "traceparent": bad, "User-Agent": bad})
    assert "stolen" not in answer.everything()
    context = trail.context()
    assert context.request_id is not None
    assert "\n" not in context.request_id
    assert context.trace_id is None
