"""What an identification answers: candidates, best first, and which gallery it searched."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from biotrail.errors import MatcherError
from biotrail.events import Comparison, ComparisonDecision, ComparisonType
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import ComparisonScore, finite

__all__ = ["Candidate", "Identification", "Ranked", "ranked"]

Ranked = list[tuple[float, str]]
"""Unrounded scores and reference ids, best first; each reference once."""


def ranked(found: Iterable[tuple[float, str]], card: ModelCard, top: int | None) -> Ranked:
    """Order scores and ids, keep each reference's best, and cut off.

    Args:
        found: Scores and ids, in any order.
        card: Says whether higher is better.
        top: The largest number of references, or None.
    """
    sign = -1.0 if card.higher_is_better else 1.0
    best: dict[str, float] = {}
    for value, name in sorted([(sign * value, name) for value, name in found]):
        if top is not None and len(best) == top:
            break
        best.setdefault(name, sign * value)
    return [(value, name) for name, value in best.items()]


@attrs.frozen(kw_only=True)
class Candidate:
    """One reference that an identification came up with (ISO/IEC 2382-37: candidate).

    Attributes:
        reference: Id of the reference.
        score: Its comparison score; of several samples, the best. Computed in the defined order, so
            that comparing the stored reference with the same probe gives this score again.
    """

    reference: str
    score: ComparisonScore


@attrs.frozen(kw_only=True)
class Identification:
    """The answer for one probe.

    Attributes:
        candidates: Best first, by the score before it is rounded to six decimals; of equal ones,
            the lower reference id first. Complete: what is not in it does not belong in it.
        card: What computed the scores.
        gallery: Name of the gallery.
        version: Version of the gallery as it was searched.
        size: References in it then.
        threshold: The threshold that candidates had to reach, or None.
        top: The largest number of candidates that was asked for, or None.
    """

    candidates: tuple[Candidate, ...]
    card: ModelCard = attrs.field(repr=False)
    gallery: str
    version: int
    size: int
    threshold: float | None = None
    top: int | None = None

    @property
    def best(self) -> Candidate | None:
        """The first candidate, or None."""
        return self.candidates[0] if self.candidates else None

    def decide(self, threshold: float | None, *, calibration: str | None = None) -> Comparison:
        """Hold the best candidate against a threshold, as the comparison that an event records.

        The comparison names the gallery, its version and its size. Where there is no candidate it
        has no score and no reference: a non-match, since nothing in the gallery reached the
        threshold.

        Args:
            threshold: The threshold, in the score's own unit; None gives undetermined.
            calibration: Identifier of the calibration that the threshold comes from.

        Raises:
            MatcherError: The threshold is not a finite number, or there is no candidate because
                the search asked for a stricter one.
        """
        threshold = None if threshold is None else finite("threshold", threshold)
        best = self.best
        if best is not None:
            decided = best.score.decide(threshold, calibration=calibration)
        else:
            decided = self._without_candidate(threshold, calibration)
        return attrs.evolve(
            decided,
            type=ComparisonType.IDENTIFICATION,
            gallery=f"{self.gallery}@{self.version}",
            gallery_size=self.size,
        )

    def _without_candidate(self, threshold: float | None, calibration: str | None) -> Comparison:
        if threshold is not None and self.threshold is not None and self.size:
            margin = threshold - self.threshold
            if margin < 0 if self.card.higher_is_better else margin > 0:
                raise MatcherError("the search asked for more than this threshold; search again")
        undetermined = threshold is None
        return Comparison(
            matcher=self.card.id,
            version=self.card.version,
            digest=self.card.digest,
            threshold=threshold,
            decision=(
                ComparisonDecision.UNDETERMINED if undetermined else ComparisonDecision.NON_MATCH
            ),
            metric=self.card.metric,
            calibration=calibration,
        )
