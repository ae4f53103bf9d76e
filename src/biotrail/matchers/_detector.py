"""Face Landmarker in this process: used by the landmark worker only, after it is sealed."""

from __future__ import annotations

import sys
import types
from typing import Any

from biotrail.matchers._wire import FACE_BYTES, PICTURE

__all__ = ["Detector", "Refusal"]

_UNUSED_MODULES = ("cv2", "matplotlib", "matplotlib.pyplot", "sounddevice")
"""MediaPipe imports these for drawing and sound only; without them it starts a second earlier, and
needs no libGL."""

_SYSTEM_LIBRARIES = ("libEGL", "libGLES", "libGL.")


class Refusal(Exception):
    """What the worker answers instead of a result.

    Args:
        reason: ``"seal"``, ``"dependency"``, ``"model"`` or ``"protocol"``.
        message: For the user.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _import_mediapipe() -> Any:
    """Import it without what it needs only for drawing; with everything where that fails."""
    absent = [name for name in _UNUSED_MODULES if name not in sys.modules]
    for name in absent:
        sys.modules[name] = types.ModuleType(name)
    try:
        import mediapipe
    except Exception:
        for name in [*absent, *(name for name in sys.modules if name.startswith("mediapipe"))]:
            sys.modules.pop(name, None)
        import mediapipe
    return mediapipe


class Detector:
    """Face Landmarker in this process.

    Args:
        model: Bytes of the .task file.
        options: ``maximum_faces``, ``minimum_confidence_micro`` and ``video``.

    Raises:
        Refusal: A library is missing, or the model is not one.
    """

    def __init__(self, model: bytes, options: dict[str, int]) -> None:
        self._video = bool(options.get("video"))
        try:
            self._mediapipe = _import_mediapipe()
            self._landmarker = self._create(model, options)
        except (ImportError, OSError) as error:
            raise _dependency_refusal(error) from error
        except (ValueError, RuntimeError) as error:
            raise Refusal("model", f"MediaPipe refuses the model: {error}") from error

    def _create(self, model: bytes, options: dict[str, int]) -> Any:
        tasks = self._mediapipe.tasks
        modes = tasks.vision.RunningMode
        confidence = options["minimum_confidence_micro"] / 1_000_000
        settings = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=model),
            running_mode=modes.VIDEO if self._video else modes.IMAGE,
            num_faces=options["maximum_faces"],
            min_face_detection_confidence=confidence,
            min_face_presence_confidence=confidence,
            min_tracking_confidence=confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        return tasks.vision.FaceLandmarker.create_from_options(settings)

    def detect(self, body: bytes | memoryview, shared: Any = None) -> list[bytes]:
        """Find the faces of one DETECT body; each as `FACE_BYTES` bytes.

        Args:
            body: As in `biotrail.matchers._wire`.
            shared: Memory in which the pixels lie, where they are not in the body.
        """
        import numpy

        width, height, milliseconds = PICTURE.unpack_from(body)
        size = width * height * 3
        inline = len(body) - PICTURE.size
        source = shared if shared is not None and not inline else memoryview(body)[PICTURE.size :]
        if not size or len(source) < size or inline not in (0, size):
            raise Refusal("protocol", "the pixels do not fill the image")
        pixels = numpy.frombuffer(source, numpy.uint8, size).reshape(height, width, 3)
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=pixels)
        if self._video:
            found = self._landmarker.detect_for_video(image, milliseconds)
        else:
            found = self._landmarker.detect(image)
        parts = (
            found.face_landmarks,
            found.face_blendshapes,
            found.facial_transformation_matrixes,
        )
        return [_face_bytes(*face) for face in zip(*parts, strict=True)]


def _face_bytes(points: Any, blendshapes: Any, matrix: Any) -> bytes:
    import numpy

    data = b"".join(
        (
            numpy.array([(point.x, point.y, point.z) for point in points], "<f4").tobytes(),
            numpy.array([shape.score for shape in blendshapes], "<f4").tobytes(),
            numpy.asarray(matrix, "<f4").tobytes(),
        )
    )
    if len(data) != FACE_BYTES:
        raise Refusal(
            "model",
            f"the model gives {len(points)} points and {len(blendshapes)} blendshapes for a face, "
            "not 478 and 52",
        )
    return data


def _dependency_refusal(error: Exception) -> Refusal:
    text = str(error)
    if any(name in text for name in _SYSTEM_LIBRARIES):
        return Refusal(
            "dependency",
            f"MediaPipe needs system libraries ({text}). On Debian and Ubuntu: "
            "apt-get install -y --no-install-recommends libegl1 libgles2",
        )
    return Refusal(
        "dependency", f"MediaPipe cannot be loaded ({text}): pip install 'biotrail[mediapipe]'"
    )
