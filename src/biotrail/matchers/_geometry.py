"""The shape of a face from its landmarks, with position, size and head pose taken out.

A shape is a set of 3-D points, moved so that their mean is the origin and scaled so that their
squared coordinates sum to 1. Two shapes are turned onto each other by the best rotation (Kabsch
1976; no reflection), and the root of what is left, summed over the points, is the distance.
With the singular values s1 >= s2 >= s3 of the 3x3 product of the two shapes (s3 negated where the
best orthogonal map would be a reflection) that is sqrt(2 - 2 (s1 + s2 + s3)): 0 for equal shapes.

Only points that move little with expression are taken: corners of the eyes, bridge, tip and base of
the nose, brows, forehead, temples and jaw line. Lips, lids and irises are left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biotrail.errors import MatcherError

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["LANDMARKS", "RIGID_POINTS", "eye_distance", "shape", "shape_distance"]

LANDMARKS = 478
"""Points that Face Landmarker gives for one face: 468 of the mesh, then 5 for each iris."""

_EYES = (33, 133, 362, 263)
_NOSE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 97, 326, 327, 129, 358, 48, 278)
_NOSE_SIDES = (115, 344, 220, 440, 45, 275, 122, 351, 193, 417)
_BROWS = (55, 285, 107, 336, 9, 8)
_FOREHEAD = (151, 10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251)
_TEMPLES = (162, 389, 127, 356, 234, 454)
_JAW = (93, 323, 132, 361, 58, 288, 172, 397, 136, 365, 150, 379, 149, 378, 176, 400, 148, 377, 152)
RIGID_POINTS = _EYES + _NOSE + _NOSE_SIDES + _BROWS + _FOREHEAD + _TEMPLES + _JAW
_PUPILS = (468, 473)


def eye_distance(points: Vector) -> float:
    """Distance of the pupils in the image plane.

    Args:
        points: Landmarks in pixels, shape (478, 3).
    """
    left, right = (points[index] for index in _PUPILS)
    return math.hypot(float(left[0] - right[0]), float(left[1] - right[1]))


def shape(points: Vector) -> Vector:
    """The rigid points, centred and scaled to unit size, in one row.

    Args:
        points: Landmarks in pixels (z in the same unit as x), shape (478, 3).

    Returns:
        float64, shape (3 x number of rigid points,): x, y, z of each point in turn.
    """
    import numpy

    rigid = points[list(RIGID_POINTS)].astype(numpy.float64)
    centred = rigid - rigid.mean(axis=0)
    flat: Vector = (centred / numpy.sqrt((centred * centred).sum())).ravel()
    flat.setflags(write=False)
    return flat


def shape_distance(left: Vector, right: Vector) -> float:
    """What remains between two shapes after the best rotation: from 0 to the root of 2.

    Raises:
        MatcherError: A shape holds values that are no numbers.
    """
    import numpy

    product = left.reshape(-1, 3).T @ right.reshape(-1, 3)
    if not numpy.isfinite(product).all():
        raise MatcherError("a shape must hold finite numbers")
    turn, singular, back = numpy.linalg.svd(product)
    if numpy.linalg.det(turn) * numpy.linalg.det(back) < 0:
        singular[-1] = -singular[-1]
    return math.sqrt(max(0.0, 2.0 - 2.0 * float(singular.sum())))
