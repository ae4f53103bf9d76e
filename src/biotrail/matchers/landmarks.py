"""MediaPipe Face Landmarker as a matcher: exactly one face, and the geometry of its landmarks.

Demonstration-grade: outside a laboratory the geometry of landmarks tells people apart hardly better
than chance (docs/explanation/face-landmarks.md has the figures). It must not guard anything.
MediaPipe runs in a process of its own that cannot reach the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from biotrail.matchers._geometry import RIGID_POINTS, shape, shape_distance
from biotrail.matchers._worker import LostWorker, NetworkSeal
from biotrail.matchers.backend import FailureToAcquire, Features, Sample, require_same_card
from biotrail.matchers.card import Assurance, ModelCard, NetworkPolicy
from biotrail.matchers.decision import ComparisonScore, score_of
from biotrail.matchers.faces._face_matcher import FaceMatcher
from biotrail.matchers.faces.face import Face
from biotrail.matchers.faces.finder import FaceFinder

__all__ = ["DEMONSTRATION_THRESHOLD", "MediaPipeFaceLandmarks", "NetworkSeal"]

DEMONSTRATION_THRESHOLD = 0.039
"""Shape distance up to which the demonstration says "match". Not calibrated for anything else."""


class MediaPipeFaceLandmarks(FaceMatcher):
    """Captures one face by MediaPipe Face Landmarker and compares its geometry. Thread-safe.

    The score is a shape distance: 0 for equal shapes, lower is better. It is demonstration-grade.

    Args:
        model: Path of ``face_landmarker.task``; None takes the one in the cache, which
            ``biotrail models fetch`` brings. Its SHA-256 is checked either way.
        finder: Finds the faces. It is shared, and stays open when this closes. None makes one.
        settings: Further arguments of the `FaceFinder` that is made.

    Raises:
        MissingDependencyError: MediaPipe, NumPy, Pillow or a system library is missing.
        ModelError: The model file is missing, or is another file.
        NetworkSealError: MediaPipe would use the network here, and cannot be sealed from it.
        MatcherError: The worker does not start.
    """

    def __init__(
        self, model: str | Path | None = None, *, finder: FaceFinder | None = None, **settings: Any
    ) -> None:
        self._own = FaceFinder(model, **settings) if finder is None else None
        self._finder: FaceFinder = finder or self._own  # type: ignore[assignment]
        super().__init__(_card(self._finder))

    @property
    def finder(self) -> FaceFinder:
        """What finds the faces; other matchers may share it."""
        return self._finder

    @property
    def seal(self) -> NetworkSeal:
        """How the worker is kept from the network."""
        return self._finder.seal

    @property
    def lost_workers(self) -> tuple[LostWorker, ...]:
        """The worker processes that died or hung and were replaced, the latest 100."""
        return self._finder.lost_workers

    def capture(self, image: object, /) -> Sample | FailureToAcquire:
        """Look for exactly one face, good enough for the finder's gates.

        Args:
            image: A NumPy array (uint8, height x width x 3, RGB), the bytes of an image file, its
                path; or a `Face` that a finder found, as of a frame of a video.

        Raises:
            MatcherError: The image cannot be read, or the worker failed twice on it.
        """
        face = image if isinstance(image, Face) else self._finder.find(image)
        if isinstance(face, FailureToAcquire):
            return face
        sample = face.sample(self._card, face.landmarks)
        return self._finder.gates.check_sample(sample) or sample

    def extract(self, sample: Sample, /) -> Features:
        """The shape of the face, with position, size and head pose taken out.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        require_same_card(self._card, sample)
        return Features(card_digest=self._card.digest, values=shape(sample.values))

    def compare(self, reference: Features, probe: Features, /) -> ComparisonScore:
        """The distance of two shapes; lower is better.

        Raises:
            MatcherError: One of them was made by another model.
        """
        require_same_card(self._card, reference, probe)
        value = shape_distance(reference.values, probe.values)
        return score_of(self._card, value, reference=reference.reference_id)

    def self_test(self) -> None:
        """Find a drawn face where it is known to be, and none in an empty image.

        Raises:
            ModelError: The answers are not the known ones.
        """
        self._finder.self_test()

    def close(self) -> None:
        """Kill the worker, unless the finder is shared; takes some milliseconds."""
        if self._own is not None:
            self._own.close()


def _card(finder: FaceFinder) -> ModelCard:
    return ModelCard(
        id="mediapipe-face-geometry",
        version="1",
        metric="shape_distance",
        higher_is_better=False,
        intended_use=(
            "demonstration and tests; capture of exactly one face; not for identifying people"
        ),
        assurance=Assurance.DEMONSTRATION,
        network_policy=NetworkPolicy.SEALED,
        dimension=3 * len(RIGID_POINTS),
        files=(finder.file,),
        runtime="mediapipe",
        runtime_version=finder.seal.mediapipe,
        colour_order="RGB",
        value_range="0..255",
        alignment="3-D landmarks, centred, unit size, best rotation onto each other",
    )
