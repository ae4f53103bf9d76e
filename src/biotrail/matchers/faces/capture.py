"""From an image to the chip that an embedding model wants: found, checked, brought into place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biotrail.errors import MatcherError
from biotrail.matchers._geometry import eye_distance
from biotrail.matchers.backend import FailureToAcquire, Sample
from biotrail.matchers.card import ModelCard
from biotrail.matchers.faces.alignment import FivePointFace, align, five_points
from biotrail.matchers.faces.finder import FaceFinder
from biotrail.matchers.faces.presets import FaceModel
from biotrail.matchers.images import read_image

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["FaceChips"]


class FaceChips:
    """Captures chips for one embedding model.

    Args:
        card: Of the model.
        preset: Of the model.
        finder: Finds the faces, and stays the caller's; None makes one.
        find_faces: Whether a finder is wanted at all.
    """

    def __init__(
        self, card: ModelCard, preset: FaceModel, *, finder: FaceFinder | None, find_faces: bool
    ) -> None:
        self._card, self._preset = card, preset
        self._own = FaceFinder() if finder is None and find_faces else None
        self._finder = finder or self._own
        self._closed = False

    def capture(self, image: object) -> Sample | FailureToAcquire:
        """A sample whose values are the chip: uint8, shape (size, size, 3), RGB.

        Raises:
            MatcherError: The image cannot be read; or the finder failed, or there is none; or this
                is closed.
        """
        if self._closed:
            raise MatcherError("this matcher is closed")
        if isinstance(image, FivePointFace):
            return self._from_points(image)
        if self._finder is None:
            raise MatcherError("made without a finder: capture from a FivePointFace")
        face = self._finder.find(image)
        if isinstance(face, FailureToAcquire):
            return face
        points = five_points(face.points, self._preset.points) / face.picture.scale
        chip = align(face.picture.pixels, points, kind=self._preset.points, size=self._preset.size)
        return Sample(
            card_digest=self._card.digest,
            values=chip,
            width=face.picture.width,
            height=face.picture.height,
            eye_distance=eye_distance(face.points),
        )

    def close(self) -> None:
        """Close the finder that was made here."""
        self._closed = True
        if self._own is not None:
            self._own.close()

    def _from_points(self, face: FivePointFace) -> Sample:
        picture = read_image(face.image)
        points = _checked_points(face.points) / picture.scale
        chip = align(picture.pixels, points, kind=self._preset.points, size=self._preset.size)
        return Sample(
            card_digest=self._card.digest,
            values=chip,
            width=picture.width,
            height=picture.height,
        )


def _checked_points(points: object) -> Vector:
    import numpy

    try:
        values: Vector = numpy.array(points, numpy.float64)
    except (TypeError, ValueError) as error:
        raise MatcherError("the points must be five pairs of numbers") from error
    if values.shape != (5, 2) or not numpy.isfinite(values).all():
        raise MatcherError("the points must be five pairs of finite numbers")
    return values
