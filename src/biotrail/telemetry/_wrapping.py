"""How the methods of one log are measured: by attributes of that object, not of its class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.audit import AuditLogger, Receipt
from biotrail.events import ApplicationDecision, Event, Outcome

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram
    from opentelemetry.trace import Tracer

__all__ = ["Instruments", "watch_methods"]

_QUESTIONS = ("query", "count", "facets", "timeline", "aquery", "acount", "afacets", "atimeline")


@attrs.frozen(kw_only=True)
class Instruments:
    """What spans and measurements are made with."""

    tracer: Tracer
    records: Counter
    failures: Counter
    recording: Histogram
    querying: Histogram

    @contextmanager
    def span(
        self, operation: str, names: dict[str, Any], measured: Histogram | None = None
    ) -> Iterator[dict[str, Any]]:
        """A span around an operation; what is put into the mapping becomes its attributes.

        Of an error the class alone is told: messages may quote what was asked.
        """
        from opentelemetry.trace import Status, StatusCode

        told: dict[str, Any] = dict(names)
        began = perf_counter()
        with self.tracer.start_as_current_span(
            f"biotrail.{operation}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield told
            except BaseException as error:
                kind = type(error).__name__
                told["error.type"] = kind
                span.set_status(Status(StatusCode.ERROR, kind))
                self.failures.add(1, {"biotrail.operation": operation, "error.type": kind})
                raise
            finally:
                if measured is not None:
                    measured.record(perf_counter() - began, names)
                span.set_attributes(told)

    def count(self, events: Iterable[Event], receipts: Iterable[Receipt]) -> None:
        """Count events that were recorded, by what was recorded."""
        for one, receipt in zip(events, receipts, strict=True):
            decision, outcome = _as_recorded(one, receipt)
            self.records.add(
                1,
                {
                    "biotrail.decision": decision,
                    "biotrail.outcome": outcome,
                    "biotrail.modality": str(one.modality),
                },
            )


def watch_methods(log: AuditLogger, instruments: Instruments) -> None:
    """Put measuring functions in front of the methods of a log that record and answer."""
    names = {"biotrail.log": log.origin}
    watched = vars(log)
    watched["record"] = _recording(log.record, instruments, names)
    watched["arecord"] = _recording_async(log.arecord, instruments, names)
    watched["record_many"] = _recording_many(log.record_many, instruments, names)
    watched["arecord_many"] = _recording_many_async(log.arecord_many, instruments, names)
    for method in _QUESTIONS:
        asked = {**names, "biotrail.question": method.removeprefix("a")}
        wrap = _asking_async if method.startswith("a") else _asking
        watched[method] = wrap(getattr(log, method), instruments, asked)


def _as_recorded(event: Event, receipt: Receipt) -> tuple[str, str]:
    """Decision and outcome; attempt limits may have recorded another than was asked for."""
    if receipt.overruled:
        return str(ApplicationDecision.DENIED), str(Outcome.FAILURE)
    return str(event.decision), str(event.outcome)


def _told(event: Event, receipt: Receipt) -> dict[str, Any]:
    """What a span says of a record."""
    decision, outcome = _as_recorded(event, receipt)
    return {
        "biotrail.action": event.action,
        "biotrail.decision": decision,
        "biotrail.outcome": outcome,
        "biotrail.reason": str(event.reason),
        "biotrail.modality": str(event.modality),
        "biotrail.index": receipt.index,
        "biotrail.repeated": receipt.repeated,
    }


def _recording(act: Callable[..., Any], use: Instruments, names: dict[str, Any]) -> Any:
    @wraps(act)
    def record(event: Event) -> Any:
        with use.span("record", names, use.recording) as told:
            receipt = act(event)
            told.update(_told(event, receipt))
        use.count([event], [receipt])
        return receipt

    return record


def _recording_async(
    act: Callable[..., Awaitable[Any]], use: Instruments, names: dict[str, Any]
) -> Any:
    @wraps(act)
    async def arecord(event: Event) -> Any:
        with use.span("record", names, use.recording) as told:
            receipt = await act(event)
            told.update(_told(event, receipt))
        use.count([event], [receipt])
        return receipt

    return arecord


def _recording_many(act: Callable[..., Any], use: Instruments, names: dict[str, Any]) -> Any:
    @wraps(act)
    def record_many(events: Iterable[Event]) -> Any:
        given = list(events)
        with use.span("record", names, use.recording) as told:
            told["biotrail.count"] = len(given)
            receipts = act(given)
        use.count(given, receipts)
        return receipts

    return record_many


def _recording_many_async(
    act: Callable[..., Awaitable[Any]], use: Instruments, names: dict[str, Any]
) -> Any:
    @wraps(act)
    async def arecord_many(events: Iterable[Event]) -> Any:
        given = list(events)
        with use.span("record", names, use.recording) as told:
            told["biotrail.count"] = len(given)
            receipts = await act(given)
        use.count(given, receipts)
        return receipts

    return arecord_many


def _asking(act: Callable[..., Any], use: Instruments, names: dict[str, Any]) -> Any:
    @wraps(act)
    def ask(*asked: Any, **options: Any) -> Any:
        with use.span("query", names, use.querying):
            return act(*asked, **options)

    return ask


def _asking_async(
    act: Callable[..., Awaitable[Any]], use: Instruments, names: dict[str, Any]
) -> Any:
    @wraps(act)
    async def ask(*asked: Any, **options: Any) -> Any:
        with use.span("query", names, use.querying):
            return await act(*asked, **options)

    return ask
