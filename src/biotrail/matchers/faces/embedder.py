"""What every face embedding model has in common: capture, comparison, known answers.

A class for a runtime adds how the model is run.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from biotrail.errors import ModelError
from biotrail.matchers.backend import FailureToAcquire, Features, Sample, require_same_card
from biotrail.matchers.card import Assurance, ModelCard, ModelFile, NetworkPolicy
from biotrail.matchers.comparing import comparison_by
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.faces._face_matcher import FaceMatcher
from biotrail.matchers.faces.alignment import align
from biotrail.matchers.faces.capture import FaceChips
from biotrail.matchers.faces.finder import FaceFinder
from biotrail.matchers.faces.gates import CaptureGates
from biotrail.matchers.faces.known_answers import KnownAnswers, answers_of
from biotrail.matchers.faces.presets import FaceModel
from biotrail.matchers.measures import MEASURES
from biotrail.matchers.model_files import fetch

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.images import Pixels

__all__ = ["EmbedderOptions", "FaceEmbedder", "answers_to_check", "embedder_card", "read_model"]

_UNVERIFIED = "recording known answers: preprocessing is unverified, so it must not guard anything"


class EmbedderOptions(TypedDict, total=False):
    """How an embedding model gets its faces, and what it is held to."""

    finder: FaceFinder | None
    """Finds the faces. It is shared, and stays open when the embedder closes; one is made if left
    out."""
    find_faces: bool
    """Whether faces are to be found here at all; they are if left out. Without, MediaPipe is not
    needed, and only a `FivePointFace` can be captured."""
    gates: CaptureGates | None
    """Which faces are good enough; those of the finder, or the defaults, if left out."""
    known_answers: KnownAnswers | None
    """What the model must answer to the drawn faces, as recorded by the host. A file that biotrail
    has answers of is held to those too, under whatever preset."""
    unchecked: bool
    """Load the model even if no answers of it are known, in order to record them. Its card then
    says that its preprocessing is unverified, and calls it demonstration-grade. Answers that are
    known are checked all the same."""


class FaceEmbedder(FaceMatcher):
    """Captures one face, aligns it, and turns it into an embedding.

    Args:
        model: Path of the model file; None takes the preset's own from the cache.
        preset: How the model is fed and compared.
        runtime: Name and version of the software that runs it.
        finder: This and the rest: see `EmbedderOptions`.
        find_faces: Likewise.
        gates: Likewise.
        known_answers: Likewise.
        unchecked: Likewise.

    Raises:
        ModelError: The file is missing, is not the preset's, is no such model, fails the
            self-test, or has no known answers to be held to.
    """

    def __init__(
        self,
        model: str | Path | None,
        preset: FaceModel,
        runtime: tuple[str, str],
        *,
        finder: FaceFinder | None = None,
        find_faces: bool = True,
        gates: CaptureGates | None = None,
        known_answers: KnownAnswers | None = None,
        unchecked: bool = False,
    ) -> None:
        file, data = read_model(model, preset)
        known = answers_to_check(file, known_answers, unchecked=unchecked)
        card = embedder_card(preset, file=file, checked=bool(known), runtime=runtime)
        super().__init__(card)
        self._preset, self._known = preset, known
        self._compare = comparison_by(card)
        self._load(data)
        self.self_test()
        self._chips = FaceChips(card, preset, finder=finder, find_faces=find_faces, gates=gates)

    @abstractmethod
    def _load(self, data: bytes) -> None:
        """Make ready to run the model, whose file's bytes these are."""

    @abstractmethod
    def _answer(self, chip: Pixels) -> Any:
        """What the model answers to a chip: uint8, RGB, shape (size, size, 3), C-contiguous."""

    def capture(self, image: object, /) -> Sample | FailureToAcquire:
        """Look for exactly one face, good enough, and cut it out as the model wants it.

        Args:
            image: A NumPy array (uint8, height x width x 3, RGB), the bytes of an image file, its
                path; a `FivePointFace`; or a `Face` that a finder found, as of a frame of a video.

        Raises:
            MatcherError: The image cannot be read; or the finder failed, or there is none.
        """
        return self._chips.capture(image)

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

        For a model that biotrail has no known answers of: taken once, from a matcher that was made
        ``unchecked``, they find every later change of file, runtime or preprocessing. That the
        preprocessing was right to begin with is for the error rates to show, measured after it.
        """
        preset = self._preset

        def extract(pixels: Pixels, points: Vector) -> Vector:
            return self._embed(align(pixels, points, kind=preset.points, size=preset.size))

        return answers_of(extract, preset.points)

    def self_test(self) -> None:
        """Check the answers to the drawn faces; unchecked, only that they are two answers.

        Raises:
            ModelError: An answer is not the known one.
        """
        found = self.answers()
        for known in self._known:
            known.check(found)
        if found.vectors[0] == found.vectors[1]:
            raise ModelError("self-test: the model gives two different faces the same features")

    def close(self) -> None:
        """Release the model, and the finder if it was made here."""
        self._chips.close()

    def _embed(self, chip: Any) -> Vector:
        import numpy

        preset = self._preset
        vector: Vector = numpy.array(self._answer(chip), numpy.float64).reshape(-1)
        length = float(numpy.sqrt((vector * vector).sum()))
        if vector.size != preset.dimension or not 0 < length < float("inf"):
            raise ModelError(
                f"the model of {preset.id} does not give {preset.dimension} finite values that "
                "are not all zero"
            )
        if preset.normalised:
            vector = vector / length
        vector.setflags(write=False)
        return vector


def read_model(path: str | Path | None, preset: FaceModel) -> tuple[ModelFile, bytes]:
    """The model file, for the card, and its bytes, which are the ones that will be run.

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
    return ModelFile(name=Path(path).name, sha256=found, licence=preset.licence), data


def answers_to_check(
    file: ModelFile, given: KnownAnswers | None, *, unchecked: bool
) -> tuple[KnownAnswers, ...]:
    """The known answers that a model is held to: those stored for its file, and the host's.

    A preset cannot take a known file away from its answers, whatever its id, and neither can
    answers that the host recorded with a wrong preset.

    Args:
        file: The model file.
        given: What the host recorded, if anything.
        unchecked: Whether there may be none.

    Returns:
        None, one or two. None at all only if that was asked for.

    Raises:
        ModelError: There are none.
    """
    known = tuple(one for one in (KnownAnswers.stored(file.sha256), given) if one is not None)
    if not known and not unchecked:
        raise ModelError(
            f"no known answers of {file.name}, so a wrong scale or colour order would go unseen. "
            "To record them: load it once with unchecked=True and keep answers().to_json(); then "
            "give known_answers=KnownAnswers.from_json(...) and measure error rates"
        )
    return known


def embedder_card(
    preset: FaceModel, *, file: ModelFile, checked: bool, runtime: tuple[str, str]
) -> ModelCard:
    """The card of a model in a runtime.

    One that is held to no known answers has another card, so that what is enrolled or calibrated
    with it is refused by the same model once it is checked.

    Args:
        preset: How the model is fed and compared.
        file: The model file.
        checked: Whether it is held to known answers.
        runtime: Name and version of the software that runs it.
    """
    return ModelCard(
        id=preset.id,
        version=preset.version,
        metric=preset.metric,
        higher_is_better=MEASURES[preset.metric][1],
        intended_use=preset.intended_use if checked else _UNVERIFIED,
        assurance=preset.assurance if checked else Assurance.DEMONSTRATION,
        network_policy=NetworkPolicy.OBSERVED,
        dimension=preset.dimension,
        files=(file,),
        runtime=runtime[0],
        runtime_version=runtime[1],
        colour_order=preset.colour_order,
        value_range=preset.value_range,
        alignment=f"{preset.points.value}, {preset.size} x {preset.size}",
    )
