"""A log is forwarded to real receivers, at least once, from where it stopped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import ssl
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    ForwardingError,
    PositionError,
    SinkRefusedError,
    SinkUnavailableError,
)
from biotrail.forwarding import (
    Backoff,
    Bearer,
    FileSink,
    Forwarded,
    Forwarder,
    HttpsSink,
    LoggingSink,
    PositionFile,
    Signed,
    StructlogSink,
    SyslogTlsSink,
    tls_context,
)
from biotrail.forwarding.position import Position
from biotrail.query import RecordReader
from tests.unit.forwarding._views import event
from tests.unit.query._logs import open_log, sealed_log

trusted = pytest.mark.component("trustme")


def _log(count: int = 5) -> RecordReader:
    store, vault = sealed_log(event(number) for number in range(count))
    return RecordReader(store, vault=vault)


def _indices(path: Path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_text().splitlines()]


def test_file_and_position(tmp_path: Path) -> None:
    """Each record is delivered once where nothing fails, and forwarding goes on where it was."""
    store, vault = sealed_log(event(number) for number in range(3))
    out, position = tmp_path / "out", tmp_path / "position"
    given: dict[str, Any] = {"position": position, "format": "jsonl", "batch": 2}
    with Forwarder(RecordReader(store, vault=vault), FileSink(out), **given) as forwarder:
        size = RecordReader(store).size
        assert forwarder.lag.records == size
        assert forwarder.run_once() == Forwarded(size, 0, size)
        assert forwarder.lag.records == 0
    with open_log(store, vault) as log:
        log.record(event(9))
    with Forwarder(RecordReader(store, vault=vault), FileSink(out), **given) as forwarder:
        forwarder.run_once()
    assert _indices(out) == list(range(RecordReader(store).size))
    assert out.stat().st_mode & 0o777 == 0o600


def test_lag_tells_seconds(tmp_path: Path) -> None:
    """The lag is the age of the oldest record that is not delivered."""
    reader = _log()
    oldest = reader.record(0).recorded
    from datetime import timedelta

    forwarder = Forwarder(
        reader,
        FileSink(tmp_path / "out"),
        position=tmp_path / "position",
        clock=lambda: oldest + timedelta(seconds=90),
    )
    assert forwarder.lag.seconds == 90


def test_killed_between_delivery_and_position(tmp_path: Path) -> None:
    """Where the position was not kept, the batch is delivered again: at least once."""
    reader, out = _log(), tmp_path / "out"

    class Full(PositionFile):
        def write(self, position: Position) -> None:
            if position.next:
                raise PositionError("no room")
            super().write(position)

    with pytest.raises(PositionError):
        Forwarder(reader, FileSink(out), position=Full(tmp_path / "p"), format="jsonl").run_once()
    again = Forwarder(reader, FileSink(out), position=tmp_path / "p", format="jsonl")
    again.run_once()
    assert _indices(out) == [*range(reader.size)] * 2


def test_position_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is not there is told, and no half of a file stays."""
    with pytest.raises(PositionError, match="cannot be written"):
        PositionFile(tmp_path / "absent" / "p").write(Position("o", 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', "null", "x" * 5_000])
def test_positions_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    """A file that holds something else is not taken for a beginning."""
    (tmp_path / "p").write_text(text)
    with pytest.raises(PositionError, match="holds no position"):
        PositionFile(tmp_path / "p").read()


def test_another_log_is_refused(tmp_path: Path) -> None:
    """A log of the same name with other entries, a shorter one and a renamed one are refused."""
    position, out = tmp_path / "p", tmp_path / "out"
    reader = _log()
    Forwarder(reader, FileSink(out), position=position).run_once()
    kept = PositionFile(position).read()
    assert kept is not None
    before = out.read_bytes()
    with pytest.raises(PositionError, match="another than the one that was delivered"):
        Forwarder(_log(), FileSink(out), position=position).run_once()
    with pytest.raises(PositionError, match="rolled back"):
        Forwarder(_log(2), FileSink(out), position=position).run_once()
    PositionFile(position).write(Position("example.com/other", kept.next, kept.leaf_hash))
    with pytest.raises(PositionError, match=r"example\.com/other"):
        Forwarder(reader, FileSink(out), position=position).run_once()
    assert out.read_bytes() == before


def test_torn_line_is_ended(tmp_path: Path) -> None:
    """A line that a crash left without an end does not swallow the next record."""
    out = tmp_path / "out"
    out.write_text('{"torn": ')
    reader = _log(1)
    Forwarder(reader, FileSink(out), position=tmp_path / "p", format="jsonl").run_once()
    first, *rest = out.read_text().splitlines()
    assert first == '{"torn": '
    assert [json.loads(one)["index"] for one in rest] == list(range(reader.size))


@trusted
def test_syslog_over_tls(tmp_path: Path, syslog: Any, authority: Any) -> None:
    """A receiver gets whole frames, in order, and again where it broke off in the middle."""
    reader = _log()
    tls = tls_context(ca_file=authority.file)
    given: dict[str, Any] = {"position": tmp_path / "p", "format": "cef", "batch": 100}
    with closing(SyslogTlsSink("127.0.0.1", syslog.port, tls=tls, timeout=3)) as sink:
        forwarder = Forwarder(reader, sink, **given)
        syslog.breaks_off = 1
        with pytest.raises(SinkUnavailableError):
            forwarder.run_once()
        assert forwarder.position.next == 0
        forwarder.run_once()
    assert len(syslog.messages) == reader.size
    assert all(f"cn1={n} cn1Label" in one.decode() for n, one in enumerate(syslog.messages))


@trusted
def test_old_tls_and_wrong_certificates_are_refused(tmp_path: Path, authority: Any) -> None:
    """A receiver of TLS 1.2, of another authority or of another name gets nothing."""
    from tests.unit.forwarding.conftest import Authority, SyslogReceiver

    for folder in ("old", "foreign", "name"):
        (tmp_path / folder).mkdir()
    old = Authority(tmp_path / "old")
    old.server.maximum_version = ssl.TLSVersion.TLSv1_2
    name = Authority(tmp_path / "name", name="siem.example.com")
    foreign = Authority(tmp_path / "foreign")
    for server, trust in ((old, old.file), (name, name.file), (foreign, authority.file)):
        with closing(SyslogReceiver(server.server)) as receiver:
            tls = tls_context(ca_file=trust)
            with closing(SyslogTlsSink("127.0.0.1", receiver.port, tls=tls)) as sink:
                forwarder = Forwarder(_log(), sink, position=tmp_path / "p")
                with pytest.raises(SinkUnavailableError):
                    forwarder.run_once()
            assert receiver.data == b""


def test_weak_contexts_are_refused() -> None:
    """A context that allows TLS 1.2, or verifies nothing, is refused at the door."""
    weak = ssl.create_default_context()
    weak.minimum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ForwardingError, match=r"TLS 1\.3"):
        SyslogTlsSink("127.0.0.1", tls=weak)
    blind = tls_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ForwardingError, match="verified"):
        HttpsSink("https://127.0.0.1", tls=blind)
    with pytest.raises(ForwardingError, match="loopback"):
        HttpsSink("http://192.0.2.1/")


@trusted
def test_https_signed_batches(tmp_path: Path, https: Any, authority: Any) -> None:
    """A batch of CloudEvents is signed; the same records bear the same id when sent again."""
    secret = bytes(range(32))
    sink = HttpsSink(
        https.address,
        tls=tls_context(ca_file=authority.file),
        authentication=Signed(secret, clock=lambda: 1_800_000_000.0),
    )
    https.answers = [(503, {})]
    forwarder = Forwarder(_log(), sink, position=tmp_path / "p", format="cloudevents")
    with pytest.raises(SinkUnavailableError, match="503"):
        forwarder.run_once()
    done = forwarder.run_once()
    (first, body), (second, again) = https.requests
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again
    signed = f"{first['webhook-id']}.1800000000.".encode() + body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert first["webhook-signature"] == f"v1,{expected}"
    assert first["Content-Type"] == "application/cloudevents-batch+json"
    assert [one["id"] for one in json.loads(body)] == [str(n) for n in range(done.delivered)]


@trusted
def test_https_dead_letters(tmp_path: Path, https: Any, authority: Any) -> None:
    """One record that is refused for good is sought by halves and named; the rest goes through."""
    https.decide = lambda body: 422 if b'"index":3,' in body else 200
    sink = HttpsSink(
        https.address,
        tls=tls_context(ca_file=authority.file),
        authentication=Bearer("t0ken"),
    )
    reader, letters = _log(), tmp_path / "dead"
    given: dict[str, Any] = {"position": tmp_path / "p", "format": "jsonl"}
    with pytest.raises(SinkRefusedError, match="entry 3 is refused"):
        Forwarder(reader, sink, **given).run_once()
    done = Forwarder(reader, sink, dead_letters=letters, **given).run_once()
    assert done == Forwarded(reader.size - 1, 1, reader.size)
    (letter,) = map(json.loads, letters.read_text().splitlines())
    assert (letter["index"], letter["format"]) == (3, "jsonl")
    assert "422" in letter["reason"]
    assert https.requests[0][0]["Authorization"] == "Bearer t0ken"


@trusted
def test_run_tries_again_and_stops(tmp_path: Path, https: Any, authority: Any) -> None:
    """A receiver that is overloaded is asked again, and the loop ends when it is told to."""
    https.answers = [(500, {}), (429, {"Retry-After": "0"}), (302, {"Location": "http://x/"})]
    sink = HttpsSink(https.address, tls=tls_context(ca_file=authority.file))
    stop, told = threading.Event(), []

    def report(what: Exception | Forwarded) -> None:
        told.append(what)
        if isinstance(what, Forwarded):
            stop.set()

    backoff = Backoff(first=0.01, maximum=0.02)
    forwarder = Forwarder(_log(), sink, position=tmp_path / "p", backoff=backoff)
    forwarder.run(stop, every=0.01, report=report)
    assert [type(one).__name__ for one in told] == ["SinkUnavailableError"] * 3 + ["Forwarded"]


def test_receiver_that_is_down(tmp_path: Path) -> None:
    """Where nobody listens the records stay, and the error names no token."""
    sink = HttpsSink("http://127.0.0.1:9", authentication=Bearer("s3cret"))
    forwarder = Forwarder(_log(), sink, position=tmp_path / "p")
    with pytest.raises(SinkUnavailableError) as caught:
        forwarder.run_once()
    assert "s3cret" not in str(caught.value)
    assert forwarder.position.next == 0


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "ä"])
def test_tokens_cannot_inject_headers(token: str) -> None:
    """A token that is none is refused at the door."""
    with pytest.raises(ForwardingError, match="bearer token"):
        Bearer(token)


def test_backoff() -> None:
    """Waits double up to the longest, are shortened by chance, and keep to what is asked for."""
    longest = Backoff(first=1, maximum=8, random=lambda: 1.0)
    assert [longest.wait(n) for n in (1, 2, 3, 4, 5, 5_000)] == [1, 2, 4, 8, 8, 8]
    assert Backoff(first=1, maximum=8, random=lambda: 0.5).wait(3) == 2
    assert longest.wait(1, asked=30) == 31


def test_logging_bridge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Records reach the host's handlers, with the document beside the line."""
    reader = _log(1)
    with caplog.at_level(logging.INFO, "biotrail.records"):
        Forwarder(reader, LoggingSink(), position=tmp_path / "p", format="ecs").run_once()
    last: Any = caplog.records[-1]
    assert len(caplog.records) == reader.size
    assert json.loads(last.getMessage()) == last.biotrail
    assert not logging.getLogger("biotrail.records").handlers


@pytest.mark.component("structlog")
def test_structlog_bridge(tmp_path: Path) -> None:
    """Records reach structlog as an event with the document."""
    import structlog

    reader = _log(1)
    with structlog.testing.capture_logs() as found:
        sink = StructlogSink(structlog.get_logger())
        Forwarder(reader, sink, position=tmp_path / "p", format="ocsf").run_once()
    assert [one["index"] for one in found] == list(range(reader.size))
    assert found[-1]["event"] == "door.open granted: unspecified"
    assert found[-1]["biotrail"]["class_uid"] == 3002
