"""The log that is given to a verification: a file, or a store."""

from __future__ import annotations

import os
from pathlib import Path

from biotrail.errors import (
    MalformedError,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
)
from biotrail.stores import SQLiteReader, StoreReader

__all__ = ["open_given"]


def open_given(log: str | os.PathLike[str] | StoreReader) -> StoreReader:
    """The store of a log: a file is opened, which the caller closes; a store is taken as it is.

    Raises:
        StoreUnavailableError: There is no such file.
        MalformedError: It cannot be read as a log.
        TypeError: It is neither a path nor a store.
    """
    if isinstance(log, (str, os.PathLike)):
        return _open(Path(log))
    # Asked for one method only: a store that hands every call on to another is one too.
    if not hasattr(log, "extent"):
        raise TypeError(f"a log is a path or a store with its methods, not a {type(log).__name__}")
    return log


def _open(path: Path) -> SQLiteReader:
    if not path.exists():
        raise StoreUnavailableError(f"{path}: there is no such file")
    try:
        return SQLiteReader(path)
    except StoreBusyError:
        raise
    except StoreError as error:
        raise MalformedError(f"{path} cannot be read as a log: {error}") from error
