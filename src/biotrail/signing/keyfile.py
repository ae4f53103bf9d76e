"""Key files: signing keys at rest, and their rotation.

A key file is an encrypted PKCS#8 PEM file with one Ed25519 key. The next key is made together with
the current one, and the log commits to it before it is used (pre-rotation): a thief of the current
key cannot name the key that follows. Three names belong together:

- ``<path>``: the current key;
- ``<path>.next``: the key that the log has committed to;
- ``<path>.after-next``: only while a rotation is under way, the key after that.

A rotation has two steps, with the log's entry in between::

    signer, digest = prepare_rotation(path, name=..., passphrase=...)
    # write the entry that admits signer.verifier_key and commits to digest
    finish_rotation(path, name=..., passphrase=..., admitted=signer.verifier_key)

Each step can be repeated after a crash at any point: the first then returns the same keys again,
the second completes what was begun, or finds it done.

What protects the file is its mode (0600; a file that others can use is refused) and its encryption:
PBES2 with 600,000 rounds of PBKDF2-HMAC-SHA-256 and AES-256 in CBC mode, some 0.1 s to open. (The
``BestAvailableEncryption`` of `cryptography` 50 is the same with 2,048 rounds, which do not make up
for a guessable passphrase. Files that it or OpenSSL wrote are read too.)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from biotrail._secret_files import (
    create_secret_file,
    move_secret_file,
    passphrase_bytes,
    read_secret_file,
)
from biotrail.errors import KeyFileError
from biotrail.signing._pkcs8 import PEM_HEADER, encrypted_pem
from biotrail.signing.keys import VerifierKey
from biotrail.signing.signer import Ed25519Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = [
    "PathLike",
    "finish_rotation",
    "load_private_key",
    "next_verifier_key",
    "next_verifier_key_digest",
    "open_key_file",
    "prepare_rotation",
]

PathLike = str | os.PathLike[str]


def open_key_file(
    path: PathLike, *, name: str, passphrase: str | bytes, create: bool = False
) -> Ed25519Signer:
    """Return the signer whose key is in a file.

    Args:
        path: Path of the current key's file.
        name: Name of the key: the log's origin.
        passphrase: What the file is encrypted under; not empty.
        create: Make the file, and ``<path>.next``, where there is none.

    Raises:
        KeyFileError: The file is missing, open to others, a link, not an encrypted Ed25519 key, or
            the passphrase is wrong; or it cannot be made.
    """
    current, secret = Path(path), passphrase_bytes(passphrase)
    if create and not os.path.lexists(current):
        _ensure_key(_following(current), secret)
        _ensure_key(current, secret)
    return Ed25519Signer(name, _load(current, secret))


def next_verifier_key(path: PathLike, *, name: str, passphrase: str | bytes) -> VerifierKey:
    """Return the public half of the key in ``<path>.next``, which the log commits to.

    Raises:
        KeyFileError: The file cannot be used.
    """
    following = _following(Path(path))
    return Ed25519Signer(name, _load(following, passphrase_bytes(passphrase))).verifier_key


def next_verifier_key_digest(path: PathLike, *, name: str, passphrase: str | bytes) -> bytes:
    """Return SHA-256 of the text of the next verifier key, 32 bytes.

    Raises:
        KeyFileError: The file of the next key cannot be used.
    """
    return next_verifier_key(path, name=name, passphrase=passphrase).digest()


def prepare_rotation(
    path: PathLike, *, name: str, passphrase: str | bytes
) -> tuple[Ed25519Signer, bytes]:
    """Begin a rotation: make the key after the next, and return what the log must say.

    Nothing is promoted yet; until `finish_rotation`, the current key stays the current key.

    Returns:
        The signer of the next key, and the digest of the verifier key after it (32 bytes).

    Raises:
        KeyFileError: A key file cannot be used or made.
    """
    current, secret = Path(path), passphrase_bytes(passphrase)
    following, after = _next_path(current), _after_next_path(current)
    if _following(current) == after:
        move_secret_file(after, following)
    next_key = _load(following, secret)
    _ensure_key(after, secret)
    digest = Ed25519Signer(name, _load(after, secret)).verifier_key.digest()
    return Ed25519Signer(name, next_key), digest


def finish_rotation(
    path: PathLike, *, name: str, passphrase: str | bytes, admitted: VerifierKey
) -> Ed25519Signer:
    """End a rotation, once the log has durably admitted the next key: promote it.

    The file of the key before is replaced; it need not be there, nor open under this passphrase: a
    thief may have had it. Calling it again, or after a crash, does what is left.

    Args:
        path: Path of the current key's file.
        name: Name of the key: the log's origin.
        passphrase: What the files are encrypted under.
        admitted: The key that the log admitted last; only that one is promoted.

    Returns:
        The signer of the key that is now the current one.

    Raises:
        KeyFileError: Neither the current nor the next key is the admitted one, no rotation was
            prepared, or a key file cannot be used.
    """
    current, secret = Path(path), passphrase_bytes(passphrase)
    following, after = _next_path(current), _after_next_path(current)
    try:
        signer: Ed25519Signer | None = Ed25519Signer(name, _load(current, secret))
    except KeyFileError:
        if not os.path.lexists(following):
            raise
        signer = None
    if signer is None or signer.verifier_key != admitted:
        signer = Ed25519Signer(name, _load(following, secret))
        if signer.verifier_key != admitted or not os.path.lexists(after):
            raise KeyFileError(f"the key files at {current} do not hold the admitted key as next")
        move_secret_file(following, current)
    if not os.path.lexists(following):
        move_secret_file(after, following)
    return signer


def _next_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _after_next_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.after-next")


def _following(path: Path) -> Path:
    """Return the file of the next key; it has not got its name yet if a rotation was cut short."""
    following, after = _next_path(path), _after_next_path(path)
    cut_short = os.path.lexists(after) and not os.path.lexists(following)
    return after if cut_short and os.path.lexists(path) else following


def _ensure_key(path: Path, secret: bytes) -> None:
    """Make a key file unless there is one already; that one must open."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if os.path.lexists(path):
        _load(path, secret)
        return
    try:
        create_secret_file(path, encrypted_pem(Ed25519PrivateKey.generate(), secret))
    except KeyFileError:
        if not os.path.lexists(path):
            raise
        _load(path, secret)  # another process, beginning the same log, was first


def _load(path: Path, secret: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = load_private_key(path, secret)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"key file {path} does not hold an Ed25519 key")
    return key


def load_private_key(path: Path, secret: bytes) -> PrivateKeyTypes:
    """Return the private key in a file; no error repeats what the file or passphrase says.

    Args:
        path: The file: encrypted PKCS#8 PEM.
        secret: What it is encrypted under.

    Raises:
        KeyFileError: The file cannot be used, or does not open.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = read_secret_file(path)
    if not pem.startswith(PEM_HEADER.rstrip()):
        raise KeyFileError(f"key file {path} is not an encrypted private key (PKCS#8 PEM)")
    try:
        return load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(f"wrong passphrase for key file {path}, or it is damaged") from None
