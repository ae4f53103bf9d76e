"""Resampling people: draws that can be repeated, and intervals that need no short cut."""

from __future__ import annotations

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import ScoreTable, error_curve
from biotrail.matchers.rates.intervals import PeopleSample, upper_quantile
from biotrail.matchers.rates.resampling import draws
from tests.unit.matchers.rates._made import made

pytestmark = pytest.mark.component("numpy")


def test_draws_are_the_same_on_every_machine() -> None:
    """The first draws of a seed are known: a calibration can be repeated years later."""
    import numpy

    everybody = numpy.ones(6, numpy.bool_)
    first = next(iter(draws(everybody, others=8, resamples=100, seed=0)))
    assert [one.tolist() for one in first] == [[1, 0, 0, 3, 1, 1], [2, 1, 1, 1, 2, 1]]


def test_only_those_who_take_part_are_drawn() -> None:
    """Each draw is of as many people as it says, and nobody else has a weight."""
    import numpy

    some = numpy.array([True, False, True, True, True, False, True])
    for first, second in draws(some, others=12, resamples=100, seed=3):
        assert (first.sum(), second.sum()) == (5, 12)
        assert not first[~some].any()
        assert not second[~some].any()


@pytest.mark.parametrize("apart", [1.0, 2.5, 6.0])
def test_the_short_cut_to_the_eer_changes_nothing(apart: float) -> None:
    """Looking at the likely part of the scores first gives the interval of looking at all."""
    scores = made(20, apart=apart, samples=6)
    sample = PeopleSample.of(scores, resamples=100, seed=0)
    rate = error_curve(scores).equal_error_rate().rate
    whole = sample.eer_interval(0.95, near=1.0)
    assert sample.eer_interval(0.95, near=rate) == whole
    assert sample.eer_interval(0.95, near=0.0) == whole
    assert whole.lower <= rate <= whole.upper


def test_resampling_everybody_once_is_the_count() -> None:
    """With a weight of one for each person, matches and totals are plain counts."""
    import numpy

    scores = made(12)
    sample = PeopleSample.of(scores, resamples=100, seed=0)
    ones = numpy.ones(scores.people)
    curve = error_curve(scores)
    total = sample.non_mated.total(ones)
    assert total == curve.non_mated
    for target in (0.0, 0.01, 0.2, 1.0):
        count = sample.non_mated.allowed(target, ones, total)
        point = curve.at_fmr(target)
        assert sample.non_mated.matches(count, ones) / total == point.fmr
        threshold = sample.non_mated.threshold(count)
        assert curve.at(scores.real(threshold)).fmr == point.fmr
        rejected = sample.mated.fnmr(threshold, ones)
        assert rejected == curve.at(scores.real(threshold)).fnmr


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.2, 1.0), (0.21, 2.0), (0.95, 5.0), (1.0, 5.0)]
)
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    """At least the share of all values lies at or below the quantile, which is never between."""
    import numpy

    assert upper_quantile(numpy.array([1.0, 2.0, 3.0, 4.0, 5.0]), share) == value


def test_people_who_are_hardly_compared_give_no_interval() -> None:
    """Where most draws leave nothing to compare, that is said."""
    rows = [(f"p{one}", f"p{one}", 1.0) for one in range(40)]
    rows += [(f"p{one}", f"p{one + 1}", 0.0) for one in range(0, 6, 2)]
    with pytest.raises(MatcherError, match="too few people are compared"):
        PeopleSample.of(ScoreTable.from_rows(rows), resamples=100, seed=0, others=5)
