"""Scores of several matchers as one: normalised, weighted, added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.decision import ComparisonScore, finite
from biotrail.matchers.rates.scores import MICRO, ScoreTable

__all__ = ["FusionPart", "WeightedSum", "fusion_digest"]

_DOMAIN = b"biotrail/fusion/1\n"


def _number(value: object) -> float:
    return finite("mean, deviation or weight", value)


@attrs.frozen(kw_only=True)
class FusionPart:
    """One matcher's part in a weighted sum.

    Attributes:
        matcher: Identifier of the matcher.
        digest: Digest of its model card, 32 bytes.
        metric: Name of its score.
        higher_is_better: Whether a higher score speaks for the same person.
        mean: Mean of its non-mated scores, which becomes 0.
        deviation: Their standard deviation, which becomes 1.
        weight: What the normalised score is multiplied by, above 0.

    Raises:
        MatcherError: A number is not finite or lies beyond ±1e12; or deviation or weight is not
            above 0.
    """

    matcher: str
    digest: bytes = attrs.field(repr=lambda digest: digest.hex()[:16])
    metric: str
    higher_is_better: bool
    mean: float = attrs.field(converter=_number)
    deviation: float = attrs.field(converter=_number)
    weight: float = attrs.field(default=1.0, converter=_number)

    def __attrs_post_init__(self) -> None:
        if min(self.deviation, self.weight) <= 0:
            raise MatcherError("deviation and weight are finite and above 0")

    @classmethod
    def fitted(
        cls, scores: ScoreTable, *, matcher: str, digest: bytes, weight: float = 1.0
    ) -> FusionPart:
        """Take mean and deviation from the non-mated comparisons of an evaluation.

        Raises:
            MatcherError: Fewer than two non-mated scores, all of them equal, or no metric named.
        """
        micro = scores.micro[~scores.mated]
        if scores.metric is None or len(micro) < 2 or micro.min() == micro.max():
            raise MatcherError("normalising needs a named metric and differing non-mated scores")
        sign = 1 if scores.higher_is_better else -1
        return cls(
            matcher=matcher,
            digest=digest,
            metric=scores.metric,
            higher_is_better=scores.higher_is_better,
            mean=sign * float(micro.mean()) / MICRO,
            deviation=float(micro.std()) / MICRO,
            weight=weight,
        )

    def normalised(self, value: float) -> float:
        """How many deviations the score lies above what non-mated comparisons score."""
        return (value - self.mean) / self.deviation * (1 if self.higher_is_better else -1)


def _as_tuple(parts: Iterable[FusionPart]) -> tuple[FusionPart, ...]:
    return tuple(parts)


@attrs.frozen(kw_only=True)
class WeightedSum:
    """A weighted sum of normalised scores of several matchers; higher is better.

    Attributes:
        parts: What is added, in this order, in float64.

    Raises:
        MatcherError: Fewer than two parts, or two of one card and metric.
    """

    parts: tuple[FusionPart, ...] = attrs.field(converter=_as_tuple)

    def __attrs_post_init__(self) -> None:
        if len({(one.digest, one.metric) for one in self.parts}) != max(2, len(self.parts)):
            raise MatcherError("a weighted sum has two parts or more, each of another matcher")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the parts, 32 bytes: what fused scores name in the place of a model card."""
        parts = [{**attrs.asdict(one), "digest": one.digest.hex()} for one in self.parts]
        return fusion_digest({"rule": "weighted-sum", "parts": parts})

    def fuse(self, scores: Sequence[ComparisonScore]) -> ComparisonScore:
        """Add up one score of each part, given in any order.

        Raises:
            MatcherError: A part has no score or two, or a score belongs to no part.
        """
        given = {(one.digest, one.metric): one for one in scores}
        if len(scores) != len(self.parts) or set(given) != {
            (one.digest, one.metric) for one in self.parts
        }:
            raise MatcherError("a weighted sum needs one score of each of its parts, no other")
        references = {one.reference for one in scores}
        total = 0.0
        for part in self.parts:
            total += part.weight * part.normalised(given[part.digest, part.metric].value)
        return ComparisonScore(
            value=total,
            metric="weighted sum of normalised scores",
            higher_is_better=True,
            matcher="fusion-weighted-sum",
            version="1",
            digest=self.digest,
            reference=references.pop() if len(references) == 1 else None,
        )


def fusion_digest(content: object) -> bytes:
    """SHA-256 over ``biotrail/fusion/1``, a line feed, and the content as compact JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(_DOMAIN + text.encode()).digest()
