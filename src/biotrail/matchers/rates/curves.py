"""Error rates at every threshold, counted exactly (ISO/IEC 19795-1, error rates of comparison).

- FMR at a threshold: the share of non-mated comparisons whose score is a match there.
- FNMR at a threshold: the share of mated comparisons whose score is none.

A score equal to the threshold is a match, as in `biotrail.matchers.decide`. Every share is over
comparisons, so a person with more samples weighs more; balance the samples, or read by cohort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.decision import finite
from biotrail.matchers.rates.scores import ScoreTable, require_numpy

if TYPE_CHECKING:
    from biotrail.matchers.rates.scores import Flags, Integers, Reals

__all__ = ["EqualErrorRate", "ErrorCurve", "OperatingPoint", "crossing", "error_curve"]


@attrs.frozen(kw_only=True)
class OperatingPoint:
    """Error rates at one threshold.

    Attributes:
        threshold: In the score's own unit.
        fmr: False match rate.
        fnmr: False non-match rate.
    """

    threshold: float
    fmr: float
    fnmr: float


@attrs.frozen(kw_only=True)
class EqualErrorRate:
    """Where FMR and FNMR cross.

    Attributes:
        rate: Their mean there.
        threshold: In the score's own unit.
    """

    rate: float
    threshold: float


@attrs.frozen(eq=False, kw_only=True)
class ErrorCurve:
    """FMR and FNMR at every threshold where one of them changes; the data of ROC and DET.

    Arrays are of one length; thresholds go from the strictest, at which nothing matches, to the
    most lenient, at which everything does. So `fmr` never falls and `fnmr` never rises.

    Attributes:
        micro: Thresholds in millionths, in the direction of `ScoreTable.micro`, int64.
        fmr: False match rate, float64.
        fnmr: False non-match rate, float64.
        non_mated: Number of non-mated comparisons.
        mated: Number of mated comparisons.
        higher_is_better: Whether a higher score speaks for the same person.
    """

    micro: Integers = attrs.field(repr=False)
    fmr: Reals = attrs.field(repr=False)
    fnmr: Reals = attrs.field(repr=False)
    non_mated: int
    mated: int
    higher_is_better: bool

    @property
    def thresholds(self) -> Reals:
        """Thresholds in the score's own unit, float64, from strict to lenient."""
        return self.micro / (1e6 if self.higher_is_better else -1e6)

    def at(self, threshold: float) -> OperatingPoint:
        """Error rates at any threshold, in the score's own unit.

        Raises:
            MatcherError: The threshold is not a finite number within ±1e12.
        """
        threshold = finite("threshold", threshold)
        oriented = round(threshold * 1_000_000) * (1 if self.higher_is_better else -1)
        # The curve is descending in micro: the last place at or above the threshold counts.
        place = len(self.micro) - int(self.micro[::-1].searchsorted(oriented)) - 1
        place = max(place, 0)
        return OperatingPoint(
            threshold=threshold, fmr=float(self.fmr[place]), fnmr=float(self.fnmr[place])
        )

    def place_at_fmr(self, target: float) -> int:
        """Place of the most lenient threshold whose FMR is at most `target`, from 0 to 1."""
        return int(self.fmr.searchsorted(target * (1 + 1e-12), side="right")) - 1

    def point(self, place: int) -> OperatingPoint:
        """The operating point at a place of the curve."""
        sign = 1 if self.higher_is_better else -1
        return OperatingPoint(
            threshold=sign * int(self.micro[place]) / 1_000_000,
            fmr=float(self.fmr[place]),
            fnmr=float(self.fnmr[place]),
        )

    def at_fmr(self, target: float) -> OperatingPoint:
        """The most lenient operating point whose FMR is at most `target`."""
        return self.point(self.place_at_fmr(target))

    def equal_error_rate(self) -> EqualErrorRate:
        """Where FMR and FNMR cross; see `crossing`."""
        point = self.point(crossing(self.fmr, self.fnmr))
        return EqualErrorRate(rate=(point.fmr + point.fnmr) / 2, threshold=point.threshold)


def crossing(fmr: Reals, fnmr: Reals) -> int:
    """Place at which two error rates cross, for the equal error rate as FVC2000 defines it.

    Of the two neighbours between which the rates cross, the one with the smaller sum of both (Maio
    et al., "FVC2000: Fingerprint Verification Competition", PAMI 24(3), 2002). The equal error rate
    is the mean of the two there.

    Args:
        fmr: False match rates from the strictest threshold to the most lenient, never falling.
        fnmr: False non-match rates at the same thresholds, never rising.
    """
    strict = int((fmr <= fnmr).nonzero()[0][-1])
    lenient = min(strict + (fmr[strict] != fnmr[strict]), len(fmr) - 1)
    sums = fmr[lenient] + fnmr[lenient], fmr[strict] + fnmr[strict]
    return int(lenient) if sums[0] <= sums[1] else strict


def error_curve(scores: ScoreTable, *, only: Flags | None = None) -> ErrorCurve:
    """Count false matches and false non-matches at every threshold.

    Args:
        scores: Comparisons, both mated and non-mated.
        only: Which comparisons count, one flag each; None counts all.

    Raises:
        MatcherError: There is no mated or no non-mated comparison.
    """
    require_numpy()
    import numpy

    micro, mated = scores.micro, scores.mated
    if only is not None:
        micro, mated = micro[only], mated[only]
    genuine, impostor = numpy.sort(micro[mated]), numpy.sort(micro[~mated])
    if not len(genuine) or not len(impostor):
        absent = "non-mated" if len(genuine) else "mated"
        raise MatcherError(f"error rates need mated and non-mated comparisons; no {absent} is here")
    distinct = numpy.unique(micro)[::-1]
    # One millionth above the highest score, nothing matches.
    thresholds = numpy.concatenate([distinct[:1] + 1, distinct])
    false_matches = len(impostor) - impostor.searchsorted(thresholds)
    false_non_matches = genuine.searchsorted(thresholds)
    return ErrorCurve(
        micro=thresholds,
        fmr=false_matches / len(impostor),
        fnmr=false_non_matches / len(genuine),
        non_mated=len(impostor),
        mated=len(genuine),
        higher_is_better=scores.higher_is_better,
    )
