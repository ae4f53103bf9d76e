"""Erasure certificates, checked offline with one public key."""

from __future__ import annotations

from typing import Any

import attrs

from biotrail.canonical.certificate import certificate_text, split_certificate
from biotrail.errors import AlteredError, MalformedError
from biotrail.verify.keys import GivenKeys
from biotrail.verify.proof_check import ProvenEntry, verify_proof

__all__ = ["ProvenErasure", "verify_certificate"]


@attrs.frozen
class ProvenErasure:
    """An erasure that a log was proven to record.

    Attributes:
        proven: The tombstone, and what vouches for it.
        text: The certificate's text, which says what the tombstone says.
    """

    proven: ProvenEntry
    text: str

    @property
    def content(self) -> dict[str, Any]:
        """What the tombstone says; see ``docs/spec/erasure.md``."""
        return self.proven.entry.content


def verify_certificate(data: bytes, key: GivenKeys) -> ProvenErasure:
    """Verify an erasure certificate, or raise what is wrong with it.

    That the log records the erasure is proven; that the log itself holds, and that the data is
    gone from it, is shown by `verify_log` on the log.

    Args:
        data: The certificate file's content.
        key: A verifier key of the log that you trust, or several; one of them must have signed.

    Raises:
        MalformedError: It is no certificate, or the proof is of another kind of entry.
        AlteredError: The text says something else than the proven entry.
        SignatureError: No key that was given signed, or a signature is wrong.
        ProofError: The proof does not lead to the signed root.
    """
    text, proof = split_certificate(data)
    proven = verify_proof(proof, key)
    if proven.entry.kind != "subject_erased":
        raise MalformedError(
            f"entry {proven.index} is no erasure's, but of kind {proven.entry.kind}",
            index=proven.index,
        )
    told = certificate_text(proven.checkpoint.origin, proven.entry)
    if told.encode() != text:
        raise AlteredError(
            "the certificate's text does not say what the proven entry says", index=proven.index
        )
    return ProvenErasure(proven, told)
