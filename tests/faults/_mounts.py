"""Small file systems of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests._components import reason_for_absence


class Mounts:
    """Small file systems of one's own, unmounted in the end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mounted: list[Path] = []

    def __call__(self, *, size: str = "16m", read_only_copy_of: Path | None = None) -> Path:
        """Mount a tmpfs; with a copy of a folder in it, read-only, if one is given."""
        place = self._root / f"mount-{len(self._mounted)}"
        place.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
        self._mounted.append(place)
        if read_only_copy_of is not None:
            shutil.copytree(read_only_copy_of, place, dirs_exist_ok=True)
            self.remount(place, "ro")
        return place

    def remount(self, place: Path, option: str) -> None:
        """Mount it again, ``ro`` or ``rw``, whoever has files open there."""
        self._run("mount", "-o", f"remount,{option}", str(place))

    def close(self) -> None:
        """Unmount all."""
        for place in reversed(self._mounted):
            self._run("umount", "--lazy", str(place))

    @staticmethod
    def _run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounts]:
    """Mounts for one test."""
    if reason := reason_for_absence("tmpfs"):
        pytest.skip(f"component tmpfs: {reason}")
    mounts = Mounts(tmp_path)
    yield mounts
    mounts.close()


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for so many bytes; returns the file to be deleted."""
    ballast = folder / "ballast"
    status = os.statvfs(folder)
    size = max(status.f_bavail * status.f_frsize - leave, 1)
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast
