"""The face embedding on people: its error rates are those of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biotrail.matchers import FaceFinder, FailureToAcquire, OnnxFaceEmbedder
from tests._components import SHARED
from tests.integration.matchers_photographs import photographs
from tests.integration.test_matchers_laboratory import enlarged

pytestmark = [pytest.mark.component(name) for name in ("mediapipe", "onnx", "shared")]

MODEL = SHARED / "models" / "face_embedding_128.onnx"


@pytest.fixture(scope="module")
def embeddings() -> tuple[Any, Any]:
    """Embeddings of the AT&T photographs in which a face was found, and whose they are."""
    import numpy

    people: list[int] = []
    values: list[Any] = []
    with (
        FaceFinder(photographs()["model"]) as finder,
        OnnxFaceEmbedder(MODEL, finder=finder) as embedder,
    ):
        for folder in sorted((SHARED / "faces" / "att").glob("s*")):
            for path in sorted(Path(folder).iterdir()):
                sample = embedder.capture(enlarged(path))
                if not isinstance(sample, FailureToAcquire):
                    people.append(int(folder.name[1:]))
                    values.append(embedder.extract(sample).values)
    return numpy.array(values), numpy.array(people)


def test_nearly_everybody_is_captured(embeddings: tuple[Any, Any]) -> None:
    """At most one photograph in a hundred has no face for the finder."""
    assert len(embeddings[1]) >= 396


def test_error_rates_are_those_of_the_network(embeddings: tuple[Any, Any]) -> None:
    """The EER is under 1 %, and FNMR at FMR 1 % too: a wrong chip would give more than 10 %."""
    import numpy

    values, people = embeddings
    left, right = numpy.triu_indices(len(people), 1)
    distance = numpy.linalg.norm(values[left] - values[right], axis=1)
    mated = numpy.sort(distance[people[left] == people[right]])
    non_mated = numpy.sort(distance[people[left] != people[right]])
    fmr = numpy.arange(1, len(non_mated) + 1) / len(non_mated)
    fnmr = 1 - numpy.searchsorted(mated, non_mated, side="right") / len(mated)
    equal = int(numpy.argmin(abs(fmr - fnmr)))
    assert (fmr[equal] + fnmr[equal]) / 2 < 0.010
    assert fnmr[len(non_mated) // 100] < 0.010
