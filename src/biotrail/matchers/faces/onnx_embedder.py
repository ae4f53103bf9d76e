"""Face embeddings by an ONNX model, in ONNX Runtime."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers.backend import FailureToAcquire, Features, Sample, require_same_card
from biotrail.matchers.card import ModelCard, ModelFile, NetworkPolicy
from biotrail.matchers.comparing import comparison_by
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.faces.alignment import align
from biotrail.matchers.faces.capture import FaceChips
from biotrail.matchers.faces.finder import FaceFinder
from biotrail.matchers.faces.gates import CaptureGates
from biotrail.matchers.faces.known_answers import KnownAnswers, answers_of
from biotrail.matchers.faces.presets import DLIB_RESNET_128, FaceModel
from biotrail.matchers.faces.sample import quality_of
from biotrail.matchers.measures import MEASURES
from biotrail.matchers.model_files import fetch
from biotrail.matchers.quality import Quality

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.images import Pixels

__all__ = ["OnnxFaceEmbedder"]

_MODULES = ("onnxruntime", "numpy", "PIL")


class OnnxFaceEmbedder:
    """Captures one face, aligns it, and turns it into an embedding. Thread-safe.

    Faces are found by MediaPipe's landmarks, in a sealed process of its own; or the host finds
    them, and captures from `FivePointFace`. ONNX Runtime runs in the host's process.

    Args:
        model: Path of the ONNX file; None takes the preset's own from the cache, which
            ``biotrail models fetch`` brings.
        preset: How the model is fed and compared.
        finder: Finds the faces. It is shared, and stays open when this closes. None makes one.
        find_faces: Whether faces are to be found here at all. Without, MediaPipe is not needed, and
            only `FivePointFace` can be captured.
        gates: Which faces are good enough; None takes the finder's, or the defaults.
        threads: How many threads one extraction may use.
        known_answers: What the model must answer to the drawn faces; None takes those that come
            with biotrail for this preset, if any.

    Raises:
        MissingDependencyError: ONNX Runtime, NumPy, Pillow, or what the finder needs is missing.
        ModelError: The file is missing, is not the preset's, is no such model, or fails the
            self-test.
        NetworkSealError: MediaPipe would use the network here, and cannot be sealed from it.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        preset: FaceModel = DLIB_RESNET_128,
        finder: FaceFinder | None = None,
        find_faces: bool = True,
        gates: CaptureGates | None = None,
        threads: int = 1,
        known_answers: KnownAnswers | None = None,
    ) -> None:
        _require_packages()
        self._preset = preset
        name, data = read_model(model, preset)
        self._session = _session(data, threads)
        self._input = _input_name(self._session, preset)
        self._card = _card(preset, name, data)
        self._compare = comparison_by(self._card)
        self._known = known_answers or KnownAnswers.stored(preset.id)
        self.self_test()
        self._chips = FaceChips(
            self._card, preset, finder=finder, find_faces=find_faces, gates=gates
        )

    @property
    def card(self) -> ModelCard:
        """What computes the scores."""
        return self._card

    def capture(self, image: object, /) -> Sample | FailureToAcquire:
        """Look for exactly one face, good enough, and cut it out as the model wants it.

        Args:
            image: A NumPy array (uint8, height x width x 3, RGB), the bytes of an image file, its
                path; or a `FivePointFace`.

        Raises:
            MatcherError: The image cannot be read; or the finder failed, or there is none.
        """
        return self._chips.capture(image)

    def quality(self, sample: Sample, /) -> Quality:
        """Pose, size, sharpness, brightness and neutrality of the face.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        require_same_card(self._card, sample)
        return quality_of(sample)

    def extract(self, sample: Sample, /) -> Features:
        """The embedding of the face.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        require_same_card(self._card, sample)
        return Features(card_digest=self._card.digest, values=self._embed(sample.values))

    def compare(self, reference: Features, probe: Features, /) -> ComparisonScore:
        """Compare two embeddings in float64, in a defined order.

        Raises:
            MatcherError: One of them was made by another model.
        """
        return self._compare(reference, probe)

    def answers(self) -> KnownAnswers:
        """What the model answers to the drawn faces: keep it, and give it back as `known_answers`.

        For a model that biotrail has no known answers of. Taken once, when error rates were
        measured, it finds every later change of file, runtime or preprocessing.
        """
        preset = self._preset

        def extract(pixels: Pixels, points: Vector) -> Vector:
            return self._embed(align(pixels, points, kind=preset.points, size=preset.size))

        return answers_of(extract, preset.points)

    def self_test(self) -> None:
        """Check the answers to the drawn faces; where none are known, that there are answers.

        Raises:
            ModelError: An answer is not the known one.
        """
        found = self.answers()
        if self._known is not None:
            self._known.check(found)
        elif found.vectors[0] == found.vectors[1]:
            raise ModelError("self-test: the model gives two different faces the same features")

    def close(self) -> None:
        """Release the model, and the finder if it was made here."""
        self._chips.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _embed(self, chip: Any) -> Vector:
        """Features of a chip: uint8, RGB, shape (size, size, 3)."""
        import numpy

        preset = self._preset
        ordered = chip if preset.colour_order == "RGB" else chip[:, :, ::-1]
        values = (ordered.astype(numpy.float32) - numpy.float32(preset.mean)) / numpy.float32(
            preset.scale
        )
        placed = values.transpose(2, 0, 1) if preset.channels_first else values
        (answer,) = self._session.run(None, {self._input: numpy.ascontiguousarray(placed[None])})
        return _features(answer, preset)


def _features(answer: Any, preset: FaceModel) -> Vector:
    import numpy

    vector: Vector = numpy.asarray(answer, numpy.float64).reshape(-1)
    length = float(numpy.sqrt((vector * vector).sum()))
    if vector.size != preset.dimension or not 0 < length < float("inf"):
        raise ModelError(
            f"the model of {preset.id} does not give {preset.dimension} finite values that are not "
            "all zero"
        )
    if preset.normalised:
        vector = vector / length
    vector.setflags(write=False)
    return vector


def _require_packages() -> None:
    absent = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"OnnxFaceEmbedder needs {', '.join(absent)}: pip install 'biotrail[onnx]'"
        )


def read_model(path: str | Path | None, preset: FaceModel) -> tuple[str, bytes]:
    """Name and bytes of the model file, which are the ones that will be run.

    Raises:
        ModelError: It is missing, or is not the preset's.
    """
    if path is None:
        if preset.known_file is None:
            raise ModelError(f"{preset.id} has no file of its own: give the path of yours")
        path = fetch(preset.known_file, offline=True)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if preset.sha256 and found not in preset.sha256:
        expected = " or ".join(preset.sha256)
        raise ModelError(f"{path} is not {preset.id}: SHA-256 {found}, expected {expected}")
    return Path(path).name, data


def _session(data: bytes, threads: int) -> Any:
    import onnxruntime

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


def _card(preset: FaceModel, name: str, data: bytes) -> ModelCard:
    import onnxruntime

    return ModelCard(
        id=preset.id,
        version=preset.version,
        metric=preset.metric,
        higher_is_better=MEASURES[preset.metric][1],
        intended_use=preset.intended_use,
        assurance=preset.assurance,
        network_policy=NetworkPolicy.OBSERVED,
        dimension=preset.dimension,
        files=(
            ModelFile(name=name, sha256=hashlib.sha256(data).hexdigest(), licence=preset.licence),
        ),
        runtime="onnxruntime",
        runtime_version=onnxruntime.__version__,
        colour_order=preset.colour_order,
        value_range=preset.value_range,
        alignment=f"{preset.points.value}, {preset.size} x {preset.size}",
    )
