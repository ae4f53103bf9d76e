"""Write the golden vectors of trees, notes, tiles and proof files.

They are for other languages as much as for us: JSON, bytes in hex unless they are text. Hashes,
proofs and roots come from the transcription of RFC 6962 in ``tests/reference``, not from the code
under test; a test checks that the files are what this script writes, and that the code agrees.

Run it from the root of the repository: ``python -m tests.vectors.make_tlog_vectors``.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from biotrail.signing import Ed25519Signer
from tests.reference import rfc6962

FOLDER = Path(__file__).parent / "tlog"
ORIGIN = "biotrail.example/log1"
SEED = bytes(range(32))
SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 255, 256, 257)


def entries(size: int) -> list[bytes]:
    """Return the first entries: the texts ``entry 0``, ``entry 1`` and so on."""
    return [b"entry %d" % number for number in range(size)]


def hexed(hashes: list[bytes]) -> list[str]:
    """Return each hash in hex."""
    return [one.hex() for one in hashes]


def trees() -> dict[str, Any]:
    """Return roots and proofs at small sizes and around the width of a tile."""
    return {
        "entries": "entry N is the ASCII text 'entry N', N in decimal from 0",
        "roots": [{"size": size, "root": rfc6962.mth(entries(size)).hex()} for size in SIZES],
        "inclusion": [
            {
                "index": index,
                "size": size,
                "proof": hexed(rfc6962.path(index, entries(size))),
            }
            for size in SIZES
            for index in sorted({0, size // 2, size - 1})
            if 0 <= index < size
        ],
        "consistency": [
            {"old": old, "new": new, "proof": hexed(rfc6962.proof(old, entries(new)))}
            for new in SIZES
            for old in SIZES
            if 0 < old <= new
        ],
    }


def signed(text: str) -> str:
    """Return a text as a note signed by the key of the seed."""
    signer = Ed25519Signer.from_seed(ORIGIN, SEED)
    blob = signer.verifier_key.key_id + signer.sign(text.encode())
    return f"{text}\n— {ORIGIN} {base64.b64encode(blob).decode()}\n"


def checkpoint_text(size: int) -> str:
    """Return the checkpoint of the first entries."""
    root = base64.b64encode(rfc6962.mth(entries(size))).decode()
    return f"{ORIGIN}\n{size}\n{root}\n"


def checkpoints() -> dict[str, Any]:
    """Return signed checkpoints that must open, and some that must not, each with the reason."""
    text = checkpoint_text(257)
    note = signed(text)
    head, _, line = note.rpartition("\n\n")
    root = text.split("\n")[2]
    refused = {
        "signature covers another size": note.replace("\n257\n", "\n258\n"),
        "leading zero": signed(text.replace("\n257\n", "\n0257\n")),
        "plus sign": signed(text.replace("\n257\n", "\n+257\n")),
        "negative size": signed(text.replace("\n257\n", "\n-1\n")),
        "size of 2**63": signed(text.replace("\n257\n", f"\n{2**63}\n")),
        "extension line": signed(text + "extension\n"),
        "root without padding": signed(text.replace("=", "")),
        "root with stray bits": signed(text.replace(root, root[:-2] + _next(root[-2]) + "=")),
        "root of 31 bytes": signed(text.replace(root, base64.b64encode(bytes(31)).decode())),
        "empty tree with a root": signed(text.replace("\n257\n", "\n0\n")),
        "another origin": signed(text.replace(ORIGIN, "other.example/log")),
        "CRLF": note.replace("\n", "\r\n"),
        "NUL in the text": note.replace("biotrail", "bio\0trail", 1),
        "no signature": head + "\n\n",
        "no blank line": note.replace("\n\n", "\n"),
        "hyphen for the em dash": head + "\n\n" + line.replace("—", "-"),
        "no last newline": note[:-1],
        "text after the signatures": note + "more\n",
        "unknown key only": head + f"\n\n— {ORIGIN} {base64.b64encode(bytes(68)).decode()}\n",
        "signature with stray base64": note[:-1] + "=\n",
    }
    witness = f"— witness.example {base64.b64encode(bytes(76)).decode()}\n"
    return {
        "seed": SEED.hex(),
        "verifier_key": str(Ed25519Signer.from_seed(ORIGIN, SEED).verifier_key),
        "opens": [
            *({"size": size, "note": signed(checkpoint_text(size))} for size in SIZES),
            {"size": 257, "note": note + witness},
            {"size": 257, "note": head + "\n\n" + witness + line},
        ],
        "refused": [{"why": why, "note": note} for why, note in refused.items()],
    }


def _next(letter: str) -> str:
    """Return the next letter of base64: other spare bits, same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return alphabet[alphabet.index(letter) + 1]


def proof_files() -> dict[str, Any]:
    """Return proof files that must be read, and some that must not, each with the reason."""
    note = signed(checkpoint_text(7))
    proof = rfc6962.path(5, entries(7))
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
    magic, extra = "c2sp.org/tlog-proof@v1\n", f"extra {base64.b64encode(b'hello').decode()}\n"
    plain = f"{magic}index 5\n{lines}\n{note}"
    refused = {
        "another version": plain.replace("@v1", "@v2"),
        "no magic line": plain.removeprefix(magic),
        "no index": plain.replace("index 5\n", ""),
        "index with leading zero": plain.replace("index 5", "index 05"),
        "negative index": plain.replace("index 5", "index -5"),
        "index in other digits": plain.replace("index 5", "index \u0665"),
        "index beyond the tree": plain.replace("index 5", "index 7"),
        "extra after index": f"{magic}index 5\n{extra}{lines}\n{note}",
        "extra twice": f"{magic}{extra}{extra}index 5\n{lines}\n{note}",
        "empty extra": f"{magic}extra \nindex 5\n{lines}\n{note}",
        "CRLF": plain.replace("\n", "\r\n"),
        "short hash": f"{magic}index 5\nAAAA\n\n{note}",
        "65 hashes": f"{magic}index 5\n{(lines * 65)[: 45 * 65]}\n{note}",
        "no checkpoint": f"{magic}index 5\n{lines}\n",
        "two blank lines": f"{magic}index 5\n{lines}\n\n{note}",
        "unsigned checkpoint": f"{magic}index 5\n{lines}\n{checkpoint_text(7)}",
        "space after the index": plain.replace("index 5", "index 5 "),
    }
    return {
        "entry": "entry 5",
        "read": [
            {"index": 5, "extra": None, "proof": hexed(proof), "file": plain},
            {
                "index": 5,
                "extra": b"hello".hex(),
                "proof": hexed(proof),
                "file": f"{magic}{extra}index 5\n{lines}\n{note}",
            },
            {
                "index": 0,
                "extra": None,
                "proof": [],
                "file": f"{magic}index 0\n\n{signed(checkpoint_text(1))}",
            },
        ],
        "refused": [{"why": why, "file": file} for why, file in refused.items()],
    }


def tiles() -> dict[str, Any]:
    """Return paths of tiles, and an entry bundle (all spelled out by hand from C2SP tlog-tiles)."""
    return {
        "paths": [
            {"level": 0, "index": 0, "width": 256, "path": "tile/0/000"},
            {"level": 0, "index": 273, "width": 112, "path": "tile/0/273.p/112"},
            {"level": 1, "index": 1, "width": 17, "path": "tile/1/001.p/17"},
            {"level": 2, "index": 999, "width": 1, "path": "tile/2/999.p/1"},
            {"level": 0, "index": 1000, "width": 256, "path": "tile/0/x001/000"},
            {"level": 63, "index": 1234067, "width": 256, "path": "tile/63/x001/x234/067"},
        ],
        "entry_paths": [
            {"index": 0, "width": 1, "path": "tile/entries/000.p/1"},
            {"index": 1234067, "width": 256, "path": "tile/entries/x001/x234/067"},
        ],
        "bundles": [
            {"entries": ["", "00", "ff" * 256], "bundle": "0000" + "000100" + "0100" + "ff" * 256}
        ],
    }


FILES = {
    "trees.json": trees,
    "checkpoints.json": checkpoints,
    "proof_files.json": proof_files,
    "tiles.json": tiles,
}


def main() -> None:
    """Write every file."""
    for name, make in FILES.items():
        (FOLDER / name).write_text(text_of(make()), encoding="utf-8")


def text_of(content: dict[str, Any]) -> str:
    """Return a file's text."""
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    main()
