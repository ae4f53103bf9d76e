"""Which events record attempts, and which biotrail records on its own account.

Who reads the log, which token was made, which lock began, what a rule noticed: all of it stands in
the same log, as events with actions of biotrail's own. They are no attempts of anybody: limits do
not count them, and ``attempt = yes`` leaves them out of an answer.
"""

from __future__ import annotations

from biotrail.events.event import Event
from biotrail.events.vocabulary import Action

__all__ = ["DETECTION_BEGINNING", "OWN_ACTIONS", "is_attempt", "is_own_action"]

OWN_ACTIONS: frozenset[str] = frozenset({*Action, "log.read", "token.create", "token.revoke"})
"""The actions of biotrail's own events, but for detections: these end in the name of a rule."""

DETECTION_BEGINNING = "detection."
"""How the action of a detection begins."""


def is_own_action(action: str) -> bool:
    """Whether events with this action are biotrail's own, and no attempts.

    Whole words are compared, but for detections: a host's ``log.in`` and ``token.present`` are
    attempts.
    """
    return action in OWN_ACTIONS or action.startswith(DETECTION_BEGINNING)


def is_attempt(event: Event) -> bool:
    """Whether an event records an attempt, rather than something that biotrail did itself."""
    return not is_own_action(event.action)
