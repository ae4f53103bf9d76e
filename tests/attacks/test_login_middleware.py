"""Threat: whoever can reach a login invents addresses, breaks off, stalls, or floods it."""

from __future__ import annotations

import itertools
import json
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from tests.attacks._login_server import BODY_BYTES, LoginServer, head, received, serving
from tests.unit.middleware._trail import SECRET, Trail

pytestmark = [pytest.mark.component(one) for one in ("http_servers", "middleware")]

PEER = "127.0.0.1"
FAKE, NAMED, NEAR = b"198.51.100.66", b"192.0.2.60", b"192.0.2.7"
READ_AHEAD = (64 + 256) * 1_024  # uvicorn's high-water mark, and one read of asyncio's
_SIX = "2001:db8::60"


@pytest.fixture(scope="module")
def server() -> Iterator[LoginServer]:
    """A running server; all tests share it, and its log."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with serving(Trail()) as served:
        yield served


def _xff(*parties: bytes) -> bytes:
    return b"X-Forwarded-For: " + b", ".join(parties)


SPOOFED: list[tuple[int, list[bytes], str, str | None]] = [
    # Nobody is trusted.
    (0, [_xff(FAKE)], PEER, "untrusted_peer"),
    (0, [b"Forwarded: for=" + FAKE], PEER, "untrusted_peer"),
    (0, [_xff(FAKE), b"Forwarded: for=" + FAKE], PEER, "untrusted_peer"),
    (0, [b"X-Real-IP: " + FAKE], PEER, None),
    (0, [b"True-Client-IP: " + FAKE, b"CF-Connecting-IP: " + FAKE], PEER, None),
    (0, [b"X-Forwarded-For: \xff\xfe"], PEER, "untrusted_peer"),
    # One proxy, which adds the party that it sees.
    (1, [_xff(NAMED)], "192.0.2.60", None),
    (1, [_xff(FAKE, NAMED)], "192.0.2.60", None),
    (1, [_xff(FAKE), _xff(NAMED)], "192.0.2.60", None),
    (1, [_xff(b"127.0.0.1", b"::1", b"10.0.0.1", NAMED)], "192.0.2.60", None),
    (1, [_xff(b"rubbish\xff\x01", NAMED)], "192.0.2.60", None),
    (1, [b"X-Real-IP: " + FAKE], PEER, "too_few_hops"),
    (1, [b"X-Real-IP: " + FAKE, _xff(NAMED)], "192.0.2.60", None),
    (1, [], PEER, "too_few_hops"),
    (1, [_xff(NAMED), b"Forwarded: for=" + FAKE], PEER, "conflict"),
    (1, [_xff(NAMED), b"Forwarded: for=" + NAMED], "192.0.2.60", None),
    (1, [_xff(NAMED), b"Forwarded: for="], PEER, "conflict"),
    (1, [b'Forwarded: for="198.51.100.66', b"Forwarded: for=" + NAMED], "192.0.2.60", None),
    (1, [b'Forwarded: for="' + FAKE + b", for=" + NAMED], PEER, "malformed"),
    (1, [b"Forwarded: for=" + NAMED + b"; for=" + FAKE], PEER, "malformed"),
    # Two proxies.
    (2, [_xff(FAKE, NAMED, NEAR)], "192.0.2.60", None),
    (2, [_xff(FAKE), _xff(NAMED), _xff(NEAR)], "192.0.2.60", None),
    (2, [_xff(NEAR)], PEER, "too_few_hops"),
    (2, [_xff(NAMED, b"unknown")], "192.0.2.60", None),
    (2, [_xff(NAMED, b"rubbish")], PEER, "malformed"),
    # IPv6, ports, and what RFC 7239 hides.
    (1, [b'Forwarded: for="[2001:db8::60]:4711"'], _SIX, None),
    (1, [b'Forwarded: for="[2001:DB8:0::60]:_hidden";proto=https'], _SIX, None),
    (1, [_xff(b"[2001:db8::60]:4711")], _SIX, None),
    (1, [_xff(b"2001:db8::60")], _SIX, None),
    (1, [_xff(b"192.0.2.60:4711")], "192.0.2.60", None),
    (1, [_xff(b"::ffff:192.0.2.60")], "192.0.2.60", None),
    (1, [b"Forwarded: for=2001:db8::60"], PEER, "malformed"),
    (1, [_xff(b"fe80::1%eth0")], PEER, "malformed"),
    (1, [_xff(b"0300.0.2.60")], PEER, "malformed"),
    (1, [_xff(b"3221226044")], PEER, "malformed"),
    (1, [b"Forwarded: for=unknown"], PEER, "hidden"),
    (1, [b"Forwarded: for=_SEVKISEK"], PEER, "hidden"),
    (1, [b'Forwarded: for="_gazonk:_port"'], PEER, "hidden"),
    (1, [b"Forwarded: by=" + FAKE + b";host=example.com"], PEER, "hidden"),
    # Too long to be meant.
    (1, [_xff(*[FAKE] * 700)], PEER, "too_long"),
    (1, [b"Forwarded: for=" + b"1" * 9_000], PEER, "too_long"),
]


@pytest.mark.parametrize(("hops", "lines", "address", "refused"), SPOOFED)
def test_addresses_that_are_made_up(
    server: LoginServer, hops: int, lines: list[bytes], address: str, refused: str | None
) -> None:
    """Only what the configured number of proxies wrote is believed; the rest leaves the peer's."""
    answer = server.post(b"grant", *lines, hops=hops)
    assert b" 200 " in answer.partition(b"\r\n")[0]
    event = server.trail.log.events[-1]
    assert str(event.context.ip) == address
    assert event.labels.get("forwarding_refused") == refused
    believed = "observed" if address == PEER else "proxy_asserted"
    assert event.context.provenance["ip"] == believed


@pytest.mark.parametrize(
    "line",
    [
        b"X-Request-ID: a\rSet-Cookie: stolen=1",
        b"X-Request-ID: a\nSet-Cookie: stolen=1",
        b"X-Request-ID: a\x00b",
        b"User-Agent: \x1b[2J\x07 stolen=1",
        "User-Agent: ︮ stolen=1\u2028".encode(),
        b"User-Agent: \xff\xfe stolen=1",
        b"X-Request-ID: " + "ключ".encode(),
        b"X-Request-ID: " + b"a" * 4_000,
        b"traceparent: 00-" + b"g" * 32 + b"-00f067aa0ba902b7-01",
        b"traceparent: 00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"traceparent: " + b"\xff" * 55,
        b"traceparent: " + b"0" * 20_000,
        b"Transfer-Encoding: chunked\r\nContent-Length: 7",
        b"Content-Length: 8",
        b"Content-Length: -1",
        b"Content-Length: +7",
        b"Content-Length: 7, 9",
    ],
)
def test_header_lines_that_are_none(server: LoginServer, line: bytes) -> None:
    """Refused by the server or recorded; nothing of it comes back, or joins the record as an id."""
    before = len(server.trail.log.events)
    answer = server.post(b"nothing", line)
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert b"stolen" not in answer
    assert SECRET.encode() not in answer
    for event in server.trail.log.events[before:]:
        assert event.context.trace_id is None
        assert event.context.request_id is not None
        assert event.context.request_id.isalnum()
        assert event.decision == "denied"


def test_an_upload_that_is_announced_too_large_is_not_read(server: LoginServer) -> None:
    """413 comes by the announcement alone, before a byte of the body is sent."""
    before, taken = len(server.trail.log.events), server.taken
    answer = server.send(head(0, b"Content-Length: 99999999999"))
    assert b" 413 " in answer.partition(b"\r\n")[0]
    assert b"connection: close" in answer.lower()
    event = server.wait_for_event(before + 1)
    assert (event.outcome, event.labels["request_refused"]) == ("failure", "body_too_large")
    assert server.taken == taken


def test_an_upload_without_length_is_read_no_further_than_the_limit(server: LoginServer) -> None:
    """Of 50 MB of chunks no more is taken in than the limit and what uvicorn had read ahead."""
    before, taken = len(server.trail.log.events), server.taken
    chunk = b"400\r\n" + b"x" * 1_024 + b"\r\n"
    pieces = itertools.repeat(chunk, 50_000)
    answer = server.send(head(0, b"Transfer-Encoding: chunked"), pieces=pieces)
    event = server.wait_for_event(before + 1)
    assert event.labels["request_refused"] == "body_too_large"
    assert server.taken - taken <= BODY_BYTES + READ_AHEAD
    assert b" 413 " in answer.partition(b"\r\n")[0] or answer == b""


def test_a_body_that_trickles(server: LoginServer) -> None:
    """A client that sends a byte now and then gets no more time for it; others are served."""
    before = len(server.trail.log.events)

    def pieces() -> Iterator[bytes]:
        assert b" 200 " in server.post(b"grant").partition(b"\r\n")[0]
        while True:
            time.sleep(0.05)
            yield b"x"

    began = time.monotonic()
    answer = server.send(head(0, b"Content-Length: 900"), pieces=pieces())
    assert time.monotonic() - began < 3
    assert b" 408 " in answer.partition(b"\r\n")[0] or answer == b""
    event = server.wait_for_event(before + 2)
    assert (event.decision, event.reason) == ("denied", "timeout")


def test_a_client_that_vanishes_while_it_sends(server: LoginServer) -> None:
    """Half a body and a reset connection: recorded as cancelled, and no handler ran."""
    before = len(server.trail.log.events)
    connection = socket.create_connection(("127.0.0.1", server.port), 5)
    connection.sendall(head(0, b"Content-Length: 5") + b"gra")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()  # by a reset, as when a telephone loses its network
    event = server.wait_for_event(before + 1)
    assert (event.decision, event.reason, event.outcome) == ("denied", "cancelled", "unknown")
    assert event.labels["request_refused"] == "disconnected"


def test_a_client_that_vanishes_while_the_handler_decides(server: LoginServer) -> None:
    """Nobody is let in who is not there any more: the grant is recorded as cancelled."""
    before = len(server.trail.log.events)
    server.waiting.clear()
    server.go_on.clear()
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(head(0, b"Content-Length: 11") + b"grant later")
        assert server.waiting.wait(10)
    time.sleep(0.1)  # until the server has read that the connection ended
    server.go_on.set()
    event = server.wait_for_event(before + 1)
    assert (event.decision, event.reason, event.outcome) == ("denied", "cancelled", "unknown")


def test_a_client_that_waits_is_answered(server: LoginServer) -> None:
    """The same login with a client that stays is granted and answered."""
    server.waiting.clear()
    server.go_on.clear()
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(head(0, b"Content-Length: 11") + b"grant later")
        assert server.waiting.wait(10)
        server.go_on.set()
        assert b" 200 " in received(connection).partition(b"\r\n")[0]
    assert server.trail.log.events[-1].decision == "granted"


@pytest.mark.parametrize(
    ("body", "status", "decision", "reason"),
    [
        (b"nothing", 403, "denied", "no_decision"),
        (b"raise", 500, "denied", "error"),
        (b"grant-raise", 500, "denied", "error"),
        (b"grant, then deny", 200, "denied", "non_match"),
        (b"deny, then grant", 200, "granted", "match"),
    ],
)
def test_handlers_that_misbehave(
    server: LoginServer, body: bytes, status: int, decision: str, reason: str
) -> None:
    """The last decision counts; without one, or with an error, nobody is let in or told why."""
    before = len(server.trail.log.events)
    answer = server.post(body)
    assert b" %d " % status in answer.partition(b"\r\n")[0]
    if status != 200:
        assert SECRET.encode() not in answer
    event = server.wait_for_event(before + 1)
    assert (event.decision, event.reason) == (decision, reason)


def test_many_hostile_clients_leave_the_log_whole(server: LoginServer) -> None:
    """After all of it the log holds what was recorded, once, and takes the next login."""
    answer = server.post(b"grant")
    assert b" 200 " in answer.partition(b"\r\n")[0]
    assert len(server.trail.records()) == len(server.trail.log.events)
    problem = server.post(b"nothing").partition(b"\r\n\r\n")[2]
    assert json.loads(problem)["status"] == 403
