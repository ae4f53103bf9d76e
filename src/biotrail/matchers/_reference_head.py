"""What a reference store says of itself: its salt, a proof of its key, and its version.

The version is a sealed number that rises with every change. A file that was put back to an earlier
copy holds an earlier number, and nobody without the key can seal a later one. The number tells
nothing by itself: somebody has to remember it elsewhere.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager

from biotrail.errors import (
    AlteredReferenceError,
    MatcherError,
    ReferenceStoreError,
    ReferenceStoreRollbackError,
)
from biotrail.matchers._reference_file import ReferenceFile
from biotrail.matchers._reference_seal import RowSeal

__all__ = ["StoreVersion", "unlocked"]


def unlocked(file: ReferenceFile, key: bytes) -> RowSeal:
    """The seal of a file under the host's key; a new file gets a salt and a proof of the key.

    Raises:
        ReferenceKeyError: The file was made with another key.
        ReferenceStoreError: Its salt is damaged.
    """
    with file.changing():
        kept = file.query("SELECT salt, proof FROM store")
        if not kept:
            salt = os.urandom(32)
            seal = RowSeal(key, salt)
            file.query("INSERT INTO store (salt, proof) VALUES (?, ?)", (salt, seal.proof()))
            return seal
    if len(kept) != 1 or not all(isinstance(one, bytes) for one in kept[0]):
        raise ReferenceStoreError(f"{file.path}: its salt is damaged")
    seal = RowSeal(key, kept[0][0])
    seal.check(kept[0][1])
    return seal


class StoreVersion:
    """The version of one file, under the store's seal."""

    def __init__(self, file: ReferenceFile, seal: RowSeal) -> None:
        self._file, self._seal = file, seal

    def read(self) -> int:
        """The number.

        Raises:
            AlteredReferenceError: It was changed without the key.
        """
        number, sealed = self._file.query("SELECT version, version_seal FROM store")[0]
        if (number, sealed) == (0, b""):  # nothing was ever changed
            return 0
        if not (isinstance(number, int) and isinstance(sealed, bytes) and number > 0):
            raise self._altered()
        if not hmac.compare_digest(sealed, self._seal.of_version(number)):
            raise self._altered()
        return number

    def require(self, at_least: int) -> None:
        """See that the file is no older than somebody remembers.

        Raises:
            ReferenceStoreRollbackError: It is.
            AlteredReferenceError: The number was changed without the key.
            MatcherError: What is remembered is no whole number from 0.
        """
        given: object = at_least
        if isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise MatcherError("the version of a reference store is a whole number from 0")
        if (found := self.read()) < at_least:
            raise ReferenceStoreRollbackError(
                f"{self._file.path} is of version {found}, and was of version {at_least} before: "
                "an older copy stands in its place; look for the newer one, or repeat what was "
                "enrolled, revoked and deleted since"
            )

    @contextmanager
    def rising(self) -> Iterator[None]:
        """A transaction that changes the file: all of the block and a later number, or nothing."""
        with self._file.changing():
            yield
            later = self.read() + 1
            sealed = self._seal.of_version(later)
            self._file.query("UPDATE store SET version = ?, version_seal = ?", (later, sealed))

    def _altered(self) -> ReferenceStoreError:
        return AlteredReferenceError(f"{self._file.path}: its version was changed or damaged")
