"""Renewable references on the AT&T photographs: the figures that the documentation states."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.matchers import (
    EmbeddingMatcher,
    FaceFinder,
    FailureToAcquire,
    OnnxFaceEmbedder,
    RenewableMatcher,
)
from biotrail.matchers.projection import ProjectionKey, SignProjection
from biotrail.matchers.rates import ScoreTable, calibrate, error_curve
from tests._components import SHARED
from tests.integration.matchers_photographs import photographs
from tests.integration.test_matchers_laboratory import enlarged

pytestmark = [pytest.mark.component(name) for name in ("mediapipe", "onnx", "shared")]

KEYS = [ProjectionKey(bytes([number]) * 32) for number in range(3)]


@pytest.fixture(scope="module")
def embeddings() -> tuple[Any, Any]:
    """Embeddings of the AT&T photographs, and whose they are."""
    import numpy

    people: list[int] = []
    values: list[Any] = []
    with (
        FaceFinder(photographs()["model"]) as finder,
        OnnxFaceEmbedder(SHARED / "models" / "face_embedding_128.onnx", finder=finder) as embedder,
    ):
        for path in sorted((SHARED / "faces" / "att").glob("s*/*")):
            sample = embedder.capture(enlarged(path))
            if not isinstance(sample, FailureToAcquire):
                people.append(int(path.parent.name[1:]))
                values.append(embedder.extract(sample).values)
    return numpy.array(values), numpy.array(people)


def bits(values: Any, key: ProjectionKey, centre: Any) -> Any:
    """Signs of all embeddings under a key."""
    import numpy

    projection = SignProjection(key, context=bytes(32), dimension=128, centre=centre)
    return numpy.array([projection.project(one) for one in values])


def score_table(distance: Any, people: Any) -> ScoreTable:
    """All pairs, each once."""
    import numpy

    left, right = numpy.triu_indices(len(people), 1)
    return ScoreTable.from_arrays(
        distance[left, right],
        references=[str(person) for person in people[left]],
        probes=[str(person) for person in people[right]],
        higher_is_better=False,
        metric="hamming",
    )


def equal_error_rate(distance: Any, people: Any) -> float:
    """The EER of all pairs."""
    return error_curve(score_table(distance, people)).equal_error_rate().rate


def test_accuracy_is_kept_from_a_centre(embeddings: tuple[Any, Any]) -> None:
    """For people that the centre has not seen the EER stays under 1 %; from zero it is worse."""
    import numpy

    values, people = embeddings
    firsts = [numpy.flatnonzero(people == person)[0] for person in range(1, 21)]
    centre = values[firsts].mean(axis=0)
    unseen = people > 20
    found: dict[bool, list[float]] = {True: [], False: []}
    for key in KEYS:
        for centred in found:
            signs = bits(values[unseen], key, centre if centred else None)
            distance = (1 - signs @ signs.T / 512) / 2
            found[centred].append(equal_error_rate(distance, people[unseen]))
    assert max(found[True]) < 0.010
    assert sum(found[False]) > 1.1 * sum(found[True])


@pytest.mark.parametrize("fold", range(4))
def test_a_threshold_holds_for_people_not_seen(embeddings: tuple[Any, Any], fold: int) -> None:
    """Calibrated for FMR 1 % on 30 people: on 10 others FMR is within the bound, FNMR under 5 %."""
    values, people = embeddings
    plain = EmbeddingMatcher(model="att", version="1", dimension=128, metric="euclidean")
    unseen = people % 4 == fold
    centre = values[~unseen].mean(axis=0).tolist()
    card = RenewableMatcher(plain, KEYS[1], centre=centre).card
    signs = bits(values, KEYS[1], centre)
    distance = (1 - signs @ signs.T / 512) / 2
    calibration = calibrate(
        score_table(distance[~unseen][:, ~unseen], people[~unseen]),
        0.01,
        card=card,
        cohort="AT&T",
        others=10,
    )
    found = error_curve(score_table(distance[unseen][:, unseen], people[unseen]))
    at = found.at(calibration.threshold)
    assert at.fmr <= calibration.fmr_upper
    assert at.fnmr < 0.05


def test_keys_do_not_link(embeddings: tuple[Any, Any]) -> None:
    """Across two keys the same photograph differs in half of the bits, as another person does."""
    values, people = embeddings
    centre = values.mean(axis=0)
    first, second = (bits(values, key, centre) for key in KEYS[:2])
    distance = (1 - first @ second.T / 512) / 2
    assert abs(distance.diagonal().mean() - 0.5) < 0.02
    assert 0.42 < equal_error_rate(distance, people) < 0.58


def test_a_leaked_key_gives_embeddings_away(embeddings: tuple[Any, Any]) -> None:
    """Least squares under the key recover embeddings at a cosine of about 0.92."""
    import numpy

    values, _ = embeddings
    projection = SignProjection(KEYS[0], context=bytes(32), dimension=128)
    signs = bits(values, KEYS[0], None)
    guesses = numpy.linalg.lstsq(projection.rows, signs.T, rcond=None)[0].T
    lengths = numpy.linalg.norm(guesses, axis=1) * numpy.linalg.norm(values, axis=1)
    cosines = (guesses * values).sum(axis=1) / lengths
    assert 0.90 < numpy.median(cosines) < 0.94
