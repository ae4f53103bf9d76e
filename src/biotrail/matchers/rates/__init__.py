"""Error rates of a matcher: measured over people, stated with bounds, kept as a calibration.

Words and definitions are those of ISO/IEC 19795-1. What may be said of how many people: the rule of
3, and intervals that resample people (`biotrail.matchers.rates.intervals` has the method and its
sources). ISO/IEC 5152 goes further with small samples: it extrapolates to rates that were not seen,
by a model of the extremes. Here a rate that so few people cannot show is refused instead.
"""

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
from biotrail.matchers.rates.report import Evaluation, evaluate
from biotrail.matchers.rates.score_files import read_scores
from biotrail.matchers.rates.scores import Acquisition, ScoreTable
from biotrail.matchers.rates.support import people_needed, rule_of_three

__all__ = [
    "Acquisition",
    "Calibration",
    "EqualErrorRate",
    "ErrorCurve",
    "Evaluation",
    "Interval",
    "OperatingPoint",
    "Placement",
    "ScoreTable",
    "calibrate",
    "error_curve",
    "evaluate",
    "evaluation_document",
    "people_needed",
    "read_scores",
    "rule_of_three",
]
