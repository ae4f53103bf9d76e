"""Bounds for people who were not measured: calibrate on one draw of people, measure on another.

A threshold is used on other people than those it was found with. So each resample draws people
twice. The threshold is found with the first draw, of as many people as there were; the error rates
at it are measured with the second, of as many as the bound is to speak of. What comes out scatters
as the error rate of a threshold does that is found with some people and used on others, the choice
of the threshold and the luck of both groups included. The upper bound of the FMR is the quantile of
that scatter at the confidence. The smaller the second group, the wider the scatter: a bound for few
people holds for more of them, and for the whole population, all the more.

A plain percentile of resampled error rates at the threshold that was found covers too seldom (down
to 81 % for a stated 95 %, docs/explanation/error-rates.md), since it forgets that the threshold was
chosen where this group of people had few false matches.

No bound lies below the rule of 3 over people. What none of this covers: people of another kind,
other cameras, other light.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from biotrail.errors import CalibrationError, MatcherError
from biotrail.matchers.rates.curves import crossing
from biotrail.matchers.rates.resampling import FEWEST_PEOPLE, MatedScores, NonMatedScores, draws
from biotrail.matchers.rates.scores import ScoreTable
from biotrail.matchers.rates.support import rule_of_three

if TYPE_CHECKING:
    from biotrail.matchers.rates.scores import Flags, Integers, Reals

__all__ = ["METHOD", "Interval", "PeopleSample", "Scatter", "upper_quantile"]

METHOD = "two draws of people: threshold from the first, error rates from the second"
_LARGEST_SHARE = 0.5
_SPARE = 4
_FEW_ERR = 3
"""With errors of fewer people than this, resampling cannot tell how they spread."""


@attrs.frozen
class Interval:
    """Between which two error rates the true one lies, at a stated confidence.

    Attributes:
        lower: Lower end.
        upper: Upper end.
    """

    lower: float
    upper: float


@attrs.frozen(eq=False, kw_only=True)
class Scatter:
    """Error rates of all resamples for one way of finding a threshold.

    Attributes:
        fmr: False match rates, ascending, float64.
        fnmr: False non-match rates, ascending, float64.
    """

    fmr: Reals
    fnmr: Reals


@attrs.frozen(eq=False, kw_only=True)
class PeopleSample:
    """Comparisons of people, ready to be resampled.

    Attributes:
        non_mated: Non-mated comparisons.
        mated: Mated comparisons.
        draws: Two draws of people for each resample.
        totals: Weight of all non-mated comparisons under each of these draws.
        others: How many people each second draw is of.
    """

    non_mated: NonMatedScores
    mated: MatedScores
    draws: tuple[tuple[Reals, Reals], ...]
    totals: tuple[tuple[float, float], ...]
    others: int

    @classmethod
    def of(
        cls,
        scores: ScoreTable,
        *,
        resamples: int,
        seed: int,
        others: int | None = None,
        only: Flags | None = None,
    ) -> PeopleSample:
        """Draw people for every resample; draws that leave nothing to compare are drawn again.

        Raises:
            CalibrationError: Too few people, people are not known, or one of them takes part in
                more than half of the non-mated comparisons.
            MatcherError: There is no mated or no non-mated comparison, or an argument is out of
                range.
        """
        if not scores.knows_people:
            raise CalibrationError(
                "intervals resample people: give each comparison the pseudonyms of the two people"
            )
        non_mated = NonMatedScores.of(scores, only=only)
        mated = MatedScores.of(scores, only=only)
        if not len(non_mated.micro) or not len(mated.micro):
            absent = "mated" if len(non_mated.micro) else "non-mated"
            raise MatcherError(f"mated and non-mated comparisons are needed; no {absent} is here")
        if min(non_mated.people, mated.people) < FEWEST_PEOPLE:
            raise CalibrationError(
                f"mated comparisons are of {mated.people} people, non-mated of {non_mated.people}: "
                f"at least {FEWEST_PEOPLE} are needed for an interval over people",
                people=min(non_mated.people, mated.people),
                people_needed=FEWEST_PEOPLE,
            )
        if non_mated.largest_share > _LARGEST_SHARE:
            raise CalibrationError(
                "one person takes part in more than half of the non-mated comparisons, which "
                "therefore tell of that person; compare all people with each other",
                people=non_mated.people,
            )
        taking_part = non_mated.taking_part | (mated.counts > 0)
        number = int(taking_part.sum()) if others is None else others
        usable, totals = [], []
        for both in draws(taking_part, others=number, resamples=resamples, seed=seed):
            weights = non_mated.total(both[0]), non_mated.total(both[1])
            if all(weights) and all(one @ mated.counts for one in both):
                usable.append(both)
                totals.append(weights)
        if len(usable) < resamples // 2:
            raise CalibrationError("too few people are compared with each other for an interval")
        return cls(
            non_mated=non_mated,
            mated=mated,
            draws=tuple(usable),
            totals=tuple(totals),
            others=number,
        )

    def at_target(self, target: float) -> Scatter:
        """What a threshold for this FMR, found with other people, does to other people again."""
        import numpy

        rates = numpy.empty((2, len(self.draws)))
        for place, (found_with, measured_on) in enumerate(self.draws):
            count = self.non_mated.allowed(target, found_with, self.totals[place][0])
            threshold = self.non_mated.threshold(count)
            matches = self.non_mated.matches(count, measured_on)
            rates[0, place] = matches / self.totals[place][1]
            rates[1, place] = self.mated.fnmr(threshold, measured_on)
        rates.sort(axis=1)
        return Scatter(fmr=rates[0], fnmr=rates[1])

    def fmr_upper(self, scatter: Scatter, confidence: float) -> float:
        """Upper bound of the FMR: so many other people stay below it with this confidence."""
        seen = upper_quantile(scatter.fmr, confidence)
        return max(seen, rule_of_three(self.non_mated.pairs, confidence))

    def fnmr_interval(self, scatter: Scatter, confidence: float, threshold: int) -> Interval:
        """Two-sided interval of the FNMR at a threshold (in millionths)."""
        half = (1 - confidence) / 2
        lower = -upper_quantile(-scatter.fnmr[::-1], 1 - half)
        upper = upper_quantile(scatter.fnmr, 1 - half)
        if self.mated.people_rejected(threshold) < _FEW_ERR:
            upper = max(upper, rule_of_three(self.mated.people, confidence))
        return Interval(lower, upper)

    def eer_interval(self, confidence: float, near: float) -> Interval:
        """Two-sided interval of the EER: threshold and rate both from each first draw.

        Args:
            confidence: Of the interval.
            near: The EER of all comparisons, near which that of most draws lies.
        """
        import numpy

        non_mated, mated = self.non_mated.micro, self.mated.micro
        thresholds = numpy.unique(numpy.append(non_mated, mated))[::-1]
        thresholds = numpy.append(thresholds[0] + 1, thresholds)
        matching = len(non_mated) - non_mated[::-1].searchsorted(thresholds)
        rejected = mated.searchsorted(thresholds)
        # Hardly any draw's rates cross beyond a multiple of this EER; then all is looked at.
        part = int(matching.searchsorted(_SPARE * near * len(non_mated) + 1000))
        rates = numpy.empty(len(self.draws))
        for place, ((weights, _), (total, _)) in enumerate(
            zip(self.draws, self.totals, strict=True)
        ):
            found = self._eer(weights, total, matching[:part], rejected[:part])
            if found is None:
                found = self._eer(weights, total, matching, rejected)
            rates[place] = found
        rates.sort()
        half = (1 - confidence) / 2
        lower = -upper_quantile(-rates[::-1], 1 - half)
        return Interval(lower, upper_quantile(rates, 1 - half))

    def _eer(
        self, weights: Reals, total: float, matching: Integers, rejected: Integers
    ) -> float | None:
        """The EER of a draw, if its rates cross at these thresholds; else None.

        At the most lenient of all thresholds they always have: everything matches there.
        """
        import numpy

        last = int(matching[-1])
        left, right = self.non_mated.left[:last], self.non_mated.right[:last]
        mated = numpy.append(0.0, weights[self.mated.person].cumsum())
        fmr = numpy.append(0.0, (weights[left] * weights[right]).cumsum())[matching] / total
        fnmr = mated[rejected] / mated[-1]
        if fmr[-1] <= fnmr[-1]:
            return None
        place = crossing(fmr, fnmr)
        return float(fmr[place] + fnmr[place]) / 2


def upper_quantile(ascending: Reals, share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; no interpolation.

    Args:
        ascending: Sorted values.
        share: From 0 to 1.
    """
    place = math.ceil(share * len(ascending) - 1e-9) - 1
    return float(ascending[min(max(place, 0), len(ascending) - 1)])
