"""A record on its way out: what all formats say of it, and where its proof is found.

Pure: a record and a place in, plain values out. What is sealed, erased or missing is absent here,
and is named as such in `RecordView.absent`; nothing is guessed in its stead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from biotrail.canonical import format_time
from biotrail.events import ApplicationDecision, Event, Outcome, Reason
from biotrail.query import Record

__all__ = ["Place", "RecordView", "milliseconds", "plain", "without_nothing"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRAVE_REASONS = frozenset({Reason.PRESENTATION_ATTACK, Reason.LOCKED_OUT})
_GRAVE_KINDS = frozenset({"key_compromised", "log_gap"})
_NOTABLE_KINDS = frozenset(
    {"configuration_changed", "key_added", "key_retired", "retention_applied", "subject_erased"}
)


@attrs.frozen
class Place:
    """The log that a record is in, and the checkpoint against which it can be proven.

    Attributes:
        origin: The log's origin.
        size: Tree size of the last checkpoint when the record was read; it covers the record.
        root: Root hash of that checkpoint, 32 bytes.
    """

    origin: str
    size: int
    root: bytes


@attrs.frozen
class RecordView:
    """One record, and its place.

    Attributes:
        record: The record, with what of its personal fields is open.
        place: Where it lies.
    """

    record: Record
    place: Place

    @property
    def index(self) -> int:
        """Its index in the log."""
        return self.record.index

    @property
    def kind(self) -> str:
        """Kind of the entry: ``"event"``, or another."""
        return self.record.kind

    @property
    def content(self) -> Mapping[str, Any]:
        """What the entry says, in the words and units of its specification."""
        return self.record.content

    @property
    def event(self) -> Event | None:
        """The event, where it is one, with the personal fields that are open."""
        return self.record.event

    @property
    def leaf_hash(self) -> str:
        """Its leaf hash, 64 hexadecimal digits."""
        return self.record.leaf_hash.hex()

    @property
    def occurred(self) -> datetime:
        """When it occurred: of an event its own word, of other entries when they were recorded."""
        event = self.event
        return self.record.recorded if event is None else event.occurred

    @property
    def subject_reference(self) -> str | None:
        """The random reference that stands for the subject, in hexadecimal."""
        return self._reference("subject")

    @property
    def actor_reference(self) -> str | None:
        """The random reference that stands for the actor, in hexadecimal."""
        return self._reference("actor")

    @property
    def name(self) -> str:
        """What happened in a word: an event's action, or the kind of the entry."""
        event = self.event
        return self.kind if event is None else event.action

    @property
    def message(self) -> str:
        """What happened in a short sentence, without anything personal."""
        event = self.event
        if event is None:
            return f"{self.kind.replace('_', ' ')}: entry {self.index} of {self.place.origin}"
        return f"{event.action} {event.decision}: {event.reason}"

    @property
    def gravity(self) -> int:
        """How much it asks for attention: 0 informational, 1 low, 2 medium, 3 high.

        A denial is low; an unknown outcome, what a rule detected, and changes to keys, settings
        and data are medium; presentation attacks, lock-outs, gaps and stolen keys are high.
        """
        event = self.event
        if event is None:
            return 3 if self.kind in _GRAVE_KINDS else 2 if self.kind in _NOTABLE_KINDS else 0
        if event.reason in _GRAVE_REASONS:
            return 3
        if event.outcome is Outcome.UNKNOWN or event.action.startswith("detection."):
            return 2
        return 1 if event.decision is ApplicationDecision.DENIED else 0

    @property
    def absent(self) -> dict[str, str]:
        """Whose personal fields are not shown, and why.

        By owner (``"subject"``, ``"actor"``, ``"nobody"``): ``"sealed"``, ``"erased"``,
        ``"retained"``, ``"being erased"`` or ``"missing"``.
        """
        return {
            **dict.fromkeys(self.record.sealed, "sealed"),
            **{one.owner: one.how for one in self.record.gone},
        }

    @property
    def proof(self) -> dict[str, Any]:
        """What leads back to the proof: origin, index, leaf hash, and the checkpoint's size."""
        return {
            "origin": self.place.origin,
            "index": self.index,
            "leaf_hash": self.leaf_hash,
            "checkpoint_size": self.place.size,
            "checkpoint_root": self.place.root.hex(),
        }

    def details(self) -> dict[str, Any]:
        """What formats have no field for, under names of our own; real numbers are real here."""
        event = self.event
        found: dict[str, Any] = {**self.proof, "kind": self.kind, "absent": self.absent}
        if event is None:
            return without_nothing({**found, "content": plain(self.content)})
        return without_nothing({**found, **_of_event(event, self)})

    def _reference(self, name: str) -> str | None:
        value = self.content.get(name) if self.kind == "event" else None
        return value.hex() if isinstance(value, bytes) else None


def _of_event(event: Event, view: RecordView) -> dict[str, Any]:
    context = event.context
    return {
        "recorded": format_time(view.record.recorded),
        "decision": str(event.decision),
        "modality": str(event.modality),
        "factors": [str(one) for one in event.factors],
        "subject_reference": view.subject_reference,
        "actor_reference": view.actor_reference,
        "target": event.target,
        "comparison": _comparison(event),
        "device_model": context.device_model,
        "location": None if context.location is None else _location(event),
        "provenance": {name: str(word) for name, word in context.provenance.items()},
        "attributes": plain(event.attributes),
        "labels": plain(event.labels),
    }


def _comparison(event: Event) -> dict[str, Any] | None:
    if event.comparison is None:
        return None
    found = attrs.asdict(event.comparison, recurse=False)
    return without_nothing({name: plain(value) for name, value in found.items()})


def _location(event: Event) -> dict[str, Any]:
    assert event.context.location is not None
    return without_nothing(attrs.asdict(event.context.location))


def plain(value: Any) -> Any:
    """A value as JSON has it: bytes in hexadecimal, words and times as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return format_time(value)
    return str(value) if isinstance(value, str) else value


def without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the names whose value is None or empty; False and 0 stay."""
    return {
        name: one for name, one in values.items() if one is not None and one not in ("", [], {})
    }


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z, rounded down."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
