"""What goes wrong with signing keys, signed notes and proofs."""

from __future__ import annotations

from biotrail.errors._root import BiotrailError

__all__ = [
    "KeyFileError",
    "NotCosignedError",
    "ProofError",
    "SignatureError",
    "SigningError",
]


class SigningError(BiotrailError):
    """A signing key could not be used, or is not admitted in this log."""


class KeyFileError(SigningError):
    """A key file is missing, unreadable, too open, or its passphrase is wrong."""


class SignatureError(BiotrailError):
    """A signed note is malformed, or no trusted key signed it, or a signature is wrong."""

    kind, exit_code = "not signed", 21


class NotCosignedError(SignatureError):
    """A checkpoint bears no valid post-quantum cosignature of a key that was asked for."""

    kind, exit_code = "not cosigned", 22


class ProofError(BiotrailError):
    """An inclusion or consistency proof does not lead to the expected root.

    Attributes:
        expected: The root hash that was to be reached, if known.
        calculated: The root hash that the proof leads to, if it leads anywhere.
    """

    kind, exit_code = "not proven", 20

    def __init__(
        self, message: str, *, expected: bytes | None = None, calculated: bytes | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.calculated = calculated
