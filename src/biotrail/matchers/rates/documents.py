"""An evaluation as a JSON document; docs/reference/score-files.md lists its fields."""

from __future__ import annotations

from typing import Any

import attrs

from biotrail.matchers.rates.curves import ErrorCurve
from biotrail.matchers.rates.histograms import histogram
from biotrail.matchers.rates.report import CohortEvaluation, Evaluation, FmrPoint
from biotrail.matchers.rates.scores import Acquisition

__all__ = ["evaluation_document"]

_MOST_POINTS = 400


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as a JSON object: no pseudonym of anybody is in it."""
    acquisition = evaluation.acquisition
    return {
        "format": "biotrail/evaluation/1",
        "metric": evaluation.scores.metric,
        "higher_is_better": evaluation.scores.higher_is_better,
        "data_digest": evaluation.scores.digest.hex(),
        "confidence": evaluation.confidence,
        "resamples": evaluation.resamples,
        "seed": evaluation.seed,
        "failure_to_acquire": _failures(acquisition.failures_to_acquire, acquisition.captures),
        "failure_to_enrol": _failures(acquisition.failures_to_enrol, acquisition.enrolments),
        "histogram": attrs.asdict(histogram(evaluation.scores)),
        "overall": _document(evaluation.overall, acquisition),
        "cohorts": {one.name: _document(one, Acquisition()) for one in evaluation.cohorts},
        "cohorts_left_out": list(evaluation.cohorts_left_out),
    }


def _failures(failures: int, attempts: int) -> dict[str, Any]:
    rate = failures / attempts if attempts else None
    return {"failures": failures, "attempts": attempts or None, "rate": rate}


def _document(part: CohortEvaluation, acquisition: Acquisition) -> dict[str, Any]:
    return {
        **attrs.asdict(part.size),
        "eer": part.eer,
        "eer_threshold": part.eer_threshold,
        "eer_interval": part.eer_interval and attrs.astuple(part.eer_interval),
        "fnmr_at_fmr": [_point_document(one, acquisition) for one in part.points],
        "at_overall_thresholds": [attrs.asdict(one) for one in part.at_overall],
        "curve": _curve_document(part.curve),
    }


def _point_document(one: FmrPoint, acquisition: Acquisition) -> dict[str, Any]:
    fta = acquisition.fta
    return {
        "target_fmr": one.target_fmr,
        "supported": one.supported,
        "people_needed": one.people_needed,
        **attrs.asdict(one.point),
        "fmr_upper": one.fmr_upper,
        "fnmr_interval": one.fnmr and attrs.astuple(one.fnmr),
        # Of transactions of one attempt: who is not acquired is neither accepted nor matched.
        "far": None if fta is None else one.point.fmr * (1 - fta),
        "frr": None if fta is None else fta + one.point.fnmr * (1 - fta),
    }


def _curve_document(curve: ErrorCurve) -> dict[str, list[float]]:
    """The curve, thinned out evenly over its places where it is long."""
    import numpy

    size = len(curve.micro)
    places = numpy.unique(numpy.linspace(0, size - 1, min(size, _MOST_POINTS)).astype("i8"))
    return {
        "threshold": curve.thresholds[places].tolist(),
        "fmr": curve.fmr[places].tolist(),
        "fnmr": curve.fnmr[places].tolist(),
    }
