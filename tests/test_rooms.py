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
    "Ed25519Signer",
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
MAXIMUM_LINES = 300


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


def test_modules_stay_small() -> None:
    """No module has more than 300 lines, but for errors.py, which holds the whole family."""
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
        if path.name != "errors.py"
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAXIMUM_LINES} == {}
