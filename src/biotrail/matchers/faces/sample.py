"""A captured face, with all that was found of it besides what the model compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from biotrail.matchers.backend import Sample
from biotrail.matchers.faces.measured import neutrality, pose
from biotrail.matchers.quality import Quality

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["FaceSample", "quality_of"]


@attrs.frozen(eq=False, kw_only=True)
class FaceSample(Sample):
    """One captured face. What was not found or measured is None; all of it is biometric data.

    Attributes:
        landmarks: 478 points in pixels of the image, float64, shape (478, 3); z in the unit of x.
        blendshapes: 52 expressions by name, from 0 to 1 (see `BLENDSHAPES`).
        transformation: From MediaPipe's canonical face to the camera's space, in centimetres,
            float64, shape (4, 4).
        sharpness: As in `Quality`.
        brightness: As in `Quality`.
        visible: As in `Quality`.
        milliseconds: Time of the frame in its video, where it is of one.
    """

    landmarks: Vector | None = attrs.field(default=None, repr=False)
    blendshapes: Mapping[str, float] | None = attrs.field(default=None, repr=False)
    transformation: Vector | None = attrs.field(default=None, repr=False)
    sharpness: float | None = None
    brightness: float | None = None
    visible: float | None = None
    milliseconds: int | None = None


def quality_of(sample: Sample) -> Quality:
    """The quality of a sample, as far as it was measured when it was captured."""
    if not isinstance(sample, FaceSample):
        return Quality(eye_distance=sample.eye_distance)
    angles = (None, None, None)
    if sample.transformation is not None:
        angles = pose(sample.transformation)  # type: ignore[assignment]
    shapes = sample.blendshapes
    return Quality(
        yaw_degrees=angles[0],
        pitch_degrees=angles[1],
        roll_degrees=angles[2],
        eye_distance=sample.eye_distance,
        sharpness=sample.sharpness,
        brightness=sample.brightness,
        visible=sample.visible,
        neutrality=None if shapes is None else neutrality(shapes),
    )
