"""Scores that climb: somebody changes a sample step by step and keeps what brings it nearer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import timedelta
from functools import lru_cache

import attrs

from biotrail.detection._base import DAY, KeyedRule
from biotrail.detection.finding import Severity
from biotrail.detection.rule import (
    NOTHING,
    Past,
    Step,
    a_name,
    a_share,
    a_time,
    a_whole,
    mark_of,
    recent,
)
from biotrail.detection.seen import Seen
from biotrail.events import Comparison, ComparisonDecision

__all__ = ["ScoreClimbing", "chance_of_bests", "similarity"]

_LOWER_IS_NEARER = ("distance", "euclidean", "hamming", "manhattan", "procrustes", "dissimilarity")
_LONGEST = 64


@attrs.frozen(kw_only=True)
class ScoreClimbing(KeyedRule):
    """The scores of one person's consecutive failures rise as they do not by chance: hill climbing.

    Needs the score, which is personal, and a reference: of the subject, or else of what was
    compared. A match ends the run of failures. What counts is how often a failure came nearer than
    all before it: among n scores in random order the k-th is the best so far with probability 1/k,
    whatever the scores are distributed like (Rényi 1962, on records in a sequence), so that how
    likely so many bests are is known without knowing the matcher. The attack itself: Soutar (2002),
    Adler (2004); what stops it is to tell clients no scores, and attempt limits. A climb that
    slackens and goes on is found again.

    Attributes:
        name: Names the findings.
        chance: Found when so many bests come by chance with at most this probability: with 0.001
            seven failures each nearer than the last (1 in 5,040), or eight bests among eleven.
        closing: The best must also have closed this share of the way from the first score of the
            run to the threshold, where that is known: noise that creeps is not climbing.
        window: Failures longer ago are not part of the run.
        most_scores: How many failures are remembered of a run.
        most_keys: How many people are remembered at most.

    Raises:
        DetectionError: A number or a time is out of range.
    """

    name: str = attrs.field(default="score_climbing", validator=a_name)
    chance: float = attrs.field(default=0.001, validator=a_share)
    closing: float = attrs.field(default=0.1, validator=a_share)
    window: timedelta = attrs.field(default=DAY, validator=a_time)
    most_scores: int = attrs.field(default=_LONGEST, validator=a_whole(4, _LONGEST))

    @property
    def memory(self) -> timedelta:
        """The window."""
        return self.window

    @property
    def needs(self) -> frozenset[str]:
        """The score."""
        return frozenset({"score"})

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """The person; the biometric reference where the person is not known."""
        found = seen.comparison
        if found is None or found.decision is ComparisonDecision.UNDETERMINED:
            return ()
        if found.decision is ComparisonDecision.NON_MATCH and found.score is None:
            return ()
        if seen.person is not None:
            return (seen.person,)
        return () if found.reference is None else ((seen.tenant, "reference", found.reference),)

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Look at the run of failures with one more."""
        found = seen.comparison
        if found is None or found.score is None or found.decision is ComparisonDecision.MATCH:
            return Step(NOTHING)
        near, sign = similarity(found)
        scale = (found.matcher, found.version, found.metric, sign)
        before = recent(past, seen, self.window)
        if before and before[-1].value[0] != scale:
            before = NOTHING  # scores of two scales cannot be compared
        now = (*before, mark_of(seen, (scale, near)))[-self.most_scores :]
        scores = [one.value[1] for one in now]
        is_best = all(near > one for one in scores[:-1])
        if not is_best or not self._climbs(scores, found, sign):
            return Step(now)
        if len(scores) > 1 and self._is_rare(scores[:-1]):
            return Step(now)  # found before
        bests = _bests(scores)
        climbing = self._finding(
            seen,
            now[:-1],
            f"of {len(scores)} failures in a row {bests} came nearer than all before: by chance "
            f"that is less likely than {self.chance:g}",
            severity=Severity.HIGH,
            count=len(scores),
            of_person=True,
        )
        return Step(now, climbing)

    def _climbs(self, scores: list[float], found: Comparison, sign: int) -> bool:
        if not self._is_rare(scores):
            return False
        if found.threshold is None:
            return True
        gap = sign * found.threshold - scores[0]
        return gap <= 0 or scores[-1] - scores[0] >= self.closing * gap

    def _is_rare(self, scores: list[float]) -> bool:
        return chance_of_bests(_bests(scores), len(scores)) <= self.chance


def similarity(found: Comparison) -> tuple[float, int]:
    """A score so that more is nearer, and its sign: -1 where the score is a distance.

    Which way round a scale is, the decision tells: a non-match above the threshold is a distance.
    Without a threshold the metric's name does; without either more is nearer.
    """
    score = found.score or 0.0
    if found.threshold is not None and score != found.threshold:
        is_distance = (score > found.threshold) == (found.decision is ComparisonDecision.NON_MATCH)
    else:
        metric = (found.metric or "").lower()
        is_distance = any(word in metric for word in _LOWER_IS_NEARER)
    return (-score, -1) if is_distance else (score, 1)


def _bests(scores: list[float]) -> int:
    """How many scores are above all before them; the first is one."""
    count, best = 0, float("-inf")
    for one in scores:
        if one > best:
            count, best = count + 1, one
    return count


@lru_cache(maxsize=_LONGEST * _LONGEST)
def chance_of_bests(bests: int, scores: int) -> float:
    """Probability that among so many scores in random order at least so many are bests so far.

    The k-th is one with probability 1/k, independently of the others (Rényi 1962).
    """
    chances = [1.0] + [0.0] * bests  # of so many bests; the last: of as many or more
    for number in range(1, scores + 1):
        step = 1.0 / number
        chances[bests] += chances[bests - 1] * step if bests else 0.0
        for count in range(bests - 1, 0, -1):
            chances[count] = chances[count] * (1 - step) + chances[count - 1] * step
        if bests:
            chances[0] *= 1 - step
    return chances[bests]
