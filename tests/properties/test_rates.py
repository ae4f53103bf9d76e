"""Counted error rates equal a count one by one, in whatever order and direction scores come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.matchers import ComparisonScore, decide
from biotrail.matchers.rates import ScoreTable, error_curve

pytestmark = pytest.mark.component("numpy")

# Few distinct values, so that ties within and between the kinds are common.
Scores = st.lists(
    st.tuples(st.booleans(), st.integers(-20, 20).map(lambda one: one / 8)), min_size=2, max_size=40
).filter(lambda rows: len({mated for mated, _ in rows}) == 2)


def table(rows: list[tuple[bool, float]], *, higher_is_better: bool = True) -> ScoreTable:
    """The rows, with their sign turned where lower is better."""
    sign = 1 if higher_is_better else -1
    return ScoreTable.from_arrays(
        [sign * value for _, value in rows],
        mated=[mated for mated, _ in rows],
        higher_is_better=higher_is_better,
    )


def decided(
    rows: list[tuple[bool, float]], threshold: float, *, higher: bool
) -> tuple[float, float]:
    """FMR and FNMR, from the decision on each comparison."""
    errors = {True: [0, 0], False: [0, 0]}
    sign = 1 if higher else -1
    for mated, value in rows:
        fields: dict[str, Any] = {"matcher": "m", "version": "1", "digest": bytes(32)}
        score = ComparisonScore(value=sign * value, metric="any", higher_is_better=higher, **fields)
        matches = decide(score, sign * threshold) == "match"
        errors[mated][0] += matches is not mated
        errors[mated][1] += 1
    return errors[False][0] / errors[False][1], errors[True][0] / errors[True][1]


@given(Scores, st.integers(-170, 170).map(lambda one: one / 64), st.booleans())
def test_rates_are_those_of_the_decisions(
    rows: list[tuple[bool, float]], threshold: float, higher: bool
) -> None:
    """At any threshold the curve says what deciding on every comparison gives."""
    sign = 1 if higher else -1
    point = error_curve(table(rows, higher_is_better=higher)).at(sign * threshold)
    assert (point.fmr, point.fnmr) == decided(rows, threshold, higher=higher)


@given(Scores)
def test_the_curve_is_monotone_from_nothing_to_everything(rows: list[tuple[bool, float]]) -> None:
    """FMR never falls and FNMR never rises, and both go the whole way."""
    curve = error_curve(table(rows))
    fmr, fnmr = curve.fmr.tolist(), curve.fnmr.tolist()
    assert fmr == sorted(fmr)
    assert fnmr == sorted(fnmr, reverse=True)
    assert (fmr[0], fnmr[0], fmr[-1], fnmr[-1]) == (0, 1, 1, 0)
    assert len(set(curve.micro.tolist())) == len(fmr)


@given(Scores, st.randoms(use_true_random=False))
def test_order_does_not_matter(rows: list[tuple[bool, float]], random: Any) -> None:
    """Comparisons in another order are the same data with the same rates."""
    mixed = list(rows)
    random.shuffle(mixed)
    one, other = table(rows), table(mixed)
    assert one.digest == other.digest
    assert error_curve(one).fmr.tolist() == error_curve(other).fmr.tolist()
    assert error_curve(one).equal_error_rate() == error_curve(other).equal_error_rate()


@given(Scores)
def test_direction_mirrors(rows: list[tuple[bool, float]]) -> None:
    """With the sign turned rates are the same and thresholds the negated ones."""
    up = error_curve(table(rows))
    down = error_curve(table(rows, higher_is_better=False))
    assert down.fmr.tolist() == up.fmr.tolist()
    assert down.fnmr.tolist() == up.fnmr.tolist()
    assert down.thresholds.tolist() == [-one for one in up.thresholds.tolist()]


@given(Scores, st.integers(2, 5))
def test_repetition_changes_no_rate(rows: list[tuple[bool, float]], times: int) -> None:
    """Every comparison several times over gives the same curve."""
    once, often = error_curve(table(rows)), error_curve(table(rows * times))
    assert once.micro.tolist() == often.micro.tolist()
    assert once.fmr.tolist() == pytest.approx(often.fmr.tolist())
    assert once.equal_error_rate().rate == pytest.approx(often.equal_error_rate().rate)


@given(Scores, st.integers(0, 100).map(lambda one: one / 100))
def test_a_target_is_kept_and_used_up(rows: list[tuple[bool, float]], target: float) -> None:
    """The threshold for a target keeps it, and the next more lenient one does not."""
    curve = error_curve(table(rows))
    place = curve.place_at_fmr(target)
    assert curve.fmr[place] <= target + 1e-9
    assert place == len(curve.fmr) - 1 or curve.fmr[place + 1] > target


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(-9, 9)), min_size=1, max_size=60
    ).filter(lambda rows: any(left != right for left, right, _ in rows)),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.integers(0, 20).map(lambda one: one / 20),
)
def test_weighted_counts_equal_a_count_of_copies(
    rows: list[tuple[int, int, int]], weights: list[int], target: float
) -> None:
    """Weighing people gives what copying each of them as often would give."""
    import numpy

    from biotrail.matchers.rates.resampling import NonMatedScores

    scores = ScoreTable.from_rows(
        [(f"p{left}", f"p{right}", float(value)) for left, right, value in rows]
    )
    names = sorted({f"p{one}" for left, right, _ in rows for one in (left, right)})
    given_weights = numpy.array([weights[int(name[1])] for name in names], numpy.float64)
    copies = sorted(
        (
            value
            for left, right, value in rows
            if left != right
            for _ in range(weights[left] * weights[right])
        ),
        reverse=True,
    )
    non_mated = NonMatedScores.of(scores)
    assert non_mated.total(given_weights) == len(copies)
    count = non_mated.allowed(target, given_weights, non_mated.total(given_weights))
    threshold = non_mated.threshold(count) / 1e6
    matching = [value for value in copies if value >= threshold]
    assert non_mated.matches(count, given_weights) == len(matching)
    assert len(matching) <= target * len(copies) + 1e-6
    lower = [value for _, _, value in rows if value < threshold]
    excluded = [value for left, right, value in rows if left != right and value < threshold]
    if excluded and lower:
        more = [value for value in copies if value >= max(excluded)]
        assert len(more) > target * len(copies)
