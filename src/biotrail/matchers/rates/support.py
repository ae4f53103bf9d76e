"""Which error rates a number of people can support: the rule of 3, over people and not comparisons.

The rule of 3 (ISO/IEC 19795-1, test size): where no error was seen in ``n`` independent trials, the
error rate is below ``-ln(1 - confidence) / n`` (3 / n at 95 %). Comparisons of the same two people
are not independent of each other, so a trial is *two people*: ``n`` people who are all compared
with each other give ``n (n - 1) / 2`` trials of non-mated comparison, and ``n`` of mated ones.
It is a lower limit to how many people are needed, with every trial as independent as it can be;
people who are easily mistaken for many others make more of them necessary, which the resampling of
people shows (`biotrail.matchers.rates.intervals`).
"""

from __future__ import annotations

import math
from numbers import Real

from biotrail.errors import MatcherError

__all__ = ["checked_confidence", "checked_rate", "people_needed", "rule_of_three"]

_SMALLEST = 1e-12


def rule_of_three(trials: int, confidence: float) -> float:
    """Largest error rate that is compatible with no error in that many trials, at most 1.

    Raises:
        MatcherError: The confidence does not lie between 0 and 1.
    """
    exponent = -math.log1p(-checked_confidence(confidence))
    return 1.0 if trials < 1 else min(1.0, exponent / trials)


def people_needed(rate: float, confidence: float) -> int:
    """Fewest people, all compared with each other, for a false match rate to be supported.

    At 95 %: 25 people for 1e-2, 78 for 1e-3, 246 for 1e-4, 2,449 for 1e-6.

    Raises:
        MatcherError: Rate or confidence does not lie between 0 and 1.
    """
    trials = _trials(rate, confidence)
    people = math.ceil((1 + math.sqrt(1 + 8 * trials)) / 2)
    while (people - 1) * (people - 2) / 2 >= trials:
        people -= 1
    return people


def _trials(rate: object, confidence: object) -> float:
    return -math.log1p(-checked_confidence(confidence)) / checked_rate(rate)


def checked_rate(value: object) -> float:
    """An error rate that could be supported, as a float; any real number will do.

    Raises:
        MatcherError: It does not lie between 1e-12 and 1.
    """
    number = _real(value)
    if _SMALLEST <= number < 1.0:
        return number
    raise MatcherError(f"an error rate to be supported lies between {_SMALLEST:g} and 1")


def checked_confidence(value: object) -> float:
    """A confidence as a float; any real number will do.

    Raises:
        MatcherError: It does not lie between 0 and 1.
    """
    number = _real(value)
    if 0.0 < number < 1.0:
        return number
    raise MatcherError("a confidence lies between 0 and 1, e.g. 0.95")


def _real(value: object) -> float:
    """The number as a float; NaN, which lies between no two numbers, where there is none."""
    try:
        return float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        return math.nan
