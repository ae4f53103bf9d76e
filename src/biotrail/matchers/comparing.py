"""One comparison of two vectors, checked, scored in the defined order, and cheap.

The score is that of `biotrail.matchers.measures`, bit for bit. What makes it cheap is bookkeeping:
lengths are computed once for each vector, checks are two comparisons in the usual case, and the
score is put together without the generated initialiser, which would cost as much as the additions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.backend import Features, require_same_card
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import ComparisonScore, scorer
from biotrail.matchers.measures import MEASURES, SHORTEST, clamped

__all__ = ["comparison_by"]

Compare = Callable[[Features, Features], ComparisonScore]


def comparison_by(card: ModelCard) -> Compare:
    """The comparison of a matcher whose metric is one of `MEASURES`.

    Returns:
        A function of a reference and a probe. Values of another type than float64 are taken as
        float64. It raises MatcherError where another card made one of them, one holds no array of
        real numbers, or one has no direction and the metric is cosine.

    Raises:
        MatcherError: The metric is unknown.
    """
    if card.metric not in MEASURES:
        raise MatcherError(f"the metric must be one of {', '.join(MEASURES)}")
    score = scorer(card)
    measure = _between(card.metric)
    digest, shape = card.digest, (card.dimension,)
    double = _double()

    def compare(reference: Features, probe: Features) -> ComparisonScore:
        try:
            left, right = reference.values, probe.values
            usual = (
                reference.card_digest == digest == probe.card_digest
                and left.shape == shape == right.shape
                and left.dtype is double is right.dtype
            )
        except AttributeError:  # no features, or values that are no array
            usual = False
        if not usual:
            require_same_card(card, reference, probe)
            reference, probe = _as_double(reference), _as_double(probe)
        return score(measure(reference, probe), reference.reference_id)

    return compare


def _double() -> Any:
    """The one object that NumPy has for float64 in the machine's own byte order."""
    import numpy

    return numpy.dtype(numpy.float64)


def _as_double(features: Features) -> Features:
    """The same features, with values in which the measures are defined."""
    if features.values.dtype is _double():
        return features
    return attrs.evolve(features, values=features.values.astype(_double()))


def _between(metric: str) -> Callable[[Features, Features], float]:
    import numpy

    running = numpy.add.accumulate  # the sums from the first value on, as in `measures`

    def inner_product(left: Features, right: Features) -> float:
        value: float = running(left.values * right.values).item(-1)
        return value

    def euclidean(left: Features, right: Features) -> float:
        difference = left.values - right.values
        return math.sqrt(running(difference * difference).item(-1))

    def cosine(left: Features, right: Features) -> float:
        left_length, right_length = left.length, right.length
        if left_length < SHORTEST or right_length < SHORTEST:
            raise MatcherError("a zero vector has no direction, so no cosine")
        value: float = running(left.values * right.values).item(-1) / (left_length * right_length)
        if -1.0 <= value <= 1.0:
            return value
        return clamped(value)

    return {"inner_product": inner_product, "euclidean": euclidean, "cosine": cosine}[metric]
