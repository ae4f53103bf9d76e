"""Post-quantum cosignatures: form, verification, key files, and what is refused."""

from __future__ import annotations

import pickle
import struct
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    KeyFileError,
    MalformedError,
    MissingDependencyError,
    SignatureError,
    SigningError,
)
from biotrail.signing import (
    Ed25519Signer,
    MlDsa44Cosigner,
    MlDsa44Key,
    _ml_dsa,
    check_post_quantum,
    open_checkpoint,
    open_key_file,
    open_post_quantum_key_file,
    parse_note,
    sign_checkpoint,
)
from biotrail.tlog import Checkpoint

pytestmark = pytest.mark.component("ml-dsa")

ORIGIN = "biotrail.example/log1"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
CHECKPOINT = Checkpoint(ORIGIN, 70_000, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)


def cosigner(number: int = 1, name: str = ORIGIN) -> MlDsa44Cosigner:
    """The cosigner of a seed of one repeated byte."""
    return MlDsa44Cosigner.from_seed(name, bytes([number]) * 32)


def lines(note: str) -> list[str]:
    """The signature lines of a note."""
    return note.split("\n\n")[1].splitlines()


def with_blob(note: str, blob: bytes) -> str:
    """A note whose last line holds other bytes after the key id."""
    before, last = note.rstrip("\n").rsplit(" ", 1)
    return f"{before} {b64encode(b64decode(last)[:4] + blob).decode()}\n"


@pytest.mark.parametrize("timestamp", [0, 1_795_000_000, 2**63 - 1])
def test_a_line_beside_the_first(timestamp: int) -> None:
    """The cosignature is a second line of 8 and 2,420 bytes; the log's own line still opens."""
    note = cosigner().cosign(NOTE, timestamp=timestamp)
    assert note.startswith(NOTE)
    assert len(b64decode(lines(note)[1].rsplit(" ", 1)[1])) == 4 + 8 + 2420
    assert open_checkpoint(note, [SIGNER.verifier_key]) == (CHECKPOINT, SIGNER.verifier_key)
    found = check_post_quantum(note, str(cosigner().key))
    assert (found.checkpoint, found.key, found.timestamp) == (
        CHECKPOINT,
        cosigner().key,
        timestamp,
    )


def test_what_is_signed() -> None:
    """The signature is over the structure of C2SP tlog-cosignature, with no context."""
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    name = "example.com/witness-1"
    note = cosigner(name=name).cosign(NOTE, timestamp=7)
    blob = parse_note(note).signatures[1].signature
    message = (
        b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + struct.pack(">Q", 7)
        + bytes([len(ORIGIN)]) + ORIGIN.encode() + struct.pack(">QQ", 0, 70_000) + bytes(range(32))
    )  # fmt: skip
    assert blob[:8] == struct.pack(">Q", 7)
    MLDSA44PublicKey.from_public_bytes(cosigner().key.public).verify(blob[8:], message)


def test_cosigning_again_replaces_the_line() -> None:
    """A checkpoint has one line of a cosigner, and any number of cosigners."""
    twice = cosigner().cosign(cosigner().cosign(NOTE), timestamp=9)
    assert (len(lines(twice)), check_post_quantum(twice, cosigner().key).timestamp) == (2, 9)
    both = cosigner(2).cosign(twice)
    assert check_post_quantum(both, [cosigner(2).key, cosigner(1).key]).key == cosigner(1).key


def test_the_verifier_key_as_text() -> None:
    """Its text has type 0x06 and the key id of the standard, and is read back."""
    from hashlib import sha256

    key = cosigner().key
    name, key_id, data = str(key).split("+", 2)
    raw = b64decode(data)
    assert (name, raw[0], len(raw)) == (ORIGIN, 6, 1313)
    assert key_id == sha256(ORIGIN.encode() + b"\n" + raw).digest()[:4].hex()
    assert MlDsa44Key.parse(str(key)) == key
    assert data not in repr(key)


def test_texts_that_are_no_key() -> None:
    """Anything that would not be written is refused."""
    good = str(cosigner().key)
    bad = ["", "no key", str(SIGNER.verifier_key), good[:-4], good.replace("+", "x+", 1)]
    for text in (*bad, good.replace("biotrail", "bio trail"), good + "\n", good.upper()):
        with pytest.raises(MalformedError):
            MlDsa44Key.parse(text)


def test_no_log_key() -> None:
    """A cosigner's key is no key of a log: it does not stand in for an Ed25519 one."""
    from biotrail import VerifierKey

    with pytest.raises(MalformedError):
        VerifierKey.parse(str(cosigner().key))


@pytest.mark.parametrize(
    "change",
    [
        lambda: NOTE,
        lambda: cosigner(2).cosign(NOTE),
        lambda: cosigner(name="example.com/other").cosign(NOTE),
        lambda: cosigner().cosign(NOTE).replace("70000", "70001"),
        lambda: cosigner().cosign(NOTE).replace("AAECAw", "AQECAw", 1),
    ],
    ids=["none", "another key", "another name", "another size", "another root"],
)
def test_checkpoints_without_a_good_cosignature(change: Callable[[], str]) -> None:
    """A line that is not there, or of another key or text, is refused where one is required."""
    with pytest.raises(SignatureError):
        check_post_quantum(change(), cosigner().key)


def test_damaged_cosignatures() -> None:
    """A changed bit, another timestamp, or another length is refused, beside a good one too."""
    note = cosigner().cosign(NOTE, timestamp=5)
    blob = parse_note(note).signatures[1].signature
    for changed in (
        blob[:-1],
        blob + b"\0",
        blob[:100] + bytes([blob[100] ^ 1]) + blob[101:],
        struct.pack(">Q", 6) + blob[8:],
        b"\xff" + blob[1:],
        b"\0",
    ):
        bad = with_blob(note, changed)
        with pytest.raises(SignatureError):
            check_post_quantum(bad, cosigner().key)
        with pytest.raises(SignatureError):
            check_post_quantum(cosigner(2).cosign(bad), [cosigner(2).key, cosigner().key])


@pytest.mark.parametrize("note", ["", "text", NOTE.replace("70000", "070000")])
def test_what_is_no_checkpoint(note: str) -> None:
    """Neither cosigning nor checking takes what is no signed checkpoint."""
    with pytest.raises(SignatureError):
        cosigner().cosign(note)
    with pytest.raises(SignatureError):
        check_post_quantum(note, cosigner().key)


def test_never_alone() -> None:
    """A cosignature stands beside another signature, not in its place."""
    alone = cosigner().cosign(NOTE).replace(lines(NOTE)[0] + "\n", "")
    with pytest.raises(SignatureError, match="beside"):
        cosigner().cosign(alone)


@pytest.mark.parametrize("timestamp", [-1, 2**63])
def test_times_that_are_none(timestamp: int) -> None:
    """A timestamp beyond the standard's range is refused."""
    with pytest.raises(SigningError):
        cosigner().cosign(NOTE, timestamp=timestamp)


def test_names_that_do_not_fit() -> None:
    """A name has at most 255 bytes in what is signed; seeds have 32, public keys 1,312."""
    cosigner(name="x" * 255).cosign(NOTE)
    with pytest.raises(MalformedError):
        cosigner(name="x" * 256)
    with pytest.raises(SigningError):
        MlDsa44Cosigner.from_seed(ORIGIN, bytes(31))
    with pytest.raises(MalformedError):
        MlDsa44Key(ORIGIN, bytes(1311))


def test_the_private_key_stays(tmp_path: Path) -> None:
    """It is in no text form or pickle; two generated ones differ."""
    one = MlDsa44Cosigner.generate(ORIGIN)
    assert one.key != MlDsa44Cosigner.generate(ORIGIN).key
    assert repr(one) == f"MlDsa44Cosigner({one.key!r})"
    with pytest.raises(SigningError):
        pickle.dumps(one)


def test_key_files(tmp_path: Path) -> None:
    """A key file is made once with mode 0600, opens under its passphrase, and for its own kind."""
    path = tmp_path / "door.ml-dsa"
    with pytest.raises(KeyFileError):
        open_post_quantum_key_file(path, name=ORIGIN, passphrase="secret")
    made = open_post_quantum_key_file(path, name=ORIGIN, passphrase="secret", create=True)
    again = open_post_quantum_key_file(path, name=ORIGIN, passphrase="secret", create=True)
    assert (made.key, path.stat().st_mode & 0o777) == (again.key, 0o600)
    with pytest.raises(KeyFileError, match="passphrase"):
        open_post_quantum_key_file(path, name=ORIGIN, passphrase="wrong")
    with pytest.raises(KeyFileError, match="Ed25519"):
        open_key_file(path, name=ORIGIN, passphrase="secret")
    other = tmp_path / "door.key"
    open_key_file(other, name=ORIGIN, passphrase="secret", create=True)
    with pytest.raises(KeyFileError, match="ML-DSA"):
        open_post_quantum_key_file(other, name=ORIGIN, passphrase="secret")


def test_an_older_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ML-DSA the error names the extra, for making keys and for verifying."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import mldsa

    note, key = cosigner().cosign(NOTE), cosigner().key

    class Unsupported:
        @staticmethod
        def generate() -> Any:
            raise UnsupportedAlgorithm("this OpenSSL has none")

        @staticmethod
        def from_public_bytes(public: bytes) -> Any:
            raise UnsupportedAlgorithm("this OpenSSL has none")

    monkeypatch.setattr(mldsa, "MLDSA44PrivateKey", Unsupported)
    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", Unsupported)
    _ml_dsa.public_key.cache_clear()
    with pytest.raises(MissingDependencyError, match="post-quantum"):
        MlDsa44Cosigner.generate(ORIGIN)
    with pytest.raises(MissingDependencyError, match="post-quantum"):
        check_post_quantum(note, key)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    import cryptography.hazmat.primitives.asymmetric as package

    monkeypatch.delattr(package, "mldsa")
    with pytest.raises(MissingDependencyError, match="post-quantum"):
        MlDsa44Cosigner.generate(ORIGIN)
