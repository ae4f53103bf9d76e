"""One face, as it was found in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.matchers._geometry import LANDMARKS, eye_distance
from biotrail.matchers._wire import POINTS
from biotrail.matchers.card import ModelCard
from biotrail.matchers.faces.alignment import FivePoints, five_points
from biotrail.matchers.faces.measured import BLENDSHAPES, face_light, share_within
from biotrail.matchers.faces.sample import FaceSample
from biotrail.matchers.images import RgbImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector

__all__ = ["Face", "face_of"]


@attrs.frozen(eq=False, kw_only=True)
class Face:
    """The one face of an image; all of it is biometric data.

    Attributes:
        picture: The image, upright, not larger than the face model needs.
        landmarks: 478 points in pixels of the original image, float64, shape (478, 3); z has the
            unit of x.
        blendshapes: 52 expressions by name (see `BLENDSHAPES`), from 0 to 1.
        transformation: From the canonical face to the camera's space, shape (4, 4).
        milliseconds: Time of the frame, where it is of a video.
    """

    picture: RgbImage = attrs.field(repr=False)
    landmarks: Vector = attrs.field(repr=False)
    blendshapes: Mapping[str, float] = attrs.field(repr=False)
    transformation: Vector = attrs.field(repr=False)
    milliseconds: int | None = None

    def sample(self, card: ModelCard, values: NDArray[Any]) -> FaceSample:
        """The face as a sample of a matcher.

        Args:
            card: Of the matcher.
            values: What the matcher will extract features from.
        """
        kind = FivePoints.EYES_NOSE_AND_MOUTH
        points = five_points(self.landmarks, kind) / self.picture.scale
        sharpness, brightness = face_light(self.picture.pixels, points, kind=kind)
        return FaceSample(
            card_digest=card.digest,
            values=values,
            width=self.picture.width,
            height=self.picture.height,
            eye_distance=eye_distance(self.landmarks),
            landmarks=self.landmarks,
            blendshapes=self.blendshapes,
            transformation=self.transformation,
            sharpness=sharpness,
            brightness=brightness,
            visible=share_within(
                self.landmarks, width=self.picture.width, height=self.picture.height
            ),
            milliseconds=self.milliseconds,
        )


def face_of(data: bytes, picture: RgbImage, milliseconds: int | None) -> Face:
    """The face that the landmark worker described (`biotrail.matchers._wire`)."""
    import numpy

    height, width, _ = picture.pixels.shape
    values = numpy.frombuffer(data, "<f4").astype(numpy.float64)
    points, shapes, matrix = numpy.split(values, (POINTS, POINTS + len(BLENDSHAPES)))
    # z has the unit of x (MediaPipe's documentation of face landmarks).
    unit = numpy.array([width, height, width], numpy.float64) * picture.scale
    return Face(
        picture=picture,
        landmarks=points.reshape(LANDMARKS, 3) * unit,
        blendshapes=dict(zip(BLENDSHAPES, shapes.tolist(), strict=True)),
        transformation=matrix.reshape(4, 4),
        milliseconds=milliseconds,
    )
