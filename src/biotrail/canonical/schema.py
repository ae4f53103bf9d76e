"""The form of each kind of body: which keys, of which type, which must be there.

The CDDL of ``docs/spec/entry.md`` says the same in prose for other languages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from biotrail.canonical.times import parse_time
from biotrail.errors import CanonicalError

__all__ = ["KINDS", "check_content", "is_event_shape"]

Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return type(value) is str and bool(value)


def _integer(value: object) -> bool:
    return type(value) is int


def _unsigned(value: object) -> bool:
    return type(value) is int and value >= 0


def _size(size: int) -> Check:
    return lambda value: type(value) is bytes and len(value) == size


def _word(*words: str) -> Check:
    allowed = frozenset(words)
    return lambda value: type(value) is str and value in allowed


def _time(value: object) -> bool:
    if type(value) is not str:
        return False
    try:
        parse_time(value)
    except CanonicalError:
        return False
    return True


def _values(value: object) -> bool:
    return (
        type(value) is dict
        and bool(value)
        and all(type(item) in (str, int, bool, bytes) for item in value.values())
    )


def _each(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def _some(check: Check) -> Check:
    return lambda value: type(value) is list and bool(value) and all(map(check, value))


def _address(value: object) -> bool:
    return type(value) is bytes and len(value) in (4, 16)


class Shape(NamedTuple):
    """The form of a map: its keys with their checks, and those that must be there."""

    checks: Mapping[str, Check]
    required: frozenset[str]

    def admits(self, value: object) -> bool:
        """Whether a value is a map of this form."""
        if type(value) is not dict or not self.required <= value.keys():
            return False
        checks = self.checks
        for key, item in value.items():
            check = checks.get(key)
            if check is None or not check(item):
                return False
        return True


def _shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Shape:
    return Shape({**required, **(optional or {})}, frozenset(required))


def _nonempty(shape: Shape) -> Check:
    return lambda value: bool(value) and shape.admits(value)


_COMPARISON = _shape(
    {
        "matcher": _text,
        "version": _text,
        "decision": _word("match", "non_match", "undetermined"),
    },
    {
        "pad": _word("bona_fide", "attack", "undetermined"),
        "type": _word("verification", "identification"),
        "digest": _size(32),
        "metric": _text,
        "gallery": _text,
        "reference": _text,
        "calibration": _text,
        "gallery_size": _unsigned,
        "quality_micro": _integer,
        "threshold_micro": _integer,
    },
)
_CONTEXT = _shape({}, {"os": _text, "trace_id": _text, "request_id": _text, "device_model": _text})
_LOCATION = _shape(
    {"latitude_micro": _integer, "longitude_micro": _integer},
    {"city": _text, "region": _text, "country": _text, "accuracy_m": _unsigned},
)
_PROVENANCE_WORD = _word("attested", "observed", "proxy_asserted", "client_claimed")
_PROVENANCE = _shape(
    {},
    dict.fromkeys(
        (
            "ip",
            "os",
            "location",
            "trace_id",
            "device_id",
            "request_id",
            "session_id",
            "user_agent",
            "device_model",
        ),
        _PROVENANCE_WORD,
    ),
)
_OUTCOME = _word("success", "failure", "unknown")
_EVENT = _shape(
    {
        "id": _size(16),
        "action": _text,
        "reason": _text,
        "outcome": _OUTCOME,
        "decision": _word("granted", "denied"),
        "modality": _text,
        "occurred": _time,
    },
    {
        "labels": _values,
        "target": _text,
        "tenant": _text,
        "context": _nonempty(_CONTEXT),
        "factors": _some(_text),
        "payload": _size(32),
        "subject": _size(16),
        "comparison": _COMPARISON.admits,
        "provenance": _nonempty(_PROVENANCE),
        "actor": _size(16),
        # Here only where the host's policy says that they are not personal; else in the payload.
        "ip": _address,
        "location": _LOCATION.admits,
        "device_id": _text,
        "attributes": _values,
        "session_id": _text,
        "user_agent": _text,
        "score_micro": _integer,
    },
)
_RULE = _shape(
    {"before": _time},
    {"action": _text, "tenant": _text, "outcome": _OUTCOME, "modality": _text},
)

KINDS: Mapping[str, Shape] = {
    "genesis": _shape(
        {"format": _word("biotrail/1"), "origin": _text, "key": _text}, {"next": _size(32)}
    ),
    "event": _EVENT,
    "key_added": _shape(
        {"key": _text, "purpose": _word("rotation", "writer")}, {"next": _size(32)}
    ),
    "key_retired": _shape({"key": _text, "reason": _text}),
    "key_compromised": _shape({"key": _text, "since": _unsigned, "reason": _text}),
    "log_started": _shape({"writer": _size(8), "software": _text}),
    "log_stopped": _shape({"writer": _size(8)}),
    "log_gap": _shape(
        {"writer": _size(8), "since": _time, "until": _time, "reason": _text}, {"lost": _unsigned}
    ),
    "configuration_changed": _shape({"setting": _text, "digest": _size(32)}, {"before": _size(32)}),
    "subject_erased": _shape(
        {
            "id": _size(16),
            "reason": _text,
            "through": _unsigned,
            "payloads": _unsigned,
            "requested": _time,
            "references": _some(_size(16)),
            "legal_basis": _text,
            "fingerprints": _each(_size(32)),
        },
        {"beyond": _some(_text)},
    ),
    "hold_placed": _shape(
        {"id": _size(16), "reason": _text, "references": _some(_size(16))}, {"until": _time}
    ),
    "hold_released": _shape({"id": _size(16), "reason": _text}),
    "retention_applied": _shape(
        {
            "id": _size(16),
            "rules": _some(_RULE.admits),
            "policy": _size(32),
            "payloads": _unsigned,
        },
        {"held": _unsigned},
    ),
    "log_read": _shape(
        {"rows": _unsigned, "route": _text, "reader": _size(16), "purpose": _text},
        {"event": _size(16), "tenant": _text, "revealed": _some(_text)},
    ),
}


def check_content(kind: str, content: object) -> None:
    """Check a body's content against the form of its kind.

    Raises:
        CanonicalError: Unknown kind, or content that is not of its form.
    """
    shape = KINDS.get(kind)
    if shape is None:
        raise CanonicalError(f"unknown kind of entry: {kind!r}")
    if not shape.admits(content):
        raise CanonicalError(f"the content is not of the form of {kind}")


def is_event_shape(content: object) -> bool:
    """Whether content has the form of an event (used where speed matters)."""
    return _EVENT.admits(content)
