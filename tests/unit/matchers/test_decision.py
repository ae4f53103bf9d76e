"""From a score to a decision: by a threshold, in whole millionths, or not at all."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MatcherError
from biotrail.events import ComparisonDecision, ComparisonType
from biotrail.matchers import ComparisonScore, decide


def score(value: float, *, higher_is_better: bool = True) -> ComparisonScore:
    """A score of some matcher."""
    return ComparisonScore(
        value=value,
        metric="cosine",
        higher_is_better=higher_is_better,
        matcher="m",
        version="1",
        digest=b"d" * 32,
        reference="ref",
    )


@pytest.mark.parametrize(
    ("value", "higher_is_better", "decision"),
    [
        (0.7, True, "match"),
        (0.6, True, "match"),
        (0.599999, True, "non_match"),
        (0.7, False, "non_match"),
        (0.6, False, "match"),
        (0.5, False, "match"),
    ],
)
def test_direction(value: float, higher_is_better: bool, decision: str) -> None:
    """A score on the good side of the threshold, or equal to it, is a match."""
    assert decide(score(value, higher_is_better=higher_is_better), 0.6) == decision


def test_no_threshold_no_decision() -> None:
    """Without a threshold the decision is undetermined, however good the score."""
    assert decide(score(1.0), None) is ComparisonDecision.UNDETERMINED


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_reader_of_the_record_decides_the_same(value: float, threshold: float) -> None:
    """Recorded in whole millionths, score and threshold lead to the recorded decision."""
    comparison = score(value).decide(threshold)
    assert comparison.score is not None
    assert comparison.threshold is not None
    reread = round(comparison.score * 1e6) >= round(comparison.threshold * 1e6)
    assert comparison.decision == ("match" if reread else "non_match")


def test_comparison_has_all_that_an_event_records() -> None:
    """A decided score carries matcher, version, digest, metric, threshold and reference."""
    comparison = score(0.7123456789).decide(0.6, calibration="c1")
    assert (comparison.matcher, comparison.version) == ("m", "1")
    assert comparison.digest == b"d" * 32
    assert comparison.score == 0.712346
    assert comparison.threshold == 0.6
    assert comparison.metric == "cosine"
    assert comparison.type is ComparisonType.VERIFICATION
    assert (comparison.calibration, comparison.reference) == ("c1", "ref")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e13, True, "1"])
def test_a_score_or_threshold_must_be_a_finite_number(value: float) -> None:
    """NaN, infinity, truth values, text and numbers beyond recording are refused by name."""
    with pytest.raises(MatcherError, match="score"):
        score(value)
    with pytest.raises(MatcherError, match="threshold"):
        decide(score(0.5), value)


def test_the_score_is_not_shown() -> None:
    """A score is personal: its repr has no value."""
    assert "0.71" not in repr(score(0.71))


@pytest.mark.component("numpy")
def test_any_real_number_is_a_threshold() -> None:
    """Thresholds of NumPy's types and fractions decide, and are recorded, as their floats do."""
    import numpy

    for threshold in (numpy.float32(0.5), numpy.float64(0.5), numpy.int64(0), Fraction(1, 2)):
        for value in (0.4, 0.5, 0.6):
            expected = score(value).decide(float(threshold))
            assert score(value).decide(threshold) == expected  # type: ignore[arg-type]
            assert decide(score(value), threshold) == expected.decision  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [True, "0.5", 1j, 10**400, Fraction(10**400), math.nan])
def test_what_is_no_threshold_is_refused(threshold: Any) -> None:
    """Booleans, texts, complex, huge and endless numbers are refused, whatever their type."""
    with pytest.raises(MatcherError, match="threshold must"):
        decide(score(0.5), threshold)
