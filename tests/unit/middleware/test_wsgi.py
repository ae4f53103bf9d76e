"""What only plain WSGI can do to a login: how answers are begun, written, closed and broken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from biotrail.middleware import ContextCapture, Limits, Login, WSGILogins
from tests.unit.middleware._doors import Answer, wsgi_environ, wsgi_post
from tests.unit.middleware._trail import SECRET, Trail

Application = Callable[[dict[str, Any], Any], Any]
LOGIN = Login(action="session.open")
COOKIES = [("Set-Cookie", SECRET)]


def guarded(app: Application, log: Any, **options: Any) -> WSGILogins:
    """A handler of which every request is a login."""
    capture = ContextCapture(parse_user_agents=False)
    options = {"login": LOGIN, "limits": Limits(answer_bytes=100), "capture": capture, **options}
    return WSGILogins(app, log, **options)


def asked(app: Application, log: Any, **options: Any) -> Answer:
    """One login."""
    return wsgi_post(guarded(app, log, **options))(b"")


def granting(environ: dict[str, Any], start: Any) -> list[bytes]:
    """A handler that grants."""
    environ["biotrail.attempt"].grant()
    start("200 OK", COOKIES)
    return [SECRET.encode()]


class Parts:
    """An answer that notes whether it was closed."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self.closed = parts, 0

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        self.closed += 1


def test_one_handler(trail: Trail) -> None:
    """A handler that is wrapped by itself is a login at whatever path it is found."""
    app = wsgi_post(guarded(granting, trail.log))
    answer = app(b"", path="/anywhere/it/is/mounted")
    assert (answer.status, answer.body, answer.header("set-cookie")) == (
        200,
        SECRET.encode(),
        SECRET,
    )
    assert trail.said() == ("granted", "success", "match", None)


def test_a_path_beyond_ascii(trail: Trail) -> None:
    """Paths arrive as bytes in Latin-1 and are compared as the UTF-8 that they are."""
    named = Login(action="session.open", path="/anmeldung/für/{whom}")
    app = wsgi_post(guarded(granting, trail.log, login=None, logins=[named]))
    path = "/anmeldung/für/Zoë".encode().decode("latin-1")
    assert app(b"", path=path).status == 200
    assert trail.said()[0] == "granted"


def test_an_answer_in_an_iterable_is_closed(trail: Trail) -> None:
    """What the handler returns is closed once, before the answer leaves, also where it broke."""
    for broken in (False, True):

        def pieces(broken: bool = broken) -> Iterator[bytes]:
            yield b"o"
            if broken:
                raise ValueError("the stream broke")
            yield b"k"

        parts = Parts(pieces())

        def handler(environ: dict[str, Any], start: Any, parts: Parts = parts) -> Parts:
            environ["biotrail.attempt"].grant()
            start("200 OK", COOKIES)
            return parts

        if broken:
            with pytest.raises(ValueError, match="the stream broke"):
                asked(handler, trail.log)
        else:
            assert asked(handler, trail.log).body == b"ok"
        assert parts.closed == 1
    assert [one["reason"] for one in trail.records()] == ["match", "error"]


def test_an_answer_that_begins_late(trail: Trail) -> None:
    """A generator begins its answer when it is first asked, as PEP 3333 allows."""

    def handler(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        environ["biotrail.attempt"].grant()
        write = start("200 OK", COOKIES)
        write(b"written ")
        yield b"and returned"

    assert asked(handler, trail.log).body == b"written and returned"


def test_an_answer_that_is_replaced_by_an_error(trail: Trail) -> None:
    """With `exc_info` the handler takes back what it began; nothing of that leaves."""

    def handler(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["biotrail.attempt"].grant()
        start("200 OK", COOKIES)(SECRET.encode())
        try:
            raise ValueError("too late")
        except ValueError:
            start("500 Broken", [], sys.exc_info())
        return [b"sorry"]

    answer = asked(handler, trail.log)
    assert answer.status == 500
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "unknown", "error", None)


def _twice(_environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [])
    start("200 OK", [])
    return [SECRET.encode()]


def _never(_environ: dict[str, Any], _start: Any) -> list[bytes]:
    return [SECRET.encode()]


def _without_status(_environ: dict[str, Any], start: Any) -> list[bytes]:
    start("OK", [])
    return [SECRET.encode()]


def _endless(_environ: dict[str, Any], start: Any) -> list[bytes]:
    write = start("200 OK", [])
    while True:
        write(SECRET.encode())


@pytest.mark.parametrize("handler", [_twice, _never, _without_status, _endless])
def test_an_answer_that_cannot_be_held_back(trail: Trail, handler: Application) -> None:
    """Answers that break PEP 3333, or have no end, are errors; nothing of them leaves."""

    def granted(environ: dict[str, Any], start: Any) -> Any:
        environ["biotrail.attempt"].grant()
        return handler(environ, start)

    answer = asked(granted, trail.log)
    assert answer.status == 500
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "unknown", "error", None)


def test_an_interrupt_goes_on(trail: Trail) -> None:
    """A process that is being stopped records the attempt as cancelled, and stops."""

    def handler(environ: dict[str, Any], _start: Any) -> list[bytes]:
        environ["biotrail.attempt"].grant()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(handler, trail.log)
    assert trail.said() == ("denied", "unknown", "cancelled", None)


def test_headers_cannot_name_the_attempt(trail: Trail) -> None:
    """A request that is no login has no attempt, whatever its headers are called."""
    seen: list[Any] = []

    def handler(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ.get("biotrail.attempt"))
        start("200 OK", [])
        return []

    app = guarded(handler, trail.log)
    environ = wsgi_environ(b"", {"biotrail.attempt": "x", "Biotrail-Attempt": "x"}, method="GET")
    list(app(environ, lambda *_: seen.append))
    assert seen == [None]


def test_a_log_that_is_opened_when_needed(trail: Trail) -> None:
    """A function that opens the log is called once; closing closes what it opened."""
    opened: list[Any] = []

    def open_log() -> Any:
        opened.append(trail.log)
        return trail.log

    logins = guarded(granting, open_log)
    assert [wsgi_post(logins)(b"").status for _ in range(2)] == [200, 200]
    assert opened == [trail.log]
    logins.close()
    assert wsgi_post(guarded(granting, trail.log))(b"").status == 503
