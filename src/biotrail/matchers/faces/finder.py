"""Exactly one face in an image, found by MediaPipe Face Landmarker in a sealed process."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers._geometry import LANDMARKS, eye_distance
from biotrail.matchers._self_test import check_drawn_face
from biotrail.matchers._worker import LandmarkWorker, NetworkSeal
from biotrail.matchers.backend import CaptureFailure, FailureToAcquire
from biotrail.matchers.card import ModelFile
from biotrail.matchers.images import MAXIMUM_PIXELS, RgbImage, read_image
from biotrail.matchers.model_files import FACE_LANDMARKER, fetch, known_files

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["Face", "FaceFinder"]

_MODULES = ("mediapipe", "numpy", "PIL")


@attrs.frozen(eq=False, kw_only=True)
class Face:
    """The one face of an image.

    Attributes:
        picture: The image, upright, not larger than the face model needs.
        points: 478 landmarks in pixels of the original image, float64, shape (478, 3); z has the
            unit of x.
    """

    picture: RgbImage = attrs.field(repr=False)
    points: Vector = attrs.field(repr=False)


class FaceFinder:
    """Finds exactly one face, large enough. Thread-safe; may serve several matchers.

    Args:
        model: Path of ``face_landmarker.task``; None takes the one in the cache, which
            ``biotrail models fetch`` brings. Its SHA-256 is checked either way.
        timeout: Seconds that one image may take before the worker is replaced.
        start_timeout: Seconds that starting the worker may take.
        minimum_eye_distance: Faces whose pupils are closer, in pixels, are too small.
        minimum_confidence: Below this MediaPipe does not report a face.
        maximum_pixels: Larger images are refused before they are decoded.

    Raises:
        MissingDependencyError: MediaPipe, NumPy, Pillow or a system library is missing.
        ModelError: The model file is missing, or is another file.
        NetworkSealError: MediaPipe would use the network here, and cannot be sealed from it.
        MatcherError: The worker does not start.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        timeout: float = 10.0,
        start_timeout: float = 60.0,
        minimum_eye_distance: float = 32.0,
        minimum_confidence: float = 0.5,
        maximum_pixels: int = MAXIMUM_PIXELS,
    ) -> None:
        _require_packages()
        self._minimum_eye_distance = minimum_eye_distance
        self._maximum_pixels = maximum_pixels
        self._worker = LandmarkWorker(
            _read_model(model),
            minimum_confidence=minimum_confidence,
            start_timeout=start_timeout,
            timeout=timeout,
        )
        try:
            self._worker.start()
            self.self_test()
        except BaseException:
            self._worker.close()
            raise

    @property
    def seal(self) -> NetworkSeal:
        """How the worker is kept from the network."""
        return NetworkSeal(**self._worker.ready)

    @property
    def restarts(self) -> int:
        """How often the worker died or hung and was replaced."""
        return self._worker.restarts

    @property
    def file(self) -> ModelFile:
        """The model file, as a card names it."""
        model = known_files()[FACE_LANDMARKER]
        return ModelFile(name=model.name, sha256=model.sha256, licence=model.licence)

    def find(self, image: object) -> Face | FailureToAcquire:
        """Look for exactly one face, large enough.

        Args:
            image: A NumPy array (uint8, height x width x 3, RGB), the bytes of an image file, or
                its path.

        Raises:
            MatcherError: The image cannot be read, or the worker failed twice on it.
        """
        picture = read_image(image, maximum_pixels=self._maximum_pixels)
        faces = self.landmarks(picture)
        if not faces:
            return FailureToAcquire(CaptureFailure.NO_FACE, "no face was found")
        if len(faces) > 1:
            return FailureToAcquire(
                CaptureFailure.MULTIPLE_FACES, "more than one face: whose attempt is it?"
            )
        return self._large_enough(Face(picture=picture, points=faces[0]))

    def landmarks(self, picture: RgbImage) -> list[Vector]:
        """Landmarks of each face in pixels of the original image, shape (478, 3)."""
        import numpy

        height, width, _ = picture.pixels.shape
        flat = picture.pixels.data.cast("B")
        found = self._worker.detect(flat, width=width, height=height)
        # z has the unit of x (MediaPipe's documentation of face landmarks).
        unit = numpy.array([width, height, width], numpy.float64) * picture.scale
        return [numpy.frombuffer(face, "<f4").reshape(LANDMARKS, 3) * unit for face in found]

    def self_test(self) -> None:
        """Find a drawn face where it is known to be, and none in an empty image.

        Raises:
            ModelError: The answers are not the known ones.
        """
        check_drawn_face(self.landmarks)

    def close(self) -> None:
        """Kill the worker; takes some milliseconds. Calling it again does nothing."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _large_enough(self, face: Face) -> Face | FailureToAcquire:
        distance = eye_distance(face.points)
        if distance >= self._minimum_eye_distance:
            return face
        return FailureToAcquire(
            CaptureFailure.TOO_SMALL,
            f"the pupils are {distance:.0f} pixels apart; "
            f"at least {self._minimum_eye_distance:.0f} are needed",
        )


def _require_packages() -> None:
    absent = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"finding faces needs {', '.join(absent)}: pip install 'biotrail[mediapipe]'"
        )


def _read_model(path: str | Path | None) -> bytes:
    """The model's bytes, which are the ones that the worker will be given."""
    if path is None:
        path = fetch(FACE_LANDMARKER, offline=True)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    expected, found = known_files()[FACE_LANDMARKER].sha256, hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ModelError(f"{path} is not {FACE_LANDMARKER}: SHA-256 {found}, expected {expected}")
    return data
