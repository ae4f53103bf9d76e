"""Presentation attack detection (ISO/IEC 30107): the protocol, apart from matching.

A detector says whether what stands before the camera is a person or an artefact. It says nothing
of whose face it is, and a matcher says nothing of this. No model is shipped: those that could be
had were not validated against attacks (ISO/IEC 30107-3), and a flag that nobody has measured is
worse than none, since it is believed. A host brings its own detector; `PadResult.decision` becomes
`biotrail.Comparison.presentation_attack` in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import attrs

from biotrail.errors import MatcherError
from biotrail.events import PresentationAttackDecision
from biotrail.matchers.decision import finite

__all__ = ["PadBackend", "PadResult"]


def _decision(value: PresentationAttackDecision | str) -> PresentationAttackDecision:
    try:
        return PresentationAttackDecision(value)
    except ValueError:
        words = ", ".join(PresentationAttackDecision)
        raise MatcherError(f"a PAD decision must be one of {words}") from None


def _score(value: object) -> float | None:
    return None if value is None else finite("PAD score", value)


def _named(_instance: object, _attribute: object, value: Any) -> None:
    if not (isinstance(value, str) and value.strip()):
        raise MatcherError("a detector has a name")


@attrs.frozen(kw_only=True)
class PadResult:
    """What a detector found.

    Attributes:
        decision: Bona fide, attack, or undetermined.
        detector: Name and version of the detector.
        score: The detector's score, in its own unit, or None. Personal data; it is not logged.
        species: The kinds of artefact that the detector was tested with, as its maker says (e.g.
            ``"print"``, ``"replay"``). An attack of another kind may pass.

    Raises:
        MatcherError: Another word, no name, or a score that is no finite number within ±1e12.
    """

    decision: PresentationAttackDecision = attrs.field(converter=_decision)
    detector: str = attrs.field(validator=_named)
    score: float | None = attrs.field(default=None, converter=_score, repr=False)
    species: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@runtime_checkable
class PadBackend(Protocol):
    """A detector of presentation attacks. Need not be thread-safe unless it says so."""

    def assess(self, frames: Sequence[object], /) -> PadResult:
        """Say what the frames of one capture show, one or several in the order of time.

        A detector that cannot tell answers ``undetermined``; it does not guess.

        Raises:
            MatcherError: The frames are nothing that it can read.
        """
        ...
