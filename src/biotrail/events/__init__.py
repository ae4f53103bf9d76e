"""The words: what an access attempt is made of. Knows nothing of bytes, keys or stores."""

from biotrail.events.comparison import Comparison
from biotrail.events.context import Context, Location
from biotrail.events.event import Event, new_event_id
from biotrail.events.own_actions import OWN_ACTIONS, is_attempt, is_own_action
from biotrail.events.people import Actor, ActorKind, Subject
from biotrail.events.vocabulary import (
    Action,
    ApplicationDecision,
    ComparisonDecision,
    ComparisonType,
    Factor,
    FactorRole,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Provenance,
    Reason,
)

__all__ = [
    "OWN_ACTIONS",
    "Action",
    "Actor",
    "ActorKind",
    "ApplicationDecision",
    "Comparison",
    "ComparisonDecision",
    "ComparisonType",
    "Context",
    "Event",
    "Factor",
    "FactorRole",
    "Location",
    "Modality",
    "Outcome",
    "PresentationAttackDecision",
    "Provenance",
    "Reason",
    "Subject",
    "is_attempt",
    "is_own_action",
    "new_event_id",
]
