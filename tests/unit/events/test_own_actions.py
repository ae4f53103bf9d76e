"""Which events record attempts."""

from __future__ import annotations

import pytest

from biotrail.audit.reads import READ_ACTION
from biotrail.events import (
    OWN_ACTIONS,
    Action,
    ApplicationDecision,
    Event,
    is_attempt,
    is_own_action,
)


@pytest.mark.parametrize("action", sorted({*OWN_ACTIONS, "detection.rate", READ_ACTION}))
def test_own(action: str) -> None:
    """What biotrail records on its own account is no attempt."""
    assert is_own_action(action)
    assert not is_attempt(Event(action=action, decision=ApplicationDecision.GRANTED))


@pytest.mark.parametrize(
    "action", ["door.open", "log.in", "token.present", "attempt.third", "detection", "log.reader"]
)
def test_of_the_host(action: str) -> None:
    """Every other action is one of the host's, also where it begins as one of biotrail's does."""
    assert not is_own_action(action)
    assert is_attempt(Event(action=action, decision=ApplicationDecision.DENIED))


def test_every_action_is_known() -> None:
    """Every action that has a name in Python is among them."""
    assert set(Action) < OWN_ACTIONS
