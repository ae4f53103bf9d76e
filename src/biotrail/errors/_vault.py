"""What goes wrong with personal data: sealing it, opening it, destroying it."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "DestroyedKeyError",
    "ErasedError",
    "ErasureIncompleteError",
    "KeyProviderError",
    "LegalHoldError",
    "SealedError",
    "UnknownPersonError",
    "VaultError",
    "WrappedKeyError",
]


class VaultError(BiotrailError):
    """Personal data could not be sealed, opened or destroyed. Base of the errors below."""


class KeyProviderError(VaultError):
    """A provider of key-encryption keys is out of reach, refuses, or does not know the key.

    Attributes:
        provider: What the provider calls the key-encryption key, where that is known.
    """

    def __init__(self, message: str, *, provider: str | None = None) -> None:
        super().__init__(message)
        self.provider = provider


class WrappedKeyError(VaultError):
    """A wrapped data key is damaged, was exchanged, or is of another log: trying again is no use.

    What lies in the store is not what was kept there; or the provider holds another key under the
    same name. Not an outage: that is `KeyProviderError`.

    Attributes:
        provider: What the provider calls the key-encryption key, where that is known.
    """

    def __init__(self, message: str, *, provider: str | None = None) -> None:
        super().__init__(message)
        self.provider = provider


class SealedError(VaultError):
    """Personal fields were asked for without the key that opens them."""


class ErasedError(VaultError):
    """What was asked for was destroyed by an erasure or a retention that the log records.

    Attributes:
        index: Index of the entry that records it, if it is recorded yet.
    """

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class DestroyedKeyError(VaultError):
    """A data key that an erasure destroyed is back, as after the restore of a backup: refused."""


class LegalHoldError(VaultError):
    """The person's records are under a legal hold, so they are not erased.

    Attributes:
        holds: Indices of the entries that place the holds.
    """

    def __init__(self, message: str, holds: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.holds = holds


class UnknownPersonError(VaultError):
    """Nothing leads to records of this person: never recorded here, or erased already.

    Which of the two cannot be told: an erasure destroys what leads from a person to their records.
    """


class ErasureIncompleteError(VaultError):
    """An erasure was begun and could not be ended; run it again, it goes on where it stopped.

    Attributes:
        erasure: The erasure's id, 16 bytes.
    """

    def __init__(self, message: str, erasure: bytes = b"") -> None:
        super().__init__(message)
        self.erasure = erasure
