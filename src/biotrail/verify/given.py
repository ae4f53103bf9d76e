"""What is given to a verification: keys as objects or text, a log as a file or a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from biotrail.errors import (
    MalformedError,
    StoreBusyError,
    StoreError,
    StoreUnavailableError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey
from biotrail.stores import SQLiteReader, StoreReader

__all__ = ["given_keys", "open_given"]


def given_keys(key: VerifierKey | str | Iterable[VerifierKey | str]) -> list[VerifierKey]:
    """The keys that were given, at least one, all of one log.

    Raises:
        MalformedError: One is no verifier key.
        WrongKeyError: None was given, or they belong to different logs.
    """
    given = [key] if isinstance(key, (VerifierKey, str)) else list(key)
    if not given:
        raise WrongKeyError("no verifier key was given: without one nothing can be proven")
    parsed = [VerifierKey.parse(one.strip()) if isinstance(one, str) else one for one in given]
    if len({one.name for one in parsed}) > 1:
        raise WrongKeyError("the keys given belong to different logs")
    return parsed


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
