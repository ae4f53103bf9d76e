"""A matcher over vectors that the host brings: any embedding model's output."""

from __future__ import annotations

import importlib.util
from numbers import Integral
from typing import TYPE_CHECKING, Literal

from biotrail._closing import Closing
from biotrail.errors import MatcherError, MissingDependencyError
from biotrail.matchers.backend import Features, Sample, require_same_card
from biotrail.matchers.card import Assurance, ModelCard, ModelFile, NetworkPolicy
from biotrail.matchers.comparing import comparison_by
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.measures import MEASURES, require_direction
from biotrail.matchers.quality import Quality

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["EmbeddingMatcher", "Metric", "checked_vector"]

Metric = Literal["cosine", "inner_product", "euclidean"]
_LARGEST = 1e100
"""Squares of larger values, added up, could overflow."""


def checked_vector(vector: object, *, dimension: int) -> Vector:
    """The vector as float64 values of its own, or a refusal that does not repeat its values.

    Raises:
        MatcherError: It is not a vector of that many finite numbers.
    """
    import numpy

    try:
        values = numpy.array(vector)
    except (TypeError, ValueError) as error:
        raise MatcherError(f"an embedding must be a vector, not {type(vector).__name__}") from error
    if values.dtype.kind not in "fiu":
        raise MatcherError(f"an embedding must hold real numbers, not {values.dtype}")
    if values.shape != (dimension,):
        raise MatcherError(f"an embedding must have the shape ({dimension},), not {values.shape}")
    values = values.astype(numpy.float64)
    if not numpy.isfinite(values).all():
        raise MatcherError("an embedding must not hold NaN or infinity")
    if numpy.abs(values).max() > _LARGEST:
        raise MatcherError("an embedding must not hold values beyond ±1e100")
    values.setflags(write=False)
    return values


class EmbeddingMatcher(Closing):
    """Compares vectors that the host computed with its own model. Thread-safe.

    The host says which model that is; the card takes its word, and references of one model are
    never compared with another's.

    Args:
        model: Identifier of the host's embedding model.
        version: Its version. Change it whenever the vectors change.
        dimension: Number of values in a vector.
        metric: ``"cosine"``, ``"inner_product"`` (higher is better) or ``"euclidean"`` (lower is).
        files: The model's files, so that their hashes are in the card.
        runtime: Name of the software that computes the vectors.
        runtime_version: Its version.
        intended_use: In a sentence, what the model is for.
        assurance: Whether the model is made to tell people apart.

    Raises:
        MissingDependencyError: NumPy is not installed.
        MatcherError: The metric is unknown, or an argument is out of range.
    """

    def __init__(
        self,
        *,
        model: str,
        version: str,
        dimension: int,
        metric: Metric = "cosine",
        files: tuple[ModelFile, ...] = (),
        runtime: str | None = None,
        runtime_version: str | None = None,
        intended_use: str = "verification with a threshold that the host has calibrated",
        assurance: Assurance = Assurance.IDENTITY,
    ) -> None:
        if importlib.util.find_spec("numpy") is None:
            raise MissingDependencyError(
                "EmbeddingMatcher needs NumPy: pip install 'biotrail[embedding]'"
            )
        if metric not in MEASURES:
            raise MatcherError(f"the metric must be one of {', '.join(MEASURES)}")
        whole: object = dimension
        if isinstance(whole, bool) or not isinstance(whole, Integral) or whole < 1:
            raise MatcherError("the dimension must be a whole number from 1")
        self._card = ModelCard(
            id=model,
            version=version,
            metric=metric,
            higher_is_better=MEASURES[metric][1],
            intended_use=intended_use,
            assurance=assurance,
            network_policy=NetworkPolicy.IN_PROCESS,
            dimension=int(whole),
            files=files,
            runtime=runtime,
            runtime_version=runtime_version,
        )
        self._compare = comparison_by(self._card)

    @property
    def card(self) -> ModelCard:
        """What computes the scores."""
        return self._card

    def capture(self, image: object, /) -> Sample:
        """Take a vector (a NumPy array or a sequence of numbers) as a sample.

        Raises:
            MatcherError: Wrong shape, NaN, infinity, not numbers, or a zero vector under cosine.
        """
        values = checked_vector(image, dimension=self._card.dimension)
        if self._card.metric == "cosine":
            require_direction(values)
        return Sample(card_digest=self._card.digest, values=values)

    def quality(self, sample: Sample, /) -> Quality:
        """Nothing is known of the quality of the host's vectors.

        Raises:
            MatcherError: The sample belongs to another model.
        """
        require_same_card(self._card, sample)
        return Quality()

    def extract(self, sample: Sample, /) -> Features:
        """The sample's vector as features.

        Raises:
            MatcherError: The sample belongs to another model.
        """
        require_same_card(self._card, sample)
        return Features(card_digest=sample.card_digest, values=sample.values)

    def features(self, vector: object) -> Features:
        """Capture and extract at once; raises as `capture` does."""
        return self.extract(self.capture(vector))

    def compare(self, reference: Features, probe: Features, /) -> ComparisonScore:
        """Compare two vectors in float64, in a defined order.

        Raises:
            MatcherError: One of them belongs to another model.
        """
        return self._compare(reference, probe)

    def self_test(self) -> None:
        """Check the measure on a vector whose answer is known.

        Raises:
            MatcherError: The answer is another one.
        """
        vector = self.features([1.0] + [0.0] * (self._card.dimension - 1))
        expected = 1.0 if self._card.higher_is_better else 0.0
        if self.compare(vector, vector).value != expected:
            raise MatcherError(f"the self-test of {self._card.metric} failed")

    def close(self) -> None:
        """Nothing is held; does nothing."""
