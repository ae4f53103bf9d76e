"""Key-encryption keys in a file, under a passphrase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from biotrail._hidden import Hidden
from biotrail._secret_files import (
    create_secret_file,
    locked_secret_file,
    passphrase_bytes,
    read_secret_file,
    replace_secret_file,
    unfinished_files,
)
from biotrail.errors import KeyFileError, KeyProviderError
from biotrail.vault.providers import _passphrase_file as form
from biotrail.vault.providers._local import Generation, LocalProvider, draw, new_generation

__all__ = ["PassphraseKeyProvider"]


class PassphraseKeyProvider(LocalProvider):
    """Key-encryption keys in a file that a passphrase opens (Argon2id, RFC 9106).

    The file holds every generation of random keys, encrypted; ``docs/spec/vault-keys.md`` tells its
    bytes. It has mode 0600; a file that others can use, and a link, are refused. Several processes
    may use one file at once: a key that another one has made is found when it is needed to unwrap,
    and wraps after a `refresh`.
    """

    _kind = "passphrase"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        passphrase: str | bytes,
        create: bool = False,
        memory: int = 65_536,
        passes: int = 3,
        lanes: int = 4,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Open the file.

        Args:
            path: The file.
            passphrase: What the file is encrypted under; not empty. Text is taken in UTF-8.
            create: Make the file where there is none.
            memory: Memory of Argon2id in KiB, 8,192 to 1,048,576, for a file that is made. The
                defaults are the second choice of RFC 9106 section 4. A file that is there already
                tells its own numbers, which are held to the same bounds.
            passes: Passes over that memory, 1 to 16.
            lanes: Lanes of Argon2id, 1 to 16.
            randomness: Where random bytes come from.

        Raises:
            KeyProviderError: The file is missing, open to others, a link, damaged, asks for too
                much, or the passphrase is wrong; or it cannot be made.
            MissingDependencyError: The OpenSSL below `cryptography` has no Argon2id.
        """
        self._path, self._lock = Path(path), Lock()
        self._randomness = randomness
        with _file_errors():
            secret = Hidden(passphrase_bytes(passphrase))
            del passphrase  # not to be shown with this frame, should it be wrong
            if create and not os.path.lexists(self._path):
                self._create(secret, (memory, passes, lanes))
            data = read_secret_file(self._path)
        with self._told():
            self._unlocked = form.derivation_of(data).unlock(secret)
            super().__init__(form.decode(data, self._unlocked), randomness)

    def rotate(self) -> str:
        """Make a new key-encryption key, which `wrap` uses from now on.

        The file with the new key is durable before the key is used. The ones before stay in the
        file, and unwrap what they wrapped.

        Returns:
            Its id.

        Raises:
            KeyProviderError: The file cannot be read or written; the old one is as it was.
        """
        with self._changing() as generations:
            generations = [*generations, new_generation(self._randomness)]
            self._write(generations, self._unlocked)
            return self.key_id

    def refresh(self) -> None:
        """Take in what other processes have changed in the file since it was read.

        Raises:
            KeyProviderError: The file cannot be read, or its passphrase is another by now.
        """
        with self._lock:
            self._ensure_open()
            self._hold(self._read())

    def destroy_key(self, key_id: str) -> None:
        """Take a key-encryption key that is no longer the current one out of the file, for good.

        What it wrapped opens never again, from no copy of the log: first wrap anew what is still
        needed, and let other processes that use the file `refresh`, since they wrap with the key
        that was current when they last read it. Copies of the key file itself, as in backups, are
        not reached.

        Raises:
            KeyProviderError: It is the current one or not in the file, or the file cannot be
                written.
        """
        with self._changing() as generations:
            self._refuse_current(key_id)
            gone = self._id_of(key_id)
            left = [one for one in generations if one.id != gone]
            if len(left) == len(generations):
                raise self._unknown(key_id)
            self._write(left, self._unlocked)

    def change_passphrase(
        self, passphrase: str | bytes, *, memory: int = 65_536, passes: int = 3, lanes: int = 4
    ) -> None:
        """Encrypt the file under another passphrase; the keys in it stay.

        Whoever has a copy of the file from before, and the passphrase from before, still has those
        keys: if that is why, `rotate` too, and wrap anew.

        Args:
            passphrase: The new one; not empty.
            memory: As for a file that is made.
            passes: As for a file that is made.
            lanes: As for a file that is made.

        Raises:
            KeyProviderError: The file cannot be read or written; the old one is as it was.
        """
        with _file_errors():
            secret = Hidden(passphrase_bytes(passphrase))
            del passphrase
        with self._changing() as generations:
            self._write(generations, self._derive(secret, (memory, passes, lanes)))

    def _create(self, secret: Hidden[bytes], costs: tuple[int, int, int]) -> None:
        with locked_secret_file(self._path):
            if os.path.lexists(self._path):
                return  # another process, beginning the same vault, was first
            first, unlocked = new_generation(self._randomness), self._derive(secret, costs)
            data = form.encode([first], unlocked, draw(self._randomness, form.NONCE_SIZE))
            create_secret_file(self._path, data)

    def _derive(self, secret: Hidden[bytes], costs: tuple[int, int, int]) -> form.Unlocked:
        salt = draw(self._randomness, form.SALT_SIZE)
        return form.Derivation(*costs, salt).unlock(secret)

    @contextmanager
    def _changing(self) -> Iterator[list[Generation]]:
        """The file's generations as they are now, while nobody else changes them."""
        with self._lock, _file_errors(), locked_secret_file(self._path):
            self._ensure_open()
            for left_behind in unfinished_files(self._path):
                left_behind.unlink(missing_ok=True)
            generations = self._read()
            self._hold(generations)
            yield generations

    def _read(self) -> list[Generation]:
        with _file_errors(), self._told():
            return form.decode(read_secret_file(self._path), self._unlocked)

    def _write(self, generations: list[Generation], unlocked: form.Unlocked) -> None:
        nonce = draw(self._randomness, form.NONCE_SIZE)
        with self._told():
            data = form.encode(generations, unlocked, nonce)
        replace_secret_file(self._path, data)
        self._unlocked = unlocked
        self._hold(generations)

    def _look_again(self, key_id: str) -> None:
        self._id_of(key_id)  # not worth a look unless it is one of ours
        with self._lock:
            self._ensure_open()
            # The current key stays: who wraps at this moment has read its id already.
            self._hold(self._read(), current=self._current)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Name the file in what goes wrong with its bytes."""
        try:
            yield
        except KeyProviderError as error:
            raise KeyProviderError(f"vault key file {self._path}: {error}") from None

    def _release(self) -> None:
        with self._lock:
            super()._release()
            del self._unlocked


@contextmanager
def _file_errors() -> Iterator[None]:
    """Errors of secret files, as errors of a key provider."""
    try:
        yield
    except KeyFileError as error:
        raise KeyProviderError(f"vault {error}") from None
