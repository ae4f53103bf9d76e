"""From an image to the chip that an embedding model wants: found, checked, brought into place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biotrail.errors import MatcherError
from biotrail.matchers.backend import FailureToAcquire
from biotrail.matchers.card import ModelCard
from biotrail.matchers.faces.alignment import FivePointFace, FivePoints, align, five_points
from biotrail.matchers.faces.face import Face
from biotrail.matchers.faces.finder import FaceFinder
from biotrail.matchers.faces.gates import CaptureGates
from biotrail.matchers.faces.measured import face_light, share_within
from biotrail.matchers.faces.presets import FaceModel
from biotrail.matchers.faces.sample import FaceSample
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
        gates: Which faces are good enough; None takes the finder's, or the defaults.
    """

    def __init__(
        self,
        card: ModelCard,
        preset: FaceModel,
        *,
        finder: FaceFinder | None,
        find_faces: bool,
        gates: CaptureGates | None,
    ) -> None:
        self._card, self._preset = card, preset
        self._own = FaceFinder() if finder is None and find_faces else None
        self._finder = finder or self._own
        usual = CaptureGates() if self._finder is None else self._finder.gates
        self._gates = gates or usual
        self._closed = False

    def capture(self, image: object) -> FaceSample | FailureToAcquire:
        """A sample whose values are the chip: uint8, shape (size, size, 3), RGB.

        Raises:
            MatcherError: The image cannot be read; or the finder failed, or there is none; or this
                is closed.
        """
        if self._closed:
            raise MatcherError("this matcher is closed")
        if isinstance(image, FivePointFace):
            sample = self._from_points(image)
            return self._gates.check_sample(sample) or sample
        face = image if isinstance(image, Face) else self._find(image)
        if isinstance(face, FailureToAcquire):
            return face
        kind = self._preset.points
        points = five_points(face.landmarks, kind) / face.picture.scale
        chip = align(face.picture.pixels, points, kind=kind, size=self._preset.size)
        sample = face.sample(self._card, chip)
        return self._gates.check_sample(sample) or sample

    def _find(self, image: object) -> Face | FailureToAcquire:
        if self._finder is None:
            raise MatcherError("made without a finder: capture from a FivePointFace")
        return self._finder.find(image)

    def close(self) -> None:
        """Close the finder that was made here."""
        self._closed = True
        if self._own is not None:
            self._own.close()

    def _from_points(self, face: FivePointFace) -> FaceSample:
        kind = self._preset.points
        picture = read_image(face.image)
        given = _checked_points(face.points)
        points = given / picture.scale
        sharpness, brightness = face_light(picture.pixels, points, kind=kind)
        return FaceSample(
            card_digest=self._card.digest,
            values=align(picture.pixels, points, kind=kind, size=self._preset.size),
            width=picture.width,
            height=picture.height,
            eye_distance=_eye_distance(given, kind),
            sharpness=sharpness,
            brightness=brightness,
            visible=share_within(given, width=picture.width, height=picture.height),
        )


def _eye_distance(points: Vector, kind: FivePoints) -> float:
    """Distance of the eyes, or of the middles between their corners."""
    import numpy

    if kind is FivePoints.EYES_NOSE_AND_MOUTH:
        return float(numpy.linalg.norm(points[0] - points[1]))
    return float(numpy.linalg.norm(points[0:2].mean(axis=0) - points[2:4].mean(axis=0)))


def _checked_points(points: object) -> Vector:
    import numpy

    try:
        values: Vector = numpy.array(points, numpy.float64)
    except (TypeError, ValueError) as error:
        raise MatcherError("the points must be five pairs of numbers") from error
    if values.shape != (5, 2) or not numpy.isfinite(values).all():
        raise MatcherError("the points must be five pairs of finite numbers")
    return values
