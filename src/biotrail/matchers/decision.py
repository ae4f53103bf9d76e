"""From a comparison score to a comparison decision, in a way that a later reader can repeat.

A score is held against its threshold as whole millionths, as both are recorded: whoever has the
recorded score and threshold comes to the same decision, on every machine.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from numbers import Real

import attrs

from biotrail.errors import MatcherError
from biotrail.events import Comparison, ComparisonDecision, ComparisonType
from biotrail.matchers.card import ModelCard

__all__ = ["ComparisonScore", "decide", "finite", "score_of", "scorer"]

_LIMIT = 1e12


def finite(what: str, value: object) -> float:
    """A score or threshold as a float; any real number will do, those of NumPy among them.

    Args:
        what: What it is, for the refusal.
        value: The number.

    Raises:
        MatcherError: It is no real number, is NaN or infinite, or lies beyond ±1e12.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise MatcherError(f"a {what} must be a finite number")
    try:
        number = float(value)
    except OverflowError:  # finite, but larger than every float
        number = sys.float_info.max
    if not math.isfinite(number):
        raise MatcherError(f"a {what} must be a finite number")
    if abs(number) > _LIMIT:
        raise MatcherError(f"a {what} must lie within ±1e12, to be recorded in whole millionths")
    return number


def _micro(what: str, value: object) -> int:
    return round(finite(what, value) * 1_000_000)


def _six_decimals(value: float) -> float:
    return _micro("score", value) / 1_000_000


@attrs.frozen(kw_only=True, slots=False)
class ComparisonScore:
    """What comparing a probe with a reference came to: a number, and how to read it.

    Attributes:
        value: The score, rounded to six decimals. Personal data, though not a biometric sample.
        metric: Name of the score, e.g. ``"cosine"``.
        higher_is_better: Whether a higher score speaks for the same person.
        matcher: Identifier of the matcher.
        version: Version of the matcher.
        digest: Digest of the matcher's card, 32 bytes.
        reference: Identifier of the reference, where it has one.
    """

    value: float = attrs.field(converter=_six_decimals, repr=False)
    metric: str
    higher_is_better: bool
    matcher: str
    version: str
    digest: bytes = attrs.field(repr=lambda digest: digest.hex()[:16])
    reference: str | None = None

    def decide(self, threshold: float | None, *, calibration: str | None = None) -> Comparison:
        """Hold the score against a threshold, as the comparison that an event records.

        Args:
            threshold: The threshold, in the score's own unit; None gives undetermined.
            calibration: Identifier of the calibration that the threshold comes from.

        Raises:
            MatcherError: The threshold is not a finite number.
        """
        return Comparison(
            matcher=self.matcher,
            version=self.version,
            digest=self.digest,
            score=self.value,
            threshold=None if threshold is None else finite("threshold", threshold),
            decision=decide(self, threshold),
            metric=self.metric,
            type=ComparisonType.VERIFICATION,
            calibration=calibration,
            reference=self.reference,
        )


def decide(score: ComparisonScore, threshold: float | None) -> ComparisonDecision:
    """Say what a score means against a threshold; a score equal to it is a match.

    Args:
        score: The comparison score.
        threshold: In the score's own unit; None where nobody has set one.

    Returns:
        Match or non-match; undetermined without a threshold.

    Raises:
        MatcherError: The threshold is not a finite number.
    """
    if threshold is None:
        return ComparisonDecision.UNDETERMINED
    margin = _micro("score", score.value) - _micro("threshold", threshold)
    matches = margin >= 0 if score.higher_is_better else margin <= 0
    return ComparisonDecision.MATCH if matches else ComparisonDecision.NON_MATCH


def scorer(card: ModelCard) -> Callable[[float, str | None], ComparisonScore]:
    """What makes scores of one card, of a value and the reference's identifier. For backends.

    The scores are those that the class itself would make. Its generated initialiser runs through
    converters and through the guard that keeps instances from being changed, at ten times the cost
    of setting the fields; here they are set directly, once, on an instance that nobody has yet.

    Returns:
        A function that raises MatcherError where the value is not a finite number that can be
        recorded.
    """
    new, set_field = object.__new__, object.__setattr__
    common = {
        "value": 0.0,
        "metric": card.metric,
        "higher_is_better": card.higher_is_better,
        "matcher": card.id,
        "version": card.version,
        "digest": card.digest,
        "reference": None,
    }

    def score(value: float, reference: str | None) -> ComparisonScore:
        if type(value) is not float or not -_LIMIT <= value <= _LIMIT:
            value = _six_decimals(value)  # raises, unless it is a whole number
        fields = common.copy()
        fields["value"] = round(value * 1_000_000) / 1_000_000
        fields["reference"] = reference
        made = new(ComparisonScore)
        set_field(made, "__dict__", fields)
        return made

    return score


def score_of(card: ModelCard, value: float, *, reference: str | None = None) -> ComparisonScore:
    """The score `value`, with what `card` says of it and the reference's identifier. For backends.

    Raises:
        MatcherError: The value is not a finite number that can be recorded.
    """
    return ComparisonScore(
        value=value,
        metric=card.metric,
        higher_is_better=card.higher_is_better,
        matcher=card.id,
        version=card.version,
        digest=card.digest,
        reference=reference,
    )
