"""The matcher of renewable references keeps the contract of matchers, by either score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from biotrail.matchers import EmbeddingMatcher, MatcherBackend, ProjectionKey, RenewableMatcher
from biotrail.testing import MatcherContract
from tests.vectors.make_reference_vectors import embedding

FACE, OTHER = embedding(32, 1), embedding(32, 2)


class Renewable(MatcherContract):
    """Around a matcher of vectors."""

    metric: Literal["hamming", "cosine"]

    def open_matcher(self) -> MatcherBackend:
        """Under a key of the tests."""
        plain = EmbeddingMatcher(model="acme", version="1", dimension=32)
        return RenewableMatcher(plain, ProjectionKey(bytes(32)), metric=self.metric)

    def mated(self) -> tuple[list[float], list[float]]:
        """Nearly one direction."""
        return FACE, [FACE[0] + 0.2, *FACE[1:]]

    def non_mated(self) -> list[float]:
        """Another direction."""
        return OTHER

    def not_readable(self) -> Sequence[object]:
        """No vectors, or vectors of another length."""
        return (None, object(), b"", "text", [1.0], [1.0] * 33, [float("nan")] * 32)


@pytest.mark.component("numpy")
class TestHamming(Renewable):
    metric = "hamming"


@pytest.mark.component("numpy")
class TestCosineOfBits(Renewable):
    metric = "cosine"
