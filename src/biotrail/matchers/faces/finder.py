"""Exactly one face in an image, found by MediaPipe Face Landmarker in a sealed process."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from biotrail._closing import Closing
from biotrail.errors import MatcherError, MissingDependencyError, ModelError
from biotrail.matchers._self_test import check_drawn_face
from biotrail.matchers._worker import LandmarkWorker, LostWorker, NetworkSeal
from biotrail.matchers.backend import CaptureFailure, FailureToAcquire
from biotrail.matchers.card import ModelFile
from biotrail.matchers.faces.face import Face, face_of
from biotrail.matchers.faces.gates import CaptureGates
from biotrail.matchers.images import MAXIMUM_PIXELS, RgbImage, read_image
from biotrail.matchers.model_files import FACE_LANDMARKER, fetch, known_files

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["FaceFinder"]

_MODULES = ("mediapipe", "numpy", "PIL")
_TESTS = 10
"""Milliseconds before a video's own time in which the self-test's frames lie."""
_LAST_TIME = 2**50


class FaceFinder(Closing):
    """Finds exactly one face. Thread-safe; may serve several matchers.

    With `video`, the images are frames of one video, in their order, each with its time; MediaPipe
    then tracks the face from frame to frame. Use one finder for each video.

    Args:
        model: Path of ``face_landmarker.task``; None takes the one in the cache, which
            ``biotrail models fetch`` brings. Its SHA-256 is checked either way.
        gates: Which faces are good enough, for the matchers that it serves.
        video: Whether frames of a video will be given.
        timeout: Seconds that one image may take before the worker is replaced.
        start_timeout: Seconds that starting the worker may take.
        minimum_confidence: Below this MediaPipe does not report a face.
        maximum_pixels: Larger images are refused before they are decoded.
        on_worker_lost: Called with each worker process that died or hung, so that the host can
            record it; it must not use the finder. `lost_workers` keeps the latest.

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
        gates: CaptureGates | None = None,
        video: bool = False,
        timeout: float = 10.0,
        start_timeout: float = 60.0,
        minimum_confidence: float = 0.5,
        maximum_pixels: int = MAXIMUM_PIXELS,
        on_worker_lost: Callable[[LostWorker], None] | None = None,
    ) -> None:
        _require_packages()
        self._gates = gates or CaptureGates()
        self._maximum_pixels = maximum_pixels
        self._video = video
        self._last_frame = -1
        self._worker = LandmarkWorker(
            _read_model(model),
            video=video,
            on_worker_lost=on_worker_lost,
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
    def gates(self) -> CaptureGates:
        """Which faces are good enough."""
        return self._gates

    @property
    def lost_workers(self) -> tuple[LostWorker, ...]:
        """The worker processes that died or hung and were replaced, the latest 100."""
        return tuple(self._worker.lost_workers)

    @property
    def file(self) -> ModelFile:
        """The model file, as a card names it."""
        model = known_files()[FACE_LANDMARKER]
        return ModelFile(name=model.name, sha256=model.sha256, licence=model.licence)

    def find(self, image: object, *, milliseconds: int | None = None) -> Face | FailureToAcquire:
        """Look for exactly one face. Its quality is not judged yet: matchers do, by the gates.

        Args:
            image: A NumPy array (uint8, height x width x 3, RGB), the bytes of an image file, or
                its path.
            milliseconds: Time of the frame in its video: from 0, and more than that of the frame
                before. For a finder of videos only.

        Raises:
            MatcherError: The image cannot be read; the time is missing, or does not fit; or the
                worker failed twice on the image.
        """
        self._check_time(milliseconds)
        picture = read_image(image, maximum_pixels=self._maximum_pixels)
        faces = self.faces(picture, milliseconds=milliseconds)
        if not faces:
            return FailureToAcquire(CaptureFailure.NO_FACE, "no face was found")
        if len(faces) > 1:
            return FailureToAcquire(
                CaptureFailure.MULTIPLE_FACES, "more than one face: whose attempt is it?"
            )
        return faces[0]

    def faces(self, picture: RgbImage, *, milliseconds: int | None = None) -> list[Face]:
        """All faces of a picture, two at most; the time is for finders of videos only."""
        height, width, _ = picture.pixels.shape
        found = self._worker.detect(
            picture.pixels.data.cast("B"),
            width=width,
            height=height,
            milliseconds=0 if milliseconds is None else milliseconds + _TESTS,
        )
        if milliseconds is not None:
            self._last_frame = milliseconds
        return [face_of(data, picture, milliseconds) for data in found]

    def self_test(self) -> None:
        """Find a drawn face where it is known to be, and none in an empty image.

        Raises:
            ModelError: The answers are not the known ones.
            MatcherError: A finder of videos has begun its video.
        """
        if self._video and self._last_frame >= 0:
            raise MatcherError("a finder of videos tests itself before its first frame only")
        times = itertools.count(-_TESTS)

        def landmarks(picture: RgbImage) -> list[Vector]:
            found = self.faces(picture, milliseconds=next(times) if self._video else None)
            return [face.landmarks for face in found]

        check_drawn_face(landmarks)

    def _check_time(self, milliseconds: int | None) -> None:
        if not self._video:
            if milliseconds is not None:
                raise MatcherError("times are for frames of a video: FaceFinder(video=True)")
            return
        if type(milliseconds) is not int or not self._last_frame < milliseconds < _LAST_TIME:
            raise MatcherError(
                "the time of a frame must be a whole number of milliseconds, from 0, and more "
                "than that of the frame before"
            )

    def close(self) -> None:
        """Kill the worker; takes some milliseconds. Calling it again does nothing."""
        self._worker.close()


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
