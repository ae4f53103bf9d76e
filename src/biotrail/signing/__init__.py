"""Signed notes and the keys that sign them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.signing.checkpoint import SignedCheckpoint, open_checkpoint, sign_checkpoint
from biotrail.signing.keys import VerifierKey
from biotrail.signing.signer import Ed25519Signer, Signer

if TYPE_CHECKING:
    from biotrail.signing.aws_kms import AwsKmsSigner
    from biotrail.signing.keyfile import (
        finish_rotation,
        next_verifier_key,
        next_verifier_key_digest,
        open_key_file,
        prepare_rotation,
    )
    from biotrail.signing.note import (
        NoteSignature,
        SignedNote,
        parse_note,
        sign_note,
        verify_note,
    )
    from biotrail.signing.pkcs11 import Pkcs11Signer
    from biotrail.signing.post_quantum import (
        Cosignature,
        MlDsa44Cosigner,
        MlDsa44Key,
        check_post_quantum,
    )
    from biotrail.signing.post_quantum_file import open_post_quantum_key_file

__all__ = [
    "AwsKmsSigner",
    "Cosignature",
    "Ed25519Signer",
    "MlDsa44Cosigner",
    "MlDsa44Key",
    "NoteSignature",
    "Pkcs11Signer",
    "SignedCheckpoint",
    "SignedNote",
    "Signer",
    "VerifierKey",
    "check_post_quantum",
    "finish_rotation",
    "next_verifier_key",
    "next_verifier_key_digest",
    "open_checkpoint",
    "open_key_file",
    "open_post_quantum_key_file",
    "parse_note",
    "prepare_rotation",
    "sign_checkpoint",
    "sign_note",
    "verify_note",
]

_NOTE, _KEY_FILE = "biotrail.signing.note", "biotrail.signing.keyfile"
_POST_QUANTUM = "biotrail.signing.post_quantum"
__getattr__ = load_when_used(
    __name__,
    {
        "AwsKmsSigner": "biotrail.signing.aws_kms",
        "NoteSignature": _NOTE,
        "Pkcs11Signer": "biotrail.signing.pkcs11",
        "SignedNote": _NOTE,
        "Cosignature": _POST_QUANTUM,
        "MlDsa44Cosigner": _POST_QUANTUM,
        "MlDsa44Key": _POST_QUANTUM,
        "check_post_quantum": _POST_QUANTUM,
        "finish_rotation": _KEY_FILE,
        "next_verifier_key": _KEY_FILE,
        "next_verifier_key_digest": _KEY_FILE,
        "open_key_file": _KEY_FILE,
        "open_post_quantum_key_file": "biotrail.signing.post_quantum_file",
        "parse_note": _NOTE,
        "prepare_rotation": _KEY_FILE,
        "sign_note": _NOTE,
        "verify_note": _NOTE,
    },
)
