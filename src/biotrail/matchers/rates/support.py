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

from biotrail.errors import MatcherError

__all__ = ["people_needed", "rule_of_three"]

_SMALLEST = 1e-12


def rule_of_three(trials: int, confidence: float) -> float:
    """Largest error rate that is compatible with no error in that many trials, at most 1.

    Raises:
        MatcherError: The confidence does not lie between 0 and 1.
    """
    exponent = -math.log1p(-_confidence(confidence))
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
    if not isinstance(rate, float) or not _SMALLEST <= rate < 1.0:
        raise MatcherError(f"an error rate to be supported lies between {_SMALLEST:g} and 1")
    return -math.log1p(-_confidence(confidence)) / rate


def _confidence(value: object) -> float:
    if not isinstance(value, float) or not 0.0 < value < 1.0:
        raise MatcherError("a confidence lies between 0 and 1, e.g. 0.95")
    return value
