"""One score for a reference of several samples, by a stated rule."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from biotrail.errors import ExpiredReferenceError, MatcherError
from biotrail.matchers.backend import Features, MatcherBackend
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.reference import Reference

__all__ = ["SampleRule", "compare_reference"]

_MICRO = 1_000_000


class SampleRule(StrEnum):
    """How the scores of a reference's samples become one.

    A threshold belongs to a rule and a number of samples: the best of three errs otherwise than
    one does. Calibrate with references like those that are enrolled.
    """

    BEST = "best"
    """The highest score where higher is better, else the lowest. The default."""
    MEAN = "mean"
    """The arithmetic mean, of whole millionths, rounded to the nearest (ties to even)."""


def compare_reference(
    matcher: MatcherBackend,
    reference: Features,
    probe: Features,
    *,
    rule: SampleRule | str = SampleRule.BEST,
    at: datetime | None = None,
) -> ComparisonScore:
    """Compare a probe with a reference of one sample or several.

    The probe is compared with each sample by the matcher, and the scores, rounded to six decimals
    as they always are, are joined by the rule. Of a mean, the score's ``metric`` says so
    (``"cosine, mean"``), since it is another number to be read in another way.

    Args:
        matcher: Compares one sample at a time.
        reference: One sample or several.
        probe: The features to compare.
        rule: How several scores become one.
        at: The present time, aware; None does not ask whether the reference has expired.

    Raises:
        MatcherError: Another model made one of them, or the rule is none.
        ExpiredReferenceError: The reference's time is over.
    """
    if at is not None and isinstance(reference, Reference) and reference.expired(at):
        raise ExpiredReferenceError("the reference has expired; enrol the person again")
    joined = _rule(rule)
    samples = reference.samples if isinstance(reference, Reference) else (reference,)
    if len(samples) == 1:
        return matcher.compare(samples[0], probe)
    scores = [matcher.compare(sample, probe) for sample in samples]
    if joined is SampleRule.MEAN:
        return attrs.evolve(scores[0], value=_mean(scores), metric=f"{scores[0].metric}, mean")
    best = max if scores[0].higher_is_better else min
    return best(scores, key=lambda score: score.value)


def _rule(rule: SampleRule | str) -> SampleRule:
    try:
        return SampleRule(rule)
    except ValueError:
        raise MatcherError(f"the rule must be one of {', '.join(SampleRule)}") from None


def _mean(scores: list[ComparisonScore]) -> float:
    """Of whole numbers, so that no order of additions matters; ties to even."""
    total = sum(round(score.value * _MICRO) for score in scores)
    whole, rest = divmod(total, len(scores))
    over = 2 * rest > len(scores) or (2 * rest == len(scores) and whole % 2 == 1)
    return (whole + over) / _MICRO
