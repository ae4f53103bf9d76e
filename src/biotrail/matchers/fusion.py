"""One answer from several: samples of one matcher, scores of several matchers, several decisions.

What a rule does to the error rates has to be known before it is used:

====================  ==============================================================================
best of ``k`` scores  FMR at a threshold rises, up to ``k`` times; FNMR falls
mean of scores        both errors usually fall: the noise of single captures is averaged out
weighted sum          both may fall; a weak matcher with a large weight raises both
AND of decisions      FMR at most the smallest one; FNMR up to the sum of all
OR of decisions       FMR up to the sum of all; FNMR at most the smallest one
====================  ==============================================================================

A fused score is another score than its parts. It says so in its ``metric`` or its digest, so that a
calibration of a part refuses it (`biotrail.matchers.rates.Calibration`): calibrate what is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

import attrs

from biotrail.errors import MatcherError
from biotrail.events import Comparison, ComparisonDecision
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.rates.curves import OperatingPoint
from biotrail.matchers.several import SampleRule
from biotrail.matchers.weighted_sum import fusion_digest

__all__ = [
    "DecisionRule",
    "FusedRates",
    "fuse_decisions",
    "fuse_samples",
    "fused_rates",
]

_Value = TypeVar("_Value")
_MICRO = 1_000_000


class DecisionRule(StrEnum):
    """How several comparison decisions become one."""

    AND = "and"
    """A match where all match."""
    OR = "or"
    """A match where any matches."""


def fuse_samples(
    scores: Sequence[ComparisonScore], *, rule: SampleRule | str = SampleRule.BEST
) -> ComparisonScore:
    """One score of several probes of one person, compared by one matcher.

    The score's ``metric`` names the rule and the number, e.g. ``"cosine, best of 3"``.

    Args:
        scores: One or more scores of one model card, metric and reference.
        rule: The best or the arithmetic mean.

    Raises:
        MatcherError: No score, scores of several cards, metrics or references, or another rule.
    """
    try:
        chosen = SampleRule(rule)
    except ValueError:
        raise MatcherError(f"the rule must be one of {', '.join(SampleRule)}") from None
    if len({(one.digest, one.metric, one.higher_is_better, one.reference) for one in scores}) != 1:
        raise MatcherError("samples are fused of one matcher's scores with one reference")
    values = [round(one.value * _MICRO) for one in scores]
    if chosen is SampleRule.MEAN:
        value = _mean(values) / _MICRO
    else:
        value = (max if scores[0].higher_is_better else min)(values) / _MICRO
    metric = f"{scores[0].metric}, {chosen.value} of {len(scores)}"
    return attrs.evolve(scores[0], value=value, metric=metric)


def fuse_decisions(comparisons: Sequence[Comparison], *, rule: DecisionRule | str) -> Comparison:
    """One comparison decision of several, as an event records it: without a score of its own.

    Under AND one non-match decides, under OR one match does. Where that leaves it open and a part
    is undetermined, so is the whole.

    Args:
        comparisons: Two or more, each decided by its own calibration.
        rule: AND or OR.

    Returns:
        A comparison whose digest stands for rule, matchers and calibrations.

    Raises:
        MatcherError: Fewer than two comparisons, or another rule.
    """
    try:
        chosen = DecisionRule(rule)
    except ValueError:
        raise MatcherError(f"the rule must be one of {', '.join(DecisionRule)}") from None
    if len(comparisons) < 2:
        raise MatcherError("decisions are fused of two comparisons or more")
    parts = [
        {
            "matcher": one.matcher,
            "version": one.version,
            "digest": None if one.digest is None else one.digest.hex(),
            "calibration": one.calibration,
        }
        for one in comparisons
    ]
    return Comparison(
        matcher=f"fusion-{chosen.value}",
        version="1",
        decision=_joined([one.decision for one in comparisons], chosen),
        digest=fusion_digest({"rule": chosen.value, "parts": parts}),
        type=_common([one.type for one in comparisons]),
        reference=_common([one.reference for one in comparisons]),
    )


def _joined(decisions: list[ComparisonDecision], rule: DecisionRule) -> ComparisonDecision:
    match, non_match = ComparisonDecision.MATCH, ComparisonDecision.NON_MATCH
    decisive, otherwise = (non_match, match) if rule is DecisionRule.AND else (match, non_match)
    if decisive in decisions:
        return decisive
    undetermined = ComparisonDecision.UNDETERMINED
    return undetermined if undetermined in decisions else otherwise


def _mean(values: list[int]) -> int:
    """The mean of whole numbers, rounded to the nearest, ties to even."""
    whole, rest = divmod(sum(values), len(values))
    over = 2 * rest - len(values)
    return whole + (over > 0 or (over == 0 and whole % 2 == 1))


@attrs.frozen(kw_only=True)
class FusedRates:
    """Error rates of fused decisions, from those of the parts.

    Attributes:
        fmr_upper: The FMR is at most this, however the parts depend on each other.
        fnmr_upper: The FNMR is at most this, likewise.
        fmr_independent: The FMR if false matches of the parts were independent.
        fnmr_independent: The FNMR if false non-matches of the parts were independent.
    """

    fmr_upper: float
    fnmr_upper: float
    fmr_independent: float
    fnmr_independent: float


def fused_rates(points: Sequence[OperatingPoint], *, rule: DecisionRule | str) -> FusedRates:
    """What AND or OR of decisions makes of the parts' error rates.

    Independence is seldom true: two matchers of one face fail on the same blurred picture, and take
    the same twins for each other. The upper values hold without it.

    Raises:
        MatcherError: No operating point, or another rule.
    """
    if not points or rule not in tuple(DecisionRule):
        raise MatcherError("give the parts' operating points, and the rule: and, or")
    fmr, fnmr = [one.fmr for one in points], [one.fnmr for one in points]
    all_err, any_errs = (fmr, fnmr) if DecisionRule(rule) is DecisionRule.AND else (fnmr, fmr)
    every = (min(all_err), math.prod(all_err))
    some = (min(1.0, sum(any_errs)), 1 - math.prod(1 - one for one in any_errs))
    both = (every, some) if DecisionRule(rule) is DecisionRule.AND else (some, every)
    return FusedRates(
        fmr_upper=both[0][0],
        fnmr_upper=both[1][0],
        fmr_independent=both[0][1],
        fnmr_independent=both[1][1],
    )


def _common(values: Sequence[_Value]) -> _Value | None:
    return values[0] if len(set(values)) == 1 else None
