"""Error rates of landmark geometry on the AT&T photographs, as the documentation states them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from biotrail.matchers import (
    DEMONSTRATION_THRESHOLD,
    Challenge,
    ChallengeSession,
    FaceFinder,
    FailureToAcquire,
    MediaPipeFaceLandmarks,
    Sample,
    seen,
)
from biotrail.matchers._geometry import shape_distance
from tests._components import SHARED
from tests.integration.matchers_photographs import photographs

pytestmark = [pytest.mark.component("mediapipe"), pytest.mark.component("shared")]

PEOPLE = range(1, 13)


def enlarged(path: Path) -> Any:
    """The small grey photograph, four times as large, with a border, as MediaPipe needs it."""
    import numpy
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        colour = opened.convert("RGB")
    large = colour.resize((colour.width * 4, colour.height * 4), Image.Resampling.BICUBIC)
    return numpy.asarray(ImageOps.expand(large, 120, (128, 128, 128)))


def test_error_rates_are_those_of_the_documentation() -> None:
    """On twelve people, FMR and FNMR at the demonstration's threshold are as bad as stated."""
    features: list[tuple[int, Any]] = []
    with MediaPipeFaceLandmarks(photographs()["model"]) as backend:
        for person in PEOPLE:
            for path in sorted((SHARED / "faces" / "att" / f"s{person}").iterdir()):
                sample = backend.capture(enlarged(path))
                assert isinstance(sample, Sample | FailureToAcquire)
                if isinstance(sample, Sample):
                    features.append((person, backend.extract(sample).values))
    assert len(features) > 0.97 * 10 * len(PEOPLE)
    mated: list[bool] = []
    non_mated: list[bool] = []
    for (left, shape_left), (right, shape_right) in combinations(features, 2):
        scores = mated if left == right else non_mated
        scores.append(shape_distance(shape_left, shape_right) <= DEMONSTRATION_THRESHOLD)
    assert 0.02 < sum(non_mated) / len(non_mated) < 0.09
    assert 0.30 < 1 - sum(mated) / len(mated) < 0.62


def test_a_person_who_closed_the_eyes_has_blinked() -> None:
    """Of one person's photographs, those with closed eyes between open ones make a blink."""
    with FaceFinder(photographs()["model"]) as finder:
        folder = SHARED / "faces" / "att" / "s11"
        found = [seen(finder.find(enlarged(path)), 0) for path in sorted(folder.iterdir())]
    frames = [frame for frame in found if frame.faces == 1 and abs(frame.yaw_degrees) <= 12]
    shut = [one for one in frames if min(one.left_eye_closed, one.right_eye_closed) >= 0.45]
    wide = [one for one in frames if max(one.left_eye_closed, one.right_eye_closed) <= 0.38]
    assert len(shut) >= 2
    assert len(wide) >= 2
    blinking = ChallengeSession([Challenge.BLINK])
    staring = ChallengeSession([Challenge.BLINK])
    for number, frame in enumerate([wide[0], *shut, wide[1]]):
        blinking.observe(evolve(frame, milliseconds=100 * number))
    for number, frame in enumerate(wide * 4):
        staring.observe(evolve(frame, milliseconds=100 * number))
    assert blinking.outcome == "passed"
    assert staring.outcome == "running"
