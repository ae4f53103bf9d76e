"""Write the golden vectors of wrapped keys and of files of vault keys (docs/spec/vault-keys.md).

For other languages as much as for us: JSON, bytes in hex. Everything is put together here from the
primitives; a test checks that the file is what this script writes, and that the code agrees.

Run it from the root of the repository: ``python -m tests.vectors.make_vault_key_vectors``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

PATH = Path(__file__).parent / "vault" / "keys.json"
GENERATIONS = [(bytes([0xA0 + n]) * 16, bytes([n]) * 32) for n in range(3)]
DATA_KEY = bytes(range(32))
NONCE = bytes.fromhex("000102030405060708090a0b")


def wrapped(generation: tuple[bytes, bytes], context: bytes) -> bytes:
    """A wrapped key, by the text of the specification."""
    key_id, key = generation
    associated = b"biotrail/wrapped-key/1\n" + key_id + context
    return b"\x01" + NONCE + AESGCM(key).encrypt(NONCE, DATA_KEY, associated)


def file(passphrase: bytes, costs: tuple[int, int, int], count: int) -> bytes:
    """A file of vault keys, by the text of the specification."""
    memory, passes, lanes = costs
    salt, nonce = bytes(range(16)), bytes(range(100, 112))
    derived = Argon2id(
        salt=salt, length=64, iterations=passes, lanes=lanes, memory_cost=memory
    ).derive(passphrase)
    head = b"biotrail/vault-keys/1\n" + memory.to_bytes(4, "big") + bytes([passes, lanes])
    head += salt + derived[32:] + nonce
    ring = b"".join(key_id + key for key_id, key in GENERATIONS[:count])
    return head + AESGCM(derived[:32]).encrypt(nonce, ring, head)


def refused() -> list[dict[str, str]]:
    """Files that no reader may take."""
    good = file(b"correct horse", (8192, 1, 1), 2)
    bad = {
        "first line": b"biotrail/vault-keys/2\n" + good[22:],
        "memory below 8 MiB": good[:22] + (8191).to_bytes(4, "big") + good[26:],
        "memory above 1 GiB": good[:22] + (1024 * 1024 + 1).to_bytes(4, "big") + good[26:],
        "all the memory there is": good[:22] + b"\xff" * 4 + good[26:],
        "no pass": good[:26] + b"\x00" + good[27:],
        "17 passes": good[:26] + b"\x11" + good[27:],
        "no lane": good[:27] + b"\x00" + good[28:],
        "17 lanes": good[:27] + b"\x11" + good[28:],
        "another salt": good[:28] + bytes(16) + good[44:],
        "another check value": good[:44] + bytes(32) + good[76:],
        "another nonce": good[:76] + bytes(12) + good[88:],
        "last byte altered": good[:-1] + bytes([good[-1] ^ 1]),
        "cut": good[:-1],
        "a key cut off": good[:-48],
        "a byte more": good + b"\x00",
        "no key": good[:88] + good[-16:],
        "empty": b"",
    }
    return [{"why": why, "hex": data.hex()} for why, data in bad.items()]


def text() -> str:
    """The file, as it is committed."""
    made: dict[str, Any] = {
        "wrapped": [
            {
                "key_id": key_id.hex(),
                "key": key.hex(),
                "context": context.hex(),
                "data_key": DATA_KEY.hex(),
                "nonce": NONCE.hex(),
                "wrapped": wrapped((key_id, key), context).hex(),
            }
            for (key_id, key), context in zip(
                GENERATIONS, (b"", b"example.com/door", bytes(512)), strict=True
            )
        ],
        "files": [
            {
                "passphrase": passphrase,
                "memory": costs[0],
                "passes": costs[1],
                "lanes": costs[2],
                "keys": [{"id": one.hex(), "key": key.hex()} for one, key in GENERATIONS[:count]],
                "hex": file(passphrase.encode(), costs, count).hex(),
            }
            for passphrase, costs, count in (
                ("correct horse", (8192, 1, 1), 2),
                ("pässwörd", (65536, 3, 4), 3),
                ("x", (16384, 2, 16), 1),
            )
        ],
        "refused": refused(),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
