"""Write the vectors of post-quantum cosignatures: ``tests/vectors/spec/cosignatures.json``.

Keys and signatures come from dilithium-py, another implementation of FIPS 204, in its deterministic
variant; key ids and messages from the standard library. Nothing of it comes from the code under
test but the checkpoint, which has vectors of its own.

Run it from the root of the repository: ``python -m tests.vectors.make_cosignature_vectors``.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from biotrail.signing import sign_checkpoint
from biotrail.tlog import Checkpoint
from tests.vectors import _spec_log as spec

FILE = Path(__file__).parent / "spec" / "cosignatures.json"
_SEED = sha256(b"biotrail test cosigner").digest()
_CHECKPOINT = Checkpoint(spec.ORIGIN, 70_000, sha256(b"root").digest())


def message(name: str, timestamp: int, checkpoint: Checkpoint, *, start: int = 0) -> bytes:
    """Return what is signed (C2SP tlog-cosignature, ``cosigned_message``)."""
    named, origin = name.encode(), checkpoint.origin.encode()
    return (
        b"subtree/v1\n\0"
        + struct.pack(">B", len(named))
        + named
        + struct.pack(">QB", timestamp, len(origin))
        + origin
        + struct.pack(">QQ", start, checkpoint.size)
        + checkpoint.root
    )


def _line(name: str, public: bytes, blob: bytes) -> str:
    key_id = sha256(name.encode() + b"\n\x06" + public).digest()[:4]
    return f"\u2014 {name} {b64encode(key_id + blob).decode()}\n"


def _verifier_key(name: str, public: bytes) -> str:
    key_id = sha256(name.encode() + b"\n\x06" + public).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64encode(bytes([6]) + public).decode()}"


def cosignatures() -> dict[str, Any]:
    """Return a key, cosigned checkpoints that hold, and those that must be refused."""
    from dilithium_py.ml_dsa import ML_DSA_44

    public, private = ML_DSA_44.key_derive(_SEED)
    plain = sign_checkpoint(_CHECKPOINT, spec.signer("A"))
    name, witness = spec.ORIGIN, "witness.example/w1"

    def blob(by: str, timestamp: int, *, said: int | None = None, **more: Any) -> bytes:
        signed = message(by, timestamp, _CHECKPOINT, **more)
        signature: bytes = ML_DSA_44.sign(private, signed, deterministic=True)
        return struct.pack(">Q", timestamp if said is None else said) + signature

    good = blob(name, 0)
    opens = {
        "no word about time": (name, 0, good),
        "a time": (name, 1_795_000_000, blob(name, 1_795_000_000)),
        "the last time": (name, 2**63 - 1, blob(name, 2**63 - 1)),
        "a witness": (witness, 1_795_000_000, blob(witness, 1_795_000_000)),
    }
    refused = {
        "another time than was signed": blob(name, 5, said=6),
        "a time beyond the last": blob(name, 2**63),
        "signed under another name": blob(witness, 0),
        "over a subtree that does not begin at 0": blob(name, 0, start=1),
        "over the text, as Ed25519 is": bytes(8)
        + ML_DSA_44.sign(private, _CHECKPOINT.text().encode(), deterministic=True),
        "with a context": bytes(8)
        + ML_DSA_44.sign(private, message(name, 0, _CHECKPOINT), ctx=b"c", deterministic=True),
        "a byte less": good[:-1],
        "a byte more": good + b"\0",
        "a bit turned": good[:-1] + bytes([good[-1] ^ 1]),
        "no signature": bytes(8),
    }
    keys = {one: _verifier_key(one, public) for one in (name, witness)}
    return {
        "seed": _SEED.hex(),
        "checkpoint": plain,
        "opens": [
            {
                "why": why,
                "verifier_key": keys[by],
                "timestamp": str(timestamp),
                "message": message(by, timestamp, _CHECKPOINT).hex(),
                "note": plain + _line(by, public, line),
            }
            for why, (by, timestamp, line) in opens.items()
        ],
        "refused": [
            {"why": why, "verifier_key": keys[name], "note": plain + _line(name, public, line)}
            for why, line in refused.items()
        ],
    }


def text_of(content: Any) -> str:
    """Return the file's text."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(cosignatures()), encoding="utf-8")
