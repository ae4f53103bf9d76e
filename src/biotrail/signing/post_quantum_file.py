"""Key files of post-quantum cosigners: as those of signing keys, with an ML-DSA-44 key in them."""

from __future__ import annotations

import os
from pathlib import Path

from biotrail._secret_files import create_secret_file, passphrase_bytes
from biotrail.errors import KeyFileError
from biotrail.signing._ml_dsa import ml_dsa, new_private_key
from biotrail.signing._pkcs8 import encrypted_pem
from biotrail.signing.keyfile import PathLike, load_private_key
from biotrail.signing.post_quantum import MlDsa44Cosigner

__all__ = ["open_post_quantum_key_file"]


def open_post_quantum_key_file(
    path: PathLike, *, name: str, passphrase: str | bytes, create: bool = False
) -> MlDsa44Cosigner:
    """Return the cosigner whose key is in a file.

    Args:
        path: Path of the file: encrypted PKCS#8 PEM, mode 0600, as signing keys have.
        name: Name of the cosigner: by custom the log's origin.
        passphrase: What the file is encrypted under; not empty.
        create: Make the file where there is none.

    Raises:
        KeyFileError: The file is missing, open to others, a link, not an encrypted ML-DSA-44 key,
            or the passphrase is wrong; or it cannot be made.
        MissingDependencyError: This `cryptography` has no ML-DSA.
    """
    file, secret, kind = Path(path), passphrase_bytes(passphrase), ml_dsa("MLDSA44PrivateKey")
    if create and not os.path.lexists(file):
        create_secret_file(file, encrypted_pem(new_private_key(), secret))
    key = load_private_key(file, secret)
    if not isinstance(key, kind):
        raise KeyFileError(f"key file {file} does not hold an ML-DSA-44 key")
    return MlDsa44Cosigner(name, key)
