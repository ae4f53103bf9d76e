"""Face embeddings by OpenCV's `FaceRecognizerSF`, with a model file that the user brings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers.faces.embedder import EmbedderOptions, FaceEmbedder
from biotrail.matchers.faces.presets import SFACE_128, FaceModel

if TYPE_CHECKING:
    from biotrail.matchers.images import Pixels

__all__ = ["OpenCvFaceRecognizer"]

_MODULES = ("cv2", "numpy", "PIL")


class OpenCvFaceRecognizer(FaceEmbedder):
    """Captures one face and turns it into an embedding by OpenCV. Not thread-safe.

    The chip is cut here, by the same template as OpenCV's ``alignCrop``, and compared here, in the
    defined order; OpenCV runs the model.

    Args:
        model: Path of the ONNX file, by default SFace's from the cache.
        preset: How the model is compared. `FaceRecognizerSF` itself takes 112 x 112 pixels from 0
            to 255, so a preset with another input is refused.
        **options: See `biotrail.matchers.faces.embedder.EmbedderOptions`. biotrail has no answers
            of SFace's file.

    Raises:
        MissingDependencyError: OpenCV, NumPy, Pillow, or what the finder needs is missing.
        ModelError: The file is missing, is not the preset's, is no such model, fails the
            self-test, or has no known answers to be held to; or the preset is not one that OpenCV
            can feed.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        preset: FaceModel = SFACE_128,
        **options: Unpack[EmbedderOptions],
    ) -> None:
        _require_packages()
        import cv2

        _check_preset(preset)
        super().__init__(model, preset, ("opencv", cv2.__version__), **options)

    def _load(self, data: bytes) -> None:
        self._recognizer = _recognizer(data)

    def _answer(self, chip: Pixels) -> Any:
        import cv2
        import numpy

        blue_first = numpy.ascontiguousarray(chip[:, :, ::-1])
        try:
            return self._recognizer.feature(blue_first)
        except cv2.error as error:
            raise ModelError(f"OpenCV cannot run the model: {error.err}") from error


def _require_packages() -> None:
    absent = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"OpenCvFaceRecognizer needs {', '.join(absent)}: pip install 'biotrail[opencv]'"
        )
    try:
        import cv2  # noqa: F401 - what it links to is found missing only now
    except ImportError as error:
        raise MissingDependencyError(
            f"OpenCV needs system libraries ({error}). On Debian and Ubuntu: "
            "apt-get install -y --no-install-recommends libgl1 libglib2.0-0"
        ) from error


def _check_preset(preset: FaceModel) -> None:
    given = (preset.size, preset.mean, preset.scale, preset.channels_first, preset.colour_order)
    if given != (112, 0.0, 1.0, True, "RGB"):
        raise ModelError(
            f"OpenCV's FaceRecognizerSF feeds 112 x 112 RGB pixels from 0 to 255; {preset.id} "
            "wants something else"
        )


def _recognizer(data: bytes) -> Any:
    import cv2
    import numpy

    empty = numpy.zeros(0, numpy.uint8)
    try:
        return cv2.FaceRecognizerSF.create("onnx", numpy.frombuffer(data, numpy.uint8), empty)
    except (cv2.error, AttributeError) as error:
        raise ModelError(f"OpenCV refuses the model: {error}") from error
