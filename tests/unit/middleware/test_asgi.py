"""What only ASGI can do to a login: bodies in pieces, clients that go, tasks that are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from biotrail import AuditLogger
from biotrail.middleware import ContextCapture, Limits, Login, LoginMiddleware
from tests.unit.middleware._doors import answer_of, asgi_scope
from tests.unit.middleware._trail import SECRET, Trail

Application = Callable[[Any, Any, Any], Awaitable[None]]
LOGIN = Login(action="session.open")
WHOLE: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]
GONE: dict[str, Any] = {"type": "http.disconnect"}


def guarded(app: Application, log: Any, **options: Any) -> LoginMiddleware:
    """An application of which every request is a login."""
    limits = Limits(body_bytes=10, answer_bytes=100, read_seconds=0.1)
    capture = ContextCapture(parse_user_agents=False)
    options = {"login": LOGIN, "limits": limits, "capture": capture, **options}
    return LoginMiddleware(app, log, **options)


async def answering(scope: Any, _receive: Any, send: Any, *, status: int = 200) -> None:
    """A handler that grants."""
    scope["state"]["attempt"].grant()
    head = [(b"set-cookie", SECRET.encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": SECRET.encode()})


async def exchange(app: Any, messages: list[dict[str, Any]]) -> list[Any]:
    """Send messages as a client would, and collect what comes back; the client stays afterwards."""
    sent: list[Any] = []
    waiting = iter(messages)

    async def receive() -> Any:
        for message in waiting:
            return message
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asgi_scope([]), receive, send)
    return sent


def run(app: Any, messages: list[dict[str, Any]]) -> list[Any]:
    """`exchange`, to its end."""
    return asyncio.run(exchange(app, messages))


def test_a_body_in_pieces(trail: Trail) -> None:
    """A body that comes in pieces is given to the handler whole."""
    seen: list[Any] = []

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        await answering(scope, receive, send)

    pieces: list[Any] = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.request", "body": b"de"},
    ]
    assert answer_of(run(guarded(handler, trail.log), pieces)).status == 200
    assert seen == [{"type": "http.request", "body": b"abcde", "more_body": False}]


def test_a_body_without_length_that_grows_too_large(trail: Trail) -> None:
    """Pieces are counted: the handler does not run, and a failure is recorded."""
    pieces = [{"type": "http.request", "body": b"abcdef", "more_body": True}] * 2
    assert answer_of(run(guarded(answering, trail.log), pieces)).status == 413
    assert trail.said() == ("denied", "failure", "nothing_captured", "body_too_large")


def test_a_slow_client(trail: Trail) -> None:
    """A body that does not come in time is answered with 408, and recorded."""
    pieces = [{"type": "http.request", "body": b"a", "more_body": True}]
    assert answer_of(run(guarded(answering, trail.log), pieces)).status == 408
    assert trail.said() == ("denied", "failure", "timeout", "too_slow")


def test_a_client_that_goes_while_sending(trail: Trail) -> None:
    """A client that goes before its body is complete is recorded as cancelled."""
    pieces: list[Any] = [{"type": "http.request", "body": b"a", "more_body": True}, GONE]
    assert run(guarded(answering, trail.log), pieces) == []
    assert trail.said() == ("denied", "unknown", "cancelled", "disconnected")


def test_a_client_that_goes_while_the_handler_decides(trail: Trail) -> None:
    """A grant that nobody waits for any more is recorded as cancelled, and not answered."""
    assert run(guarded(answering, trail.log), [*WHOLE, GONE]) == []
    assert trail.said() == ("denied", "unknown", "cancelled", "disconnected")


def test_a_handler_that_sees_the_client_go(trail: Trail) -> None:
    """Where the handler itself took note of it, it is the same."""

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        assert await receive() == GONE
        await answering(scope, receive, send)

    assert run(guarded(handler, trail.log), [*WHOLE, GONE]) == []
    assert trail.said() == ("denied", "unknown", "cancelled", "disconnected")


def test_a_denial_stands_though_the_client_has_gone(trail: Trail) -> None:
    """Going away does not spare a client the record of its failure."""

    async def handler(scope: Any, _receive: Any, send: Any) -> None:
        scope["state"]["attempt"].deny("non_match")
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    run(guarded(handler, trail.log), [*WHOLE, GONE])
    assert trail.said() == ("denied", "failure", "non_match", None)


def test_a_cancelled_task(trail: Trail) -> None:
    """A handler that is cancelled is recorded as cancelled, and the cancellation goes on."""

    async def handler(scope: Any, _receive: Any, _send: Any) -> None:
        scope["state"]["attempt"].grant()
        await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.create_task(exchange(guarded(handler, trail.log), WHOLE))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert trail.said() == ("denied", "unknown", "cancelled", None)


@pytest.mark.parametrize("full", [False, True])
def test_a_handler_that_raises(trail: Trail, full: bool) -> None:
    """Its error goes on to whoever reports it; where nothing can be recorded it ends in a 503."""

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["attempt"].grant()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    trail.store.full = full
    if full:
        assert answer_of(run(guarded(handler, trail.log), WHOLE)).status == 503
        return
    with pytest.raises(ZeroDivisionError):
        run(guarded(handler, trail.log), WHOLE)
    assert trail.said() == ("denied", "unknown", "error", None)


async def _silent(scope: Any, _receive: Any, _send: Any) -> None:
    scope["state"]["attempt"].grant()


async def _half(scope: Any, receive: Any, send: Any) -> None:
    await _silent(scope, receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})


async def _file(scope: Any, receive: Any, send: Any) -> None:
    await _silent(scope, receive, send)
    assert not scope["extensions"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.pathsend", "path": "/etc/passwd"})


@pytest.mark.parametrize("handler", [_silent, _half, _file])
def test_an_answer_that_cannot_be_held_back(trail: Trail, handler: Application) -> None:
    """No answer, half of one, or one that goes around the middleware, is an error."""
    assert answer_of(run(guarded(handler, trail.log), WHOLE)).status == 500
    assert trail.said() == ("denied", "unknown", "error", None)


def test_what_runs_after_the_answer(trail: Trail) -> None:
    """Work after the answer waits for nobody, and its errors go on without another record."""
    order: list[str] = []

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await answering(scope, receive, send)
        order.append(trail.only()["decision"])
        await send({"type": "http.response.body", "body": b"more"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(guarded(handler, trail.log), WHOLE)
    assert order == ["granted"]
    assert trail.only()["decision"] == "granted"


def test_extensions_that_go_around_are_not_offered(trail: Trail) -> None:
    """The handler is offered only extensions that leave the answer in the middleware's hands."""
    seen: list[Any] = []

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["extensions"]))
        await answering(scope, receive, send)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = {"http.response.pathsend": {}, "tls": {"version": 772}}
        await guarded(handler, trail.log)(scope, receive, send)

    run(outer, WHOLE)
    assert seen == [{"tls": {"version": 772}}]


def test_undecided_errors_keep_their_answer_but_no_cookie(trail: Trail) -> None:
    """An undecided answer of 400 or more leaves, without the cookies that it would set."""

    async def handler(scope: Any, _receive: Any, send: Any) -> None:
        head = [(b"Set-Cookie", SECRET.encode()), (b"x-kept", b"1")]
        await send({"type": "http.response.start", "status": 422, "headers": head})
        await send({"type": "http.response.body", "body": b"a field is missing"})

    answer = answer_of(run(guarded(handler, trail.log), WHOLE))
    assert (answer.status, answer.headers) == (422, [("x-kept", "1")])
    assert trail.said() == ("denied", "unknown", "no_decision", None)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_granted_and_refused_at_once(trail: Trail, status: int) -> None:
    """A handler that grants and answers an error contradicts itself: an error, and no cookie."""

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await answering(scope, receive, send, status=status)

    answer = answer_of(run(guarded(handler, trail.log), WHOLE))
    assert answer.status == 500
    assert SECRET not in answer.everything()
    assert trail.said() == ("denied", "unknown", "error", None)


def test_logins_by_path(trail: Trail) -> None:
    """Logins named by path and method are found, below a mount too; others pass."""
    doors = Login(action="door.open", path="/doors/{door}/open", methods="PUT")
    app = guarded(answering, trail.log, login=None, logins=[doors])

    async def ask(path: str, method: str, root: str = "") -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return WHOLE[0]

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {**asgi_scope([], path, method), "root_path": root, "state": {}}
        await app(scope, receive, send)
        return sent

    asyncio.run(ask("/doors/4/open", "PUT"))
    asyncio.run(ask("/api/doors/4/open", "PUT", "/api"))
    assert [one["action"] for one in trail.records()] == ["door.open"] * 2
    for path, method in (("/doors/4/open", "POST"), ("/doors/4/5/open", "PUT"), ("/", "PUT")):
        with pytest.raises(KeyError, match="attempt"):
            asyncio.run(ask(path, method))
    assert len(trail.records()) == 2


def test_many_at_once(trail: Trail) -> None:
    """Logins at the same time each have their own attempt and record."""

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        scope["state"]["attempt"].identified(body.decode())
        await asyncio.sleep(0)
        await answering(scope, receive, send)

    async def all_of_them() -> None:
        app = guarded(handler, trail.log)
        bodies = [{"type": "http.request", "body": b"p%d" % number} for number in range(40)]
        await asyncio.gather(*(exchange(app, [body]) for body in bodies))

    asyncio.run(all_of_them())
    people = {event.subject.id for event in trail.log.events if event.subject}
    assert people == {f"p{number}" for number in range(40)}


def test_a_log_that_is_opened_when_needed_is_closed_at_the_end() -> None:
    """A log that the middleware opens is opened once, and closed when the application ends."""
    opened: list[AuditLogger] = []

    def open_log() -> AuditLogger:
        opened.append(Trail().log)
        return opened[-1]

    app = guarded(_lifespan_or_answer, open_log)

    async def life() -> None:
        await exchange(app, WHOLE)
        await exchange(app, WHOLE)

        async def nothing(*_: Any) -> Any:
            return None

        await app({"type": "lifespan"}, nothing, nothing)

    asyncio.run(life())
    (log,) = opened
    with pytest.raises(Exception, match="closed"):
        log.checkpoint()


async def _lifespan_or_answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await answering(scope, receive, send)


def test_a_log_that_cannot_be_opened_refuses_the_login(trail: Trail) -> None:
    """Where the log cannot be opened the handler does not run, and the answer is 503."""

    def open_log() -> AuditLogger:
        raise OSError("the disk is gone")

    answer = answer_of(run(guarded(answering, open_log), WHOLE))
    assert (answer.status, answer.header("retry-after")) == (503, "5")
    assert SECRET not in answer.everything()
