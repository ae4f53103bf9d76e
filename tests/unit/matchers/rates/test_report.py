"""An evaluation: overall and by cohort, with what people can and cannot support."""

from __future__ import annotations

import json

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import (
    Acquisition,
    ScoreTable,
    calibrate,
    evaluate,
    evaluation_document,
)
from tests.unit.matchers.rates._made import CARD, made, made_columns

pytestmark = pytest.mark.component("numpy")


def cohorts(people: int = 30) -> ScoreTable:
    """Young and old, and comparisons across."""
    references, probes, scores = made_columns(people)
    half = people // 2

    def cohort(left: str, right: str) -> str:
        young = [int(one[1:]) < half for one in (left, right)]
        return "across" if young[0] != young[1] else ("young" if young[0] else "old")

    names = [cohort(*two) for two in zip(references, probes, strict=True)]
    return ScoreTable.from_arrays(
        scores, references=references, probes=probes, cohorts=names, metric="made"
    )


def test_rates_that_people_cannot_support_are_marked() -> None:
    """Thirty people support an FMR of 1 in 100 and no smaller one."""
    points = evaluate(made(30), resamples=100).overall.points
    assert [one.supported for one in points] == [True, False, False, False, False]
    assert [one.people_needed for one in points] == [25, 78, 246, 775, 2449]
    supported, marked = points[0], points[1]
    assert supported.fnmr is not None
    assert supported.fmr_upper is not None
    assert supported.fnmr.lower <= supported.point.fnmr <= supported.fnmr.upper
    assert (marked.fnmr, marked.fmr_upper) == (None, None)


def test_it_agrees_with_calibrate() -> None:
    """With the same draws an evaluation states the bound that a calibration states."""
    found = calibrate(made(30), 0.01, card=CARD, cohort="made", resamples=200, others=30)
    point = evaluate(made(30), resamples=200).overall.points[0]
    assert (point.point.threshold, point.fmr_upper) == (found.threshold, found.fmr_upper)


def test_the_interval_of_the_eer_holds_it() -> None:
    """The equal error rate lies within its interval, which is no point."""
    overall = evaluate(made(30, apart=2.0), resamples=200).overall
    assert overall.eer_interval is not None
    assert overall.eer_interval.lower < overall.eer < overall.eer_interval.upper


def test_cohorts_stand_apart() -> None:
    """Each cohort has its own rates and those at the common threshold; one without mates none."""
    found = evaluate(cohorts(), resamples=100)
    assert [one.name for one in found.cohorts] == ["old", "young"]
    assert found.cohorts_left_out == ("across",)
    assert sum(one.size.mated for one in found.cohorts) == found.overall.size.mated
    common = found.overall.points[0].point.threshold
    for part in found.cohorts:
        assert part.at_overall[0] == part.curve.at(common)
        assert part.size.people == 15
        assert not part.points[0].supported


def test_without_people_there_are_rates_and_no_intervals() -> None:
    """Where nobody is named rates are stated without intervals and marked as not supported."""
    table = ScoreTable.from_arrays([0.1, 0.2, 0.9, 0.8], mated=[False, False, True, True])
    overall = evaluate(table).overall
    assert overall.eer == 0
    assert overall.eer_interval is None
    assert overall.size.people is None
    assert not any(one.supported for one in overall.points)


def test_few_people_have_no_intervals() -> None:
    """Four people are too few to resample; their rates are described and not stated."""
    overall = evaluate(made(4), resamples=100).overall
    assert overall.eer_interval is None
    assert not overall.points[0].supported


def test_one_kind_alone_is_refused() -> None:
    """Without mated comparisons there is nothing to report."""
    with pytest.raises(MatcherError, match="no mated"):
        evaluate(ScoreTable.from_rows([("a", "b", 0.5)]))


def test_the_document_is_json_without_people() -> None:
    """The document is strict JSON, names nobody, and turns FTA into FAR and FRR."""
    acquisition = Acquisition(captures=100, failures_to_acquire=10)
    document = evaluation_document(evaluate(cohorts(), acquisition=acquisition, resamples=100))
    text = json.dumps(document, allow_nan=False)
    assert '"p1"' not in text
    point = document["overall"]["fnmr_at_fmr"][0]
    assert point["far"] == pytest.approx(point["fmr"] * 0.9)
    assert point["frr"] == pytest.approx(0.1 + point["fnmr"] * 0.9)
    assert document["failure_to_acquire"] == {"failures": 10, "attempts": 100, "rate": 0.1}
    assert sum(document["histogram"]["mated"]) == document["overall"]["mated"]
    curve = document["overall"]["curve"]
    assert len(curve["fmr"]) == len(curve["fnmr"]) == len(curve["threshold"]) <= 400
    assert (curve["fmr"][0], curve["fnmr"][0], curve["fmr"][-1], curve["fnmr"][-1]) == (0, 1, 1, 0)
