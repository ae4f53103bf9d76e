"""Secret files: written whole or not at all, for the owner only, never through a link.

Below the rooms, since signing keys and the vault's keys both rest in such files.
"""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from biotrail.errors import KeyFileError

__all__ = [
    "create_secret_file",
    "locked_secret_file",
    "move_secret_file",
    "passphrase_bytes",
    "read_secret_file",
    "replace_secret_file",
    "sync_directory",
    "unfinished_files",
]

_OWNER_ONLY = 0o600
_MAX_BYTES = 65_536
_PATIENCE = 10.0


def passphrase_bytes(passphrase: str | bytes) -> bytes:
    """Return the passphrase as bytes (UTF-8).

    Raises:
        KeyFileError: It is empty, or not valid Unicode.
    """
    try:
        secret = passphrase.encode("utf-8") if isinstance(passphrase, str) else bytes(passphrase)
    except UnicodeEncodeError:
        raise KeyFileError("the passphrase is not valid Unicode") from None
    if not secret:
        raise KeyFileError("the passphrase is empty; key files are always encrypted")
    return secret


def read_secret_file(path: Path, *, most: int = _MAX_BYTES) -> bytes:
    """Return the bytes of a file that only its owner can read.

    Args:
        path: The file.
        most: It must be shorter than this many bytes.

    Raises:
        KeyFileError: It is missing, a link, not a file, too long, or others can read it.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise KeyFileError(f"key file {path} is a symbolic link; give the file it points to")
        with open(os.open(path, flags | getattr(os, "O_CLOEXEC", 0)), "rb") as file:
            _check_status(path, os.fstat(file.fileno()), most)
            return file.read(most)
    except FileNotFoundError:
        raise KeyFileError(f"key file {path} does not exist") from None
    except OSError as error:
        raise KeyFileError(f"key file {path} cannot be read: {error.strerror}") from error


def _check_status(path: Path, status: os.stat_result, most: int) -> None:
    """Refuse what is not a plain short file for its owner alone."""
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"key file {path} is not a regular file")
    if os.name == "posix" and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(
            f"key file {path} can be used by others (mode {mode:04o}); run: chmod 600 {path}"
        )
    if status.st_size >= most:
        raise KeyFileError(f"key file {path} is too long: it has {most:,} bytes or more")


def create_secret_file(path: Path, data: bytes) -> None:
    """Write a new file for its owner only; durable when this returns.

    The bytes are written and synced under another name, which is then linked to the final one: the
    final name never stands for a half-written file, and never replaces a file that was there.

    Raises:
        KeyFileError: There is a file of that name already, or it cannot be written.
    """
    temporary = _temporary(path)
    try:
        try:
            _write_synced(temporary, data)
            os.link(temporary, path, follow_symlinks=False)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        sync_directory(path.parent)
    except FileExistsError:
        raise KeyFileError(f"key file {path} exists already; it is left as it is") from None
    except OSError as error:
        raise KeyFileError(f"key file {path} cannot be written: {error.strerror}") from error


def replace_secret_file(path: Path, data: bytes) -> None:
    """Put new bytes in the place of a file; durable when this returns.

    Whoever opens the file meanwhile, or after a crash at any point, finds the old bytes or the new
    ones, whole. A crash may leave the other name behind (`unfinished_files`).

    Raises:
        KeyFileError: It cannot be written.
    """
    temporary = _temporary(path)
    try:
        try:
            _write_synced(temporary, data)
            temporary.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        sync_directory(path.parent)
    except OSError as error:
        raise KeyFileError(f"key file {path} cannot be written: {error.strerror}") from error


def unfinished_files(path: Path) -> list[Path]:
    """Return what writers of a file left behind when they were killed."""
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 16}.tmp"))


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def move_secret_file(source: Path, target: Path) -> None:
    """Give a file another name in its directory, in place of what was there; durable on return.

    Raises:
        KeyFileError: It cannot be moved.
    """
    try:
        source.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise KeyFileError(
            f"key file {source} cannot be moved to {target}: {error.strerror}"
        ) from error


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable, where the system can do so."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked_secret_file(path: Path) -> Iterator[None]:
    """Keep other processes from changing a file that is read, changed and put back.

    The lock is on ``<path>.lock``, an empty file that stays; it falls when its holder dies.

    Raises:
        KeyFileError: Another process holds it for 10 s, or the lock's file cannot be made.
    """
    import fcntl

    name = path.with_name(f"{path.name}.lock")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, _OWNER_ONLY)
    except OSError as error:
        raise KeyFileError(f"{name} cannot be made: {error.strerror}") from error
    try:
        given_up = time.monotonic() + _PATIENCE
        while not _try_lock(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            if time.monotonic() > given_up:
                raise KeyFileError(f"another process has held {name} for {_PATIENCE:g} s")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _try_lock(flock: Callable[[int, int], None], descriptor: int, how: int) -> bool:
    try:
        flock(descriptor, how)
    except BlockingIOError:
        return False
    return True
