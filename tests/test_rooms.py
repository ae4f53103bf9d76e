"""What import-linter cannot say about the rooms: which names cross a door.

Rooms and their direction are contracts in pyproject.toml. But the door of `biotrail.signing` offers
both halves, and the auditor's rooms may take only the public one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests._components import ROOT

SOURCE = ROOT / "src" / "biotrail"

PRIVATE_HALF = {
    "AwsKmsSigner",
    "Ed25519Signer",
    "Pkcs11Signer",
    "Signer",
    "finish_rotation",
    "keyfile",
    "next_verifier_key",
    "next_verifier_key_digest",
    "open_key_file",
    "prepare_rotation",
    "sign_checkpoint",
    "sign_note",
    "signer",
}


def _imported_names(path: Path) -> Iterator[str]:
    """The last part of every name that the module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.rpartition(".")[2] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").rpartition(".")[2]
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", ["evidence", "query", "stores", "trust", "verify"])
def test_no_private_key_in_the_auditors_rooms(room: str) -> None:
    """No module of a room that only reads or stores imports anything that can sign."""
    crossing = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in (SOURCE / room).rglob("*.py")
        for name in _imported_names(path)
        if name in PRIVATE_HALF
    }
    assert crossing == set()
