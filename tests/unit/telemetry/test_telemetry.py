"""Spans and metrics by OpenTelemetry's own SDK, and nothing personal in them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.errors import MissingDependencyError, VerificationError
from biotrail.forwarding import Forwarder
from biotrail.stores import MemoryStore
from tests.faults._child import environment
from tests.unit.forwarding._picky import Picky
from tests.unit.query._logs import ORIGIN, event

pytestmark = pytest.mark.component("opentelemetry")


class Collected:
    """Telemetry into the memory of the SDK's exporters."""

    def __init__(self) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        from biotrail.telemetry import Telemetry

        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.telemetry = Telemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    def spans(self, name: str) -> list[dict[str, Any]]:
        """The attributes of finished spans."""
        finished = self.exporter.get_finished_spans()
        return [dict(one.attributes or {}) for one in finished if one.name == name]

    def points(self, name: str) -> list[Any]:
        """The data points of a metric."""
        data: Any = self.reader.get_metrics_data()
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def everything(self) -> str:
        """All that was exported, as text."""
        spans = [one.to_json() for one in self.exporter.get_finished_spans()]
        data: Any = self.reader.get_metrics_data()
        return "".join([*spans, data.to_json()])


@pytest.fixture
def collected() -> Iterator[Collected]:
    """Providers that are shut down at the end."""
    made = Collected()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """A log in memory."""
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    with biotrail.AuditLogger(MemoryStore(), signer) as opened:
        yield opened


def test_records_are_spans_and_counts(log: biotrail.AuditLogger, collected: Collected) -> None:
    """Each record is a span that leads to its index, and is counted by what was decided."""
    collected.telemetry.watch(log)
    receipt = log.record(event(1))
    with log.attempt(action="log.in", subject="anna") as attempt:
        attempt.deny("host.reason")
    log.record_many([event(2), event(3)])
    first, second, many = collected.spans("biotrail.record")
    assert first["biotrail.index"] == receipt.index
    assert (first["biotrail.action"], first["biotrail.decision"]) == ("door.open", "granted")
    assert second["biotrail.reason"] == "host.reason"
    assert many == {"biotrail.log": ORIGIN, "biotrail.count": 2}
    counted = {
        one.attributes["biotrail.decision"]: one.value
        for one in collected.points("biotrail.records")
    }
    assert counted == {"granted": 3, "denied": 1}
    (duration,) = collected.points("biotrail.record.duration")
    assert duration.count == 3
    assert 0 < duration.sum < 60


def test_tasks_are_measured_too(log: biotrail.AuditLogger, collected: Collected) -> None:
    """What is recorded and asked from a task is measured as from a thread."""
    collected.telemetry.watch(log)

    async def main() -> None:
        await log.arecord(event(1))
        await log.arecord_many([event(2)])
        await log.aquery()

    asyncio.run(main())
    assert len(collected.spans("biotrail.record")) == 2
    assert [one["biotrail.question"] for one in collected.spans("biotrail.query")] == ["query"]


@pytest.mark.component("lark")
def test_questions_and_verification_are_spans(
    log: biotrail.AuditLogger, collected: Collected
) -> None:
    """A question's span names the method and not what was asked; a verdict's names the size."""
    collected.telemetry.watch(log)
    log.record(event(1))
    log.query('subject = "person-1"')
    log.count()
    questions = [one["biotrail.question"] for one in collected.spans("biotrail.query")]
    assert questions == ["query", "count"]
    size = collected.telemetry.verify_log(log.store, log.verifier_key).size
    assert collected.spans("biotrail.verify") == [{"biotrail.log": ORIGIN, "biotrail.size": size}]
    other = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(range(32))).verifier_key
    with pytest.raises(VerificationError) as caught:
        collected.telemetry.verify_log(log.store, other)
    assert collected.spans("biotrail.verify")[1] == {"error.type": type(caught.value).__name__}


@pytest.mark.component("lark")
def test_failures_tell_their_class_alone(log: biotrail.AuditLogger, collected: Collected) -> None:
    """An error that quotes what was given is told by its class, and passed on."""
    collected.telemetry.watch(log)
    with pytest.raises(biotrail.BiotrailError):
        log.query('subject = "anna" and nonsense =')
    with pytest.raises(biotrail.BiotrailError):
        log.record("anna")  # type: ignore[arg-type]
    kinds = {
        one.attributes["biotrail.operation"]: one.attributes["error.type"]
        for one in collected.points("biotrail.failures")
    }
    assert kinds == {"query": "QuerySyntaxError", "record": "EventError"}
    assert "anna" not in collected.everything()


@pytest.mark.component("lark")
def test_nothing_personal_is_exported(log: biotrail.AuditLogger, collected: Collected) -> None:
    """Of an event with every personal field none is in any span or metric."""
    collected.telemetry.watch(log)
    context = biotrail.Context(
        ip="192.0.2.7",
        device_id="phone-of-anna",
        user_agent="agent-of-anna",
        session_id="session-of-anna",
        location=biotrail.Location(latitude=1.234567, longitude=2, city="city-of-anna"),
    )
    compared = biotrail.Comparison(matcher="m", version="1", decision="match", score=0.123456)
    personal = event(
        1,
        subject=biotrail.Subject(id="anna", name="Anna"),
        actor="actor-of-anna",
        context=context,
        comparison=compared,
        attributes={"note": "note-of-anna"},
    )
    log.record(personal)
    log.query('subject = "anna" and ip = 192.0.2.7')
    told = collected.everything().lower()
    for words in ("anna", "192.0.2.7", "1.234567", "0.123456"):
        assert words not in told


def test_gauges(log: biotrail.AuditLogger, collected: Collected) -> None:
    """Size, waiting records and a follower's lag are what they are when they are asked for."""
    collected.telemetry.watch(log)
    log.record_many(event(n) for n in range(5))
    head = log.store.head()
    assert head is not None
    with log.follow(start=0) as follower:
        collected.telemetry.watch_follower(log, follower, "siem")
        follower.take(2, timeout=5)
        (lag,) = collected.points("biotrail.follower.lag")
        assert (lag.value, lag.attributes["biotrail.follower"]) == (head.size - 2, "siem")
        assert collected.points("biotrail.log.size")[0].value == head.size
        assert collected.points("biotrail.log.waiting")[0].value == 0


def test_a_forwarder_is_watched(
    log: biotrail.AuditLogger, collected: Collected, tmp_path: Path
) -> None:
    """What is not delivered, for how long, and what was refused is told until the log is closed."""
    collected.telemetry.watch(log)
    log.record_many(event(n) for n in range(5))
    head = log.store.head()
    assert head is not None
    forwarder = Forwarder(
        log.store, Picky(2, 3), position=tmp_path / "position", dead_letters=tmp_path / "refused"
    )
    collected.telemetry.watch_forwarder(forwarder, "siem")
    for behind, refused in ((head.size, 0), (0, 2)):
        (lag,) = collected.points("biotrail.forwarder.lag")
        assert (lag.value, lag.attributes["biotrail.forwarder"]) == (behind, "siem")
        assert collected.points("biotrail.forwarder.refused")[0].value == refused
        assert (collected.points("biotrail.forwarder.age")[0].value > 0) == (behind > 0)
        forwarder.run_once()
    (tmp_path / "refused").write_text("[]\n")
    assert collected.points("biotrail.forwarder.refused") == []


def test_only_the_log_that_is_given_is_watched(
    log: biotrail.AuditLogger, collected: Collected
) -> None:
    """Another log has the methods of its class; one log is watched once."""
    collected.telemetry.watch(log)
    with pytest.raises(biotrail.BiotrailError, match="watched already"):
        collected.telemetry.watch(log)
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    with biotrail.AuditLogger(MemoryStore(), signer) as other:
        other.record(event(1))
        assert "record" not in vars(other)
    assert collected.spans("biotrail.record") == []


def test_importing_biotrail_loads_none_of_it() -> None:
    """Neither OpenTelemetry nor these modules are loaded by a program that records."""
    text = (
        "import sys, biotrail; biotrail.AuditLogger; "
        "print([one for one in sys.modules if 'telemetry' in one])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text], env=environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_absent_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenTelemetry's API the error names the extra that brings it."""
    from biotrail.telemetry import Telemetry

    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingDependencyError, match=r"biotrail\[telemetry\]"):
        Telemetry()
