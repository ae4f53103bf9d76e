"""Key-encryption keys in the keyring of the operating system."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from biotrail._bounded import within
from biotrail.errors import KeyProviderError, MissingDependencyError
from biotrail.vault.providers._local import (
    ID_SIZE,
    KEY_SIZE,
    Generation,
    LocalProvider,
    new_generation,
)

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["KeyringKeyProvider"]

Answer = TypeVar("Answer")
_FORM = "biotrail-keys/1"
_UNSAFE = {"PlaintextKeyring": "keeps secrets in the clear", "Keyring": "keeps nothing"}
_UNSAFE_MODULES = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt.file")


class KeyringKeyProvider(LocalProvider):
    """Key-encryption keys in the keyring of the operating system, by the package ``keyring``.

    Secret Service (GNOME Keyring, KWallet, KeePassXC) on Linux, the Keychain on macOS, the
    Credential Locker on Windows. Each generation is an entry of its own, so that processes that
    rotate at the same time lose none; one more entry lists them. They are read once, and used in
    this process's memory.
    """

    _kind = "keyring"

    def __init__(
        self,
        name: str,
        *,
        service: str = "biotrail",
        create: bool = False,
        backend: KeyringBackend | None = None,
        timeout: float = 10.0,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Read the keys.

        Args:
            name: Name of the keys in the keyring, such as the log's origin; not secret.
            service: Name of the service in the keyring.
            create: Make a first key where there is none.
            backend: A backend of ``keyring``; the one that ``keyring`` chooses if None.
            timeout: Seconds to wait for the keyring's answer, for instance while it is locked and
                asks its owner.
            randomness: Where random bytes come from.

        Raises:
            KeyProviderError: There are no keys of that name, the keyring is out of reach or locked,
                or is one that would keep them in the clear.
            MissingDependencyError: ``keyring`` is not installed.
        """
        if not name or not service or not (name + service).isprintable():
            raise KeyProviderError("the name and service of keys are printable and not empty")
        self._entry, self._service, self._timeout = name, service, timeout
        self._lock = Lock()
        self._backend = self._chosen() if backend is None else backend
        _refuse_unsafe(self._backend)
        ids = self._listed()
        if not ids:
            if not create:
                raise KeyProviderError(f"the keyring holds no keys {name!r} for {service!r}")
            ids = self._add(new_generation(randomness))
        super().__init__([self._read(one) for one in ids], randomness)

    def rotate(self) -> str:
        """Make a new key-encryption key, which `wrap` uses from now on.

        The keyring has given it back before it is used. The ones before stay there, and unwrap what
        they wrapped.

        Returns:
            Its id.

        Raises:
            KeyProviderError: The keyring is out of reach or refuses.
        """
        with self._lock:
            self._ensure_open()
            self._take_in(self._add(new_generation(self._randomness)))
            return self.key_id

    def refresh(self) -> None:
        """Take in what other processes have changed since the keys were read.

        Raises:
            KeyProviderError: The keyring is out of reach, or holds these keys no more.
        """
        with self._lock:
            self._ensure_open()
            self._take_in(self._listed())

    def destroy_key(self, key_id: str) -> None:
        """Take a key-encryption key that is no longer the current one out of the keyring, for good.

        What it wrapped opens never again: first wrap anew what is still needed, and let other
        processes that use these keys `refresh`. Backups of the keyring are not reached.

        Raises:
            KeyProviderError: It is the current one or not in the keyring, or the keyring refuses.
        """
        with self._lock:
            self._ensure_open()
            ids, gone = self._listed(), self._id_of(key_id)
            self._take_in(ids)
            self._refuse_current(key_id)
            if self._get(self._place(gone)) is None:
                raise self._unknown(key_id)
            left = [one for one in ids if one != gone]
            self._list(left)
            self._call(
                "delete", lambda: self._backend.delete_password(self._service, self._place(gone))
            )
            self._take_in(left)

    def _take_in(self, ids: list[bytes]) -> None:
        if not ids:
            raise KeyProviderError(f"the keyring holds no keys {self._entry!r} any more")
        self._hold([self._read(one) for one in ids])

    def _look_again(self, key_id: str) -> None:
        """The list may lack a key, if two processes have rotated at once; its entry does not."""
        generation_id = self._id_of(key_id)
        with self._lock:
            self._ensure_open()
            if self._get(self._place(generation_id)) is None:
                return
            ids = [one for one in self._listed() if one != generation_id]
            if ids:
                self._hold([self._read(one) for one in [generation_id, *ids]])

    def _add(self, generation: Generation) -> list[bytes]:
        """Put a key into the keyring, and once it is there, into the list."""
        key = base64.b64encode(generation.key).decode()
        self._set(self._place(generation.id), f"{_FORM} {key}")
        if self._read(generation.id) != generation:
            raise KeyProviderError("the keyring does not give back what was put into it")
        ids = [*self._listed(), generation.id]
        self._list(ids)
        return ids

    def _list(self, ids: list[bytes]) -> None:
        self._set(self._entry, " ".join([_FORM, *(one.hex() for one in ids)]))

    def _listed(self) -> list[bytes]:
        """The ids in the list, the current one last; empty if there is no list."""
        text = self._get(self._entry)
        if text is None:
            return []
        form, *ids = text.split(" ")
        try:
            found = [bytes.fromhex(one) for one in ids]
        except ValueError:
            found = []
        if form != _FORM or not found or any(len(one) != ID_SIZE for one in found):
            raise KeyProviderError(f"the keyring's entry {self._entry!r} is not a list of keys")
        return found

    def _read(self, generation_id: bytes) -> Generation:
        form, _, encoded = (self._get(self._place(generation_id)) or "").partition(" ")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if form != _FORM or len(key) != KEY_SIZE:
            named = f"{self._kind}:{generation_id.hex()}"
            raise KeyProviderError(f"the keyring does not hold the key {named}", provider=named)
        return Generation(generation_id, key)

    def _place(self, generation_id: bytes) -> str:
        return f"{self._entry}/{generation_id.hex()}"

    def _get(self, place: str) -> str | None:
        return self._call("read", lambda: self._backend.get_password(self._service, place))

    def _set(self, place: str, text: str) -> None:
        self._call("write", lambda: self._backend.set_password(self._service, place, text))

    def _call(self, what: str, work: Callable[[], Answer]) -> Answer:
        """Ask the keyring; whatever goes wrong there is told by its kind alone."""
        try:
            return within(self._timeout, work)
        except TimeoutError:
            raise KeyProviderError(
                f"the keyring did not answer within {self._timeout:g} s (is it locked?)"
            ) from None
        except Exception as error:  # each backend raises errors of its own libraries
            kind = type(error).__name__
            raise KeyProviderError(f"the keyring refused to {what} an entry: {kind}") from None

    def _chosen(self) -> KeyringBackend:
        try:
            import keyring
        except ImportError:
            raise MissingDependencyError(
                "the operating system's keyring needs the package keyring: "
                "pip install 'biotrail[keyring]'"
            ) from None
        return self._call("open", keyring.get_keyring)


def _refuse_unsafe(backend: KeyringBackend) -> None:
    """Refuse a backend that keeps secrets in the clear, or not at all; chained ones too."""
    for one in (backend, *getattr(backend, "backends", ())):
        kind = type(one)
        if kind.__module__ in _UNSAFE_MODULES and kind.__name__ in _UNSAFE:
            why = _UNSAFE[kind.__name__]
            raise KeyProviderError(f"no usable keyring: {kind.__module__}.{kind.__name__} {why}")
