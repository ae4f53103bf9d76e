"""How often a person may try, and what a host keeps of the attempts so far.

The limits are those of NIST SP 800-63B-4 for biometrics: after 5 consecutive failures a delay of at
least 30 seconds before each further attempt, after 50 no further one; with presentation attack
detection 10 and 100.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from biotrail.errors import MatcherError

__all__ = ["AttemptHistory", "AttemptLimits"]


def _from_one(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise MatcherError(f"{attribute.name} must be a whole number from 1")


def _aware(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, datetime) or value.utcoffset() is None):
        raise MatcherError(f"{attribute.name} must be a time with its zone, or None")


@attrs.frozen(kw_only=True)
class AttemptLimits:
    """How often an attempt may fail. The defaults are NIST's without PAD.

    Attributes:
        delay_after: Consecutive failures after which each attempt must wait.
        delay: How long after the last failure it must wait, at least.
        disable_after: Consecutive failures after which there is no further attempt.

    Raises:
        MatcherError: A number is out of range.
    """

    delay_after: int = attrs.field(default=5, validator=_from_one)
    delay: timedelta = timedelta(seconds=30)
    disable_after: int = attrs.field(default=50, validator=_from_one)

    def __attrs_post_init__(self) -> None:
        if self.delay < timedelta(0) or self.disable_after < self.delay_after:
            raise MatcherError("the delay comes before the end of attempts, and is not negative")

    @classmethod
    def nist(cls, *, pad: bool) -> AttemptLimits:
        """The limits of NIST SP 800-63B-4, with or without presentation attack detection."""
        return cls(delay_after=10, disable_after=100) if pad else cls()


@attrs.frozen(kw_only=True)
class AttemptHistory:
    """What the host keeps of a person's attempts: two values, and no biometrics.

    Attributes:
        failures: Consecutive failures.
        last_failure: When the last of them was, aware.
    """

    failures: int = 0
    last_failure: datetime | None = attrs.field(default=None, validator=_aware)
