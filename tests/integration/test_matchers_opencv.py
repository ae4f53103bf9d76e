"""OpenCV's FaceRecognizerSF, run with a small network of the same interface.

SFace itself is 38 MB that no package index has; its file is known by hash, and whoever has it is
held to that. What is tested here is everything but its weights.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import attrs
import pytest

from biotrail.errors import MissingDependencyError, ModelError
from biotrail.matchers import (
    ARCFACE_112,
    SFACE_128,
    FaceModel,
    FaceSample,
    FivePointFace,
    KnownAnswers,
    OnnxFaceEmbedder,
    OpenCvFaceRecognizer,
)
from biotrail.matchers._self_test import drawn_face
from biotrail.matchers.faces.onnx_file import Graph
from biotrail.matchers.model_files import SFACE, known_files

pytestmark = [pytest.mark.component("opencv"), pytest.mark.component("onnx")]

POINTS = [(104, 118), (152, 118), (128, 151), (106, 177), (150, 177)]


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, FaceModel]:
    """A network of SFace's interface: means of 7 x 7 squares, then a fixed random matrix."""
    import numpy

    graph = Graph("small")
    means = graph.node("AveragePool", "data", kernel_shape=(7, 7), strides=(7, 7))
    flat = graph.node("Flatten", means, axis=1)
    weights = numpy.random.default_rng(0).normal(size=(16 * 16 * 3, 128))
    graph.node("MatMul", flat, graph.constant("weights", weights), output="fc1")
    path = tmp_path / "small.onnx"
    path.write_bytes(graph.to_bytes(given=("data", (1, 3, 112, 112)), answer=("fc1", (1, 128))))
    return path, attrs.evolve(SFACE_128, id="small", sha256=())


def test_it_gives_what_onnx_runtime_gives(small: tuple[Path, FaceModel]) -> None:
    """Fed by OpenCV or by ONNX Runtime, the same model has the same features: the feed is right."""
    path, preset = small
    face = FivePointFace(image=drawn_face().pixels, points=POINTS)
    values = []
    for kind in (OpenCvFaceRecognizer, OnnxFaceEmbedder):
        with kind(path, preset=preset, find_faces=False, unchecked=True) as matcher:
            sample = matcher.capture(face)
            assert isinstance(sample, FaceSample)
            values.append(matcher.extract(sample).values)
    assert values[0] == pytest.approx(values[1], rel=1e-4, abs=0.02)
    assert abs(values[0]).max() > 100


def test_the_chip_is_cut_as_opencv_cuts_it(small: tuple[Path, FaceModel]) -> None:
    """OpenCV's own ``alignCrop`` gives the same chip, but for the way of sampling."""
    import cv2
    import numpy

    path, preset = small
    pixels = drawn_face().pixels
    row = numpy.zeros((1, 15), numpy.float32)
    row[0, 4:14] = numpy.array(POINTS, numpy.float32).ravel()
    with OpenCvFaceRecognizer(path, preset=preset, find_faces=False, unchecked=True) as matcher:
        theirs = matcher._recognizer.alignCrop(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), row)
        ours = matcher.capture(FivePointFace(image=pixels, points=POINTS))
        assert isinstance(ours, FaceSample)
    difference = numpy.abs(theirs[:, :, ::-1].astype(int) - ours.values.astype(int))
    assert difference[8:-8, 8:-8].mean() < 2.0


def test_its_card_names_opencv(small: tuple[Path, FaceModel]) -> None:
    """Features of one runtime are not those of another: the card says which it was."""
    import cv2

    path, preset = small
    with OpenCvFaceRecognizer(path, preset=preset, find_faces=False, unchecked=True) as matcher:
        assert (matcher.card.runtime, matcher.card.runtime_version) == ("opencv", cv2.__version__)
        assert (matcher.card.metric, matcher.card.higher_is_better) == ("cosine", True)


def test_recorded_answers_are_checked(small: tuple[Path, FaceModel]) -> None:
    """A model that answers otherwise than recorded does not load."""
    path, preset = small
    with OpenCvFaceRecognizer(path, preset=preset, find_faces=False, unchecked=True) as matcher:
        kept = matcher.answers()
    OpenCvFaceRecognizer(path, preset=preset, find_faces=False, known_answers=kept).close()
    others = KnownAnswers(vectors=tuple(vector[::-1] for vector in kept.vectors))
    with pytest.raises(ModelError, match="self-test"):
        OpenCvFaceRecognizer(path, preset=preset, find_faces=False, known_answers=others)


@pytest.mark.parametrize("kind", [OpenCvFaceRecognizer, OnnxFaceEmbedder])
def test_sface_needs_recorded_answers(
    kind: type[OpenCvFaceRecognizer | OnnxFaceEmbedder], small: tuple[Path, FaceModel]
) -> None:
    """SFace's own preset loads unchecked, then with what was recorded, and not without either."""
    path, _ = small
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    preset = attrs.evolve(SFACE_128, sha256=(digest,))
    with pytest.raises(ModelError, match=r"unchecked=True.*known_answers="):
        kind(path, preset=preset, find_faces=False)
    with kind(path, preset=preset, find_faces=False, unchecked=True) as matcher:
        recorded = matcher.answers()
        assert "preprocessing is unverified" in matcher.card.intended_use
    with kind(path, preset=preset, find_faces=False, known_answers=recorded) as matcher:
        assert matcher.card.intended_use == SFACE_128.intended_use


def test_another_file_is_not_sface(small: tuple[Path, FaceModel], tmp_path: Path) -> None:
    """SFace is known by its hash; another file is refused with both, a missing one by name."""
    path, _ = small
    assert known_files()[SFACE].sha256 == SFACE_128.sha256[0]
    with pytest.raises(ModelError, match="0ba9fbfa01b5"):
        OpenCvFaceRecognizer(path, find_faces=False)
    with pytest.raises(ModelError, match="No such file"):
        OpenCvFaceRecognizer(tmp_path / "missing.onnx", find_faces=False)


def test_what_opencv_cannot_run_is_refused(tmp_path: Path, small: tuple[Path, FaceModel]) -> None:
    """Bytes that are no model, and presets that FaceRecognizerSF does not feed, are refused."""
    path, preset = small
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="OpenCV refuses the model"):
        OpenCvFaceRecognizer(broken, preset=preset, find_faces=False, unchecked=True)
    with pytest.raises(ModelError, match="arcface-112 wants something else"):
        OpenCvFaceRecognizer(path, preset=ARCFACE_112, find_faces=False)


def test_missing_system_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenCV cannot be loaded, the error gives the command that installs what it needs."""

    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cv2":
                raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match=r"libGL\.so\.1.*apt-get install .*libgl1"):
        OpenCvFaceRecognizer(find_faces=False)


@pytest.mark.parametrize("preset", [SFACE_128, ARCFACE_112])
def test_a_missing_file_of_ones_own_is_asked_for(preset: FaceModel, tmp_path: Path) -> None:
    """Without a path, the preset's file is looked for in the cache, or asked of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOTRAIL_CACHE", str(tmp_path))
        with pytest.raises(ModelError, match=r"biotrail models fetch|give the path"):
            OnnxFaceEmbedder(preset=preset, find_faces=False)
