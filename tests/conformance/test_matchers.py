"""Every matcher of biotrail keeps the contract that third parties prove theirs with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from biotrail.matchers import (
    EmbeddingMatcher,
    MatcherBackend,
    MediaPipeFaceLandmarks,
    OnnxFaceEmbedder,
)
from biotrail.testing import MatcherContract
from tests.integration.matchers_photographs import embedding_model, photographs


class Photographs(MatcherContract):
    """Faces are shown the demonstration's photographs."""

    def mated(self) -> tuple[Path, Path]:
        """The same man twice."""
        return photographs()["enrolled"], photographs()["granted"]

    def non_mated(self) -> Path:
        """Another person."""
        return photographs()["other_person"]

    def not_acquirable(self) -> Sequence[Path]:
        """A cup of coffee, and two faces."""
        return photographs()["no_face"], photographs()["several_faces"]


class Vectors(MatcherContract):
    """Vectors of a host: two alike, one other."""

    def mated(self) -> tuple[list[float], list[float]]:
        """Nearly one direction, nearly one place."""
        return [0.9, 0.1, 0.3, 0.2], [0.8, 0.2, 0.3, 0.2]

    def non_mated(self) -> list[float]:
        """Elsewhere."""
        return [-0.9, 0.4, -0.3, 0.1]

    def not_readable(self) -> Sequence[object]:
        """No vectors, or vectors of another length."""
        return (None, object(), b"", "text", [1.0], [1.0] * 5, [[1.0] * 4], [float("nan")] * 4)


@pytest.mark.component("numpy")
class TestCosine(Vectors):
    def open_matcher(self) -> MatcherBackend:
        """By the angle."""
        return EmbeddingMatcher(model="m", version="1", dimension=4)


@pytest.mark.component("numpy")
class TestInnerProduct(Vectors):
    def open_matcher(self) -> MatcherBackend:
        """By the inner product."""
        return EmbeddingMatcher(model="m", version="1", dimension=4, metric="inner_product")


@pytest.mark.component("numpy")
class TestEuclidean(Vectors):
    def open_matcher(self) -> MatcherBackend:
        """By the distance."""
        return EmbeddingMatcher(model="m", version="1", dimension=4, metric="euclidean")


@pytest.mark.component("mediapipe")
class TestMediaPipeFaceLandmarks(Photographs):
    def open_matcher(self) -> MatcherBackend:
        """By geometry."""
        return MediaPipeFaceLandmarks(photographs()["model"])


@pytest.mark.component("mediapipe")
@pytest.mark.component("onnx")
class TestOnnxFaceEmbedder(Photographs):
    def open_matcher(self) -> MatcherBackend:
        """By an embedding."""
        photographs()  # brings the model of the finder, too
        return OnnxFaceEmbedder(embedding_model())
