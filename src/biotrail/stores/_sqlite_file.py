"""Which file lies at a path: a log that was deleted, or replaced by another, is not read on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from biotrail.errors import StoreUnavailableError

__all__ = ["FileIdentity", "check_same_file", "identity_of"]

FileIdentity: TypeAlias = tuple[int, int]
"""Device and inode."""


def identity_of(path: Path) -> FileIdentity:
    """The file that lies at a path.

    Raises:
        StoreUnavailableError: There is none.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoreUnavailableError(
            f"{path} is no longer there: nothing more can be read of this log ({error.strerror})"
        ) from error
    return status.st_dev, status.st_ino


def check_same_file(path: Path, file: FileIdentity) -> None:
    """See that the same file still lies at a path.

    Raises:
        StoreUnavailableError: There is none, or another one.
    """
    if identity_of(path) != file:
        raise StoreUnavailableError(
            f"{path} is another file now than when it was opened: verify it, and open it anew"
        )
