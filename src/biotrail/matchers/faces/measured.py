"""What can be measured of one face in one image: the raw figures of its quality.

Pose comes from MediaPipe's transformation (its canonical face to the camera's space: x to the
right of the image, y up, z towards the camera; a right-handed system). Sharpness and brightness are
taken from the face itself, brought to 112 x 112 pixels, so that they do not depend on its size in
the image: a face with too few pixels is not sharp.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from biotrail.matchers.faces.alignment import FivePoints, align

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.images import Pixels

__all__ = ["BLENDSHAPES", "face_light", "neutrality", "pose", "share_within"]

BLENDSHAPES = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft"),
    *("browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft"),
    *("eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight"),
    *("eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft"),
    *("eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen"),
    *("jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft"),
    *("mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)
"""The 52 blendshapes in the order in which Face Landmarker gives them. Left and right are the
subject's own."""

_EXPRESSIVE = ("brow", "cheek", "eyeBlink", "eyeSquint", "eyeWide", "jaw", "mouth", "noseSneer")
_SIDE = 112
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def pose(matrix: Vector) -> tuple[float, float, float]:
    """Yaw, pitch and roll of the head in degrees; all 0 where the subject faces the camera.

    Yaw is positive where the subject turns to their own left, pitch where they look up, roll where
    they lean the head to their own left.

    Args:
        matrix: MediaPipe's facial transformation, shape (4, 4).
    """
    turn = matrix[:3, :3]
    scale = math.sqrt(float((turn[:, 2] ** 2).sum()))
    forward = [float(value) / scale for value in turn[:, 2]]
    yaw = math.degrees(math.atan2(forward[0], forward[2]))
    pitch = math.degrees(math.asin(max(-1.0, min(1.0, forward[1]))))
    roll = math.degrees(math.atan2(float(turn[0, 1]), float(turn[1, 1])))
    return yaw, pitch, roll


def neutrality(blendshapes: Mapping[str, float]) -> float:
    """1 for a face at rest, down to 0 for a full expression: 1 less the strongest blendshape.

    Where the eyes look does not count.
    """
    strong = (value for name, value in blendshapes.items() if name.startswith(_EXPRESSIVE))
    return 1.0 - max(strong, default=0.0)


def share_within(points: Vector, *, width: int, height: int) -> float:
    """Share of the points that lie within an image of this size, in pixels, edges included.

    Args:
        points: x and y in the first two columns.
        width: Of the image.
        height: Of the image.
    """
    x, y = points[:, 0], points[:, 1]
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    return float(inside.mean())


def face_light(pixels: Pixels, points: Vector, *, kind: FivePoints) -> tuple[float, float]:
    """Sharpness and brightness of the face.

    Args:
        pixels: The image, uint8, shape (height, width, 3).
        points: Five points in its pixels, shape (5, 2).
        kind: Which five points; the scale of the face is nearly the same for both kinds.

    Returns:
        Root of the mean squared Laplacian (4 neighbours) over the inner face, as a share of its
        contrast (the standard deviation of its grey levels), so that a dark face can be sharp; and
        the mean of the grey levels, from 0 to 255.
    """
    import numpy

    chip = align(pixels, points, kind=kind, size=_SIDE)
    grey: Any = chip[16:-8, 16:-16].astype(numpy.float32) @ numpy.array(_LUMA, numpy.float32)
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    contrast = max(1.0, float(grey.std()))
    return float(numpy.sqrt((laplacian * laplacian).mean())) / contrast, float(grey.mean())
