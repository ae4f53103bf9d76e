"""What only Flask, plain WSGI and Django do: blocking reads, settings, sessions on the server."""

from __future__ import annotations

import io
import logging
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

import pytest

from biotrail.errors import MiddlewareError
from biotrail.middleware import ContextCapture, Limits, Login, login
from biotrail.middleware._held import HeldSession, is_at_hand, read_body
from biotrail.middleware.answers import Refused
from biotrail.middleware.guard import Guard
from tests.unit.middleware._doors import (
    django_door,
    django_settings,
    flask_door,
    wsgi_door,
    wsgi_environ,
)
from tests.unit.middleware._trail import SECRET, Trail


class Slow:
    """A client that sends a byte and then waits, or trickles for ever, or breaks off."""

    def __init__(self, *, wait: float, error: bool = False) -> None:
        self._wait, self._error = wait, error

    def read(self, size: int) -> bytes:
        if self._error:
            raise OSError("reset by peer")
        time.sleep(self._wait)
        return b"x"

    readline = read


WSGI: dict[str, Callable[..., Any]] = {
    "flask": flask_door,
    "wsgi": wsgi_door,
    "django": django_door,
}


def ask(name: str, trail: Trail, **environ: Any) -> tuple[int, bytes]:
    """One request to a login by WSGI, with a few things otherwise."""
    if name != "wsgi":
        pytest.importorskip(name)
    _post, app = WSGI[name](trail)
    started: list[Any] = []
    whole = {**wsgi_environ(b"grant", {}), **environ}
    parts = app(whole, lambda status, headers, error=None: started.append(status))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    return int(started[-1][:3]), body


@pytest.mark.component("middleware")
@pytest.mark.parametrize("name", list(WSGI))
@pytest.mark.parametrize("wait", [0.05, 0.6], ids=["trickles", "hangs"])
def test_a_slow_client(name: str, trail: Trail, wait: float) -> None:
    """A client that trickles, or sends nothing more at all, is answered with 408 in time."""
    began = time.monotonic()
    status, _ = ask(name, trail, **{"wsgi.input": Slow(wait=wait), "CONTENT_LENGTH": "900"})
    assert status == 408
    assert time.monotonic() - began < 10
    assert trail.said() == ("denied", "failure", "timeout", "too_slow")


@pytest.mark.component("middleware")
@pytest.mark.parametrize("name", list(WSGI))
@pytest.mark.parametrize("stream", [io.BytesIO(b"gra"), Slow(wait=0, error=True)])
def test_a_client_that_goes(name: str, trail: Trail, stream: Any) -> None:
    """A body that breaks off is recorded as cancelled; the handler does not run."""
    if isinstance(stream, io.BytesIO):
        stream = io.BytesIO(stream.getvalue())
    status, body = ask(name, trail, **{"wsgi.input": stream, "CONTENT_LENGTH": "5"})
    assert status == 400
    assert SECRET.encode() not in body
    assert trail.said() == ("denied", "unknown", "cancelled", "disconnected")


@pytest.mark.component("middleware")
@pytest.mark.parametrize("name", list(WSGI))
@pytest.mark.parametrize(
    "environ",
    [{"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": "-5"}],
    ids=["chunked", "no number"],
)
def test_a_body_of_unknown_length(name: str, trail: Trail, environ: dict[str, Any]) -> None:
    """A body whose length cannot be known beforehand is refused, and recorded."""
    assert ask(name, trail, **environ)[0] == 411
    assert trail.said() == ("denied", "failure", "nothing_captured", "length_required")


@pytest.mark.component("flask")
@pytest.mark.component("middleware")
def test_a_chunked_body_that_the_server_ends(trail: Trail) -> None:
    """In Flask, a chunked body is read where the server marks its end, and measured."""
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert ask("flask", trail, CONTENT_LENGTH="", **chunked)[0] == 200
    large = {"wsgi.input": io.BytesIO(b"x" * 2_000)}
    assert ask("flask", trail, CONTENT_LENGTH="", **chunked, **large)[0] == 413


def test_bodies_are_read_in_pieces() -> None:
    """Reading ends at the length that was given, or at the end where none was."""
    limits = Limits(body_bytes=200_000)
    data = bytes(range(256)) * 400
    assert read_body(io.BytesIO(data + b"next").read, len(data), limits) == data
    assert read_body(io.BytesIO(data).read, None, limits) == data
    assert read_body(io.BytesIO(data).read, 0, limits) == b""
    assert read_body(io.BytesIO(data * 3).read, None, limits) is Refused.BODY_TOO_LARGE
    patient = Limits(body_bytes=10, read_seconds=None)
    assert read_body(io.BytesIO(b"abc").read, 3, patient) == b"abc"


def test_only_what_cannot_hang_is_read_without_a_thread() -> None:
    """Bodies in memory and in files are at hand; what comes from a socket or a pipe is not."""
    with tempfile.TemporaryFile() as spooled:
        assert is_at_hand(spooled)
    assert is_at_hand(io.BytesIO(b"body"))
    here, there = socket.socketpair()
    with here, there, here.makefile("rb") as one, here.makefile("rwb") as both:
        assert not is_at_hand(one)
        assert not is_at_hand(both)
    assert not is_at_hand(Slow(wait=0))
    assert not is_at_hand(None)


@pytest.mark.component("middleware")
@pytest.mark.parametrize("name", list(WSGI))
def test_a_body_that_is_shorter_than_announced_and_at_hand(name: str, trail: Trail) -> None:
    """Without a thread it is the same: a body that ends early is recorded as cancelled."""
    stream = io.BytesIO(b"grant")
    assert ask(name, trail, **{"wsgi.input": stream, "CONTENT_LENGTH": "6"})[0] == 400
    assert trail.said() == ("denied", "unknown", "cancelled", "disconnected")


def test_sessions_go_back_to_what_they_were() -> None:
    """What was put into a session is taken out again, also where it was changed within."""
    session: dict[str, Any] = {"seen": [1]}
    held = HeldSession(session)
    session["who"] = "ada"
    session["seen"].append(2)
    held.restore()
    assert session == {"seen": [1]}
    HeldSession(None).restore()


@pytest.mark.component("django")
@pytest.mark.component("middleware")
def test_a_session_on_the_server_is_not_saved_without_a_record(
    trail: Trail, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the login is refused, the session that the client holds already stays as it was."""
    logging.disable(logging.CRITICAL)
    post, _ = django_door(trail)
    from django.contrib.sessions.backends.file import SessionStore
    from django.test import override_settings

    with override_settings(
        SESSION_ENGINE="django.contrib.sessions.backends.file", SESSION_FILE_PATH=str(tmp_path)
    ):
        monkeypatch.setattr(SessionStore, "_storage_path", str(tmp_path), raising=False)
        mine = SessionStore()
        mine["basket"] = 3
        mine.save()
        post, _ = django_door(trail)
        cookie = {"Cookie": f"sessionid={mine.session_key}"}
        trail.store.full = True
        assert post(b"grant", cookie).status == 503
        trail.store.full = False
        assert post(b"nothing", cookie).status == 403
        assert dict(SessionStore(mine.session_key).items()) == {"basket": 3}
        assert post(b"grant", cookie).status == 200
        assert dict(SessionStore(mine.session_key).items()) == {"basket": 3, "who": SECRET}
    logging.disable(logging.NOTSET)


@pytest.mark.component("flask")
@pytest.mark.component("middleware")
def test_a_session_on_the_server_of_flask_is_not_saved_without_a_record(trail: Trail) -> None:
    """The record comes before Flask saves the session, wherever that is kept."""
    logging.disable(logging.CRITICAL)
    from flask.sessions import SecureCookieSession, SessionInterface

    kept: dict[str, Any] = {"basket": 3}

    class OnServer(SessionInterface):
        def open_session(self, app: Any, request: Any) -> SecureCookieSession:
            return SecureCookieSession(kept)

        def save_session(self, app: Any, session: Any, response: Any) -> None:
            if session.modified:
                kept.clear()
                kept.update(session)

    post, app = flask_door(trail)
    app.session_interface = OnServer()
    trail.store.full = True
    assert post(b"grant").status == 503
    trail.store.full = False
    assert post(b"nothing").status == 403
    assert kept == {"basket": 3}
    post(b"grant")
    assert kept["who"] == SECRET
    logging.disable(logging.NOTSET)


@pytest.mark.component("django")
@pytest.mark.component("middleware")
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"LOG": None, "COLOUR": 1}, "COLOUR"),
        ({"LOG": "nowhere.at.all"}, "LOG"),
        ({"PROXIES": {"hops": 0}}, "PROXIES"),
        ({"LIMITS": {"body": 1}}, "LIMITS"),
        ({"LOGINS": [{"action": ""}]}, "LOGINS"),
        ({"LOGINS": [{"action": "x"}]}, "path"),
    ],
    ids=str,
)
def test_wrong_settings_of_django(trail: Trail, wrong: dict[str, Any], named: str) -> None:
    """A setting that is unknown or wrong stops the service when it starts, by name."""
    django_door(trail)
    from django.test import override_settings

    from biotrail.middleware.django import LoginMiddleware

    with (
        override_settings(BIOTRAIL={**django_settings(trail), **wrong}),
        pytest.raises(MiddlewareError, match=named),
    ):
        LoginMiddleware(lambda request: None)


@pytest.mark.component("django")
@pytest.mark.component("middleware")
def test_the_order_of_djangos_middleware(trail: Trail) -> None:
    """Sessions that would be saved before the record stop the service when it starts."""
    django_door(trail)
    from django.conf import settings
    from django.test import override_settings

    from biotrail.middleware.django import LoginMiddleware

    with (
        override_settings(
            BIOTRAIL=django_settings(trail), MIDDLEWARE=list(reversed(settings.MIDDLEWARE))
        ),
        pytest.raises(MiddlewareError, match="must stand after"),
    ):
        LoginMiddleware(lambda request: None)
    with override_settings(), pytest.raises(MiddlewareError, match="must be a mapping"):
        LoginMiddleware(lambda request: None)


def test_wrong_settings_of_a_guard(trail: Trail) -> None:
    """Limits, logins and times that cannot be meant are refused."""
    capture = ContextCapture(parse_user_agents=False)
    for wrong in ({"retry_after": -1}, {"logins": [Login(action="a")]}):
        with pytest.raises(MiddlewareError):
            Guard(trail.log, capture=capture, **wrong)
    for limits in ({"body_bytes": 0}, {"read_seconds": -1}, {"header_lines": True}):
        with pytest.raises(MiddlewareError, match=next(iter(limits))):
            Limits(**limits)
    for path in ({"path": "login"}, {"methods": "post"}, {"methods": ()}):
        with pytest.raises(MiddlewareError, match=next(iter(path))):
            Login(action="a", **path)
    with pytest.raises(MiddlewareError, match="path"):
        login("a", path="/x")
