"""Checkpoints under a key of the second algorithm, ECDSA over P-256.

The signatures are kept, not made anew: they were made once, with the private key 2026 and the nonce
of RFC 6979, and not every library can choose its nonce.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

__all__ = ["ecdsa"]

_NAME = "example.com/hsm"
_HEAD = "3059301306072a8648ce3d020106082a8648ce3d030107034200"
_POINT = (
    "046ead421a9da94d61eb6ca3facbeb6e967c2c0b4601a4f1336e57ad7c6300db01"
    "3e6682bd79a042c7f803cee4834d4cc8ed29e21f317083efa8470eee832e2846"
)
_R = "022100" + "9407339eb62226d258a9193bb3f52fdb5c87abe34287cb3d3a60eb57beab5f68"
_S = "022100" + "aaaaaff364c10c6e67af2916e93bc0695c356c3534bb968e067d89b5d9f44eb6"
_OTHER_S = "0220" + "5555500b9b3ef3929850d6e916c43f9660b18e78725c07f6ed3c410d226ed69b"
_SIGNATURE = "3046" + _R + _S
_ROOT = bytes(range(32))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key(public: str, *, name: str = _NAME) -> str:
    data = bytes.fromhex(public)
    return f"{name}+{sha256(data).hexdigest()[:8]}+{_base64(bytes([2]) + data)}"


def _note(signature: str, *, size: int = 5) -> str:
    key_id = sha256(bytes.fromhex(_HEAD + _POINT)).digest()[:4]
    line = _base64(key_id + bytes.fromhex(signature))
    return f"{_NAME}\n{size}\n{_base64(_ROOT)}\n\n\u2014 {_NAME} {line}\n"


def ecdsa() -> dict[str, Any]:
    """A verifier key, notes that open under it, and keys and notes that must be refused."""
    compressed = "3039301306072a8648ce3d020106082a8648ce3d030107032200" + "02" + _POINT[2:66]
    another_curve = "3056301006072a8648ce3d020106052b8104000a034200" + _POINT
    off_the_curve = _HEAD + _POINT[:-2] + "47"
    return {
        "verifier_key": _key(_HEAD + _POINT),
        "opens": [
            {"note": _note(_SIGNATURE), "size": 5},
            {"note": _note("3045" + _R + _OTHER_S), "size": 5},
        ],
        "refused": [
            {"why": "another size was signed", "note": _note(_SIGNATURE, size=6)},
            {"why": "a byte after the signature", "note": _note(_SIGNATURE + "00")},
            {"why": "a length in two bytes", "note": _note("308146" + _R + _S)},
            {"why": "r and s as 64 bytes", "note": _note(_R[6:] + _S[6:])},
            {"why": "s is zero", "note": _note("3026" + _R + "020100")},
        ],
        "refused_keys": [
            {"why": "a compressed point", "verifier_key": _key(compressed)},
            {"why": "another curve", "verifier_key": _key(another_curve)},
            {"why": "a point that is not on the curve", "verifier_key": _key(off_the_curve)},
        ],
    }
