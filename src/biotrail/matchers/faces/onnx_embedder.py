"""Face embeddings by an ONNX model, in ONNX Runtime."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers.faces.embedder import EmbedderOptions, FaceEmbedder
from biotrail.matchers.faces.presets import DLIB_RESNET_128, FaceModel

if TYPE_CHECKING:
    from biotrail.matchers.images import Pixels

__all__ = ["OnnxFaceEmbedder"]

_MODULES = ("onnxruntime", "numpy", "PIL")


class OnnxFaceEmbedder(FaceEmbedder):
    """Captures one face, aligns it, and turns it into an embedding. Thread-safe.

    Faces are found by MediaPipe's landmarks, in a sealed process of its own; or the host finds
    them, and captures from `FivePointFace`. ONNX Runtime runs in the host's process.

    Args:
        model: Path of the ONNX file; None takes the preset's own from the cache, which
            ``biotrail models fetch`` brings.
        preset: How the model is fed and compared.
        threads: How many threads one extraction may use.
        **options: See `biotrail.matchers.faces.embedder.EmbedderOptions`.

    Raises:
        MissingDependencyError: ONNX Runtime, NumPy, Pillow, or what the finder needs is missing.
        ModelError: The file is missing, is not the preset's, is no such model, fails the
            self-test, or has no known answers to be held to.
        NetworkSealError: MediaPipe would use the network here, and cannot be sealed from it.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        preset: FaceModel = DLIB_RESNET_128,
        threads: int = 1,
        **options: Unpack[EmbedderOptions],
    ) -> None:
        _require_packages()
        import onnxruntime

        self._threads = threads
        super().__init__(model, preset, ("onnxruntime", onnxruntime.__version__), **options)

    def _load(self, data: bytes) -> None:
        self._session = _session(data, self._threads)
        self._input = _input_name(self._session, self._preset)

    def _answer(self, chip: Pixels) -> Any:
        import numpy

        preset = self._preset
        ordered = chip if preset.colour_order == "RGB" else chip[:, :, ::-1]
        values = ordered.astype(numpy.float32) - numpy.float32(preset.mean)
        values /= numpy.float32(preset.scale)
        placed = values.transpose(2, 0, 1) if preset.channels_first else values
        (answer,) = self._session.run(None, {self._input: numpy.ascontiguousarray(placed[None])})
        return answer


def _require_packages() -> None:
    absent = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"OnnxFaceEmbedder needs {', '.join(absent)}: pip install 'biotrail[onnx]'"
        )


def _session(data: bytes, threads: int) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # does nothing but in its builds for Windows
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors come as exceptions
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes derive from Exception alone
        raise ModelError(f"ONNX Runtime refuses the model: {str(error)[:300]}") from error


def _input_name(session: Any, preset: FaceModel) -> str:
    inputs = session.get_inputs()
    side = preset.size
    wanted = (3, side, side) if preset.channels_first else (side, side, 3)
    shape = tuple(inputs[0].shape) if len(inputs) == 1 else ()
    fits = len(shape) == 4 and all(
        not isinstance(found, int) or found == expected
        for found, expected in zip(shape, (1, *wanted), strict=True)
    )
    if not fits or inputs[0].type != "tensor(float)":
        raise ModelError(f"the model's input is not one float tensor of (n, *{wanted})")
    return str(inputs[0].name)
