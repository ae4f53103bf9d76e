"""The detector: what is found is recorded once, told, posted, and never feeds itself."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.detection import (
    Backoff,
    Detection,
    Detector,
    Finding,
    HeartbeatGap,
    ImpossibleTravel,
    ManySubjects,
    ScoreClimbing,
    Severity,
    Signed,
    Webhook,
)
from biotrail.detection.finding import finding_event
from biotrail.detection.telling import Callbacks
from biotrail.errors import DetectionError, StoreBusyError
from biotrail.query import RecordReader, field
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN
from tests.unit.vault._providers import CountingProvider

_START = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SECRET = bytes(range(32))


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """An empty log with a vault, whose clock is a minute further with each record."""
    with _opened(MemoryStore(), Vault(CountingProvider())) as opened:
        yield opened


def _opened(store: Any, vault: Vault | None, origin: str = ORIGIN) -> biotrail.AuditLogger:
    minutes = iter(range(10**9))
    return biotrail.AuditLogger(
        store,
        biotrail.Ed25519Signer.from_seed(origin, bytes(32)),
        vault=vault,
        clock=lambda: _START + timedelta(minutes=next(minutes)),
    )


def _spray(log: biotrail.AuditLogger, first: int, stop: int) -> None:
    """Failed attempts for one person each, all from one address."""
    log.record_many(
        biotrail.Event(
            action="door.open",
            decision="denied",
            modality="face",
            subject=f"person-{number}",
            context=biotrail.Context(ip="192.0.2.7"),
            occurred=_START + timedelta(seconds=number),
        )
        for number in range(first, stop)
    )


def _detections(log: biotrail.AuditLogger) -> list[biotrail.VerifiedEntry]:
    return list(log.search(field("action").starts_with("detection."), sort="index"))


def test_a_finding_is_one_record(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """It names rule, severity, reason and indices in the clear, and nobody."""
    _spray(log, 0, 10)
    (one,) = Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    (record,) = _detections(log)
    assert (one.index, one.repeated) == (record.index, False)
    content: dict[str, Any] = dict(record.entry.content)
    assert content["action"] == "detection.many_subjects"
    assert content["labels"]["indices"] == ",".join(map(str, one.finding.indices))
    assert content["labels"]["severity"] == "high"
    assert content["labels"]["count"] == 10
    assert b"192.0.2.7" not in record.record.data
    assert content["id"][6] >> 4 == 8  # a UUID of version 8
    # The indices lead to the attempts.
    attempts = [log.query(field("index") == index).records[0] for index in one.finding.indices]
    assert {one.event.context.ip for one in attempts if one.event} == {
        biotrail.Context(ip="192.0.2.7").ip
    }


def test_personal_details_are_sealed_with_the_person(tmp_path: Path) -> None:
    """Distance and time of a travel are personal fields of the record, under the person's key."""
    store, vault = MemoryStore(), Vault(CountingProvider())
    with _opened(store, vault) as log:
        for minute, (latitude, longitude) in enumerate(((52.52, 13.405), (40.4, -3.7))):
            place = biotrail.Location(latitude=latitude, longitude=longitude, accuracy_m=1_000)
            log.record(
                biotrail.Event(
                    action="log.in",
                    decision="granted",
                    subject="anna",
                    context=biotrail.Context(location=place),
                    occurred=_START + timedelta(minutes=minute),
                )
            )
        Detector(log, [ImpossibleTravel()], state=tmp_path / "s").run_once()
        (record,) = _detections(log)
        assert record.event is not None
        assert record.event.subject == biotrail.Subject(id="anna")
        assert record.event.attributes["minutes"] == 1
    with RecordReader(store) as blind:
        shown = blind.record(record.index)
        assert shown.sealed == ("subject",)
        assert b"minutes" not in shown.data
        assert shown.content["subject"] == blind.record(record.index - 1).content["subject"]


def test_restart_neither_repeats_nor_misses(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """A window that lies across restarts is found once, and not again."""
    rules = [ManySubjects(window=timedelta(hours=2)), HeartbeatGap(expected=timedelta(days=1))]

    def run() -> list[tuple[int, ...]]:
        with Detector(
            log, rules, state=tmp_path / "s", clock=lambda: _START + timedelta(hours=1)
        ) as detector:
            return [one.finding.indices for one in detector.run_once()]

    _spray(log, 0, 6)
    assert run() == []
    assert run() == []
    _spray(log, 6, 12)
    (found,) = run()
    assert len(found) == 10
    assert run() == []
    assert len(_detections(log)) == 1


def test_lost_progress_repeats_no_record(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """Without its file everything is found again, and answered with the records that are there."""
    _spray(log, 0, 25)
    first = Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    again = Detector(log, [ManySubjects()], state=tmp_path / "other").run_once()
    assert [one.repeated for one in first] == [False, False]
    assert [one.repeated for one in again] == [True, True]
    assert [one.index for one in first] == [one.index for one in again]
    # So is a finding in other words, of a later version or of other settings.
    other = Detector(
        log, [ManySubjects(window=timedelta(minutes=50))], state=tmp_path / "third"
    ).run_once()
    assert [one.repeated for one in other] == [True, True]
    assert [one.index for one in other] == [one.index for one in first]
    assert len(_detections(log)) == 2


def test_an_id_that_was_taken_hides_no_finding(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """Whoever records another event under the id that a finding will have does not prevent it."""
    _spray(log, 0, 10)
    indices = tuple(one.index for one in log.search(field("action") == "door.open"))
    guessed = Finding(
        rule="many_subjects", severity=Severity.HIGH, reason="?", indices=indices, when=_START
    )
    decoy = finding_event(ORIGIN, guessed)
    log.record(biotrail.Event(action="door.open", decision="granted", id=decoy.id))
    (one,) = Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    (record,) = _detections(log)
    assert (record.index, one.repeated) == (one.index, False)
    assert record.entry.content["id"] != decoy.id.bytes


def test_one_detector_runs_again_and_again(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """The same detector goes on where it was, with what it remembers."""
    detector = Detector(log, [ManySubjects(window=timedelta(hours=2))], state=tmp_path / "s")
    counts = []
    for first in range(0, 20, 5):
        _spray(log, first, first + 5)
        counts.append(len(detector.run_once()))
    assert counts == [0, 1, 0, 1]
    assert Detector(log, [ManySubjects()], state=tmp_path / "s").run_once() == []


def test_progress_holds_nothing_personal(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """Neither people nor addresses lie in the file, and only its owner reads it."""
    _spray(log, 0, 8)
    Detector(
        log, [ManySubjects(), ScoreClimbing(), HeartbeatGap()], state=tmp_path / "s"
    ).run_once()
    data = (tmp_path / "s").read_text()
    assert "person-" not in data
    assert "192.0.2" not in data
    assert json.loads(data)["since"] == min(
        one.index for one in log.search(field("action") == "door.open")
    )
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_progress_of_another_log_is_refused(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """Another origin, another history and a file that is none are told, and nothing is recorded."""
    _spray(log, 0, 3)
    Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    for origin, words in (("example.com/other", "not of"), (ORIGIN, "another entry")):
        with _opened(MemoryStore(), None, origin) as other:
            _spray(other, 3, 30)
            with pytest.raises(DetectionError, match=words):
                Detector(other, [ManySubjects()], state=tmp_path / "s").run_once()
            assert _detections(other) == []
    for text in ("", "{}", "[]", "null", '{"format": 1}', "[" * 10_000):
        (tmp_path / "none").write_text(text)
        with pytest.raises(DetectionError, match="holds no progress"):
            Detector(log, [ManySubjects()], state=tmp_path / "none")


def test_silence_is_recorded_while_it_lasts(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """By the clock silence is one record, however often one looks, and so after it has ended."""
    now = [_START]
    rules = [HeartbeatGap(expected=timedelta(minutes=30))]
    detector = Detector(log, rules, state=tmp_path / "s", clock=lambda: now[0])
    _spray(log, 0, 1)
    assert detector.run_once() == []
    now[0] += timedelta(hours=2)
    (one,) = detector.run_once()
    assert detector.run_once() == []
    restarted = Detector(log, rules, state=tmp_path / "s", clock=lambda: now[0])
    assert [one.repeated for one in restarted.run_once()] == [True]
    assert [record.index for record in _detections(log)] == [one.index]


def test_callbacks_neither_break_nor_hold_up(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """One that fails and one that hangs cost no record, and the others are told."""
    hang, told = threading.Event(), list[Detection]()

    def fails(_: Detection) -> None:
        raise ValueError("a host's mistake")

    _spray(log, 0, 45)
    detector = Detector(
        log,
        [ManySubjects()],
        state=tmp_path / "s",
        callbacks=[fails, told.append, lambda _: hang.wait()],
    )
    assert len(detector.run_once()) == 3
    assert len(_detections(log)) == 3
    hang.set()
    detector.close()
    assert [one.finding.count for one in told] == [10, 20, 40]


def test_slow_callbacks_lose_the_oldest() -> None:
    """What waits is bounded, and what was given up is counted."""
    hang, told, busy = threading.Event(), list[Any](), threading.Event()

    def slow(one: Any) -> None:
        busy.set()
        hang.wait()
        told.append(one)

    callbacks = Callbacks([slow], waiting=2)
    callbacks.tell("first")  # type: ignore[arg-type]
    assert busy.wait(5)
    for one in "abcd":
        callbacks.tell(one)  # type: ignore[arg-type]
    assert not callbacks.drain(0.01)
    hang.set()
    callbacks.close()
    assert (told, callbacks.missed) == (["first", "c", "d"], 2)


def test_a_thread_follows(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """Started, it records what comes while the host records on, and ends when it is closed."""
    told = threading.Event()
    with Detector(
        log, [ManySubjects()], state=tmp_path / "s", callbacks=[lambda _: told.set()]
    ) as detector:
        detector.start()
        with pytest.raises(DetectionError, match="already"):
            detector.start()
        _spray(log, 0, 10)
        assert told.wait(20)
    assert detector.error is None
    assert len(_detections(log)) == 1


def test_what_passes_is_tried_again(
    log: biotrail.AuditLogger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is busy for a while delays a record, and nothing is lost."""
    _spray(log, 0, 10)
    record, failures = log.record, [StoreBusyError("busy"), StoreBusyError("busy")]

    def busy(event: biotrail.Event) -> biotrail.Receipt:
        if failures:
            raise failures.pop()
        return record(event)

    monkeypatch.setattr(log, "record", busy)
    stop = threading.Event()
    detector = Detector(
        log,
        [ManySubjects()],
        state=tmp_path / "s",
        callbacks=[lambda _: stop.set()],
        backoff=Backoff(first=0.001, maximum=0.001),
    )
    with detector:
        detector.run(stop)
    assert len(_detections(log)) == 1
    failures.append(StoreBusyError("busy"))
    _spray(log, 10, 20)
    with pytest.raises(StoreBusyError):
        detector.run_once()
    assert [one.finding.count for one in detector.run_once()] == [20]


def test_a_task_follows(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """The same from a task."""

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        detector = Detector(
            log,
            [ManySubjects()],
            state=tmp_path / "s",
            callbacks=[lambda _: loop.call_soon_threadsafe(stop.set)],
        )
        task = asyncio.create_task(detector.arun(stop))
        await loop.run_in_executor(None, _spray, log, 0, 10)
        await asyncio.wait_for(task, 20)
        detector.close()

    asyncio.run(main())
    assert len(_detections(log)) == 1
    assert Detector(log, [ManySubjects()], state=tmp_path / "s").run_once() == []


class _Receiver:
    """Takes what is posted, after it has failed some times."""

    def __init__(self, answers: list[int]) -> None:
        self.posted: list[tuple[dict[str, str], bytes]] = []
        outer, self.came = self, threading.Semaphore(0)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((dict(self.headers.items()), body))
                self.send_response(answers.pop(0) if answers else 204)
                self.end_headers()
                outer.came.release()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def test_webhook_is_signed_and_tried_again(log: biotrail.AuditLogger, tmp_path: Path) -> None:
    """A finding is posted until it is taken, each time under the same id, and once after that."""
    receiver = _Receiver([503, 400])
    given: dict[str, Any] = {
        "state": tmp_path / "s",
        "webhook": Webhook(receiver.address, authentication=Signed(_SECRET)),
        "backoff": Backoff(first=0.001, maximum=0.001),
    }
    try:
        _spray(log, 0, 20)
        with Detector(log, [ManySubjects()], **given) as detector:
            assert len(detector.run_once()) == 2
            for _ in range(3):
                assert receiver.came.acquire(timeout=20)
        assert detector.deliverer is not None
        assert (detector.deliverer.delivered, detector.deliverer.refused) == (1, 1)
        _spray(log, 20, 40)
        with Detector(log, [ManySubjects()], **given) as again:
            again.run_once()
            assert receiver.came.acquire(timeout=20)
    finally:
        receiver.close()
    ids = [headers["webhook-id"] for headers, _ in receiver.posted]
    assert ids[0] == ids[1] != ids[2]
    assert len(set(ids)) == 3
    for headers, body in receiver.posted:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(_SECRET, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        told = json.loads(body)
        assert told["type"] == "detection.many_subjects"
        assert b"192.0.2" not in body
        assert b"person" not in body
    assert [json.loads(body)["data"]["count"] for _, body in receiver.posted] == [10, 10, 20, 40]


def test_webhook_progress_of_another_log_is_refused(
    log: biotrail.AuditLogger, tmp_path: Path
) -> None:
    """What was posted of another log says nothing of this one."""
    Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    with _opened(MemoryStore(), None, "example.com/other") as other:
        Detector(other, [ManySubjects()], state=tmp_path / "s.webhook").run_once()
    webhook = Webhook("http://127.0.0.1:9/")
    with pytest.raises(DetectionError, match="nothing is posted"):
        Detector(log, [ManySubjects()], state=tmp_path / "s", webhook=webhook).run_once()


def test_event_of_a_finding_is_the_same_each_time(
    log: biotrail.AuditLogger, tmp_path: Path
) -> None:
    """Rule, indices and log decide the id; another log has another."""
    _spray(log, 0, 10)
    (one,) = Detector(log, [ManySubjects()], state=tmp_path / "s").run_once()
    event = finding_event(ORIGIN, one.finding)
    assert log.record(event).repeated
    assert finding_event("example.com/other", one.finding).id != event.id
