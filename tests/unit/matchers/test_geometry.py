"""The shape of a face does not depend on where, how large and how turned it is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from biotrail.matchers._geometry import RIGID_POINTS, eye_distance, shape, shape_distance

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

POINTS = np.random.default_rng(1).normal(size=(478, 3))


def _rotation(seed: int) -> Any:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def test_points_are_distinct_and_leave_out_what_moves() -> None:
    """No point counts twice; the irises and the corners of the mouth are left out."""
    assert len(RIGID_POINTS) == len(set(RIGID_POINTS))
    assert max(RIGID_POINTS) < 468
    assert not {61, 291} & set(RIGID_POINTS)


@pytest.mark.parametrize("seed", range(5))
def test_place_size_and_pose_do_not_count(seed: int) -> None:
    """Moved, scaled and turned, a shape is at distance zero from itself."""
    moved = 3.7 * POINTS @ _rotation(seed) + np.array([10.0, -4.0, 2.0])
    assert shape_distance(shape(POINTS), shape(moved)) == pytest.approx(0, abs=1e-6)


def test_a_mirror_image_is_another_shape() -> None:
    """Reflections are not taken for rotations."""
    mirrored = POINTS * np.array([-1.0, 1.0, 1.0])
    assert shape_distance(shape(POINTS), shape(mirrored)) > 0.1


def test_distance_is_that_of_the_best_rotation() -> None:
    """No rotation of many tried brings two shapes closer than the distance says."""
    other = np.random.default_rng(2).normal(size=(478, 3))
    left, right = shape(POINTS), shape(other)
    distance = shape_distance(left, right)
    tried = [
        float(np.linalg.norm(left.reshape(-1, 3) - right.reshape(-1, 3) @ _rotation(seed)))
        for seed in range(200)
    ]
    assert distance <= min(tried)
    assert shape_distance(right, left) == pytest.approx(distance)


def test_eye_distance_is_that_of_the_pupils() -> None:
    """The distance is measured in the image plane between the two irises' centres."""
    points = POINTS.copy()
    points[468], points[473] = (0, 0, 5), (3, 4, -5)
    assert eye_distance(points) == 5.0
    assert math.isfinite(eye_distance(POINTS))
