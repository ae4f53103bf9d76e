"""Signed notes and the keys that sign them."""

from __future__ import annotations

from biotrail.signing.checkpoint import open_checkpoint, sign_checkpoint
from biotrail.signing.keyfile import (
    finish_rotation,
    next_verifier_key,
    next_verifier_key_digest,
    open_key_file,
    prepare_rotation,
)
from biotrail.signing.keys import VerifierKey
from biotrail.signing.note import NoteSignature, SignedNote, parse_note, sign_note, verify_note
from biotrail.signing.signer import Ed25519Signer, Signer

__all__ = [
    "Ed25519Signer",
    "NoteSignature",
    "SignedNote",
    "Signer",
    "VerifierKey",
    "finish_rotation",
    "next_verifier_key",
    "next_verifier_key_digest",
    "open_checkpoint",
    "open_key_file",
    "parse_note",
    "prepare_rotation",
    "sign_checkpoint",
    "sign_note",
    "verify_note",
]
