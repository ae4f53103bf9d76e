"""Faces are laid over a template by turn, scale and shift, wherever they are in the image."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.errors import MatcherError
from biotrail.matchers import FivePoints
from biotrail.matchers._self_test import drawn_face
from biotrail.matchers.faces.alignment import (
    _similarity,
    align,
    five_points,
    template,
)
from biotrail.matchers.faces.known_answers import _POINTS

pytestmark = [pytest.mark.component("numpy"), pytest.mark.component("pillow")]

KINDS = list(FivePoints)


@given(
    st.floats(-math.pi, math.pi), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500)
)
def test_the_similarity_is_found_again(turn: float, scale: float, x: float, y: float) -> None:
    """Points that were turned, scaled and shifted are taken there exactly, without reflection."""
    import numpy

    points = template(FivePoints.EYES_NOSE_AND_MOUTH, 112)
    matrix = scale * numpy.array(
        [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    )
    found, shift = _similarity(points, points @ matrix.T + (x, y))
    assert found == pytest.approx(matrix, abs=1e-6 * scale)
    assert shift == pytest.approx(numpy.array([x, y]), abs=1e-4 * (1 + scale))
    assert numpy.linalg.det(found) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_templates_are_upright_and_inside(kind: FivePoints) -> None:
    """The points of each template lie in the chip, eyes over the nose, and grow with it."""
    points = template(kind, 100)
    assert ((points > 10) & (points < 90)).all()
    nose = 4 if kind is FivePoints.EYE_CORNERS_AND_NOSE_BASE else 2
    assert points[:2, 1].max() < points[nose, 1]
    assert template(kind, 200) == pytest.approx(2 * points)


def drawn(kind: FivePoints, *, times: float, turn: float) -> tuple[Any, Any]:
    """The drawn face enlarged and turned, on grey, and its five points."""
    import numpy
    from PIL import Image

    face = Image.fromarray(drawn_face().pixels)
    side = round(face.width * times)
    large = face.resize((side, side), Image.Resampling.BICUBIC)
    wide = Image.new("RGB", (2 * side, 2 * side), (90, 110, 130))
    wide.paste(large, (side // 2, side // 2))
    points = numpy.array(_POINTS[kind]) * side + side // 2
    angle = math.radians(turn)
    around = numpy.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned = (points - side) @ around.T + side
    return numpy.asarray(wide.rotate(turn, Image.Resampling.BICUBIC)), turned


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("times", "turn"), [(1.0, 25), (2.5, -40), (4.3, 0), (0.8, 10)])
def test_the_chip_does_not_depend_on_place(kind: FivePoints, times: float, turn: float) -> None:
    """Enlarged, made smaller or turned, a face gives nearly the same chip."""
    import numpy

    plain, points = drawn(kind, times=1.0, turn=0)
    usual = align(plain, points, kind=kind, size=112).astype(int)
    moved = align(*drawn(kind, times=times, turn=turn), kind=kind, size=112).astype(int)
    middle = (slice(16, 96), slice(16, 96))
    assert numpy.abs(usual - moved)[middle].mean() < 3.0


def test_what_is_outside_is_black() -> None:
    """Where the chip reaches over the edge of the image there is black, and no error."""
    import numpy

    white = numpy.full((40, 40, 3), 255, numpy.uint8)
    points = template(FivePoints.EYES_NOSE_AND_MOUTH, 112) - 60
    chip = align(white, points, kind=FivePoints.EYES_NOSE_AND_MOUTH, size=112)
    assert chip[0, 0].tolist() == [0, 0, 0]
    assert chip[80, 80].tolist() == [255, 255, 255]
    assert not chip.flags.writeable


def test_points_that_coincide_are_refused() -> None:
    """Five points in one place have no scale."""
    import numpy

    image = numpy.zeros((10, 10, 3), numpy.uint8)
    with pytest.raises(MatcherError, match="span"):
        align(image, numpy.ones((5, 2)), kind=FivePoints.EYES_NOSE_AND_MOUTH, size=112)


@settings(max_examples=30)
@given(st.integers(1, 400), st.integers(1, 400))
def test_images_of_any_shape_are_cut(height: int, width: int) -> None:
    """However small or narrow the image, the chip has its size."""
    import numpy

    image = numpy.zeros((height, width, 3), numpy.uint8)
    points = template(FivePoints.EYES_NOSE_AND_MOUTH, 600)
    chip = align(image, points, kind=FivePoints.EYES_NOSE_AND_MOUTH, size=112)
    assert chip.shape == (112, 112, 3)


def test_templates_are_the_published_ones() -> None:
    """Dlib's mean face with a quarter of padding, and ArcFace's points, to the last digit."""
    dlib = template(FivePoints.EYE_CORNERS_AND_NOSE_BASE, 150)
    assert dlib.round(4).tolist() == [
        [110.9567, 46.3498],
        [89.606, 47.8967],
        [37.0575, 46.3727],
        [58.4085, 47.9064],
        [74.0112, 87.7798],
    ]
    assert template(FivePoints.EYES_NOSE_AND_MOUTH, 112).tolist() == [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_five_points_are_those_of_their_names(kind: FivePoints) -> None:
    """The indices into MediaPipe's mesh are those of the points that the kind names."""
    import numpy

    landmarks = numpy.arange(478 * 3.0).reshape(478, 3)
    expected = {
        FivePoints.EYE_CORNERS_AND_NOSE_BASE: [263, 362, 33, 133, 2],
        FivePoints.EYES_NOSE_AND_MOUTH: [468, 473, 1, 61, 291],
    }[kind]
    found = five_points(landmarks, kind)
    assert found.tolist() == [[3 * index, 3 * index + 1] for index in expected]
