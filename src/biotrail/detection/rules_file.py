"""Rules from a TOML file, and the rules that are taken where there is none."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from biotrail.detection.after_hours import AfterHours
from biotrail.detection.configuration_changed import ConfigurationChanged
from biotrail.detection.heartbeat_gap import HeartbeatGap
from biotrail.detection.impossible_travel import ImpossibleTravel
from biotrail.detection.many_subjects import ManySubjects
from biotrail.detection.presentation_attacks import PresentationAttacks
from biotrail.detection.rule import Rule
from biotrail.detection.score_climbing import ScoreClimbing
from biotrail.errors import DetectionError

__all__ = ["default_rules", "load_rules"]

_RULES: dict[str, Callable[..., Rule]] = {
    "after_hours": AfterHours,
    "configuration_changed": ConfigurationChanged,
    "heartbeat_gap": HeartbeatGap,
    "impossible_travel": ImpossibleTravel,
    "many_subjects": ManySubjects,
    "presentation_attacks": PresentationAttacks,
    "score_climbing": ScoreClimbing,
}
_OF_THE_PLACE = frozenset({"after_hours", "heartbeat_gap"})
_SPANS = frozenset({"window", "memory", "expected"})
_SPAN = re.compile(r"(\d{1,9}) ?(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_LARGEST = 1_048_576


def default_rules() -> list[Rule]:
    """Every rule that can do with its defaults, and with them.

    Not `AfterHours`, which needs a time zone, nor `HeartbeatGap`: how often something has to come
    the host alone knows, and a door that nobody passes at night is no finding.
    """
    return [make() for name, make in sorted(_RULES.items()) if name not in _OF_THE_PLACE]


def load_rules(path: str | os.PathLike[str]) -> list[Rule]:
    """Rules from a TOML file: a table for each, named as its findings are to be.

    A table's ``rule`` says which rule it is, where its name does not; all else are the rule's own
    settings. Spans of time are text, such as ``"90 s"``, ``"10 min"``, ``"1 h"`` or ``"2 d"``.

    Raises:
        DetectionError: The file cannot be read, or a rule or a setting is not as it must be.
    """
    try:
        with open(path, "rb") as file:
            tables = tomllib.loads(file.read(_LARGEST).decode())
    except OSError as error:
        raise _unfit(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unfit(path, f"is no TOML: {error}") from error
    if not tables:
        raise _unfit(path, "names no rule")
    try:
        return [_rule(name, table) for name, table in tables.items()]
    except DetectionError as error:
        raise _unfit(path, f"does not give rules: {error}") from error


def _rule(name: str, table: Any) -> Rule:
    if not isinstance(table, dict):
        raise DetectionError(f"{name} is no table; write [{name}] above the settings of a rule")
    kind = table.get("rule", name)
    make = _RULES.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise DetectionError(f"{kind!r} is no rule; there are {', '.join(sorted(_RULES))}")
    made: Any = make
    known = {one.name for one in attrs.fields(made) if one.init} - {"name"}
    given = {one: _value(one, value) for one, value in table.items() if one != "rule"}
    if unknown := sorted(set(given) - known):
        raise DetectionError(
            f"{kind} has no setting {unknown[0]!r}; there are {', '.join(sorted(known))}"
        )
    try:
        return make(name=name, **given)
    except TypeError as error:
        raise DetectionError(
            f"[{name}] lacks a setting, or one is of a wrong kind: {error}"
        ) from error


def _value(name: str, value: Any) -> Any:
    if name not in _SPANS:
        return value
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise DetectionError(f'{name} is a span of time such as "10 min", not {value!r}')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _unfit(path: str | os.PathLike[str], what: str) -> DetectionError:
    return DetectionError(f"{os.fspath(path)} {what}", path=os.fspath(path))
