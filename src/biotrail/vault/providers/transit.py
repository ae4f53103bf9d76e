"""A key-encryption key in the Transit secrets engine of OpenBao or HashiCorp Vault."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from biotrail.errors import KeyProviderError
from biotrail.vault.providers._base import ProviderBase
from biotrail.vault.providers._transit_http import TransitHttp, TransitRefusal

__all__ = ["VaultTransitKeyProvider"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_MOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_WRAPPED = re.compile(rb"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/]+={0,2}")
_NOT_AS_WRAPPED = ("authentication failed", "invalid ciphertext", "base64")
"""What the server says of a ciphertext that is damaged, or of another context."""
_TYPES = ("aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305")


class VaultTransitKeyProvider(ProviderBase):
    """A key of the Transit engine, which never leaves the server.

    Data keys are sent to the server and wrapped there, with the context as associated data. Each
    version of the key is a key-encryption key of its own; the provider wraps with the version that
    was the latest when it was opened, or last told to `refresh`.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        token: str | Callable[[], str],
        mount: str = "transit",
        namespace: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 5.0,
    ) -> None:
        """Ask the server for the key's versions.

        The token needs ``read`` on ``<mount>/keys/<key>`` and ``update`` on
        ``<mount>/encrypt/<key>`` and ``<mount>/decrypt/<key>``.

        Args:
            address: ``https://host:8200``; ``http://`` for loopback addresses only, as that of an
                agent on this machine.
            key: Name of the key; one that encrypts with associated data (``aes256-gcm96``).
            token: The token; or a function that returns it, asked for each request, for a token
                that is renewed elsewhere.
            mount: Where the engine is mounted.
            namespace: The namespace, if there is one.
            tls: Which certificates are trusted and shown; Python's default if None.
            timeout: Seconds within which a request must be answered.

        Raises:
            KeyProviderError: An argument is not what it must be; the server is out of reach, sealed
                or refuses; or the key is of a kind that binds no context.
        """
        if not _NAME.fullmatch(key) or not _MOUNT.fullmatch(mount):
            raise KeyProviderError("the name of a Transit key, or of its mount, is malformed")
        self._key, self._mount = key, mount
        headers = _headers(token, namespace)
        del token  # not to be shown with this frame, should the server be out of reach
        self._http = TransitHttp(address, headers=headers, tls=tls, timeout=timeout)
        try:
            self._versions = self._ask_versions()
        except BaseException:
            self._http.close()
            raise
        self._latest = max(self._versions)

    @property
    def key_id(self) -> str:
        """Names mount, key, version and when that was made: ``transit:mount/key:v3@seconds``."""
        return self._name(self._latest)

    def refresh(self) -> str:
        """Use the key's latest version from now on, after it was rotated on the server.

        Returns:
            The id of the key-encryption key that `wrap` uses now.

        Raises:
            KeyProviderError: The server is out of reach, sealed or refuses.
        """
        self._ensure_open()
        self._versions = self._ask_versions()
        self._latest = max(self._versions)
        return self.key_id

    def _name(self, version: int) -> str:
        return f"transit:{self._mount}/{self._key}:v{version}@{self._versions[version]}"

    def _ask_versions(self) -> dict[int, str]:
        """The key's versions, and when each was made: so that no id ever names another key."""
        data = self._http.ask("GET", f"{self._mount}/keys/{self._key}")
        try:
            kind = data["type"]
            versions = {int(version): str(made)[:40] for version, made in data["keys"].items()}
        except (KeyError, AttributeError, ValueError):
            raise KeyProviderError("the Transit server tells no version of the key") from None
        if kind not in _TYPES or data.get("derived") or not versions:
            raise KeyProviderError(
                f"Transit key {self._key} binds no context; it must be underived, of type "
                f"{_TYPES[0]}"
            )
        return versions

    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        version = self._latest
        body = {
            "plaintext": _base64(data_key),
            "associated_data": _base64(context),
            "key_version": version,
        }
        data = self._http.ask("POST", f"{self._mount}/encrypt/{self._key}", body)
        wrapped = str(data.get("ciphertext", "")).encode()
        if _version_of(wrapped) != version:
            raise self._error("the Transit server has wrapped with another version of the key")
        return wrapped

    def _unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        if key_id not in map(self._name, self._versions):
            self._versions = self._ask_versions() | self._versions  # it may be a newer one
        version = next((one for one in self._versions if self._name(one) == key_id), None)
        if version is None:
            raise self._unknown(key_id)
        if version != _version_of(wrapped):
            raise self._not_as_wrapped(key_id)
        body = {"ciphertext": wrapped.decode(), "associated_data": _base64(context)}
        try:
            data = self._http.ask("POST", f"{self._mount}/decrypt/{self._key}", body)
        except TransitRefusal as refusal:
            if refusal.status == 400 and any(one in str(refusal) for one in _NOT_AS_WRAPPED):
                raise self._not_as_wrapped(key_id) from None
            raise
        try:
            return base64.b64decode(data["plaintext"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise self._error("the Transit server's answer is not a key", key_id) from None

    def _release(self) -> None:
        self._http.close()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _version_of(wrapped: bytes) -> int | None:
    found = _WRAPPED.fullmatch(wrapped)
    return int(found[1]) if found else None


def _headers(
    token: str | Callable[[], str], namespace: str | None
) -> Callable[[], Mapping[str, str]]:
    """Return a function that gives the headers; the token is in no attribute."""
    extra: dict[str, Any] = {} if namespace is None else {"X-Vault-Namespace": namespace}

    def headers() -> Mapping[str, str]:
        given = token() if callable(token) else token
        if not given or not given.isascii() or not given.isprintable():
            raise KeyProviderError("the token of the Transit server is empty or malformed")
        return {"X-Vault-Token": given, **extra}

    return headers
