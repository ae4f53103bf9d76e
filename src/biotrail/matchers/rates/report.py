"""An evaluation: what ISO/IEC 19795-1 wants reported of a matcher, from its comparison scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from biotrail.errors import CalibrationError
from biotrail.matchers.rates.curves import ErrorCurve, OperatingPoint, error_curve
from biotrail.matchers.rates.intervals import Interval, PeopleSample
from biotrail.matchers.rates.resampling import MatedScores, NonMatedScores
from biotrail.matchers.rates.scores import Acquisition, ScoreTable
from biotrail.matchers.rates.support import (
    checked_confidence,
    checked_rate,
    people_needed,
    rule_of_three,
)

if TYPE_CHECKING:
    from biotrail.matchers.rates.scores import Flags

__all__ = ["FMR_TARGETS", "CohortEvaluation", "Evaluation", "FmrPoint", "Size", "evaluate"]

FMR_TARGETS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@attrs.frozen(kw_only=True)
class Size:
    """How much was compared.

    Attributes:
        non_mated: Number of non-mated comparisons.
        mated: Number of mated comparisons.
        people: People in non-mated comparisons; None where they are not known.
        mated_people: People in mated comparisons, likewise.
        people_pairs: How many times two people were compared with each other, likewise.
    """

    non_mated: int
    mated: int
    people: int | None
    mated_people: int | None
    people_pairs: int | None


@attrs.frozen(kw_only=True)
class FmrPoint:
    """FNMR at a false match rate.

    Attributes:
        target_fmr: The false match rate that is asked about.
        supported: Whether so many people can support it (rule of 3); where not, all that follows
            describes these comparisons only and must not be quoted of the matcher.
        people_needed: Fewest people who could.
        point: The operating point of these comparisons.
        fmr_upper: Upper bound of the FMR there; None where not supported.
        fnmr: Interval of the FNMR there; None where not supported.
    """

    target_fmr: float
    supported: bool
    people_needed: int
    point: OperatingPoint
    fmr_upper: float | None
    fnmr: Interval | None


@attrs.frozen(kw_only=True, eq=False)
class CohortEvaluation:
    """Error rates of one cohort, or of all.

    Attributes:
        name: The cohort's name; empty for all.
        size: How much was compared.
        eer: Equal error rate.
        eer_threshold: Threshold there.
        eer_interval: Interval of the EER; None where the people are too few or not known.
        points: FNMR at each false match rate asked about.
        at_overall: Operating points of the cohort at the thresholds that all comparisons together
            give for the same false match rates: how one threshold treats this cohort.
        curve: Error rates at every threshold.
    """

    name: str
    size: Size
    eer: float
    eer_threshold: float
    eer_interval: Interval | None
    points: tuple[FmrPoint, ...]
    at_overall: tuple[OperatingPoint, ...]
    curve: ErrorCurve = attrs.field(repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Evaluation:
    """The report of one matcher on one set of scores.

    Attributes:
        overall: All comparisons.
        cohorts: Each cohort with mated and non-mated comparisons, where there are several.
        cohorts_left_out: Cohorts that have no mated or no non-mated comparison.
        acquisition: Failures to acquire and to enrol.
        confidence: Confidence of all intervals.
        resamples: How many times people were drawn.
        seed: What the draws began with.
        scores: The comparisons.
    """

    overall: CohortEvaluation
    cohorts: tuple[CohortEvaluation, ...]
    cohorts_left_out: tuple[str, ...]
    acquisition: Acquisition
    confidence: float
    resamples: int
    seed: int
    scores: ScoreTable = attrs.field(repr=False)


def evaluate(
    scores: ScoreTable,
    *,
    acquisition: Acquisition | None = None,
    targets: Sequence[float] = FMR_TARGETS,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """Work out error rates, overall and by cohort, with intervals where people can support them.

    Args:
        scores: Mated and non-mated comparisons.
        acquisition: Failures to acquire and to enrol, and the attempts.
        targets: False match rates to report the FNMR at.
        confidence: Confidence of the intervals.
        resamples: How many times people are drawn.
        seed: What the draws begin with.

    Raises:
        MatcherError: There is no mated or no non-mated comparison, or an argument is out of range.
    """
    rates = tuple(checked_rate(rate) for rate in targets)
    confidence = checked_confidence(confidence)
    curve = error_curve(scores)
    thresholds = tuple(curve.at_fmr(rate).threshold for rate in rates)

    def part(name: str, only: Flags | None) -> CohortEvaluation:
        return _part(
            name, scores, only, rates, thresholds, confidence=confidence,
            resamples=resamples, seed=seed,
        )  # fmt: skip

    chosen = {name: scores.cohort_of == place for place, name in enumerate(scores.cohorts)}
    whole = {
        name: only
        for name, only in chosen.items()
        if (scores.mated & only).any() and (~scores.mated & only).any()
    }
    several = len(scores.cohorts) > 1
    return Evaluation(
        overall=part("", None),
        cohorts=tuple(part(name, only) for name, only in whole.items()) if several else (),
        cohorts_left_out=tuple(sorted(set(chosen) - set(whole))),
        acquisition=acquisition if acquisition is not None else Acquisition(),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        scores=scores,
    )


def _part(
    name: str,
    scores: ScoreTable,
    only: Flags | None,
    targets: tuple[float, ...],
    thresholds: tuple[float, ...],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> CohortEvaluation:
    curve = error_curve(scores, only=only)
    try:
        sample = PeopleSample.of(scores, resamples=resamples, seed=seed, only=only)
    except CalibrationError:
        sample = None  # too few people, or not known: the rates stand without intervals
    best = curve.equal_error_rate()
    return CohortEvaluation(
        name=name,
        size=_size(curve, scores, only),
        eer=best.rate,
        eer_threshold=best.threshold,
        eer_interval=None if sample is None else sample.eer_interval(confidence, best.rate),
        points=tuple(_point(rate, curve, sample, confidence) for rate in targets),
        at_overall=tuple(curve.at(threshold) for threshold in thresholds),
        curve=curve,
    )


def _size(curve: ErrorCurve, scores: ScoreTable, only: Flags | None) -> Size:
    people = mated_people = pairs = None
    if scores.knows_people:
        non_mated = NonMatedScores.of(scores, only=only)
        people, pairs = non_mated.people, non_mated.pairs
        mated_people = MatedScores.of(scores, only=only).people
    return Size(
        non_mated=curve.non_mated,
        mated=curve.mated,
        people=people,
        mated_people=mated_people,
        people_pairs=pairs,
    )


def _point(
    target: float, curve: ErrorCurve, sample: PeopleSample | None, confidence: float
) -> FmrPoint:
    place = curve.place_at_fmr(target)
    point = curve.point(place)
    needed = people_needed(target, confidence)
    if sample is None or rule_of_three(sample.non_mated.pairs, confidence) > target:
        return FmrPoint(
            target_fmr=target,
            supported=False,
            people_needed=needed,
            point=point,
            fmr_upper=None,
            fnmr=None,
        )
    scatter = sample.at_target(target)
    fnmr = sample.fnmr_interval(scatter, confidence, int(curve.micro[place]))
    return FmrPoint(
        target_fmr=target,
        supported=True,
        people_needed=needed,
        point=point,
        fmr_upper=max(sample.fmr_upper(scatter, confidence), point.fmr),
        fnmr=Interval(min(fnmr.lower, point.fnmr), max(fnmr.upper, point.fnmr)),
    )
