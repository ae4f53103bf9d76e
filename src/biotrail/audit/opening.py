"""Opening a log in a SQLite file with its signing key in a file beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biotrail.audit.logger import AuditLogger
from biotrail.audit.receipt import Receipt
from biotrail.errors import KeyFileError, MalformedError, SigningError, StoreError
from biotrail.signing import (
    Ed25519Signer,
    Signer,
    VerifierKey,
    finish_rotation,
    next_verifier_key,
    open_key_file,
    prepare_rotation,
)
from biotrail.stores import MemoryStore

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = [
    "PASSPHRASE_VARIABLE",
    "PathLike",
    "open_log",
    "passphrase_of",
    "public_keys_beside",
    "rotate_key_file",
]

PASSPHRASE_VARIABLE = "BIOTRAIL_PASSPHRASE"  # noqa: S105 - the name of a variable
_IN_MEMORY = ":memory:"
PathLike = str | os.PathLike[str]


def open_log(
    path: PathLike,
    *,
    origin: str,
    passphrase: str | bytes | None = None,
    key: PathLike | None = None,
    signer: Signer | None = None,
    trusted: Iterable[VerifierKey | str] = (),
    vault: Vault | bool = True,
    timeout: float = 10.0,
    **options: Any,
) -> AuditLogger:
    """Open a log in a SQLite file, beginning it if there is none.

    Personal data is sealed: under keys in a second key file beside the log, ``<path>.vault``, which
    the same passphrase opens and which is made on first use.

    Args:
        path: The file; ``":memory:"`` for a log that lasts as long as the logger.
        origin: The log's name: a URL without its scheme that you control, such as
            ``example.com/front-door``. No spaces and no plus signs.
        passphrase: What the key file is encrypted under; from the environment variable
            ``BIOTRAIL_PASSPHRASE`` if None.
        key: The key file, made on first use with mode 0600; ``<path>.key`` if None.
        signer: A signer of your own, instead of a key file.
        trusted: Verifier keys that are trusted beforehand; see `AuditLogger`.
        vault: A vault of your own, or whether to seal personal data at all. A log in memory, and
            one with a signer of your own and no passphrase, seals only with a vault of your own.
        timeout: Seconds to wait while another program holds the file locked.
        **options: Further options of `AuditLogger`.

    Raises:
        KeyFileError: No passphrase, or the key file cannot be used.
        VaultError: The vault's key file cannot be used, or is not this log's.
        VerificationError: The stored log does not check out; it is not appended to.
        SigningError: The key is not in force in this log.
        StoreError: The file cannot be read or written.
    """
    if vault is not True:
        options["vault"] = vault
    beforehand = [VerifierKey.parse(one) if isinstance(one, str) else one for one in trusted]
    if os.fspath(path) == _IN_MEMORY:
        return AuditLogger(
            MemoryStore(), signer or Ed25519Signer.generate(origin), trusted=beforehand, **options
        )
    if signer is not None:
        if vault is True and _given(passphrase):
            options["vault"] = _file_vault(path, passphrase_of(passphrase))
        return _logger(path, signer, beforehand, timeout, options)
    key_path = Path(f"{os.fspath(path)}.key" if key is None else key)
    secret = passphrase_of(passphrase)
    begun = _begun(path)
    own = open_key_file(key_path, name=origin, passphrase=secret, create=not begun)
    following = None
    if not begun or os.path.lexists(f"{key_path}.next"):  # until a rotation it may lie elsewhere
        following = next_verifier_key(key_path, name=origin, passphrase=secret)
        options.setdefault("next_key_digest", following.digest())
    beforehand += _first_key(key_path, own.verifier_key)
    if vault is True:
        options["vault"] = _file_vault(path, secret)
    try:
        return _logger(path, own, beforehand, timeout, options)
    except SigningError as refused:
        # The one way in which a key in use falls out of force by itself: a rotation that was cut
        # short after the log had taken the next key in. Finishing it is safe at any time.
        if following is None:
            raise
        try:
            own = finish_rotation(key_path, name=origin, passphrase=secret, admitted=following)
        except KeyFileError:
            raise refused from None  # no rotation is under way: the key is simply not in force
        return _logger(path, own, beforehand, timeout, options)


def rotate_key_file(
    log: AuditLogger, key: PathLike, *, passphrase: str | bytes | None = None
) -> Receipt:
    """Rotate a log's signing key to the next one of its key file.

    If it is cut short, opening the log finishes it.

    Args:
        log: The open log.
        key: Its key file.
        passphrase: As in `open_log`.

    Returns:
        The receipt of the entry that adds the key.
    """
    secret = passphrase_of(passphrase)
    following, digest = prepare_rotation(key, name=log.origin, passphrase=secret)
    receipt = log.rotate_key(following, next_key_digest=digest)
    finish_rotation(key, name=log.origin, passphrase=secret, admitted=following.verifier_key)
    return receipt


def _logger(
    path: PathLike,
    signer: Signer,
    trusted: list[VerifierKey],
    timeout: float,
    options: dict[str, Any],
) -> AuditLogger:
    from biotrail.stores import SQLiteStore

    store = SQLiteStore(path, timeout=timeout)
    try:
        return AuditLogger(store, signer, trusted=trusted, **options)
    except BaseException:
        store.close()
        raise


def _file_vault(path: PathLike, passphrase: str | bytes) -> Vault:
    """The vault whose key file lies beside the log; made unless the log is sealed already."""
    from biotrail.vault import PassphraseKeyProvider, Vault

    place = Path(f"{os.fspath(path)}.vault")
    create = not os.path.lexists(place) and not _sealed(path)
    return Vault(PassphraseKeyProvider(place, passphrase=passphrase, create=create))


def _sealed(path: PathLike) -> bool:
    """Whether a log has data keys already: then a missing key file is a mistake."""
    from biotrail.stores import SQLiteReader

    if not _begun(path):
        return False
    try:
        reader = SQLiteReader(path)
    except StoreError:
        return False  # no log yet, as another process begins it; or none at all, which is told next
    try:
        return reader.count_data_keys() > 0
    finally:
        reader.close()


def _given(passphrase: str | bytes | None) -> bool:
    return passphrase is not None or bool(os.environ.get(PASSPHRASE_VARIABLE))


def _begun(path: PathLike) -> bool:
    """Whether there is a log already: then a missing key file is a mistake, not a first use."""
    try:
        return Path(path).stat().st_size > 0
    except OSError:
        return False


def passphrase_of(passphrase: str | bytes | None) -> str | bytes:
    """The passphrase of the key files, as given or from the environment.

    Raises:
        KeyFileError: There is none.
    """
    secret = os.environ.get(PASSPHRASE_VARIABLE) if passphrase is None else passphrase
    if not secret:
        raise KeyFileError(
            f"no passphrase for the key file: pass passphrase=, or set {PASSPHRASE_VARIABLE}"
        )
    return secret


def public_keys_beside(key_path: Path) -> list[VerifierKey]:
    """The verifier keys in the public file beside a key file; none where there is no such file.

    Raises:
        KeyFileError: It does not hold verifier keys.
    """
    public = _public(key_path)
    return _read_keys(public) if public.exists() else []


def _public(key_path: Path) -> Path:
    return key_path.with_name(f"{key_path.name}.pub")


def _first_key(key_path: Path, own: VerifierKey) -> list[VerifierKey]:
    """The log's first verifier key, from the public file beside the key file.

    The file is written when the key is made. Whoever can change it can change the key file too,
    so it is trusted as much as that.
    """
    public = _public(key_path)
    try:
        descriptor = os.open(public, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return _read_keys(public)
    except OSError:
        return []
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{own}\n")
    return [own]


def _read_keys(public: Path) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(line) for line in public.read_text("utf-8").split("\n") if line]
    except (OSError, UnicodeDecodeError, MalformedError) as error:
        raise KeyFileError(f"{public} does not hold verifier keys: {error}") from error
