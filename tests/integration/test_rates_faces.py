"""A face network calibrated on some people, and held against others."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import BiotrailError, CalibrationError
from biotrail.matchers import FaceFinder, Features, OnnxFaceEmbedder, Sample
from biotrail.matchers.demonstration import demonstration_photographs
from biotrail.matchers.rates import Calibration, ScoreTable, calibrate, error_curve
from tests._components import SHARED
from tests.integration.matchers_photographs import photographs
from tests.integration.test_matchers_laboratory import enlarged

pytestmark = [pytest.mark.component("mediapipe"), pytest.mark.component("onnx")]

MODEL = SHARED / "models" / "face_embedding_128.onnx"
DOCUMENTED = 0.58
"""The threshold that docs/explanation/error-rates.md states for an FMR of 1 % on AT&T."""


def table(people: dict[str, list[Features]], embedder: OnnxFaceEmbedder) -> ScoreTable:
    """Every photograph compared with every other, once, by the public API."""
    every = [(name, one) for name, features in people.items() for one in features]
    return ScoreTable.from_rows(
        (
            (left, right, embedder.compare(reference, probe).value)
            for (left, reference), (right, probe) in combinations(every, 2)
        ),
        higher_is_better=embedder.card.higher_is_better,
        metric=embedder.card.metric,
    )


def captured(embedder: OnnxFaceEmbedder, images: list[Any]) -> list[Features]:
    """Features of the images in which one face was found."""
    samples = [embedder.capture(image) for image in images]
    return [embedder.extract(one) for one in samples if isinstance(one, Sample)]


@pytest.fixture(scope="module")
def laboratory() -> tuple[OnnxFaceEmbedder, dict[str, list[Features]]]:
    """The AT&T photographs: features by person."""
    with (
        FaceFinder(photographs()["model"]) as finder,
        OnnxFaceEmbedder(MODEL, finder=finder) as embedder,
    ):
        folders = sorted((SHARED / "faces" / "att").glob("s*"))
        return embedder, {
            folder.name: captured(embedder, [enlarged(one) for one in sorted(folder.iterdir())])
            for folder in folders
        }


def stated(scores: ScoreTable, embedder: OnnxFaceEmbedder, **options: Any) -> Calibration:
    """A calibration at an FMR of 1 in 100."""
    return calibrate(scores, 0.01, card=embedder.card, cohort="AT&T", **options)


@pytest.mark.component("shared")
def test_the_calibration_of_the_documentation(laboratory: tuple[Any, Any]) -> None:
    """On all forty people, threshold, bound and error rates are those that are documented."""
    embedder, people = laboratory
    found = stated(table(people, embedder), embedder)
    assert found.threshold == pytest.approx(DOCUMENTED, abs=0.01)
    assert 0.030 < found.fmr_upper < 0.050
    assert found.fnmr < 0.005
    assert found.people_pairs == 780
    score = embedder.compare(people["s1"][0], people["s1"][1])
    assert found.decide(score).decision == "match"
    with pytest.raises(CalibrationError, match="78 people"):
        calibrate(table(people, embedder), 0.001, card=embedder.card, cohort="AT&T")


@pytest.mark.component("shared")
@pytest.mark.parametrize("start", [0, 13, 26])
def test_the_bound_holds_for_people_not_seen(laboratory: tuple[Any, Any], start: int) -> None:
    """Calibrated without a third of the people, the bound holds for them and FNMR is below 5 %."""
    embedder, people = laboratory
    names = sorted(people)
    unseen = {name: people[name] for name in names[start : start + 14]}
    seen = {name: people[name] for name in names if name not in unseen}
    found = stated(table(seen, embedder), embedder)
    point = error_curve(table(unseen, embedder)).at(found.threshold)
    assert point.fmr <= found.fmr_upper
    assert point.fnmr < 0.05


def test_other_photographs_at_the_documented_threshold() -> None:
    """Press photographs of people of another set: at AT&T's threshold each is told apart."""
    try:
        given: dict[str, Path] = demonstration_photographs()
        with FaceFinder(photographs()["model"]) as finder, OnnxFaceEmbedder(finder=finder) as face:
            first, again, other, third = (
                captured(face, [given[part]])[0]
                for part in ("enrolled", "granted", "denied", "other_person")
            )
            scores = [
                face.compare(first, one).decide(DOCUMENTED).decision
                for one in (again, other, third)
            ]
    except BiotrailError as error:
        pytest.skip(f"the photographs or the model cannot be had: {error}")
    assert scores == ["match", "non_match", "non_match"]
