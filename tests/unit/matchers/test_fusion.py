"""Fusion: scores of samples and matchers, decisions, and what becomes of the error rates."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from biotrail.errors import CalibrationError, MatcherError
from biotrail.events import Comparison
from biotrail.matchers import (
    ComparisonScore,
    DecisionRule,
    FusionPart,
    WeightedSum,
    fuse_decisions,
    fuse_samples,
    fused_rates,
)
from biotrail.matchers.rates import OperatingPoint, ScoreTable
from tests.unit.matchers.rates.test_calibration import calibration, score

FACE, VOICE = b"f" * 32, b"v" * 32


def of(matcher: str, digest: bytes, value: float, *, higher: bool = True) -> ComparisonScore:
    """A score of one of two matchers."""
    return ComparisonScore(
        value=value,
        metric="cosine" if higher else "distance",
        higher_is_better=higher,
        matcher=matcher,
        version="1",
        digest=digest,
        reference="ref-1",
    )


@pytest.mark.parametrize(
    ("rule", "higher", "value"), [("best", True, 0.9), ("best", False, 0.1), ("mean", True, 0.5)]
)
def test_samples_become_one_score(rule: str, higher: bool, value: float) -> None:
    """The best in the score's direction or the mean, and the metric says which of how many."""
    fused = fuse_samples([of("m", FACE, one, higher=higher) for one in (0.1, 0.5, 0.9)], rule=rule)
    assert fused.value == value
    assert fused.metric == f"{'cosine' if higher else 'distance'}, {rule} of 3"


def test_the_mean_of_millionths_goes_to_even() -> None:
    """A mean between two millionths goes to the even one, on every machine."""
    for low, high, mean in ((0.000001, 0.000002, 0.000002), (0.000002, 0.000003, 0.000002)):
        fused = fuse_samples([of("m", FACE, low), of("m", FACE, high)], rule="mean")
        assert fused.value == mean


def test_a_calibration_of_single_samples_refuses_fused_ones() -> None:
    """A fused score is another score, and the threshold of its parts is not its own."""
    with pytest.raises(CalibrationError, match="best of 2"):
        calibration().decide(fuse_samples([score(0.5), score(0.6)]))


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [of("m", FACE, 1), of("m", VOICE, 1)],
        [of("m", FACE, 1), of("m", FACE, 1, higher=False)],
        [of("m", FACE, 1), attrs.evolve(of("m", FACE, 1), reference="ref-2")],
    ],
)
def test_scores_that_do_not_belong_together_are_refused(scores: list[ComparisonScore]) -> None:
    """No score, and scores of different cards, metrics or references, cannot be samples of one."""
    with pytest.raises(MatcherError):
        fuse_samples(scores)
    with pytest.raises(MatcherError, match="rule"):
        fuse_samples([of("m", FACE, 1)], rule="worst")


def parts(**changes: Any) -> tuple[FusionPart, FusionPart]:
    """A face matcher with similarities and a voice matcher with distances."""
    face = FusionPart(
        matcher="face", digest=FACE, metric="cosine", higher_is_better=True, mean=0.1, deviation=0.2
    )
    voice = FusionPart(
        matcher="voice",
        digest=VOICE,
        metric="distance",
        higher_is_better=False,
        mean=3.0,
        deviation=0.5,
        weight=0.5,
    )
    return attrs.evolve(face, **changes), voice


def test_a_weighted_sum_adds_normalised_scores() -> None:
    """Each score counts in deviations above what strangers score, times its weight."""
    both = [of("voice", VOICE, 2.0, higher=False), of("face", FACE, 0.5)]
    fused = WeightedSum(parts=parts()).fuse(both)
    assert fused.value == pytest.approx(2.0 + 0.5 * 2.0)
    assert fused.higher_is_better
    assert (fused.matcher, fused.reference) == ("fusion-weighted-sum", "ref-1")
    assert fused.decide(2.5).decision == "match"


def test_the_digest_of_a_weighted_sum_names_its_parts() -> None:
    """Another weight, mean or matcher gives another digest, so another calibration."""
    digests = {
        WeightedSum(parts=parts(**changes)).digest
        for changes in ({}, {"weight": 2.0}, {"mean": 0.2}, {"digest": b"g" * 32})
    }
    assert len(digests) == 4
    assert WeightedSum(parts=parts()).digest == WeightedSum(parts=parts()).digest


@pytest.mark.parametrize(
    "scores",
    [
        [of("face", FACE, 1)],
        [of("face", FACE, 1), of("face", FACE, 1)],
        [of("face", FACE, 1), of("voice", b"w" * 32, 1, higher=False)],
    ],
)
def test_every_part_needs_its_score(scores: list[ComparisonScore]) -> None:
    """A weighted sum with a part missing, doubled or unknown is refused."""
    with pytest.raises(MatcherError, match="one score of each"):
        WeightedSum(parts=parts()).fuse(scores)


def test_parts_that_make_no_sense_are_refused() -> None:
    """A sum of one part, of the same part twice, or with no spread or weight, is refused."""
    face, _ = parts()
    wrongs: list[tuple[FusionPart, ...]] = [(face,), (face, face), ()]
    for wrong in wrongs:
        with pytest.raises(MatcherError, match="two parts"):
            WeightedSum(parts=wrong)
    for changes in ({"deviation": 0.0}, {"weight": -1.0}, {"mean": float("nan")}, {"mean": True}):
        with pytest.raises(MatcherError, match="finite"):
            parts(**changes)


@pytest.mark.component("numpy")
def test_a_part_is_fitted_to_strangers() -> None:
    """Mean and deviation are those of non-mated scores, in the score's own direction."""
    table = ScoreTable.from_rows(
        [("a", "b", 1.0), ("a", "c", 3.0), ("a", "a", 0.0)],
        higher_is_better=False,
        metric="distance",
    )
    part = FusionPart.fitted(table, matcher="voice", digest=VOICE)
    assert (part.mean, part.deviation, part.higher_is_better) == (2.0, 1.0, False)
    assert part.normalised(0.0) == 2.0
    with pytest.raises(MatcherError, match="differing"):
        FusionPart.fitted(ScoreTable.from_rows([("a", "b", 1.0)]), matcher="m", digest=FACE)


def decided(decision: str, calibration: str = "cal-1") -> Comparison:
    """A comparison with a decision."""
    return Comparison(matcher="m", version="1", decision=decision, calibration=calibration)


@pytest.mark.parametrize(
    ("first", "second", "conjunction", "disjunction"),
    [
        ("match", "match", "match", "match"),
        ("match", "non_match", "non_match", "match"),
        ("non_match", "non_match", "non_match", "non_match"),
        ("match", "undetermined", "undetermined", "match"),
        ("non_match", "undetermined", "non_match", "undetermined"),
        ("undetermined", "undetermined", "undetermined", "undetermined"),
    ],
)
def test_decisions_become_one(first: str, second: str, conjunction: str, disjunction: str) -> None:
    """AND and OR of three-valued decisions, in either order."""
    for pair in ((first, second), (second, first)):
        comparisons = [decided(one) for one in pair]
        assert fuse_decisions(comparisons, rule="and").decision == conjunction
        assert fuse_decisions(comparisons, rule=DecisionRule.OR).decision == disjunction


def test_a_fused_decision_names_what_it_was_made_of() -> None:
    """The digest stands for rule, matchers and calibrations; there is no score."""
    one = fuse_decisions([decided("match"), decided("match")], rule="and")
    assert (one.matcher, one.score, one.threshold) == ("fusion-and", None, None)
    others = {
        fuse_decisions([decided("match"), decided("match", "cal-2")], rule="and").digest,
        fuse_decisions([decided("match"), decided("match")], rule="or").digest,
        one.digest,
    }
    assert len(others) == 3


def test_fewer_than_two_decisions_and_other_rules_are_refused() -> None:
    """One decision is not fused, and a vote has no rule here."""
    with pytest.raises(MatcherError, match="two comparisons"):
        fuse_decisions([decided("match")], rule="and")
    with pytest.raises(MatcherError, match="rule"):
        fuse_decisions([decided("match")] * 2, rule="majority")


def test_consequences_for_error_rates() -> None:
    """AND multiplies false matches and adds up false non-matches; OR the other way round."""
    points = [
        OperatingPoint(threshold=0, fmr=0.01, fnmr=0.02),
        OperatingPoint(threshold=0, fmr=0.1, fnmr=0.05),
    ]
    both = fused_rates(points, rule="and")
    assert both.fmr_upper == 0.01
    assert both.fnmr_upper == pytest.approx(0.07)
    assert both.fmr_independent == pytest.approx(0.001)
    assert both.fnmr_independent == pytest.approx(0.069)
    either = fused_rates(points, rule="or")
    assert either.fmr_upper == pytest.approx(0.11)
    assert either.fnmr_upper == 0.02
    assert either.fmr_independent == pytest.approx(0.109)
    assert either.fnmr_independent == pytest.approx(0.001)
    with pytest.raises(MatcherError):
        fused_rates([], rule="and")
    with pytest.raises(MatcherError):
        fused_rates(points, rule="majority")


@pytest.mark.component("numpy")
def test_consequences_hold_when_counted() -> None:
    """On two matchers that depend on each other, counted rates stay within the upper values."""
    import numpy

    random = numpy.random.RandomState(4)
    mated = random.random_sample(4000) < 0.5
    shared = random.normal(0, 0.7, 4000)
    scores = [shared + random.normal(0, 0.7, 4000) + 2 * mated for _ in range(2)]
    matches = numpy.array([one >= 1.2 for one in scores])

    def rates(matching: Any) -> OperatingPoint:
        return OperatingPoint(
            threshold=1.2,
            fmr=float(matching[~mated].mean()),
            fnmr=float((~matching[mated]).mean()),
        )

    points = [rates(one) for one in matches]
    for rule, joined in (("and", matches.all(axis=0)), ("or", matches.any(axis=0))):
        counted, said = rates(joined), fused_rates(points, rule=rule)
        assert counted.fmr <= said.fmr_upper
        assert counted.fnmr <= said.fnmr_upper
        assert counted.fmr > 1.2 * said.fmr_independent or rule == "or"


@pytest.mark.component("numpy")
def test_other_real_numbers_make_the_same_part() -> None:
    """A mean of NumPy's is kept as a float, so that the digest of the sum can be had."""
    import numpy

    odd = parts(mean=numpy.float32(0.25), deviation=numpy.int64(2))
    assert WeightedSum(parts=odd).digest == WeightedSum(parts=parts(mean=0.25, deviation=2)).digest
