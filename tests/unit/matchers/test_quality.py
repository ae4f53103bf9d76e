"""Quality is measured, gates judge it, and what was not measured passes."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MatcherError, ModelError
from biotrail.matchers import (
    DLIB_RESNET_128,
    SFACE_128,
    CaptureFailure,
    CaptureGates,
    KnownAnswers,
    Quality,
    Sample,
)
from biotrail.matchers._self_test import drawn_face
from biotrail.matchers.faces.alignment import FivePoints
from biotrail.matchers.faces.known_answers import _POINTS
from biotrail.matchers.faces.measured import BLENDSHAPES, face_light, neutrality, pose, share_within
from biotrail.matchers.faces.sample import quality_of

pytestmark = [pytest.mark.component("numpy"), pytest.mark.component("pillow")]

GOOD = Quality(
    yaw_degrees=-3.0,
    pitch_degrees=5.0,
    roll_degrees=2.0,
    eye_distance=80.0,
    sharpness=0.3,
    brightness=120.0,
    visible=1.0,
    neutrality=0.8,
)


@pytest.mark.parametrize(
    ("change", "reason", "sentence"),
    [
        ({"eye_distance": 31.9}, "too_small", "at least 32"),
        ({"yaw_degrees": -40.5}, "pose", "turned by 40 degrees; at most 40"),
        ({"yaw_degrees": 41.0}, "pose", "turned by 41"),
        ({"pitch_degrees": -36.0}, "pose", "nodding by 36"),
        ({"roll_degrees": 61.0}, "pose", "leaning by 61"),
        ({"brightness": 11.0}, "too_dark", "mean grey level 11; at least 12"),
        ({"brightness": 236.0}, "too_bright", "at most 235"),
        ({"sharpness": 0.06}, "blur", "0.060; at least 0.065"),
        ({"sharpness": math.nan}, "blur", "nan"),
        ({"visible": 0.7}, "low_quality", "70% of the face is in the picture; at least 0.75"),
    ],
)
def test_each_gate_has_its_reason(change: dict[str, float], reason: str, sentence: str) -> None:
    """A figure beyond its limit is a failure with the reason and the limit; so is no number."""
    failure = CaptureGates().check(attrs.evolve(GOOD, **change))
    assert failure is not None
    assert failure.reason == reason
    assert sentence in failure.detail


def test_good_captures_pass() -> None:
    """What is within all limits passes, at the limits too; what was not measured passes."""
    assert CaptureGates().check(GOOD) is None
    assert CaptureGates().check(Quality()) is None
    assert CaptureGates().check(attrs.evolve(GOOD, eye_distance=32.0, yaw_degrees=-40.0)) is None


def test_expressions_can_be_limited() -> None:
    """A host that wants faces at rest gets the others as of low quality."""
    failure = CaptureGates(minimum_neutrality=0.9).check(GOOD)
    assert failure is not None
    assert failure.reason is CaptureFailure.LOW_QUALITY


@given(st.builds(Quality, **{field.name: st.floats(0, 1e9) for field in attrs.fields(Quality)}))
def test_no_gates_let_everything_pass(quality: Quality) -> None:
    """`CaptureGates.none` judges nothing."""
    assert CaptureGates.none().check(quality) is None


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_limits_are_numbers_from_zero(value: float) -> None:
    """A limit below zero, or that is no number, is refused."""
    with pytest.raises(MatcherError, match="minimum_sharpness"):
        CaptureGates(minimum_sharpness=value)


def turned(*, yaw: float = 0, pitch: float = 0, roll: float = 0, scale: float = 1) -> Any:
    """The transformation of a head that first leans, then nods, then turns; by degrees."""
    import numpy

    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = [[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]]
    about_x = [[1, 0, 0], [0, math.cos(-p), -math.sin(-p)], [0, math.sin(-p), math.cos(-p)]]
    about_z = [[math.cos(-r), -math.sin(-r), 0], [math.sin(-r), math.cos(-r), 0], [0, 0, 1]]
    whole = numpy.eye(4)
    whole[:3, :3] = scale * numpy.array(about_y) @ numpy.array(about_x) @ numpy.array(about_z)
    whole[:3, 3] = (3.0, -2.0, -40.0)
    return whole


@given(st.floats(-80, 80), st.floats(0.5, 2))
def test_single_turns_are_found_again(angle: float, scale: float) -> None:
    """A turn about one axis is that angle, in its direction, whatever the size and the place."""
    assert pose(turned(yaw=angle, scale=scale)) == pytest.approx((angle, 0, 0), abs=1e-6)
    assert pose(turned(pitch=angle, scale=scale)) == pytest.approx((0, angle, 0), abs=1e-6)
    assert pose(turned(roll=angle, scale=scale)) == pytest.approx((0, 0, angle), abs=1e-6)


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_yaw_and_pitch_stay_apart(yaw: float, pitch: float) -> None:
    """Of a head that nods and turns, both angles are found."""
    found = pose(turned(yaw=yaw, pitch=pitch))
    assert found[:2] == pytest.approx((yaw, pitch), abs=1e-6)


def test_neutrality_is_about_the_face() -> None:
    """A smile counts against rest; where the eyes look does not, nor does MediaPipe's own word."""
    at_rest = dict.fromkeys(BLENDSHAPES, 0.0)
    assert neutrality(at_rest) == 1.0
    assert neutrality({**at_rest, "mouthSmileLeft": 0.75}) == 0.25
    assert neutrality({**at_rest, "eyeLookDownLeft": 0.9, "_neutral": 1.0}) == 1.0
    assert len(set(BLENDSHAPES)) == 52


@pytest.mark.parametrize("kind", list(FivePoints))
def test_light_is_measured_in_the_face(kind: FivePoints) -> None:
    """Blur lowers sharpness, half the light halves brightness and leaves sharpness nearly alone."""
    import numpy
    from PIL import Image, ImageFilter

    pixels = drawn_face().pixels
    points = numpy.array(_POINTS[kind]) * 256
    sharp, bright = face_light(pixels, points, kind=kind)
    blurred = numpy.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(4)))
    assert face_light(blurred, points, kind=kind)[0] < 0.6 * sharp
    half = face_light((pixels // 2).astype(numpy.uint8), points, kind=kind)
    assert half[1] == pytest.approx(bright / 2, rel=0.02)
    assert half[0] == pytest.approx(sharp, rel=0.2)
    flat = numpy.full_like(pixels, 77)
    assert face_light(flat, points, kind=kind) == pytest.approx((0.0, 77.0), abs=0.01)


def test_what_lies_outside_is_counted() -> None:
    """The share of points within the image, its edges included."""
    import numpy

    points = numpy.array([(0, 0, 5), (10, 20, 5), (10.1, 5, 5), (5, -0.1, 5)])
    assert share_within(points, width=10, height=20) == 0.5


def test_samples_without_a_face_have_little_quality() -> None:
    """Of a sample that is no captured face, only the distance of the eyes may be known."""
    import numpy

    sample = Sample(card_digest=b"d" * 32, values=numpy.zeros(2), eye_distance=40.0)
    assert quality_of(sample) == Quality(eye_distance=40.0)
    assert CaptureGates(minimum_eye_distance=50).check_sample(sample) is not None


def test_known_answers_are_kept_as_text() -> None:
    """Answers that were written and read are the same, and hold against themselves."""
    answers = KnownAnswers(vectors=((1.0, 2.0), (0.5, -1.0)), tolerance=0.01)
    again = KnownAnswers.from_json(answers.to_json())
    assert (again.vectors, again.tolerance) == (answers.vectors, 0.01)
    again.check(answers)
    assert "1.0" not in repr(answers).replace("0.01", "")


def test_known_answers_are_found_by_the_file() -> None:
    """Both forms of dlib's file have the same answers; others, and what is no hash, have none."""
    found = [KnownAnswers.stored(sha256) for sha256 in DLIB_RESNET_128.sha256]
    assert [one.tolerance for one in found if one] == [0.005, 0.005]
    assert len({one.vectors for one in found if one}) == 1
    for other in (*SFACE_128.sha256, DLIB_RESNET_128.id, "", "0" * 64):
        assert KnownAnswers.stored(other) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"tolerance": 1, "vectors": []}',
        '{"tolerance": 1, "vectors": [[1], [0]]}',
        '{"tolerance": "x", "vectors": [[1], [1]]}',
        '{"tolerance": 1, "vectors": [["x"], [1]]}',
    ],
)
def test_other_texts_are_no_answers(text: str) -> None:
    """What is not two vectors with a tolerance is refused."""
    with pytest.raises(ModelError, match="known answers"):
        KnownAnswers.from_json(text)


@pytest.mark.parametrize(
    "found", [((1.0, 2.1), (1.0, 1.0)), ((1.0, 2.0), (math.nan, 1.0)), ((1.0,), (1.0,))]
)
def test_other_answers_are_refused(found: Any) -> None:
    """Farther off than the tolerance, no numbers, another length: each is refused."""
    known = KnownAnswers(vectors=((1.0, 2.0), (1.0, 1.0)), tolerance=0.01)
    with pytest.raises(ModelError, match="self-test"):
        known.check(KnownAnswers(vectors=found))
