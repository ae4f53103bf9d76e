"""What `calibrate` finds, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from biotrail.errors import CalibrationError, MatcherError
from biotrail.matchers import EmbeddingMatcher
from biotrail.matchers.rates import (
    Calibration,
    Placement,
    ScoreTable,
    calibrate,
    error_curve,
    people_needed,
    rule_of_three,
)
from tests.unit.matchers.rates._made import CARD, made, made_columns

pytestmark = pytest.mark.component("numpy")

WHEN = datetime(2026, 11, 23, tzinfo=UTC)


def calibrated(scores: ScoreTable, target: float = 0.01, **options: Any) -> Calibration:
    """A calibration with few draws."""
    given: dict[str, Any] = {"card": CARD, "cohort": "made", "resamples": 300, "created": WHEN}
    return calibrate(scores, target, **{**given, **options})


@pytest.mark.parametrize(
    ("rate", "people"), [(1e-2, 25), (1e-3, 78), (1e-4, 246), (1e-5, 775), (1e-6, 2449)]
)
def test_people_needed_by_the_rule_of_three(rate: float, people: int) -> None:
    """So many people, all compared, are the fewest whose pairs support the rate at 95 %."""
    assert people_needed(rate, 0.95) == people
    assert rule_of_three(people * (people - 1) // 2, 0.95) <= rate
    assert rule_of_three((people - 1) * (people - 2) // 2, 0.95) > rate


@pytest.mark.parametrize(
    ("rate", "confidence"),
    [(0, 0.95), (1, 0.95), (1e-300, 0.95), ("1", 0.95), (0.01, 0), (0.01, 1), (0.01, "0.95")],
)
def test_rates_and_confidences_lie_between_zero_and_one(rate: Any, confidence: Any) -> None:
    """Certainty, and a rate of zero, need infinitely many people."""
    with pytest.raises(MatcherError):
        people_needed(rate, confidence)
    with pytest.raises(MatcherError):
        calibrated(made(), rate, confidence=confidence)


def test_any_real_number_is_a_rate_and_a_confidence() -> None:
    """Rates and confidences of NumPy's calibrate as their floats do."""
    import numpy

    rate: Any = numpy.float32(0.05)
    confidence: Any = numpy.float32(0.9)
    wrong: Any = numpy.float32("nan")
    found = calibrated(made(), rate, confidence=confidence)
    assert found == calibrated(made(), float(rate), confidence=float(confidence))
    with pytest.raises(MatcherError):
        people_needed(wrong, 0.95)


@pytest.mark.parametrize("higher", [True, False])
def test_at_the_point_the_rate_seen_is_the_target(higher: bool) -> None:
    """The threshold is the most lenient with the target FMR seen, and the bound lies above."""
    scores = made(30, higher_is_better=higher)
    found = calibrated(scores)
    assert found.place is Placement.POINT
    point = error_curve(scores).at(found.threshold)
    assert (found.fmr, found.fnmr) == (point.fmr, point.fnmr)
    assert found.fmr <= 0.01 < found.fmr_upper < 0.08
    assert found.others == 10
    assert found.fmr + 1 / found.non_mated > 0.01
    assert found.fnmr_lower <= found.fnmr <= found.fnmr_upper


def test_direction_is_only_a_sign() -> None:
    """The same scores with their sign turned give the same rates at the negated threshold."""
    up, down = calibrated(made(30)), calibrated(made(30, higher_is_better=False))
    assert down.threshold == -up.threshold
    assert (down.fmr, down.fmr_upper, down.fnmr) == (up.fmr, up.fmr_upper, up.fnmr)


def test_at_the_bound_the_bound_meets_the_target() -> None:
    """With the bound at the target the threshold is stricter and the rate seen is lower."""
    scores = made(60)
    point, bound = calibrated(scores), calibrated(scores, place="bound")
    assert bound.fmr_upper <= 0.01 < point.fmr_upper
    assert bound.fmr < point.fmr
    assert bound.threshold > point.threshold


def test_counts_are_of_people_and_of_comparisons() -> None:
    """People, pairs of people and comparisons are counted apart."""
    found = calibrated(made(30, samples=3))
    assert (found.people, found.mated_people, found.people_pairs) == (30, 30, 435)
    assert (found.non_mated, found.mated) == (435 * 9, 30 * 3)


def test_the_same_seed_gives_the_same_calibration() -> None:
    """A calibration can be repeated to the letter; another seed moves the bound only."""
    scores = made(30)
    assert calibrated(scores).to_json() == calibrated(scores).to_json()
    other = calibrated(scores, seed=7)
    assert other.threshold == calibrated(scores).threshold
    assert other.id != calibrated(scores).id


def test_repeating_every_comparison_buys_nothing() -> None:
    """Ten times the same comparisons give the same threshold and bound: people count."""
    references, probes, scores = made_columns(30)
    once = calibrated(made(30))
    often = ScoreTable.from_arrays(
        scores * 10, references=references * 10, probes=probes * 10, metric="made"
    )
    again = calibrated(often)
    assert (again.threshold, again.fmr, again.fmr_upper) == (
        once.threshold,
        once.fmr,
        once.fmr_upper,
    )
    assert again.non_mated == 10 * once.non_mated


def test_people_alike_widen_the_bound() -> None:
    """Where some people are taken for many others, the same numbers support less."""
    widths = [
        calibrated(made(40, alike=share, seed=3), others=40).fmr_upper for share in (0.0, 0.3)
    ]
    assert widths[1] > 1.2 * widths[0]


def test_a_smaller_group_scatters_more() -> None:
    """For ten other people the bound is wider than for as many as were measured, or for 1,000."""
    bounds = [calibrated(made(40), others=one).fmr_upper for one in (10, 40, 1000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > 1.1 * bounds[1]
    assert calibrated(made(40)).fmr_upper == bounds[0]
    assert calibrated(made(60), place="bound").others == 60


def test_too_few_people_are_refused_with_how_many_are_needed() -> None:
    """However many comparisons ten people make, they do not support 1 in 1,000."""
    with pytest.raises(CalibrationError, match="at least 78 people") as caught:
        calibrated(made(10, samples=12), 1e-3)
    assert (caught.value.people, caught.value.people_needed) == (10, 78)


def test_just_enough_people_are_accepted() -> None:
    """At 1 in 100, 25 people are accepted and 24 are not."""
    calibrated(made(25))
    with pytest.raises(CalibrationError, match="at least 25 people"):
        calibrated(made(24))


def test_a_bound_that_no_threshold_reaches_is_refused() -> None:
    """Where the bound stays above the target even without a match, more people are asked for."""
    references, probes, scores = made_columns(25)
    # Each even person has a twin, alike in another degree: whoever misses some learns little.
    for place, (left, right) in enumerate(zip(references, probes, strict=True)):
        first, second = int(left[1:]), int(right[1:])
        if first != second and first // 2 == second // 2:
            scores[place] += 10 + first
    table = ScoreTable.from_arrays(scores, references=references, probes=probes, metric="made")
    with pytest.raises(CalibrationError, match="likely more") as caught:
        calibrated(table, place="bound")
    assert caught.value.people_needed == 26


def test_one_person_against_many_is_refused() -> None:
    """Comparisons of one person with everybody tell of that person."""
    references, probes, scores = [], [], []
    for number in range(400):
        references += ["same", f"p{number}"]
        probes += [f"p{number}"] * 2
        scores += [number / 1000, 1.0]
    table = ScoreTable.from_arrays(scores, references=references, probes=probes, metric="made")
    with pytest.raises(CalibrationError, match="more than half"):
        calibrated(table)


def test_people_must_be_known() -> None:
    """Comparisons that name nobody cannot be calibrated."""
    table = ScoreTable.from_arrays([0.1, 0.9], mated=[False, True], metric="made")
    with pytest.raises(CalibrationError, match="pseudonyms"):
        calibrated(table)


@pytest.mark.parametrize("mated", [True, False])
def test_one_kind_alone_is_refused(mated: bool) -> None:
    """Only mated, or only non-mated, comparisons are refused by name."""
    references, probes, scores = made_columns(10)
    rows = [
        row for row in zip(references, probes, scores, strict=True) if (row[0] == row[1]) is mated
    ]
    with pytest.raises(MatcherError, match="mated"):
        calibrated(ScoreTable.from_rows(rows, metric="made"), 0.2)


def test_one_person_is_refused() -> None:
    """Mated comparisons of one person beside non-mated ones of many are too few people."""
    references, probes, scores = made_columns(30)
    rows = [
        row
        for row in zip(references, probes, scores, strict=True)
        if row[0] != row[1] or row[0] == "p0"
    ]
    with pytest.raises(CalibrationError, match="of 1 people"):
        calibrated(ScoreTable.from_rows(rows, metric="made"))


@pytest.mark.parametrize(
    "options",
    [
        {"place": "middle"},
        {"resamples": 99},
        {"resamples": 100_001},
        {"others": 4},
        {"others": 1_000_001},
        {"seed": -1},
        {"seed": 0.5},
        {"resamples": "many"},
        {"seed": 2**32},
        {"card": b"short"},
        {"cohort": " "},
        {"created": datetime(2026, 11, 23)},
    ],
)
def test_arguments_out_of_range_are_refused(options: dict[str, Any]) -> None:
    """Each argument has its bounds."""
    with pytest.raises(MatcherError):
        calibrated(made(25), **options)


def test_the_card_says_which_score_it_is() -> None:
    """A card of another metric or direction is refused; a rule over samples is its metric's own."""
    cosine = EmbeddingMatcher(model="m", version="1", dimension=4).card
    references, probes, scores = made_columns(30)

    def table(metric: str | None, *, higher_is_better: bool = True) -> ScoreTable:
        return ScoreTable.from_arrays(
            scores,
            references=references,
            probes=probes,
            metric=metric,
            higher_is_better=higher_is_better,
        )

    assert calibrated(table(None), card=cosine).metric == "cosine"
    assert calibrated(table("cosine, mean"), card=cosine).metric == "cosine, mean"
    assert calibrated(table("cosine"), card=cosine).card_digest == cosine.digest.hex()
    with pytest.raises(CalibrationError, match="euclidean"):
        calibrated(table("euclidean"), card=cosine)
    with pytest.raises(CalibrationError, match="higher is better"):
        calibrated(table("cosine", higher_is_better=False), card=cosine)
    with pytest.raises(CalibrationError, match="which metric"):
        calibrated(table(None))


def test_few_false_non_matches_are_bounded_by_the_rule_of_three() -> None:
    """Where fewer than three people were rejected, the FNMR's upper end is the rule of 3's."""
    found = calibrated(made(30, apart=9.0))
    assert found.fnmr == 0
    assert found.fnmr_upper == pytest.approx(rule_of_three(30, 0.95))
    assert attrs.evolve(found, cohort="others").id != found.id
