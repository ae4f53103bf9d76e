"""Policies: whose failures are counted, how many are let pass, and what follows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Any

import attrs

from biotrail.errors import LimitError
from biotrail.events import Action, Modality, Reason, is_own_action
from biotrail.limits._digest import policy_digest
from biotrail.limits.facts import FAILURES, HOST_REASONS, Facts

__all__ = ["NIST_SP_800_63B_4", "PCI_DSS_8_3_4", "Limit", "LimitPolicy", "Scope"]

_MOST = 10_000
_LOCKING: frozenset[str] = frozenset({Action.LOCK, Action.UNLOCK, Action.LOCK_EXPIRED})
_HOST = "host."


class Scope(StrEnum):
    """Whose attempts are counted together."""

    SUBJECT = "subject"
    """Those of one person (of one tenant), from wherever they come."""
    DEVICE = "device"
    """Those that name one device."""
    IP = "ip"
    """Those from one IPv4 address, or from one IPv6 network of 64 bits."""


def _count(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is None and attribute.default is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise LimitError(f"Limit.{attribute.name} must be a whole number from 1 to {_MOST}")


def _time(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, timedelta) or value <= timedelta(0)):
        raise LimitError(f"Limit.{attribute.name} must be a positive timedelta, or None")


@attrs.frozen(kw_only=True)
class Limit:
    """How many failures of one scope are let pass.

    Attributes:
        failures: So many failures lock. For a person they are consecutive: a success of theirs
            begins the count anew. For a device or an address, where a success of one person says
            nothing about another's attempts, they are all that lie within the window.
        lock: For how long, from the failure on that locks; None locks until somebody unlocks.
        each: After the lock is over: whether each further failure locks again (a delay before
            each further attempt), or counting begins anew.
        window: Failures longer ago than this count no more towards `failures`; None counts all.
        disable: So many consecutive failures, counted through all locks, lock until somebody
            unlocks; None never does.
        failures_with_pad: In place of `failures`, where presentation attack detection came to a
            decision on every failure counted.
        disable_with_pad: The same for `disable`.

    Raises:
        LimitError: A number or a time is out of range, or they contradict each other.
    """

    failures: int = attrs.field(validator=_count)
    lock: timedelta | None = attrs.field(validator=_time)
    each: bool = False
    window: timedelta | None = attrs.field(default=None, validator=_time)
    disable: int | None = attrs.field(default=None, validator=_count)
    failures_with_pad: int | None = attrs.field(default=None, validator=_count)
    disable_with_pad: int | None = attrs.field(default=None, validator=_count)

    def __attrs_post_init__(self) -> None:
        if self.disable is not None and self.disable < self.failures:
            raise LimitError("Limit.disable must not be less than Limit.failures")
        for plain, raised in (
            (self.failures, self.failures_with_pad),
            (self.disable, self.disable_with_pad),
        ):
            if raised is not None and (plain is None or raised < plain):
                raise LimitError("a number with PAD must not be less than the one without")
        if self.most > (self.disable_with_pad or self.disable or _MOST):
            raise LimitError("Limit.disable_with_pad must not be less than failures_with_pad")

    @property
    def most(self) -> int:
        """The most failures that are let pass before a lock."""
        return self.failures_with_pad or self.failures

    def failures_let(self, *, guarded: bool) -> int:
        """How many failures lock, by whether PAD decided on each."""
        return self.failures_with_pad or self.failures if guarded else self.failures

    def disable_let(self, *, guarded: bool) -> int | None:
        """How many failures disable, by whether PAD decided on each."""
        return self.disable_with_pad or self.disable if guarded else self.disable


def _words(value: Iterable[str]) -> frozenset[str]:
    words = [] if isinstance(value, str) else list(value)
    if not words or not all(isinstance(one, str) for one in words):
        raise LimitError("LimitPolicy.actions and .reasons are sets of words, and not empty")
    return frozenset(map(str, words))


def _actions(value: Iterable[str] | None) -> frozenset[str] | None:
    return None if value is None else _words(value)


def _name(_instance: object, _attribute: object, value: Any) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= 128 or not value.isprintable():
        raise LimitError("LimitPolicy.name must be a printable text of 1 to 128 characters")


def _limit(_instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not isinstance(value, Limit):
        raise LimitError(f"LimitPolicy.{attribute.name} must be a Limit, or None")


@attrs.frozen(kw_only=True)
class LimitPolicy:
    """What is counted, for whom, and how many failures are too many.

    Attributes:
        name: Names the policy in the records of locks, up to 128 characters.
        subject: The limit for each person, or None.
        device: The limit for each device, or None; it needs a window.
        ip: The limit for each address, or None; it needs a window.
        actions: The actions that are limited; None is all but those that biotrail records of
            its own (`biotrail.events.is_own_action`).
        biometric: Whether only attempts with a biometric modality are counted and turned away, so
            that another factor stays open.
        reasons: A denial for one of these reasons is a failure; ``host.*`` stands for every reason
            of the host's own. So is every denial where the matcher or the detection of presentation
            attacks spoke against it, whatever the reason.
        failure_to_acquire: Whether a failure to acquire counts too. It tells an impostor nothing,
            so by default it does not.

    Raises:
        LimitError: Nothing is limited, or a limit is not as it must be.
    """

    name: str = attrs.field(validator=_name)
    subject: Limit | None = attrs.field(default=None, validator=_limit)
    device: Limit | None = attrs.field(default=None, validator=_limit)
    ip: Limit | None = attrs.field(default=None, validator=_limit)
    actions: frozenset[str] | None = attrs.field(default=None, converter=_actions)
    biometric: bool = True
    reasons: frozenset[str] = attrs.field(default=FAILURES, converter=_words)
    failure_to_acquire: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.limits:
            raise LimitError("a policy limits persons, devices or addresses, or several of them")
        for scope in (Scope.DEVICE, Scope.IP):
            limit = self.limits.get(scope)
            if limit is not None and (limit.window is None or limit.disable is not None):
                raise LimitError(
                    f"LimitPolicy.{scope} needs a window, and cannot disable: no success of one "
                    "person ends the count of what others did"
                )

    @property
    def limits(self) -> dict[Scope, Limit]:
        """The limits that there are, by scope."""
        found = {Scope.SUBJECT: self.subject, Scope.DEVICE: self.device, Scope.IP: self.ip}
        return {scope: limit for scope, limit in found.items() if limit is not None}

    def digest(self) -> bytes:
        """SHA-256 over the policy's deterministic CBOR, 32 bytes: what the log records."""
        return policy_digest(attrs.asdict(self))

    def covers(self, facts: Facts) -> bool:
        """Whether an attempt is of those that are limited."""
        if self.biometric and facts.modality == Modality.NONE:
            return False
        action = facts.action
        if self.actions is None:
            return not is_own_action(action)
        return action in self.actions and action not in _LOCKING

    def is_failure(self, facts: Facts) -> bool:
        """Whether an attempt that is covered counts as a failure."""
        if facts.granted or facts.reason in (Reason.ATTEMPT_LIMIT, Reason.LOCKED_OUT):
            return False
        if facts.reason in self.reasons or facts.did_not_match:
            return True
        if facts.reason.startswith(_HOST):
            return HOST_REASONS in self.reasons
        return self.failure_to_acquire and _is_failure_to_acquire(facts.reason)


def _is_failure_to_acquire(reason: str) -> bool:
    try:
        return Reason(reason).is_failure_to_acquire
    except ValueError:
        return False


NIST_SP_800_63B_4 = LimitPolicy(
    name="NIST SP 800-63B-4 3.2.3",
    subject=Limit(
        failures=5,
        failures_with_pad=10,
        lock=timedelta(seconds=30),
        each=True,
        disable=50,
        disable_with_pad=100,
    ),
)
"""NIST SP 800-63B-4, section 3.2.3, on the use of biometrics.

At most 5 consecutive failed attempts, or 10 where presentation attack detection is in place; from
then on at least 30 seconds before each further attempt; at most 50 consecutive failures overall, or
100 with presentation attack detection, after which biometric authentication is disabled and another
factor is offered. Whether detection is in place is taken from the records: the higher numbers hold
while it came to a decision on every failure that is counted.

The section asks for more (false match rates, physical authenticators, a fixed threshold), which no
limit of attempts can see.
"""

PCI_DSS_8_3_4 = LimitPolicy(
    name="PCI DSS 4.0.1 8.3.4",
    subject=Limit(failures=10, lock=timedelta(minutes=30)),
    biometric=False,
    reasons=FAILURES | {Reason.OTHER_FACTOR, HOST_REASONS},
)
"""PCI DSS v4.0.1, requirement 8.3.4, on invalid authentication attempts.

The user ID is locked out after not more than 10 invalid attempts, for at least 30 minutes or until
the identity of the user is confirmed (`AuditLogger.unlock`). It is about every factor, not only
biometrics: denials for `Reason.OTHER_FACTOR` and for reasons of the host's own count too.
"""
