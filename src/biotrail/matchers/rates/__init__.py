"""Error rates of a matcher: measured over people, stated with bounds, kept as a calibration.

Words and definitions are those of ISO/IEC 19795-1. What may be said of how many people: the rule of
3, and intervals that resample people (`biotrail.matchers.rates.intervals` has the method and its
sources). ISO/IEC 5152 goes further with small samples: it extrapolates to rates that were not seen,
by a model of the extremes. Here a rate that so few people cannot show is refused instead.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail.matchers.rates.calibrating import calibrate
    from biotrail.matchers.rates.calibration import Calibration, Placement
    from biotrail.matchers.rates.curves import (
        EqualErrorRate,
        ErrorCurve,
        OperatingPoint,
        error_curve,
    )
    from biotrail.matchers.rates.documents import evaluation_document
    from biotrail.matchers.rates.intervals import Interval
    from biotrail.matchers.rates.plots import write_plots
    from biotrail.matchers.rates.report import (
        CohortEvaluation,
        Evaluation,
        FmrPoint,
        Size,
        evaluate,
    )
    from biotrail.matchers.rates.score_files import ScoreFile, read_scores
    from biotrail.matchers.rates.scores import Acquisition, ScoreTable
    from biotrail.matchers.rates.support import people_needed, rule_of_three

__all__ = [
    "Acquisition",
    "Calibration",
    "CohortEvaluation",
    "EqualErrorRate",
    "ErrorCurve",
    "Evaluation",
    "FmrPoint",
    "Interval",
    "OperatingPoint",
    "Placement",
    "ScoreFile",
    "ScoreTable",
    "Size",
    "calibrate",
    "error_curve",
    "evaluate",
    "evaluation_document",
    "people_needed",
    "read_scores",
    "rule_of_three",
    "write_plots",
]

__getattr__ = load_when_used(
    __name__,
    {
        "Acquisition": "biotrail.matchers.rates.scores",
        "Calibration": "biotrail.matchers.rates.calibration",
        "CohortEvaluation": "biotrail.matchers.rates.report",
        "EqualErrorRate": "biotrail.matchers.rates.curves",
        "ErrorCurve": "biotrail.matchers.rates.curves",
        "Evaluation": "biotrail.matchers.rates.report",
        "FmrPoint": "biotrail.matchers.rates.report",
        "Interval": "biotrail.matchers.rates.intervals",
        "OperatingPoint": "biotrail.matchers.rates.curves",
        "Placement": "biotrail.matchers.rates.calibration",
        "ScoreFile": "biotrail.matchers.rates.score_files",
        "ScoreTable": "biotrail.matchers.rates.scores",
        "Size": "biotrail.matchers.rates.report",
        "calibrate": "biotrail.matchers.rates.calibrating",
        "error_curve": "biotrail.matchers.rates.curves",
        "evaluate": "biotrail.matchers.rates.report",
        "evaluation_document": "biotrail.matchers.rates.documents",
        "people_needed": "biotrail.matchers.rates.support",
        "read_scores": "biotrail.matchers.rates.score_files",
        "rule_of_three": "biotrail.matchers.rates.support",
        "write_plots": "biotrail.matchers.rates.plots",
    },
)
