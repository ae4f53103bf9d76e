"""Signed checkpoints: the root hash of a log, under the signature of one of its keys."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from biotrail.errors import MalformedError, SignatureError
from biotrail.signing.keys import VerifierKey
from biotrail.signing.signer import Signer
from biotrail.tlog._text import write_base64
from biotrail.tlog.checkpoint import Checkpoint

__all__ = ["SignedCheckpoint", "open_checkpoint", "sign_checkpoint"]


@attrs.frozen
class SignedCheckpoint:
    """A checkpoint of the log under its signature.

    Keep one, away from the log: it is what a later rollback or fork is found by.

    Attributes:
        checkpoint: Origin, size and root hash.
        note: The signed note (C2SP), as text.
    """

    checkpoint: Checkpoint
    note: str

    @property
    def size(self) -> int:
        """Size of the tree."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """Root hash of the tree, 32 bytes."""
        return self.checkpoint.root

    def __str__(self) -> str:
        return self.note


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> str:
    """Return the checkpoint as a signed note.

    Args:
        checkpoint: What is signed.
        signers: Who signs; each under the name of the checkpoint's origin.

    Raises:
        SignatureError: There is no signer, or one has another name than the origin.
    """
    text = checkpoint.text()
    message = text.encode("utf-8")
    # A checkpoint's text and a key's name are fit for a note: their own doors saw to it.
    lines = [_signature_line(checkpoint, signer, message) for signer in signers]
    if not lines:
        raise SignatureError("a checkpoint is signed by at least one signer")
    return f"{text}\n{''.join(lines)}"


def _signature_line(checkpoint: Checkpoint, signer: Signer, message: bytes) -> str:
    key = signer.verifier_key
    _check_origin(checkpoint, key)
    return f"\u2014 {key.name} {write_base64(key.key_id + signer.sign(message))}\n"


def open_checkpoint(
    note: bytes | str, keys: Iterable[VerifierKey]
) -> tuple[Checkpoint, VerifierKey]:
    """Verify a signed checkpoint, and return it with the key that signed it.

    Args:
        note: The checkpoint as a signed note.
        keys: The keys of the log that are trusted. A key of another name than the checkpoint's
            origin does not make it good. For a mapping, give its values.

    Returns:
        The checkpoint, and the first trusted key in the order of the signature lines.

    Raises:
        SignatureError: The note is malformed, no trusted key signed it, a trusted key's signature
            is wrong, the text is not a checkpoint, or none of the keys has the origin's name.
    """
    # Loaded here: a log that is only written to reads none.
    from biotrail.signing.note import parse_note, verify_note

    signed_note = parse_note(note)
    signed_by = verify_note(signed_note, keys)
    try:
        checkpoint = Checkpoint.parse(signed_note.text)
    except MalformedError as error:
        raise SignatureError(f"the signed text is not a checkpoint: {error}") from None
    key = next((key for key in signed_by if key.name == checkpoint.origin), signed_by[0])
    _check_origin(checkpoint, key)
    return checkpoint, key


def _check_origin(checkpoint: Checkpoint, key: VerifierKey) -> None:
    """Refuse a key of another log: keys sign for the origin whose name they bear."""
    if key.name != checkpoint.origin:
        raise SignatureError(
            f"key {key.name}+{key.key_id.hex()} signs for another origin than {checkpoint.origin}"
        )
