"""From comparison scores of known people to a threshold with error rates that can be stated."""

from __future__ import annotations

from datetime import UTC, datetime

from biotrail.errors import CalibrationError
from biotrail.matchers.card import ModelCard
from biotrail.matchers.rates.calibration import Calibration, Placement
from biotrail.matchers.rates.curves import error_curve
from biotrail.matchers.rates.intervals import METHOD, PeopleSample
from biotrail.matchers.rates.scores import ScoreTable
from biotrail.matchers.rates.support import (
    checked_confidence,
    checked_rate,
    people_needed,
    rule_of_three,
)

__all__ = ["DEFAULT_RESAMPLES", "FEW_PEOPLE", "calibrate", "require_support"]

DEFAULT_RESAMPLES = 2000
FEW_PEOPLE = 10
"""The smallest group that one would measure anything of."""


def calibrate(
    scores: ScoreTable,
    target_fmr: float,
    confidence: float = 0.95,
    *,
    card: ModelCard | bytes,
    cohort: str,
    place: Placement | str = Placement.POINT,
    others: int | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    created: datetime | None = None,
) -> Calibration:
    """Find the most lenient threshold for a false match rate, and what other people make of it.

    With ``place="point"`` the FMR *seen* is at most the target, and the bound is what to state.
    With ``place="bound"`` the *bound* is at most the target: for a requirement that has to be
    shown, as NIST SP 800-63B-4 and Common Criteria evaluations want it.

    Args:
        scores: Comparisons with the pseudonyms of the people, mated and non-mated. Never compare a
            sample with itself.
        target_fmr: The false match rate that is wanted, e.g. 0.01.
        confidence: Confidence of bound and interval.
        card: The matcher's model card, or its digest.
        cohort: Who was measured, and how, in a sentence.
        place: Whether the FMR seen or its bound meets the target.
        others: How many other people bound and interval speak of; the rate of a small group
            scatters more. None: at the point ten, so that what is stated holds for every larger
            group; at the bound as many as were measured.
        resamples: How many times people are drawn.
        seed: What the draws begin with; the same seed gives the same calibration.
        created: The present time; None asks the system's clock.

    Raises:
        CalibrationError: The people are not known, or are too few for this target: the error says
            how many are needed.
        MatcherError: There is no mated or no non-mated comparison, or an argument is out of range.
    """
    wanted = _placement(place)
    target_fmr, confidence = checked_rate(target_fmr), checked_confidence(confidence)
    needed = people_needed(target_fmr, confidence)
    if others is None and wanted is Placement.POINT:
        others = FEW_PEOPLE
    sample = PeopleSample.of(scores, resamples=resamples, seed=seed, others=others)
    require_support(sample, target_fmr, confidence)
    seen = target_fmr
    if wanted is Placement.BOUND:
        seen = _seen_for_bound(sample, target_fmr, confidence, needed)
    curve = error_curve(scores)
    position = curve.place_at_fmr(seen)
    point, micro = curve.point(position), int(curve.micro[position])
    scatter = sample.at_target(seen)
    upper = max(sample.fmr_upper(scatter, confidence), point.fmr)
    fnmr = sample.fnmr_interval(scatter, confidence, micro)
    return Calibration(
        threshold=point.threshold,
        higher_is_better=scores.higher_is_better,
        metric=_metric(scores, card),
        target_fmr=target_fmr,
        place=wanted,
        confidence=confidence,
        fmr=point.fmr,
        fmr_upper=upper,
        fnmr=point.fnmr,
        fnmr_lower=min(fnmr.lower, point.fnmr),
        fnmr_upper=max(fnmr.upper, point.fnmr),
        people=sample.non_mated.people,
        others=sample.others,
        mated_people=sample.mated.people,
        people_pairs=sample.non_mated.pairs,
        non_mated=curve.non_mated,
        mated=curve.mated,
        method=METHOD,
        resamples=len(sample.draws),
        seed=seed,
        cohort=cohort,
        data_digest=scores.digest.hex(),
        card_digest=(card.digest if isinstance(card, ModelCard) else card).hex(),
        created=created if created is not None else datetime.now(UTC),
    )


def require_support(sample: PeopleSample, target_fmr: float, confidence: float) -> None:
    """Refuse a false match rate that so few people cannot support (rule of 3 over two people).

    Raises:
        CalibrationError: Too few people, or too few of them compared with each other.
    """
    needed = people_needed(target_fmr, confidence)
    non_mated = sample.non_mated
    if rule_of_three(non_mated.pairs, confidence) > target_fmr:
        raise CalibrationError(
            f"an FMR of {target_fmr:g} at a confidence of {confidence:g} needs at least {needed} "
            f"people who are all compared with each other; these are {non_mated.people} people, "
            f"{non_mated.pairs} times two of them compared",
            people=non_mated.people,
            people_needed=needed,
        )


def _seen_for_bound(
    sample: PeopleSample, target_fmr: float, confidence: float, needed: int
) -> float:
    """The largest FMR to be seen whose bound is at most the target, by halving."""
    comparisons = len(sample.non_mated.micro)

    def holds(matches: int) -> bool:
        scatter = sample.at_target(matches / comparisons)
        return sample.fmr_upper(scatter, confidence) <= target_fmr

    low, high = 0, int(target_fmr * comparisons)
    if not holds(low):
        more = max(needed, sample.non_mated.people + 1)
        raise CalibrationError(
            f"no threshold of these scores keeps an FMR of {target_fmr:g} for other people at a "
            f"confidence of {confidence:g}; at least {more} people are needed, likely more",
            people=sample.non_mated.people,
            people_needed=more,
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low / comparisons


def _placement(place: Placement | str) -> Placement:
    try:
        return Placement(place)
    except ValueError:
        raise CalibrationError(f"place must be {' or '.join(Placement)}") from None


def _metric(scores: ScoreTable, card: ModelCard | bytes) -> str:
    if not isinstance(card, ModelCard):
        if len(card) != 32:
            raise CalibrationError("the digest of a model card has 32 bytes")
        if scores.metric is None:
            raise CalibrationError("say in the scores which metric they are, or give the card")
        return scores.metric
    if card.higher_is_better != scores.higher_is_better:
        raise CalibrationError("scores and card disagree on whether higher is better")
    if scores.metric not in (None, card.metric):
        # A rule over several samples says so in the metric: "cosine, mean" of the card "cosine".
        if not str(scores.metric).startswith(f"{card.metric}, "):
            raise CalibrationError(f"the scores are {scores.metric!r}, the card's {card.metric!r}")
        return str(scores.metric)
    return card.metric
