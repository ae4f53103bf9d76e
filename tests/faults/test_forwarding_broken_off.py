"""A forwarder that is killed, whose disk is full, or whose receiver does not do its part."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.errors import PositionError, SinkUnavailableError
from biotrail.forwarding import (
    Backoff,
    FileSink,
    Forwarded,
    Forwarder,
    HttpsSink,
    PositionFile,
    SyslogTlsSink,
    tls_context,
)
from biotrail.query import RecordReader
from tests._components import ROOT
from tests.faults._mounts import Mounts, fill, mounted
from tests.unit.forwarding.conftest import Authority, HttpsReceiver, SyslogReceiver
from tests.unit.query._logs import event, open_log, sealed_log

__all__ = ["mounted"]
trusted = pytest.mark.component("trustme")
BATCH = 500  # of the command


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that the receivers have their certificates from."""
    return Authority(tmp_path)


@pytest.fixture
def https(authority: Authority) -> Iterator[HttpsReceiver]:
    """An HTTPS receiver."""
    with closing(HttpsReceiver(authority.server)) as found:
        yield found


def _log(count: int = 5) -> RecordReader:
    store, vault = sealed_log(event(number) for number in range(count))
    return RecordReader(store, vault=vault)


def _indices(lines: bytes) -> list[int]:
    return [json.loads(line)["index"] for line in lines.splitlines()]


def _forwarding(log: Path, to: str, position: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "biotrail", "forward", str(log), "--to", to]
    return [*command, "--position", str(position), "--format", "jsonl", *more]


@trusted
@pytest.mark.component("cli")
def test_killing_the_command_in_the_midst_of_a_batch(
    tmp_path: Path, https: HttpsReceiver, authority: Authority
) -> None:
    """SIGKILL while the second batch is posted: nothing is lost; that batch alone comes twice."""
    path = tmp_path / "log.db"
    with biotrail.open(path, origin="example.com/door", passphrase="a long secret") as log:
        log.record_many([event(number) for number in range(2 * BATCH + 100)])
        size = log.checkpoint().size
    position = tmp_path / "position"
    command = _forwarding(path, https.address, position, "--ca", authority.file)
    killed = threading.Event()

    def decide(_body: bytes) -> int:
        if len(https.requests) == 2:
            os.kill(forwarder.pid, signal.SIGKILL)  # the batch is here, the answer is not there
            killed.set()
        return 204

    https.decide = decide
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as forwarder:
        assert forwarder.wait(60) == -signal.SIGKILL
    assert killed.is_set()
    kept = PositionFile(position).read()
    assert kept is not None
    assert kept.next == BATCH
    subprocess.run([*command, "--once"], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    batches = [_indices(body) for _, body in https.requests]
    assert batches[1] == batches[2] == [*range(BATCH, 2 * BATCH)]
    assert batches[0] + batches[2] + batches[3] == [*range(size)]
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".tmp")] == []


@pytest.mark.component("tmpfs")
def test_a_full_disk_below_the_position(mounted: Mounts, tmp_path: Path) -> None:
    """A disk that fills up on the way costs one batch twice; starting on a full one costs none."""
    folder, out, reader = mounted(size="256k"), tmp_path / "out", _log(9)
    position = folder / "position"

    class Filling(FileSink):
        ballast: Path | None = None

        def deliver(self, messages: Any, how: Any) -> None:
            super().deliver(messages, how)
            if messages[-1].index >= 7 and self.ballast is None:
                self.ballast = fill(folder, 0)

    sink = Filling(out)
    given: dict[str, Any] = {"position": position, "format": "jsonl", "batch": 4}
    with pytest.raises(PositionError):
        Forwarder(reader, sink, **given).run_once()
    delivered = out.read_bytes()
    assert _indices(delivered) == [*range(8)]
    for _ in range(3):  # a supervisor that starts it again and again
        with pytest.raises(PositionError):
            Forwarder(reader, sink, **given).run_once()
    assert out.read_bytes() == delivered
    assert {one.name for one in folder.iterdir()} == {"position", "ballast"}
    assert sink.ballast is not None
    sink.ballast.unlink()
    Forwarder(reader, sink, **given).run_once()
    assert _indices(out.read_bytes()) == [*range(8), *range(4, reader.size)]


@trusted
def test_a_receiver_that_asks_for_time(
    tmp_path: Path, https: HttpsReceiver, authority: Authority
) -> None:
    """After 500 the wait is our own; after 429 and 503 with Retry-After, what was asked for."""
    https.answers = [(500, {}), (429, {"Retry-After": "7"}), (503, {"Retry-After": "90"})]

    waits: list[float | None] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return self.is_set()

    stop = Stop()
    told: list[Exception | Forwarded] = []

    def report(what: Exception | Forwarded) -> None:
        told.append(what)
        if isinstance(what, Forwarded):
            stop.set()

    sink = HttpsSink(https.address, tls=tls_context(ca_file=authority.file))
    backoff = Backoff(first=0.5, maximum=60, random=lambda: 1.0)
    forwarder = Forwarder(_log(), sink, position=tmp_path / "p", format="jsonl", backoff=backoff)
    forwarder.run(stop, report=report)
    assert waits == [0.5, 7.5, 90.5]
    assert len({body for _, body in https.requests}) == 1
    assert len(told) == 4


def _trickling(context: ssl.SSLContext, listening: socket.socket, stop: threading.Event) -> None:
    plain, _ = listening.accept()
    with suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
        tls.recv(65_536)
        for byte in b"HTTP/1.1 204 No Content\r\n" + b"X-Slow: x\r\n" * 1_000:
            tls.send(bytes([byte]))
            if stop.wait(0.05):
                return


@trusted
def test_a_receiver_that_answers_byte_by_byte(tmp_path: Path, authority: Authority) -> None:
    """Each byte comes in time, the answer never: the batch is given up, and kept for later."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        given = (authority.server, listening, stop)
        thread = threading.Thread(target=_trickling, args=given)
        thread.start()
        address = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        tls = tls_context(ca_file=authority.file)
        forwarder = Forwarder(
            _log(), HttpsSink(address, tls=tls, timeout=0.3), position=tmp_path / "p"
        )
        began = time.monotonic()
        with pytest.raises(SinkUnavailableError):
            forwarder.run_once()
        assert time.monotonic() - began < 5
        assert forwarder.position.next == 0
        stop.set()
        thread.join(10)


@trusted
def test_a_receiver_that_does_not_read(tmp_path: Path, authority: Authority) -> None:
    """What a syslog receiver does not read does not count as delivered."""
    stop = threading.Event()

    def hold(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with suppress(OSError), authority.server.wrap_socket(plain, server_side=True):
            stop.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=hold, args=(listening,))
        thread.start()
        tls = tls_context(ca_file=authority.file)
        port = listening.getsockname()[1]
        with closing(SyslogTlsSink("127.0.0.1", port, tls=tls, timeout=0.3)) as sink:
            forwarder = Forwarder(_log(), sink, position=tmp_path / "p")
            with pytest.raises(SinkUnavailableError):
                forwarder.run_once()
        assert forwarder.position.next == 0
        stop.set()
        thread.join(10)


@trusted
def test_syslog_receivers_that_ask_for_a_certificate(tmp_path: Path, authority: Authority) -> None:
    """With a client's certificate of the right authority records are taken; else none count."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    mine, theirs = tmp_path / "mine.pem", tmp_path / "theirs.pem"
    authority.ca.issue_cert("forwarder.example.com").private_key_and_cert_chain_pem.write_to_path(
        str(mine)
    )
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").ca.issue_cert("forwarder.example.com")
    stranger.private_key_and_cert_chain_pem.write_to_path(str(theirs))
    reader = _log()
    with closing(SyslogReceiver(context)) as receiver:
        # The refusal comes after the handshake, and races with our own end: so several times.
        for certificate in (*[None] * 8, *[str(theirs)] * 8, str(mine)):
            tls = tls_context(ca_file=authority.file, certificate=certificate)
            with closing(SyslogTlsSink("127.0.0.1", receiver.port, tls=tls, timeout=3)) as sink:
                forwarder = Forwarder(reader, sink, position=tmp_path / "p", format="cef")
                if certificate == str(mine):
                    forwarder.run_once()
                else:
                    with pytest.raises(SinkUnavailableError):
                        forwarder.run_once()
                    assert forwarder.position.next == 0
                    assert receiver.messages == []
        assert len(receiver.messages) == reader.size


def test_records_that_come_are_forwarded_at_once(tmp_path: Path) -> None:
    """The store is watched: a record is there long before the next look at the log is due."""
    store, vault = sealed_log([event(0)])
    out, stop = tmp_path / "out", threading.Event()
    delivered = threading.Semaphore(0)

    def report(_what: object) -> None:
        delivered.release()

    forwarder = Forwarder(
        RecordReader(store, vault=vault), FileSink(out), position=tmp_path / "p", format="jsonl"
    )
    thread = threading.Thread(
        target=forwarder.run, args=(stop,), kwargs={"every": 300, "report": report}
    )
    thread.start()
    try:
        assert delivered.acquire(timeout=10)
        for number in range(1, 4):
            with open_log(store, vault) as log:
                log.record(event(number))
            assert delivered.acquire(timeout=10)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert _indices(out.read_bytes()) == [*range(RecordReader(store).size)]
