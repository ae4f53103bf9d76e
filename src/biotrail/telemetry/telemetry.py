"""Telemetry: what is measured, and how a log is watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from biotrail._version import __version__
from biotrail.audit import AuditLogger
from biotrail.errors import BiotrailError, MissingDependencyError
from biotrail.stores import StoreReader
from biotrail.telemetry._wrapping import Instruments, watch_methods

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import TracerProvider

    from biotrail.verify import Verification

__all__ = ["Telemetry"]


class _Positioned(Protocol):
    @property
    def position(self) -> int: ...


class _Lag(Protocol):
    @property
    def records(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def refused(self) -> int: ...


class _Delivering(Protocol):
    """A `biotrail.forwarding.Forwarder`, whose room is on the same floor as this one."""

    @property
    def lag(self) -> _Lag: ...


class Telemetry:
    """Spans around recording, querying and verifying, and metrics of logs.

    Spans: ``biotrail.record``, ``biotrail.query`` (the method's name is an attribute) and
    ``biotrail.verify``. Metrics: ``biotrail.records`` by decision, outcome and modality,
    ``biotrail.record.duration`` and ``biotrail.query.duration`` in seconds, ``biotrail.failures``
    by operation and class of error, and the gauges ``biotrail.log.size``, ``biotrail.log.waiting``,
    ``biotrail.follower.lag``, ``biotrail.forwarder.lag`` and ``biotrail.forwarder.refused`` in
    records, and ``biotrail.forwarder.age`` in seconds.

    Attributes of both name the log's origin, and of an event its action, decision, outcome, reason
    and modality: words of the program. Who, from where, what was asked and how an error reads is
    never among them; a span bears the record's index, which leads there whoever may look.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Make tracer and meter.

        Args:
            tracer_provider: Where spans go; the one that the process has set if None.
            meter_provider: Where metrics go; the same.

        Raises:
            MissingDependencyError: OpenTelemetry's API is not installed.
        """
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise MissingDependencyError(
                "telemetry needs the package opentelemetry-api: pip install 'biotrail[telemetry]'"
            ) from error
        tracer = trace.get_tracer("biotrail", __version__, tracer_provider)
        meter = metrics.get_meter("biotrail", __version__, meter_provider)
        self._instruments = Instruments(
            tracer=tracer,
            records=meter.create_counter("biotrail.records", "{record}", "Records written"),
            failures=meter.create_counter(
                "biotrail.failures", "{failure}", "Operations that failed"
            ),
            recording=meter.create_histogram(
                "biotrail.record.duration", "s", "Time until a record is durable"
            ),
            querying=meter.create_histogram(
                "biotrail.query.duration", "s", "Time until a question is answered"
            ),
        )
        self._logs: WeakKeyDictionary[AuditLogger, str] = WeakKeyDictionary()
        self._followers: WeakKeyDictionary[_Positioned, tuple[AuditLogger, str]]
        self._followers = WeakKeyDictionary()
        self._forwarders: WeakKeyDictionary[_Delivering, str] = WeakKeyDictionary()
        for name, unit, observe, text in (
            ("log.size", "{record}", self._sizes, "Entries of a log"),
            ("log.waiting", "{record}", self._waiting, "Records that wait to be committed"),
            ("follower.lag", "{record}", self._lags, "Records that a follower has not taken yet"),
            ("forwarder.lag", "{record}", self._behind, "Records that are not delivered yet"),
            ("forwarder.age", "s", self._ages, "Since the oldest of them was recorded"),
            ("forwarder.refused", "{record}", self._refused, "Dead letters that wait"),
        ):
            meter.create_observable_gauge(f"biotrail.{name}", [observe], unit, text)

    def watch(self, log: AuditLogger) -> None:
        """Measure what a log does from now on, whoever holds it: attempts and middleware too.

        Other logs stay as they are, and so do those that were not given.

        Raises:
            BiotrailError: It is watched already.
        """
        if "record" in vars(log):
            raise BiotrailError("this log is watched already")
        self._logs[log] = log.origin
        watch_methods(log, self._instruments)

    def watch_follower(self, log: AuditLogger, follower: _Positioned, name: str) -> None:
        """Measure how far a follower lies behind its log, until it is gone.

        Args:
            log: The log that it follows.
            follower: The follower, or anything with a ``position``.
            name: Tells it from others: a word of the program.
        """
        self._followers[follower] = log, name

    def watch_forwarder(self, forwarder: _Delivering, name: str) -> None:
        """Measure how far a forwarder is behind, and what its receiver refused, until it is gone.

        Args:
            forwarder: The `biotrail.forwarding.Forwarder`, of whichever log.
            name: Tells it from others: a word of the program.
        """
        self._forwarders[forwarder] = name

    def verify_log(
        self, log: str | os.PathLike[str] | StoreReader, key: Any, **options: Any
    ) -> Verification:
        """Verify a log within a span; see `biotrail.verify_log`.

        Raises:
            VerificationError: As `biotrail.verify_log`; its class is in the span.
        """
        from biotrail.verify import verify_log

        with self._instruments.span("verify", {}) as told:
            found = verify_log(log, key, **options)
            told["biotrail.log"] = found.origin
            told["biotrail.size"] = found.size
        return found

    def _sizes(self, _: CallbackOptions) -> Iterable[Observation]:
        return _observed((_size(log), {"biotrail.log": name}) for log, name in self._logs.items())

    def _waiting(self, _: CallbackOptions) -> Iterable[Observation]:
        return _observed((log.waiting, {"biotrail.log": name}) for log, name in self._logs.items())

    def _lags(self, _: CallbackOptions) -> Iterable[Observation]:
        found = []
        for follower, (log, name) in self._followers.items():
            size = _size(log)
            lag = None if size is None else max(0, size - follower.position)
            found.append((lag, {"biotrail.log": log.origin, "biotrail.follower": name}))
        return _observed(found)

    def _behind(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._forwarding(lambda lag: lag.records)

    def _ages(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._forwarding(lambda lag: lag.seconds)

    def _refused(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._forwarding(lambda lag: lag.refused)

    def _forwarding(self, value: Callable[[_Lag], float]) -> Iterable[Observation]:
        found: list[tuple[float | None, dict[str, str]]] = []
        for forwarder, name in self._forwarders.items():
            try:
                lag = value(forwarder.lag)
            except BiotrailError:  # as with a log that is closed
                lag = None
            found.append((lag, {"biotrail.forwarder": name}))
        return _observed(found)


def _size(log: AuditLogger) -> int | None:
    try:
        head = log.store.head()
    except BiotrailError:  # closed, or busy: there is no value then, not a wrong one
        return None
    return 0 if head is None else head.size


def _observed(values: Iterable[tuple[float | None, dict[str, str]]]) -> list[Observation]:
    from opentelemetry.metrics import Observation

    return [Observation(value, names) for value, names in list(values) if value is not None]
