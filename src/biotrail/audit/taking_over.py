"""Taking over a log whose present key was stolen or lost, with the next key of its key file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from biotrail.audit.answers import not_recorded
from biotrail.audit.key_changes import KeyChange, compromise, rotation
from biotrail.audit.opening import PathLike, passphrase_of, public_keys_beside
from biotrail.audit.prepare import Preparer
from biotrail.audit.receipt import Receipt
from biotrail.audit.writer import LogWriter
from biotrail.errors import MissingError, SigningError, WrongKeyError
from biotrail.signing import Signer, VerifierKey, finish_rotation, prepare_rotation
from biotrail.stores import SQLiteStore

__all__ = ["take_over"]


def _now() -> datetime:
    return datetime.now(UTC)


def take_over(
    path: PathLike,
    *,
    origin: str,
    passphrase: str | bytes | None = None,
    key: PathLike | None = None,
    stolen: VerifierKey | str | None = None,
    since: int | None = None,
    reason: str = "stolen",
    trusted: Iterable[VerifierKey | str] = (),
    timeout: float = 10.0,
    clock: Callable[[], datetime] = _now,
) -> Receipt:
    """Take a log over with the next key of a key file: the present one was stolen, or is lost.

    Needed are the log, ``<key>.next``, and a verifier key of the log that is trusted: the one in
    ``<key>.pub``, or one that is given. The present key is not used, whatever became of it. The
    next key becomes the present one, and the log commits to a new next key. If it is cut short,
    doing it again finishes it.

    Args:
        path: The log's SQLite file.
        origin: The log's name.
        passphrase: As in `open_log`.
        key: The key file; ``<path>.key`` if None.
        stolen: The key to report as stolen; None if the present one is just lost.
        since: Index of the first entry that is not to be believed if the stolen key signed for it;
            None if all are, up to now.
        reason: Why, for readers of the log.
        trusted: Verifier keys that are trusted beforehand.
        timeout: Seconds to wait while another program holds the file locked.
        clock: Returns the present time, aware.

    Returns:
        The receipt of the report, or of the entry that adds the key.

    Raises:
        KeyFileError: The next key cannot be used.
        WrongKeyError: The log has committed to no key, or to another; or nothing ties it to a key
            that is trusted.
        EventError: `since` is no index of the log.
        VerificationError: The stored log does not check out.
        StoreError: The file cannot be read or written.
    """
    secret = passphrase_of(passphrase)
    key_path = Path(f"{os.fspath(path)}.key" if key is None else key)
    following, digest = prepare_rotation(key_path, name=origin, passphrase=secret)
    given = [VerifierKey.parse(one) if isinstance(one, str) else one for one in trusted]
    store = SQLiteStore(path, timeout=timeout)
    try:
        writer = LogWriter(
            store,
            following,
            trusted=(*given, *public_keys_beside(key_path)),
            clock=clock,
            preparer=Preparer(store, os.urandom),
        )
        _begin(writer, following, key_path)
        change = _change(writer, stolen, since, reason, digest)
        with not_recorded:
            receipt = writer.hand_over(change, following)
    finally:
        store.close()
    finish_rotation(key_path, name=origin, passphrase=secret, admitted=following.verifier_key)
    return receipt


def _begin(writer: LogWriter, following: Signer, key_path: Path) -> None:
    """Check the log, and that it is one which this key may take over."""
    if not writer.is_begun:
        raise MissingError("there is no log to take over: it has not even a genesis entry", index=0)
    try:
        writer.begin(None)
    except SigningError as error:
        raise WrongKeyError(
            f"the log cannot be taken over with the key in {key_path}.next: it has not committed "
            f"to it, or has ended it ({error})",
            found=str(following.verifier_key),
        ) from error


def _change(
    writer: LogWriter,
    stolen: VerifierKey | str | None,
    since: int | None,
    reason: str,
    digest: bytes,
) -> KeyChange:
    state, by = writer.state, writer.signer.verifier_key
    if stolen is None:
        return rotation(state.keys, by, by, digest)
    first = state.size if since is None else since
    return compromise(state.keys, stolen, first, reason, size=state.size, by=by, then=digest)
