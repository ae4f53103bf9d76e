"""Detections: rules over the records of a log, whose findings are records of the same log.

Rules are pure functions: of what is remembered of somebody, and one more record. A `Detector` puts
the records of a log before them as they come, records what they find, and tells who is to be told.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail._retrying import Backoff
    from biotrail._webhooks import Bearer, Signed, Webhook, tls_context
    from biotrail.detection.after_hours import AfterHours
    from biotrail.detection.configuration_changed import ConfigurationChanged
    from biotrail.detection.detector import Detector
    from biotrail.detection.finding import Finding, Severity
    from biotrail.detection.heartbeat_gap import HeartbeatGap
    from biotrail.detection.impossible_travel import ImpossibleTravel
    from biotrail.detection.many_subjects import ManySubjects
    from biotrail.detection.memory import find
    from biotrail.detection.presentation_attacks import PresentationAttacks
    from biotrail.detection.rule import Mark, Rule, Step
    from biotrail.detection.rules_file import default_rules, load_rules
    from biotrail.detection.score_climbing import ScoreClimbing
    from biotrail.detection.seen import Seen
    from biotrail.detection.telling import Detection

__all__ = [
    "AfterHours",
    "Backoff",
    "Bearer",
    "ConfigurationChanged",
    "Detection",
    "Detector",
    "Finding",
    "HeartbeatGap",
    "ImpossibleTravel",
    "ManySubjects",
    "Mark",
    "PresentationAttacks",
    "Rule",
    "ScoreClimbing",
    "Seen",
    "Severity",
    "Signed",
    "Step",
    "Webhook",
    "default_rules",
    "find",
    "load_rules",
    "tls_context",
]

_PLACES = {
    "after_hours": ("AfterHours",),
    "configuration_changed": ("ConfigurationChanged",),
    "detector": ("Detector",),
    "finding": ("Finding", "Severity"),
    "heartbeat_gap": ("HeartbeatGap",),
    "impossible_travel": ("ImpossibleTravel",),
    "many_subjects": ("ManySubjects",),
    "memory": ("find",),
    "presentation_attacks": ("PresentationAttacks",),
    "rule": ("Mark", "Rule", "Step"),
    "rules_file": ("default_rules", "load_rules"),
    "score_climbing": ("ScoreClimbing",),
    "seen": ("Seen",),
    "telling": ("Detection",),
}

__getattr__ = load_when_used(
    __name__,
    {
        "Backoff": "biotrail._retrying",
        **dict.fromkeys(("Bearer", "Signed", "Webhook", "tls_context"), "biotrail._webhooks"),
        **{name: f"{__name__}.{module}" for module, names in _PLACES.items() for name in names},
    },
)
