"""Go's reference implementation (golang.org/x/mod/sumdb) accepts our published logs, and no other.

The Go program beside this file knows nothing of biotrail: it reads a C2SP tile directory, and
proofs in JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from biotrail.signing import Ed25519Signer, sign_checkpoint
from biotrail.tlog import (
    Checkpoint,
    CompactRange,
    TileBuilder,
    TileNodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    published_files,
)

pytestmark = pytest.mark.component("go")

SIGNER = Ed25519Signer.from_seed("biotrail.example/log1", bytes(range(32)))
SIZES = (1, 2, 3, 255, 256, 257, 511, 512, 513)
LARGE = 70_000


class Log:
    """A published log of numbered entries, and proofs in it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.leaves = [leaf_hash(entry) for entry in self.entries()]
        builder = TileBuilder()
        self._tiles = {(one.level, one.number): one.data for one in builder.extend(self.leaves)}

    def entries(self) -> list[bytes]:
        """Return the entries."""
        return [b"entry %d" % number for number in range(self.size)]

    def root(self, size: int) -> bytes:
        """Return the root hash of the first entries."""
        tree = CompactRange()
        tree.extend(self.leaves[:size])
        return tree.root()

    def node(self, size: int) -> TileNodes:
        """Return stored hashes, from full tiles and a tail."""
        first = size // 256 * 256
        return TileNodes(size, lambda *key: self._tiles[key], lambda: self.leaves[first:size])

    def publish(self, directory: Path) -> None:
        """Write the tile directory."""
        checkpoint = Checkpoint("biotrail.example/log1", self.size, self.root(self.size))
        for path, data in published_files(self.entries(), sign_checkpoint(checkpoint, SIGNER)):
            file = directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def proofs(self, count: int) -> dict[str, list[dict[str, Any]]]:
        """Return inclusion and consistency proofs at random sizes (always the same ones)."""
        chance = random.Random(self.size)
        sizes = [self.size, *(chance.randint(1, self.size) for _ in range(count))]
        return {
            "Inclusion": [self._inclusion(chance.randrange(size), size) for size in sizes],
            "Consistency": [self._consistency(chance.randint(1, size), size) for size in sizes],
        }

    def _inclusion(self, index: int, size: int) -> dict[str, Any]:
        proof = inclusion_proof(index, size, self.node(size))
        return {"Index": index, "Size": size, "Root": b64(self.root(size)), "Proof": b64s(proof)}

    def _consistency(self, old: int, new: int) -> dict[str, Any]:
        return {
            "Old": old,
            "New": new,
            "OldRoot": b64(self.root(old)),
            "NewRoot": b64(self.root(new)),
            "Proof": b64s(consistency_proof(old, new, self.node(new))),
        }


def b64(data: bytes) -> str:
    """Return base64."""
    return b64encode(data).decode()


def b64s(hashes: Sequence[bytes]) -> list[str]:
    """Return each hash in base64."""
    return [b64(one) for one in hashes]


Verifier = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """Build the Go program, and return a function that runs it on a directory."""
    program = tmp_path_factory.mktemp("go") / "verify"
    environment = {
        **os.environ,
        "GOPATH": "/usr/share/gocode",
        "GO111MODULE": "off",
        "GOCACHE": str(program.parent / "cache"),
        "GOFLAGS": "",
    }
    source = Path(__file__).with_name("go") / "main.go"
    subprocess.run(
        ["go", "build", "-o", str(program), str(source)], env=environment, check=True, timeout=250
    )

    def run(
        directory: Path, proofs: dict[str, Any], *, vkey: str = str(SIGNER.verifier_key)
    ) -> subprocess.CompletedProcess[str]:
        file = directory / "proofs.json"
        file.write_text(json.dumps(proofs))
        command = [str(program), str(directory), vkey, str(file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return run


def flip(file: Path, position: int) -> None:
    """Change one bit of a file."""
    data = bytearray(file.read_bytes())
    data[position] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("size", SIZES)
def test_go_accepts_small_logs(size: int, verify: Verifier, tmp_path: Path) -> None:
    """Around every edge of a tile, Go agrees on signature, tiles and proofs."""
    log = Log(size)
    log.publish(tmp_path)
    ran = verify(tmp_path, log.proofs(40))
    assert ran.stdout == f"OK {size} entries, 41 inclusion proofs, 41 consistency proofs\n", ran


@pytest.fixture(scope="module")
def large() -> Log:
    """Return a log with tiles of three levels."""
    return Log(LARGE)


def test_go_accepts_a_log_with_tiles_of_three_levels(
    large: Log, verify: Verifier, tmp_path: Path
) -> None:
    """70,000 entries have the known root, and Go agrees on everything."""
    assert b64(large.root(LARGE)) == "o5IPun8jmgcam9EHIfE0Gt3vuu3ttBx+JEN6nRa98Ao="
    large.publish(tmp_path)
    assert (tmp_path / "tile/2/000.p/1").stat().st_size == 32
    ran = verify(tmp_path, large.proofs(60))
    assert ran.stdout.startswith("OK 70000 entries, 61 inclusion proofs"), ran


@pytest.mark.parametrize(
    ("file", "position", "message"),
    [
        ("tile/entries/000", 2, "root hash"),
        ("tile/entries/001.p/44", -1, "root hash"),
        ("tile/0/000", 8191, "tile/0/000 does not have"),
        ("tile/1/000.p/1", 0, "tile/1/000.p/1 does not have"),
        ("checkpoint", 0, "checkpoint note"),
        ("checkpoint", 30, "checkpoint note"),
        ("checkpoint", -20, "checkpoint note"),
    ],
)
def test_go_refuses_a_flipped_bit(
    file: str, position: int, message: str, verify: Verifier, tmp_path: Path
) -> None:
    """One bit anywhere, in an entry, a tile or the checkpoint, and Go says which is wrong."""
    log = Log(300)
    log.publish(tmp_path)
    flip(tmp_path / file, position)
    ran = verify(tmp_path, log.proofs(2))
    assert ran.returncode == 1
    assert message in ran.stderr


@pytest.mark.parametrize(("kind", "message"), [("Inclusion", "inclusion"), ("Consistency", "cons")])
def test_go_refuses_a_changed_proof(
    kind: str, message: str, verify: Verifier, tmp_path: Path
) -> None:
    """A changed hash in a proof is refused."""
    log = Log(300)
    log.publish(tmp_path)
    proofs = log.proofs(10)
    changed = next(one for one in proofs[kind] if one["Proof"])
    changed["Proof"][0] = b64(leaf_hash(b"forged"))
    ran = verify(tmp_path, proofs)
    assert ran.returncode == 1
    assert f"FAILED {message}" in ran.stderr


def test_go_refuses_another_key(verify: Verifier, tmp_path: Path) -> None:
    """The same log under another key's name is not accepted."""
    log = Log(3)
    log.publish(tmp_path)
    other = Ed25519Signer.from_seed("biotrail.example/log1", bytes(32)).verifier_key
    ran = verify(tmp_path, log.proofs(2), vkey=str(other))
    assert ran.returncode == 1
    assert "checkpoint note" in ran.stderr
