r"""A key-encryption key in a PKCS#11 token: a security module, a smart card, SoftHSM."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from biotrail._hidden import Hidden
from biotrail._pkcs11 import Pkcs11Token
from biotrail.errors import KeyProviderError
from biotrail.vault.provider import DATA_KEY_SIZE
from biotrail.vault.providers._base import ProviderBase
from biotrail.vault.providers._local import draw

if TYPE_CHECKING:
    from pkcs11 import Session

__all__ = ["Pkcs11KeyProvider"]

_DOMAIN = b"biotrail/wrapped-key/1\n"
_NONCE_SIZE, _TAG_SIZE, _ID_SIZE = 12, 16, 16
_MAX_URI = 256
_PROBE = b"biotrail/probe/1\n"


class Pkcs11KeyProvider(ProviderBase):
    """An AES-256 key in a PKCS#11 token, which never leaves it.

    Data keys are wrapped in the token (CKM_AES_GCM) under a random nonce, with the key's id and the
    context as associated data. The token must say of the key that it is sensitive and cannot be
    extracted. The id of the key names token and key as a PKCS#11 URI (RFC 7512).
    """

    def __init__(
        self,
        module: str | os.PathLike[str],
        *,
        token: str,
        pin: str,
        key: str,
        earlier: Iterable[str] = (),
        create: bool = False,
        timeout: float = 10.0,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Log in to the token and find the key.

        Args:
            module: The PKCS#11 library of the token's vendor, such as
                ``/usr/lib/softhsm/libsofthsm2.so``.
            token: Label of the token.
            pin: PIN of the user.
            key: Label of the key; one AES-256 key only may bear it.
            earlier: Labels of keys that may unwrap, too: those that `key` has replaced.
            create: Make the key in the token where there is none of that label.
            timeout: Seconds to wait for each answer of the token.
            randomness: Where nonces and the id of a key that is made come from.

        Raises:
            KeyProviderError: The library, the token or a key is not there, the PIN is wrong, or a
                key could leave the token.
            MissingDependencyError: python-pkcs11 is not installed.
        """
        self._randomness = randomness
        held = Hidden(pin)
        del pin  # not to be shown with this frame, should it be wrong
        self._token = Pkcs11Token(
            module, token=token, pin=held.reveal(), timeout=timeout, failure=KeyProviderError
        )
        try:
            if create:
                self._create(key)
            found = [self._find(label) for label in (key, *earlier)]
        except BaseException:
            self._token.close()
            raise
        self._keys = dict(found)
        self._key_id = found[0][0]

    @property
    def key_id(self) -> str:
        """The PKCS#11 URI of the key that `wrap` uses: token, its serial number, label and id."""
        return self._key_id

    def _create(self, label: str) -> None:
        from pkcs11 import Attribute, KeyType, MechanismFlag

        key_id = draw(self._randomness, _ID_SIZE)

        def make(session: Session) -> None:
            wanted = {Attribute.LABEL: label, Attribute.KEY_TYPE: KeyType.AES}
            if list(session.get_objects(wanted)):
                return
            session.generate_key(
                KeyType.AES,
                256,
                id=key_id,
                label=label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )

        self._token.make("make a key", make)

    def _find(self, label: str) -> tuple[str, tuple[bytes, Any]]:
        """Return the URI of a key, with its id and the key as an object of the token."""
        from pkcs11 import Attribute, KeyType, ObjectClass

        def find(session: Session) -> tuple[str, tuple[bytes, Any], bool]:
            found = self._token.only(session, label, ObjectClass.SECRET_KEY)
            stays = found[Attribute.SENSITIVE] and not found[Attribute.EXTRACTABLE]
            aes_256 = found.key_type == KeyType.AES and found.key_length == 256
            sound = bool(stays) and aes_256 and bool(found.id)
            return _uri(session, label, found.id), (found.id, found), sound

        uri, key, sound = self._token.run(f"find the key {label!r}", find)
        if len(uri) > _MAX_URI:
            raise KeyProviderError(f"the names of token and key {label!r} are too long")
        if not sound:
            raise KeyProviderError(
                f"key {label!r} of the token is not an AES-256 key with an id that is sensitive "
                "and cannot be extracted",
                provider=uri,
            )
        return uri, key

    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        from pkcs11 import GCMParams, Mechanism

        nonce = draw(self._randomness, _NONCE_SIZE)
        key_id, key = self._keys[self._key_id]
        how = GCMParams(nonce, _DOMAIN + key_id + context, 8 * _TAG_SIZE)
        sealed: bytes = self._token.run(
            "wrap a key",
            lambda _: key.encrypt(data_key, mechanism=Mechanism.AES_GCM, mechanism_param=how),
        )
        if len(sealed) != len(data_key) + _TAG_SIZE:
            raise self._error("the token's AES-GCM gives something else than ciphertext and tag")
        return nonce + sealed

    def _unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        from pkcs11 import GCMParams, Mechanism

        if key_id not in self._keys:
            raise self._unknown(key_id)
        own_id, key = self._keys[key_id]
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        how = GCMParams(nonce, _DOMAIN + own_id + context, 8 * _TAG_SIZE)
        if len(sealed) != DATA_KEY_SIZE + _TAG_SIZE:
            raise self._not_as_wrapped(key_id)
        try:
            data_key: bytes = self._token.run(
                "unwrap a key",
                lambda _: key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=how),
            )
        except KeyProviderError:
            if not self._works(key):
                raise
        else:
            return data_key
        raise self._not_as_wrapped(key_id)

    def _works(self, key: Any) -> bool:
        """Whether a key opens what it seals now.

        Tokens name the refusal of a tag each by another error, some by a general one. Where the key
        works, it was what was to be unwrapped that was refused.
        """
        from pkcs11 import GCMParams, Mechanism

        how = GCMParams(draw(self._randomness, _NONCE_SIZE), _PROBE, 8 * _TAG_SIZE)
        options = {"mechanism": Mechanism.AES_GCM, "mechanism_param": how}
        try:
            opened: bytes = self._token.run(
                "try a key", lambda _: key.decrypt(key.encrypt(_PROBE, **options), **options)
            )
        except KeyProviderError:
            return False
        return opened == _PROBE

    def _release(self) -> None:
        self._token.close()
        self._keys = {}


def _uri(session: Session, label: str, key_id: bytes) -> str:
    token = session.token
    serial = quote(token.serial.decode("ascii", "replace").rstrip(), safe="")
    named = f"token={quote(token.label, safe='')};serial={serial};object={quote(label, safe='')}"
    return f"pkcs11:{named};id={''.join(f'%{byte:02x}' for byte in key_id)};type=secret-key"
