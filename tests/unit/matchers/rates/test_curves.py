"""Error rates at every threshold, counted by hand."""

from __future__ import annotations

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import ScoreTable, error_curve
from tests.unit.matchers.rates._made import made

pytestmark = pytest.mark.component("numpy")

MATED, NON_MATED = [0.9, 0.7, 0.7, 0.4], [0.7, 0.5, 0.3, 0.2, 0.2]


def small(*, higher_is_better: bool = True) -> ScoreTable:
    """Nine comparisons with ties within and between the kinds."""
    sign = 1 if higher_is_better else -1
    return ScoreTable.from_arrays(
        [sign * one for one in MATED + NON_MATED],
        mated=[True] * 4 + [False] * 5,
        higher_is_better=higher_is_better,
    )


@pytest.mark.parametrize(
    ("threshold", "fmr", "fnmr"),
    [
        (1.0, 0, 4),
        (0.9, 0, 3),
        (0.700001, 0, 3),
        (0.7, 1, 1),
        (0.5, 2, 1),
        (0.45, 2, 1),
        (0.2, 5, 0),
        (-5.0, 5, 0),
    ],
)
def test_rates_at_a_threshold(threshold: float, fmr: int, fnmr: int) -> None:
    """A score equal to the threshold is a match, mated or not, in both directions."""
    for higher in (True, False):
        sign = 1 if higher else -1
        point = error_curve(small(higher_is_better=higher)).at(sign * threshold)
        assert (point.fmr, point.fnmr) == (fmr / 5, fnmr / 4)


def test_the_curve_holds_each_distinct_score_once() -> None:
    """Ties are one place, and the strictest place is one at which nothing matches."""
    curve = error_curve(small())
    assert curve.thresholds.tolist() == [0.900001, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2]
    assert curve.fmr.tolist() == [0, 0, 0.2, 0.4, 0.4, 0.6, 1]
    assert curve.fnmr.tolist() == [1, 0.75, 0.25, 0.25, 0, 0, 0]


@pytest.mark.parametrize(
    ("target", "threshold"), [(0.0, 0.9), (0.19, 0.9), (0.2, 0.7), (0.4, 0.4), (1.0, 0.2)]
)
def test_a_target_gets_the_most_lenient_threshold_that_keeps_it(
    target: float, threshold: float
) -> None:
    """The FMR at the threshold is at most the target, and a more lenient one exceeds it."""
    assert error_curve(small()).at_fmr(target).threshold == threshold


def test_equal_error_rate_of_a_crossing_between_two_thresholds() -> None:
    """Of the two neighbours of the crossing the one with the smaller sum counts (FVC2000)."""
    found = error_curve(small()).equal_error_rate()
    assert found.threshold == 0.7
    assert found.rate == pytest.approx(0.225)


def test_separated_scores_have_no_error() -> None:
    """Where every mated score is above every non-mated one the EER is zero."""
    table = ScoreTable.from_arrays([0.9, 0.8, 0.1], mated=[True, True, False])
    found = error_curve(table).equal_error_rate()
    assert (found.rate, found.threshold) == (0.0, 0.8)


def test_equal_scores_everywhere() -> None:
    """Where all scores are one, every threshold errs wholly one way or the other."""
    curve = error_curve(ScoreTable.from_arrays([0.5, 0.5], mated=[True, False]))
    assert curve.fmr.tolist() == [0, 1]
    assert curve.equal_error_rate().rate == 0.5


@pytest.mark.parametrize("flag", [True, False])
def test_one_kind_alone_has_no_error_rates(flag: bool) -> None:
    """With only mated or only non-mated comparisons there is nothing to trade off."""
    with pytest.raises(MatcherError, match="mated"):
        error_curve(ScoreTable.from_arrays([0.5, 0.6], mated=[flag, flag]))


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), 1e13])
def test_a_threshold_is_a_number(threshold: float) -> None:
    """A threshold that no decision could be made with is refused."""
    with pytest.raises(MatcherError, match="threshold"):
        error_curve(made(6)).at(threshold)
