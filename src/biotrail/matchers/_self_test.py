"""A drawn face with known landmarks: checks the whole way from pixels to points, without a photo.

It finds what pinned hashes cannot: pixels in the wrong order, a wrong scale, a model that answers
with 478 points in wrong places, a runtime that computes nonsense. It does not find red and blue
swapped, or a mirror image: landmarks hardly depend on colour, and the drawn face is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from biotrail.errors import ModelError
from biotrail.matchers.images import RgbImage

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["check_drawn_face", "drawn_face"]

_SIDE = 256
_KNOWN = {
    1: (0.507, 0.590),  # tip of the nose
    33: (0.362, 0.460),  # outer corners of the eyes
    263: (0.641, 0.460),
    61: (0.419, 0.692),  # corners of the mouth
    291: (0.582, 0.692),
    152: (0.501, 0.820),  # chin
}
"""Where MediaPipe 0.10.33 and 1.2.2 find these points, in units of the image's side."""
_TOLERANCE = 0.02

_Ellipse = tuple[Any, ...]
_BACKGROUND = (90, 110, 130)
_HEAD: tuple[_Ellipse, ...] = (
    # centre x, centre y, radius x, radius y, colour, softness of the edge (share of the radius)
    (0.5, 0.40, 0.27, 0.34, (60, 40, 30), 0.15),
    (0.5, 0.52, 0.23, 0.31, (222, 176, 150), 0.15),
)
_PAIRS: tuple[_Ellipse, ...] = (
    (0.095, 0.40, 0.06, 0.014, (70, 45, 35), 0.15),
    (0.095, 0.46, 0.05, 0.035, (170, 120, 100), 0.6),
    (0.095, 0.46, 0.042, 0.020, (245, 245, 245), 0.15),
    (0.095, 0.46, 0.018, 0.020, (60, 40, 30), 0.15),
    (0.095, 0.46, 0.008, 0.009, (5, 5, 5), 0.15),
    (0.025, 0.60, 0.014, 0.009, (120, 75, 65), 0.6),
)
"""Brows, eyes and nostrils: centre x is counted from the middle, to both sides."""
_MIDDLE: tuple[_Ellipse, ...] = (
    (0.5, 0.53, 0.022, 0.085, (240, 200, 175), 0.9),
    (0.5, 0.59, 0.045, 0.025, (200, 150, 125), 0.8),
    (0.5, 0.69, 0.085, 0.025, (170, 80, 80), 0.15),
    (0.5, 0.69, 0.075, 0.004, (90, 30, 30), 0.15),
    (0.5, 0.75, 0.05, 0.012, (195, 145, 120), 0.9),
)


def drawn_face() -> RgbImage:
    """A face drawn from ellipses, 256 x 256 pixels."""
    import numpy

    y, x = numpy.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    canvas = numpy.empty((_SIDE, _SIDE, 3))
    canvas[:] = _BACKGROUND
    for ellipse in _HEAD:
        _paint(canvas, x, y, ellipse)
    _shade(canvas, x, y, _HEAD[1])
    for offset, *rest in _PAIRS:
        for centre in (0.5 - offset, 0.5 + offset):
            _paint(canvas, x, y, (centre, *rest))
    for ellipse in _MIDDLE:
        _paint(canvas, x, y, ellipse)
    return RgbImage(canvas.clip(0, 255).astype(numpy.uint8), _SIDE, _SIDE)


def _radius_squared(x: Any, y: Any, ellipse: _Ellipse) -> Any:
    """Squared distance from the ellipse's centre, 1 at its edge."""
    centre_x, centre_y, radius_x, radius_y, _, _ = ellipse
    return ((x - centre_x) / radius_x) ** 2 + ((y - centre_y) / radius_y) ** 2


def _paint(canvas: Any, x: Any, y: Any, ellipse: _Ellipse) -> None:
    import numpy

    cover = ((1 - _radius_squared(x, y, ellipse)) / ellipse[5]).clip(0, 1)[..., None]
    canvas[:] = canvas * (1 - cover) + cover * numpy.array(ellipse[4])


def _shade(canvas: Any, x: Any, y: Any, ellipse: _Ellipse) -> None:
    """Darken towards the edge, as a round head does."""
    distance = _radius_squared(x, y, ellipse)
    inside = distance < 1
    canvas[inside] *= (1 - 0.25 * distance[inside])[:, None]


def check_drawn_face(faces_in: Callable[[RgbImage], list[Vector]]) -> None:
    """Check the points that are found in the drawn face, and that an empty image has no face.

    Args:
        faces_in: Gives the landmarks of each face in an image, in pixels.

    Raises:
        ModelError: An answer is not the known one.
    """
    import numpy

    empty = RgbImage(numpy.full((_SIDE, _SIDE, 3), 128, numpy.uint8), _SIDE, _SIDE)
    faces = faces_in(drawn_face())
    counts = len(faces_in(empty)), len(faces)
    if counts != (0, 1):
        raise ModelError(f"self-test: found {counts} faces in an empty and a drawn image, not 0, 1")
    for index, known in _KNOWN.items():
        found = faces[0][index, :2] / _SIDE
        if not abs(found - known).max() <= _TOLERANCE:
            raise ModelError(f"self-test: point {index} of the drawn face is not where it must be")
