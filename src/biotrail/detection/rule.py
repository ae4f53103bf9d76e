"""What a rule is: a pure function from what is remembered of somebody, and a record, to findings.

A rule keeps nothing itself. What it remembers are `Mark`s, a short tuple for each key (a person, an
address, a matcher), which a `Memory` holds within bounds. What a rule remembers must follow from
the marks' own records alone: then memory that is lost is made again by reading these records again.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeAlias

import attrs

from biotrail.detection.finding import Finding
from biotrail.detection.seen import Seen
from biotrail.errors import DetectionError

__all__ = [
    "NOTHING",
    "Mark",
    "Past",
    "Rule",
    "Step",
    "a_name",
    "a_share",
    "a_time",
    "a_whole",
    "mark_of",
    "recent",
]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")


@attrs.frozen
class Mark:
    """What a rule remembers of one record.

    Attributes:
        index: The record's index.
        recorded: When it was recorded.
        occurred: When it occurred.
        value: What the rule keeps of it.
    """

    index: int
    recorded: datetime
    occurred: datetime
    value: Any


Past: TypeAlias = tuple[Mark, ...]
"""What a rule remembers under one key, oldest first."""
NOTHING: Past = ()
"""Nothing remembered."""


class Step(NamedTuple):
    """What follows from one record.

    Attributes:
        past: What is remembered under the key from now on; empty forgets the key.
        finding: What was found, or None.
    """

    past: Past
    finding: Finding | None = None


class Rule(Protocol):
    """A rule of detection.

    Attributes:
        name: Its name: a word, which the actions of its findings end in.
        needs: Personal fields that it looks at; where they are sealed and not open, it is blind.
        memory: For how long at most something is remembered, by the time of recording; None for as
            long as there is room.
        most_keys: How many keys are remembered at most; those used longest ago are forgotten first.
        kept: Whether its memory is kept in the detector's file. Only for memory that is not
            personal: keys and values are text. Else it is made again by reading the log again.
    """

    @property
    def name(self) -> str:
        """Names its findings."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """Personal fields that it looks at."""
        ...

    @property
    def memory(self) -> timedelta | None:
        """For how long it remembers."""
        ...

    @property
    def most_keys(self) -> int:
        """How many keys it remembers."""
        ...

    @property
    def kept(self) -> bool:
        """Whether a file keeps its memory."""
        ...

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """Whose memory a record concerns; none where the record is nothing to the rule."""
        ...

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """What follows from one record under one key. Pure."""
        ...

    def silence(self, key: Hashable, past: Past, now: datetime) -> Finding | None:
        """What follows from nothing having come until now. Pure."""
        ...


def mark_of(seen: Seen, value: Any = None) -> Mark:
    """A mark for a record."""
    return Mark(seen.index, seen.recorded, seen.occurred, value)


def recent(past: Past, seen: Seen, window: timedelta) -> Past:
    """What was recorded, and occurred, within a window before or around a record.

    Time of recording, which never goes back, decides what is remembered; time of occurrence, which
    may lie earlier where records were held back, decides what belongs together.
    """
    since, occurred = seen.recorded - window, seen.occurred
    return tuple(
        one for one in past if one.recorded >= since and abs(occurred - one.occurred) <= window
    )


def a_name(instance: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    """A validator for the name of a rule.

    Raises:
        DetectionError: It is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise DetectionError(
            f"{type(instance).__name__}.{attribute.name} is a word of up to 48 small letters, "
            f"digits and '_', not {value!r}"
        )


def a_time(instance: Any, attribute: attrs.Attribute[timedelta], value: Any) -> None:
    """A validator for a span of time above zero, up to a hundred years.

    Raises:
        DetectionError: It is none.
    """
    if not isinstance(value, timedelta) or not timedelta(0) < value <= timedelta(days=36_525):
        raise DetectionError(
            f"{type(instance).__name__}.{attribute.name} is a span of time above zero"
        )


def a_whole(least: int, most: int) -> Any:
    """A validator for a whole number within bounds."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if type(value) is not int or not least <= value <= most:
            raise DetectionError(
                f"{type(instance).__name__}.{attribute.name} is a whole number from {least} to "
                f"{most}, not {value!r}"
            )

    return validate


def a_share(instance: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    """A validator for a share above 0, up to 1.

    Raises:
        DetectionError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise DetectionError(
            f"{type(instance).__name__}.{attribute.name} is a share above 0, up to 1"
        )
