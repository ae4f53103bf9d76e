"""What every matcher backend does, and the values that pass between its steps.

The way of a comparison, each step a value of its own::

    image ── capture ──► Sample ── extract ──► Features ──► Reference (kept)
                └──► FailureToAcquire (data, not an exception)
    Reference, Features ── compare ──► ComparisonScore ── decide(threshold) ──► Comparison

Rules kept here:

- A backend answers with a score, never with a boolean. The decision is made by a threshold, and
  without a threshold it is undetermined.
- Features carry the digest of the card that made them; two digests are never compared.
- Biometric data (samples, features, references) is in no ``repr``, exception or log line.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import attrs

from biotrail.errors import MatcherError
from biotrail.events import Reason
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.measures import inner_product
from biotrail.matchers.quality import Quality

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Vector = NDArray[numpy.float64]

__all__ = [
    "CaptureFailure",
    "FailureToAcquire",
    "Features",
    "MatcherBackend",
    "Sample",
    "require_features",
    "require_same_card",
]


class CaptureFailure(StrEnum):
    """Why no usable sample was captured. `event_reason` is the word that an event can carry."""

    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    TOO_SMALL = "too_small"
    POSE = "pose"
    BLUR = "blur"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    LOW_QUALITY = "low_quality"

    @property
    def event_reason(self) -> Reason:
        """The same in the words of events, which have one word for poor quality of other kinds."""
        if self is CaptureFailure.TOO_BRIGHT:
            return Reason.LOW_QUALITY
        return Reason(self.value)


@attrs.frozen
class FailureToAcquire:
    """No usable sample could be captured (ISO/IEC 2382-37: failure to acquire).

    Attributes:
        reason: What stood in the way.
        detail: A sentence for people, without biometric data.
    """

    reason: CaptureFailure = attrs.field(converter=CaptureFailure)
    detail: str = ""


@attrs.frozen(eq=False, kw_only=True)
class Sample:
    """One captured biometric sample, as the backend that captured it needs it.

    Attributes:
        card_digest: Digest of the capturing backend's card, 32 bytes.
        values: The sample's values; shape and type are the backend's affair. Biometric data.
        width: Width of the image it was captured from, in pixels; 0 where there was no image.
        height: Height of that image, in pixels.
        eye_distance: Distance of the pupils in that image, in pixels; None where not known.
    """

    card_digest: bytes = attrs.field(repr=lambda digest: digest.hex()[:16])
    values: NDArray[Any] = attrs.field(repr=False)
    width: int = 0
    height: int = 0
    eye_distance: float | None = None


@attrs.frozen(eq=False, kw_only=True)
class Features:
    """What is compared: numbers that stand for one sample.

    Attributes:
        card_digest: Digest of the card of the backend that extracted them, 32 bytes.
        values: One-dimensional, float64, `ModelCard.dimension` long. Biometric data.
    """

    card_digest: bytes = attrs.field(repr=lambda digest: digest.hex()[:16])
    values: Vector = attrs.field(repr=False)

    @property
    def reference_id(self) -> str | None:
        """Identifier under which they were enrolled; None for a probe."""
        return None

    @cached_property
    def length(self) -> float:
        """Euclidean length of the values, computed once, in the order of `measures`."""
        return math.sqrt(inner_product(self.values, self.values))


def require_features(*things: object) -> None:
    """Refuse what is no features, and features that do not hold an array of real numbers.

    Raises:
        MatcherError: Of what type it is instead.
    """
    import numpy

    for thing in things:
        if not isinstance(thing, Features):
            raise MatcherError(f"features are compared, not {type(thing).__name__}")
        values: object = thing.values
        if not isinstance(values, numpy.ndarray):
            kind = type(values).__name__
        elif values.dtype.kind not in "fiu":
            kind = f"one of {values.dtype}"
        else:
            continue
        raise MatcherError(
            f"the values of features must be a NumPy array of real numbers, not {kind}"
        )


def require_same_card(card: ModelCard, *things: Sample | Features) -> None:
    """Refuse samples and features that another card made, and what is neither.

    Raises:
        MatcherError: A digest is not the card's: the score would mean nothing. Or features do not
            hold an array of as many real numbers as the card says.
    """
    for thing in things:
        if not isinstance(thing, Sample):
            require_features(thing)
        if thing.card_digest != card.digest:
            raise MatcherError(
                f"{type(thing).__name__} of another model "
                f"(card {thing.card_digest.hex()[:16]}, not {card.digest.hex()[:16]} of {card.id} "
                f"{card.version}); enrol again with this one"
            )
        if isinstance(thing, Features) and thing.values.shape != (card.dimension,):
            hint = "; compare several samples with compare_reference" * (thing.values.ndim == 2)
            raise MatcherError(f"features of {card.id} must hold {card.dimension} values{hint}")


@runtime_checkable
class MatcherBackend(Protocol):
    """A matcher: turns images (or what else it captures from) into comparison scores.

    Backends need not be thread-safe unless they say so. All of them are context managers.
    """

    @property
    def card(self) -> ModelCard:
        """What computes the scores."""
        ...

    def capture(self, image: object, /) -> Sample | FailureToAcquire:
        """Look for exactly one face (or what else is compared) and return it as a sample.

        Raises:
            MatcherError: The argument is not an image that this backend can read.
        """
        ...

    def quality(self, sample: Sample, /) -> Quality:
        """What was measured of a sample of this backend.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        ...

    def extract(self, sample: Sample, /) -> Features:
        """Turn a sample of this backend into features.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        ...

    def compare(self, reference: Features, probe: Features, /) -> ComparisonScore:
        """Compare a probe with a reference and return the score, without a decision.

        Raises:
            MatcherError: One of them was made by another model.
        """
        ...

    def self_test(self) -> None:
        """Check known answers, so that a wrong model or a wrong scaling is found before use.

        Raises:
            MatcherError: An answer is not the known one.
        """
        ...

    def close(self) -> None:
        """Release what the backend holds; calling it again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...
