"""Renewable references: a matcher whose references can be revoked and issued anew from one face.

What it promises: references are revocable, and unlinkable between applications, while the key is
secret. It does not promise that they cannot be inverted: with the key, an embedding close to the
original is calculated from the bits. docs/explanation/renewable-references.md shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import attrs

from biotrail._closing import Closing
from biotrail.errors import MatcherError, ModelError
from biotrail.matchers._renewable_card import SUFFIX, centre_of, renewable_card
from biotrail.matchers.backend import (
    FailureToAcquire,
    Features,
    MatcherBackend,
    Sample,
    require_same_card,
)
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import ComparisonScore, score_of
from biotrail.matchers.measures import MEASURES, cosine
from biotrail.matchers.projection import ProjectionKey, SignProjection
from biotrail.matchers.quality import Quality
from biotrail.matchers.reference import Reference

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["RenewableMatcher", "centre_of"]

_KNOWN = "ddf82d75ca9bb1b6"
"""The 64 bits that the self-test must come to; they are among the vectors of the specification."""


class RenewableMatcher(Closing):
    """Wraps a matcher of embeddings; references and probes become bits under a key.

    The score is the normalised Hamming distance: the share of bits that differ, from 0 to 1, lower
    is better. Its twin for galleries is the cosine between the bits, taken as 1 and -1: one less
    twice the distance. Either needs a threshold of its own, calibrated like any other. Thread-safe
    if the wrapped matcher is.

    Args:
        matcher: Captures, and extracts embeddings. It is shared, and stays open when this closes.
        key: The application's key. Another key makes another model card, so that references of the
            old one are refused by name.
        bits: Number of bits of a reference, a multiple of 8 from 64 to 4,096.
        centre: Mean of the embeddings of many people, other than those enrolled (see `centre_of`).
            No secret. Without one, faces of different people share most of their bits.
        metric: ``"hamming"``; or ``"cosine"`` for references that a `Gallery` shall search.

    Raises:
        MatcherError: The wrapped matcher's features are no embeddings, its version leaves no room
            for the key's id, or `bits` is out of range.
        ModelError: The projection does not give its known answer on this machine.
    """

    def __init__(
        self,
        matcher: MatcherBackend,
        key: ProjectionKey,
        *,
        bits: int = 512,
        centre: Sequence[float] | None = None,
        metric: Literal["hamming", "cosine"] = "hamming",
    ) -> None:
        inner = matcher.card
        if metric not in _SCORES:
            raise MatcherError(f"the metric must be one of {', '.join(_SCORES)}")
        if inner.metric not in MEASURES or inner.id.endswith(SUFFIX):
            raise MatcherError(
                f"features of {inner.id} are compared by {inner.metric}: only embeddings "
                f"({', '.join(MEASURES)}) can be projected"
            )
        self._projection = SignProjection(
            key, context=inner.digest, dimension=inner.dimension, bits=bits, centre=centre
        )
        self._matcher, self._inner = matcher, inner
        self._card = renewable_card(inner, key, bits, metric, centre)
        self._score = _SCORES[metric]
        self._closed = False
        _check_known_answer()

    @property
    def card(self) -> ModelCard:
        """What computes the scores: the wrapped matcher's card, and the key's id in the version."""
        return self._card

    def capture(self, image: object, /) -> Sample | FailureToAcquire:
        """Capture by the wrapped matcher; raises as it does."""
        if self._closed:
            raise MatcherError("this matcher is closed")
        found = self._matcher.capture(image)
        if isinstance(found, FailureToAcquire):
            return found
        return attrs.evolve(found, card_digest=self._card.digest)

    def quality(self, sample: Sample, /) -> Quality:
        """The quality of a sample, as the wrapped matcher says.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        require_same_card(self._card, sample)
        return self._matcher.quality(attrs.evolve(sample, card_digest=self._inner.digest))

    def extract(self, sample: Sample, /) -> Features:
        """The sample's bits under the key.

        Raises:
            MatcherError: The sample was captured by another model, or its embedding is zero.
        """
        require_same_card(self._card, sample)
        inner = attrs.evolve(sample, card_digest=self._inner.digest)
        return self.project(self._matcher.extract(inner))

    def project(self, features: Features) -> Features:
        """The bits of features that the wrapped matcher extracted.

        Raises:
            MatcherError: Another model made them, or they are zero.
        """
        require_same_card(self._inner, features)
        signs = self._projection.project(features.values)
        return Features(card_digest=self._card.digest, values=signs)

    def renew(
        self,
        reference: Reference,
        *,
        id: str,
        created: datetime | None = None,
        expires: datetime | None = None,
    ) -> Reference:
        """A reference under this key, from one that holds the wrapped matcher's embeddings.

        This is how a key is replaced where the host keeps embeddings (encrypted, away from the
        bits). From bits under an old key there is no way to bits under a new one: where nothing
        else is kept, the person enrols again.

        Raises:
            MatcherError: Another model made it, or the id is that of the old reference.
        """
        if id == reference.id:
            raise MatcherError("a renewed reference needs a new id, else both could be linked")
        projected = [self.project(sample) for sample in reference.samples]
        return Reference.from_samples(projected, id=id, created=created, expires=expires)

    def compare(self, reference: Features, probe: Features, /) -> ComparisonScore:
        """The share of bits that differ, or the cosine.

        Raises:
            MatcherError: One of them was made by another model, or under another key, or holds
                anything but 1 and -1.
        """
        require_same_card(self._card, reference, probe)
        for one in (reference, probe):
            if not (abs(one.values) == 1).all():
                raise MatcherError(f"features of {self._card.id} hold 1 and -1 only")
        value = self._score(reference.values, probe.values)
        return score_of(self._card, value, reference=reference.reference_id)

    def self_test(self) -> None:
        """Check the projection's known answer, and the wrapped matcher's.

        Raises:
            MatcherError: An answer is not the known one.
        """
        _check_known_answer()
        self._matcher.self_test()

    def close(self) -> None:
        """Capture no more; the wrapped matcher stays open."""
        self._closed = True


def _hamming(left: Vector, right: Vector) -> float:
    """The share of values that differ."""
    return int((left != right).sum()) / len(left)


_SCORES: dict[str, Callable[[Vector, Vector], float]] = {"hamming": _hamming, "cosine": cosine}


def _check_known_answer() -> None:
    """One small projection, with the answer that every implementation must come to."""
    import numpy

    projection = SignProjection(
        ProjectionKey(bytes(range(32))), context=bytes(32), dimension=5, bits=64
    )
    signs = projection.project(numpy.array([1.0, -0.5, 0.25, 1e-3, -3.0]))
    if numpy.packbits(signs > 0, bitorder="little").tobytes().hex() != _KNOWN:
        raise ModelError("self-test: the sign projection does not give its known answer")
