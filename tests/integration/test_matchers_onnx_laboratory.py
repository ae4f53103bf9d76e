"""The face embedding on people: error rates as documented, thresholds that hold for others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from biotrail.matchers import FaceFinder, FailureToAcquire, OnnxFaceEmbedder
from biotrail.matchers.rates import ScoreTable, calibrate, error_curve
from tests._components import SHARED
from tests.integration.matchers_photographs import embedding_model, photographs
from tests.integration.test_matchers_laboratory import enlarged

pytestmark = [pytest.mark.component(name) for name in ("mediapipe", "onnx", "shared")]

MODELS: dict[str, Callable[[], Path]] = {
    "kept in 8 bits": lambda: SHARED / "models" / "face_embedding_128.onnx",
    "converted here": embedding_model,
}


@pytest.fixture(scope="module", params=list(MODELS))
def embeddings(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    """Embeddings of the AT&T photographs that pass the gates, whose they are, and the card."""
    import numpy

    people: list[int] = []
    values: list[Any] = []
    with (
        FaceFinder(photographs()["model"]) as finder,
        OnnxFaceEmbedder(MODELS[request.param](), finder=finder) as embedder,
    ):
        for folder in sorted((SHARED / "faces" / "att").glob("s*")):
            for path in sorted(Path(folder).iterdir()):
                sample = embedder.capture(enlarged(path))
                if not isinstance(sample, FailureToAcquire):
                    people.append(int(folder.name[1:]))
                    values.append(embedder.extract(sample).values)
        card = embedder.card
    return numpy.array(values), numpy.array(people), card


def test_nearly_everybody_is_captured(embeddings: tuple[Any, Any, Any]) -> None:
    """At most one photograph in a hundred has no face for the finder."""
    assert len(embeddings[1]) >= 396


def test_error_rates_are_those_of_the_network(embeddings: tuple[Any, Any, Any]) -> None:
    """The EER is under 1 %, and FNMR at FMR 1 % too: a wrong chip would give more than 10 %."""
    import numpy

    values, people, _ = embeddings
    left, right = numpy.triu_indices(len(people), 1)
    distance = numpy.linalg.norm(values[left] - values[right], axis=1)
    mated = numpy.sort(distance[people[left] == people[right]])
    non_mated = numpy.sort(distance[people[left] != people[right]])
    fmr = numpy.arange(1, len(non_mated) + 1) / len(non_mated)
    fnmr = 1 - numpy.searchsorted(mated, non_mated, side="right") / len(mated)
    equal = int(numpy.argmin(abs(fmr - fnmr)))
    assert (fmr[equal] + fnmr[equal]) / 2 < 0.010
    assert fnmr[len(non_mated) // 100] < 0.010


def score_table(values: Any, people: Any) -> ScoreTable:
    """All comparisons between these samples."""
    import numpy

    left, right = numpy.triu_indices(len(people), 1)
    return ScoreTable.from_arrays(
        numpy.linalg.norm(values[left] - values[right], axis=1),
        references=[str(person) for person in people[left]],
        probes=[str(person) for person in people[right]],
        higher_is_better=False,
        metric="euclidean",
    )


@pytest.mark.parametrize("fold", range(4))
def test_a_threshold_holds_for_people_not_seen(embeddings: tuple[Any, Any, Any], fold: int) -> None:
    """Calibrated for FMR 1 % on 30 people: on 10 others FMR is within the bound, FNMR under 5 %."""
    values, people, card = embeddings
    unseen = people % 4 == fold
    calibration = calibrate(
        score_table(values[~unseen], people[~unseen]), 0.01, card=card, cohort="AT&T", others=10
    )
    others = error_curve(score_table(values[unseen], people[unseen]))
    found = others.at(calibration.threshold)
    assert found.fmr <= calibration.fmr_upper
    assert found.fnmr < 0.05


def test_a_threshold_holds_for_other_photographs(embeddings: tuple[Any, Any, Any]) -> None:
    """Calibrated on all of AT&T, photographs from elsewhere are told apart without an error."""
    values, people, card = embeddings
    calibration = calibrate(score_table(values, people), 0.01, card=card, cohort="AT&T")
    assert calibration.fmr_upper < 0.05
    found = {}
    parts = ("enrolled", "granted", "false_non_match", "denied", "other_person")
    with (
        FaceFinder(photographs()["model"]) as finder,
        OnnxFaceEmbedder(embedding_model(), finder=finder) as embedder,
    ):
        for part in parts:
            sample = embedder.capture(photographs()[part])
            assert not isinstance(sample, FailureToAcquire)
            found[part] = embedder.extract(sample)
        for left, right in combinations(parts, 2):
            same = not {left, right} & {"denied", "other_person"}
            score = embedder.compare(found[left], found[right])
            assert (score.decide(calibration.threshold).decision == "match") is same
