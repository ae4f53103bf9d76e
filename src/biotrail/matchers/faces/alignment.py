"""Bringing a face into the place that an embedding model was trained on.

Five points of the face are laid over the five points of a template by the similarity (turn, scale,
shift; no reflection) with the least squared error (Umeyama 1991, here in closed form for the
plane), and the face is resampled. A model that is given faces in another place does not fail: it
answers with worse features, silently. So a template belongs to its model.

Coordinates are continuous: (0, 0) is the upper left corner of the image, (0.5, 0.5) the middle of
its first pixel. The templates' makers count from the middle; on the AT&T photographs that half
pixel changed neither the EER nor the FNMR at FMR 1 % of dlib's network.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from biotrail.errors import MatcherError

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.images import Pixels

__all__ = ["FivePointFace", "FivePoints", "align", "five_points", "template"]

Point = tuple[float, float]


class FivePoints(StrEnum):
    """Which five points, in which order. Left and right are the subject's own."""

    EYE_CORNERS_AND_NOSE_BASE = "eye_corners_and_nose_base"
    """Left eye outer and inner corner, right eye outer and inner corner, base of the nose: the
    points of dlib's five-point shape predictor."""
    EYES_NOSE_AND_MOUTH = "eyes_nose_and_mouth"
    """Right eye, left eye, tip of the nose, right and left corner of the mouth: the points that
    MTCNN, RetinaFace and YuNet give."""


_MEDIAPIPE = {
    FivePoints.EYE_CORNERS_AND_NOSE_BASE: (263, 362, 33, 133, 2),
    FivePoints.EYES_NOSE_AND_MOUTH: (468, 473, 1, 61, 291),
}
"""Indices of the five points in MediaPipe's mesh."""

_DLIB_MEAN_FACE: tuple[Point, ...] = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""Mean face of dlib's chips for five points, in units of the face's square."""
_DLIB_PADDING = 0.25
"""Share of the square that the chips of dlib's face network show beyond it, on each side."""

_ARCFACE_112: tuple[Point, ...] = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Places of the five points in the 112 x 112 chips of ArcFace (Deng et al. 2019) and SFace."""


@attrs.frozen(eq=False, kw_only=True)
class FivePointFace:
    """An image with five points of the face in it, found by the host's own detector.

    Attributes:
        image: What a backend captures from: pixels, the bytes of an image file, or its path.
        points: Five pairs x, y in pixels of that image, in the order of the model's `FivePoints`.
    """

    image: object = attrs.field(repr=False)
    points: object = attrs.field(repr=False)


def five_points(landmarks: Vector, kind: FivePoints) -> Vector:
    """The five points among MediaPipe's landmarks.

    Args:
        landmarks: Shape (478, 3).
        kind: Which five.

    Returns:
        float64, shape (5, 2).
    """
    points: Vector = landmarks[list(_MEDIAPIPE[kind]), :2]
    return points


def template(kind: FivePoints, size: int) -> Vector:
    """Where the five points lie in a chip of `size` x `size` pixels; float64, shape (5, 2)."""
    import numpy

    if kind is FivePoints.EYE_CORNERS_AND_NOSE_BASE:
        mean = numpy.array(_DLIB_MEAN_FACE, numpy.float64)
        return (mean + _DLIB_PADDING) / (1 + 2 * _DLIB_PADDING) * size
    return numpy.array(_ARCFACE_112, numpy.float64) * (size / 112)


def align(pixels: Pixels, points: Vector, *, kind: FivePoints, size: int) -> Pixels:
    """Cut the face out, turned and scaled into the template's place.

    Where the image is much larger than the chip it is averaged down first, so that no detail turns
    into noise; then it is sampled bilinearly. What lies outside the image is black.

    Args:
        pixels: uint8, shape (height, width, 3).
        points: The five points in these pixels, shape (5, 2).
        kind: Which five points they are.
        size: Side of the chip in pixels.

    Returns:
        uint8, shape (size, size, 3), read-only.

    Raises:
        MatcherError: The points coincide, so that they have no scale.
    """
    import numpy
    from PIL import Image

    image = Image.fromarray(pixels)
    matrix, shift = _similarity(template(kind, size), points)
    step = int(numpy.hypot(matrix[0, 0], matrix[1, 0]))
    if step > 1:
        image = image.reduce(step)
        matrix, shift = matrix / step, shift / step
    rows = (*matrix[0], shift[0], *matrix[1], shift[1])
    chip = image.transform(
        (size, size), Image.Transform.AFFINE, rows, resample=Image.Resampling.BILINEAR
    )
    values: Pixels = numpy.array(chip)
    values.setflags(write=False)
    return values


def _similarity(source: Vector, target: Vector) -> tuple[Vector, Vector]:
    """Matrix (2, 2) and shift (2,) that take the source's points to the target's, nearly."""
    import numpy

    from_middle, to_middle = source.mean(axis=0), target.mean(axis=0)
    left, right = source - from_middle, target - to_middle
    squares = float((left * left).sum())
    cosine = float((left * right).sum()) / squares
    sine = float((left[:, 0] * right[:, 1] - left[:, 1] * right[:, 0]).sum()) / squares
    if not 1e-6 < numpy.hypot(cosine, sine) < 1e6:
        raise MatcherError("the five points do not span a face")
    matrix = numpy.array([[cosine, -sine], [sine, cosine]])
    return matrix, to_middle - matrix @ from_middle
