"""What is handed out when an erasure is finished."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from biotrail.canonical import Entry, decode_entry, parse_time
from biotrail.canonical.certificate import certificate_text, encode_certificate
from biotrail.canonical.proof_entry import decode_proof_entry
from biotrail.errors import CanonicalError, MalformedError
from biotrail.tlog import ProofFile, unverified_checkpoint

__all__ = ["ErasureCertificate"]


@attrs.frozen
class ErasureCertificate:
    """Shows what an erasure destroyed, to anyone who knows the log's verifier key.

    Check one with `biotrail.verify.verify_certificate` or ``biotrail verify-certificate``.

    Attributes:
        origin: The log's origin.
        entry: The tombstone: the entry that records the erasure.
        proof: The proof that it is in the log.
    """

    origin: str
    entry: Entry
    proof: ProofFile

    @classmethod
    def of(cls, proof: ProofFile) -> ErasureCertificate:
        """The certificate that goes with the proof of a tombstone.

        Raises:
            MalformedError: It is the proof of something else.
        """
        try:
            entry = decode_entry(decode_proof_entry(proof.extra or b""))
        except CanonicalError as error:
            raise MalformedError(f"the proof carries no entry: {error}") from error
        if entry.kind != "subject_erased":
            raise MalformedError(f"entry {entry.index} is no erasure's, but of kind {entry.kind}")
        return cls(unverified_checkpoint(proof.checkpoint_note).origin, entry, proof)

    @property
    def _content(self) -> dict[str, Any]:
        return self.entry.content

    @property
    def index(self) -> int:
        """Index of the tombstone."""
        return self.entry.index

    @property
    def erasure(self) -> bytes:
        """The erasure's id, 16 bytes."""
        return bytes(self._content["id"])

    @property
    def references(self) -> tuple[bytes, ...]:
        """The references that were erased, 16 bytes each; nothing leads to the person any more."""
        return tuple(self._content["references"])

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """Fingerprints of the data keys that were destroyed, 32 bytes each."""
        return tuple(self._content["fingerprints"])

    @property
    def payloads(self) -> int:
        """How many parts of payloads were destroyed."""
        return int(self._content["payloads"])

    @property
    def through(self) -> int:
        """Size of the log when the erasure began: no later record bears the references."""
        return int(self._content["through"])

    @property
    def requested(self) -> datetime:
        """When it was asked for."""
        return parse_time(self._content["requested"])

    @property
    def reason(self) -> str:
        """Why."""
        return str(self._content["reason"])

    @property
    def legal_basis(self) -> str:
        """On which ground."""
        return str(self._content["legal_basis"])

    @property
    def beyond(self) -> tuple[str, ...]:
        """What it cannot reach, as the host declared it."""
        return tuple(self._content.get("beyond", ()))

    @property
    def text(self) -> str:
        """The certificate's text, for people."""
        return certificate_text(self.origin, self.entry)

    def encode(self) -> bytes:
        """The certificate's file: the text, then the proof."""
        return encode_certificate(self.origin, self.entry, self.proof.encode())
