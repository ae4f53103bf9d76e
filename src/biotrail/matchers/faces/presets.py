"""Known face models: exactly what each is given, and how its answers are compared.

The same file fed with values on another scale, or with red and blue swapped, does not fail; it
answers nonsense. So a preset holds the whole preprocessing, the hash of the file, and known answers
that are checked at load. These belong to the file: a preset of the host's own for a known file is
held to them as well. Of a file that is not known, the host records them.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.card import Assurance
from biotrail.matchers.faces.alignment import FivePoints

__all__ = ["ARCFACE_112", "DLIB_RESNET_128", "KNOWN_MODELS", "SFACE_128", "FaceModel"]


def _positive(_instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise MatcherError(f"FaceModel.{attribute.name} must be more than 0")


@attrs.frozen(kw_only=True)
class FaceModel:
    """How a face model is fed, and how its answers are compared.

    Attributes:
        id: Identifier of the matcher that it makes.
        version: Version of the matcher: of this description, not of the file.
        points: The five points by which a face is brought into place.
        size: Side of the chip in pixels.
        dimension: Number of values in its answer.
        metric: ``"euclidean"`` or ``"cosine"``.
        colour_order: ``"RGB"`` or ``"BGR"``.
        channels_first: Whether the input is (n, 3, size, size); else (n, size, size, 3).
        mean: Subtracted from every value, which is from 0 to 255.
        scale: Values are divided by it after that.
        normalised: Whether answers are brought to length 1 before they are compared.
        sha256: Hashes of the files that are this model; empty takes any file.
        known_file: Name by which `biotrail.matchers.model_files.fetch` knows it, or None.
        licence: Licence of the file.
        intended_use: In a sentence, what it is for.
        assurance: Whether it is made to tell people apart.
    """

    id: str
    version: str
    points: FivePoints = attrs.field(converter=FivePoints)
    size: int = attrs.field(validator=_positive)
    dimension: int = attrs.field(validator=_positive)
    metric: Literal["euclidean", "cosine"]
    colour_order: Literal["RGB", "BGR"] = "RGB"
    channels_first: bool = True
    mean: float = 0.0
    scale: float = attrs.field(default=1.0, validator=_positive)
    normalised: bool = False
    sha256: tuple[str, ...] = ()
    known_file: str | None = None
    licence: str = "not stated"
    intended_use: str = "verification with a threshold that the host has calibrated"
    assurance: Assurance = attrs.field(default=Assurance.IDENTITY, converter=Assurance)

    @property
    def value_range(self) -> str:
        """Range of the values that the model is given, e.g. ``"0..255"``."""
        low, high = (0 - self.mean) / self.scale, (255 - self.mean) / self.scale
        return f"{low:g}..{high:g}"


DLIB_RESNET_128 = FaceModel(
    id="dlib-resnet-128",
    version="1",
    points=FivePoints.EYE_CORNERS_AND_NOSE_BASE,
    size=150,
    dimension=128,
    metric="euclidean",
    channels_first=False,
    sha256=(
        "956dcf7bb1f60b695c0c2b0c8610b1073b59d50653346828b5cb1806dcf3cfe9",  # as converted here
        "1059b63b2378563a8a8974dcda48c1e2f1cf73b7c5f84c9d5850918bc30e9a61",  # kept in 8 bits
    ),
    known_file="dlib_face_resnet_128.onnx",
    licence="CC0-1.0 (weights), MIT (their 8-bit form in @vladmandic/face-api)",
)
"""dlib's face network (a ResNet of 29 convolutions, 128 values, King 2017); the model itself takes
the mean colour off."""

SFACE_128 = FaceModel(
    id="sface-128",
    version="1",
    points=FivePoints.EYES_NOSE_AND_MOUTH,
    size=112,
    dimension=128,
    metric="cosine",
    sha256=("0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",),
    known_file="face_recognition_sface_2021dec.onnx",
    licence="Apache-2.0",
)
"""SFace (Zhong et al. 2021) as in OpenCV's model zoo, ``face_recognition_sface_2021dec.onnx``; the
user brings the file, and records its answers: none are known here."""

ARCFACE_112 = FaceModel(
    id="arcface-112",
    version="1",
    points=FivePoints.EYES_NOSE_AND_MOUTH,
    size=112,
    dimension=512,
    metric="cosine",
    mean=127.5,
    scale=127.5,
)
"""A model trained as ArcFace (Deng et al. 2019): 512 values from 112 x 112 pixels on a scale from
-1 to 1. The user brings the file, records its answers, and minds its licence: many may not be used
commercially. Give it an id of its own with ``attrs.evolve``."""

KNOWN_MODELS = (DLIB_RESNET_128, SFACE_128, ARCFACE_112)
"""All presets that come with biotrail."""
