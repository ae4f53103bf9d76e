"""Cosignatures against others' code: tlog-scales for the line, dilithium-py for the algorithm."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from biotrail.errors import SignatureError
from biotrail.signing import (
    Ed25519Signer,
    MlDsa44Cosigner,
    MlDsa44Key,
    check_post_quantum,
    parse_note,
    sign_checkpoint,
)
from biotrail.tlog import Checkpoint

pytestmark = [pytest.mark.component("ml-dsa"), pytest.mark.component("oracles")]

ORIGIN = "biotrail.example/log1"
CHECKPOINT = Checkpoint(ORIGIN, 301, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, Ed25519Signer.from_seed(ORIGIN, bytes(range(32))))
SEED = bytes(range(100, 132))


def theirs(note: str, keys: list[str]) -> int:
    """How many lines of a note tlog-scales accepts."""
    from tlog_scales import signing, tlog

    checkpoint = tlog.Checkpoint.from_text(note)
    known = signing.VkeySet(*(signing.Vkey.from_string(one) for one in keys))
    return len(known.verify(checkpoint.signatures, checkpoint))


@pytest.mark.parametrize("timestamp", [0, 1_795_000_000])
def test_they_accept_our_lines(timestamp: int) -> None:
    """Both lines of a cosigned checkpoint verify in tlog-scales; a changed one does not."""
    ed25519 = str(Ed25519Signer.from_seed(ORIGIN, bytes(range(32))).verifier_key)
    cosigner = MlDsa44Cosigner.from_seed(ORIGIN, SEED)
    note = cosigner.cosign(NOTE, timestamp=timestamp)
    assert theirs(note, [ed25519, str(cosigner.key)]) == 2
    assert theirs(note.replace("301", "302"), [ed25519, str(cosigner.key)]) == 0


def test_we_accept_their_lines() -> None:
    """A line that tlog-scales made, under a name of its own, verifies here."""
    from tlog_scales import signing, tlog

    signer: Any = signing.MLDSA44CosignatureSigner("witness.example/w1", SEED)
    checkpoint = tlog.Checkpoint(ORIGIN, 301, bytes(range(32)), [])
    line: str = signer.sign(checkpoint).serialize()
    note = f"{NOTE}{line}\n"
    key = MlDsa44Key.parse(signer.vkey.serialize())
    assert key == MlDsa44Cosigner.from_seed("witness.example/w1", SEED).key
    assert check_post_quantum(note, key).timestamp > 1_700_000_000
    with pytest.raises(SignatureError):
        check_post_quantum(note.replace("301", "302"), key)


def test_another_implementation_of_the_algorithm() -> None:
    """dilithium-py, written from FIPS 204, has the same keys, takes our signatures, we take its."""
    from dilithium_py.ml_dsa import ML_DSA_44

    cosigner = MlDsa44Cosigner.from_seed(ORIGIN, SEED)
    public, private = ML_DSA_44.key_derive(SEED)
    assert public == cosigner.key.public
    head = b"subtree/v1\n\0" + bytes([len(ORIGIN)]) + ORIGIN.encode()
    tail = bytes([len(ORIGIN)]) + ORIGIN.encode() + struct.pack(">QQ", 0, 301) + CHECKPOINT.root
    message = head + bytes(8) + tail
    blob = parse_note(cosigner.cosign(NOTE)).signatures[1].signature
    assert ML_DSA_44.verify(public, message, blob[8:])
    assert not ML_DSA_44.verify(public, message + b"\0", blob[8:])
    assert cosigner.key.verify(CHECKPOINT, bytes(8) + ML_DSA_44.sign(private, message)) == 0
    with pytest.raises(SignatureError):
        cosigner.key.verify(CHECKPOINT, bytes(8) + ML_DSA_44.sign(private, message + b"\0"))
