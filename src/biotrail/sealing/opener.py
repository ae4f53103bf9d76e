"""From a stored payload back to its fields, checked against the entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from biotrail.canonical import decode_payload, encode_payload
from biotrail.canonical.cbor import CborValue
from biotrail.canonical.payload import Payload
from biotrail.canonical.sealed import (
    ACTOR,
    SUBJECT,
    Part,
    Remnant,
    SealedPart,
    associated_data,
    decode_part,
    decode_sealed,
    is_sealed,
    sealed_root,
)
from biotrail.errors import AlteredError, CanonicalError, ErasedError, VaultError
from biotrail.sealing.keyring import Keyring

__all__ = ["Opened", "Opener"]


@attrs.frozen(slots=True)
class Opened:
    """What is known of a record's personal fields.

    Attributes:
        fields: The fields that were opened, by name.
        payloads: The opened parts, with their salts, by owner (0 nobody known, 1 the subject, 2
            the actor; a payload in the clear is under 1).
        sealed: Owners of the parts that are there and were not opened, for want of their key.
        erased: Owners of the parts that were destroyed.
        parts: The stored parts; empty for a payload in the clear.
    """

    fields: Mapping[str, CborValue]
    payloads: Mapping[int, Payload]
    sealed: tuple[int, ...] = ()
    erased: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()


class Opener:
    """Opens payloads of one log; without a keyring those in the clear alone."""

    def __init__(self, origin: str, keyring: Keyring | None = None) -> None:
        """Open with these keys.

        Args:
            origin: The log's origin.
            keyring: The log's data keys, for a reader who holds the vault.
        """
        self._origin = origin
        self._keyring = keyring

    def open(self, index: int, content: Mapping[str, Any], data: bytes) -> Opened:
        """Open the payload of an event's entry.

        Args:
            index: Index of the entry, for errors.
            content: What the entry says.
            data: The payload as it is stored.

        Returns:
            The fields, and what was not opened.

        Raises:
            AlteredError: The payload is not the one that was committed to.
            KeyProviderError: The key provider is out of reach, or refuses.
            VaultError: A key is not the one that was kept.
        """
        root = content.get("payload")
        try:
            if not is_sealed(data):
                return self._open_clear(content, data)
            parts = decode_sealed(data)
            if sealed_root(parts) != root:
                raise CanonicalError("it does not lead to the payload root")
            _check_owners(parts, content)
            return self._open_parts(content["id"], parts)
        except CanonicalError as error:
            raise AlteredError(
                f"the payload of entry {index} is not what the entry commits to: {error}",
                index=index,
                expected=root.hex() if isinstance(root, bytes) else None,
            ) from error

    def _open_clear(self, content: Mapping[str, Any], data: bytes) -> Opened:
        payload = decode_payload(data)
        _, root = encode_payload(content["id"], list(payload.fields.items()), payload.salt)
        if root != content.get("payload"):
            raise CanonicalError("it does not lead to the payload root")
        return Opened(payload.fields, {SUBJECT: payload})

    def _open_parts(self, event_id: bytes, parts: list[Part]) -> Opened:
        payloads: dict[int, Payload] = {}
        sealed, erased = [], []
        for part in parts:
            if isinstance(part, Remnant):
                erased.append(part.owner)
            elif self._keyring is None:
                sealed.append(part.owner)
            else:
                try:
                    payloads[part.owner] = self._open_part(event_id, part, self._keyring)
                except ErasedError:  # the key is gone, and the part will follow
                    erased.append(part.owner)
        fields = {name: one for part in payloads.values() for name, one in part.fields.items()}
        return Opened(fields, payloads, tuple(sealed), tuple(erased), tuple(parts))

    def _open_part(self, event_id: bytes, part: SealedPart, keyring: Keyring) -> Payload:
        key = keyring.key(part.key)
        bound = associated_data(event_id, part.owner, part.key, self._origin)
        plaintext = _decrypted(key.open, part.ciphertext, bound, part.nonce)
        return decode_part(event_id, plaintext, part.fields_root)


def _decrypted(open_: Any, ciphertext: bytes, bound: bytes, nonce: bytes) -> bytes:
    try:
        plaintext: bytes = open_(ciphertext, bound, nonce)
    except VaultError as error:
        raise CanonicalError(str(error)) from None
    return plaintext


def _check_owners(parts: list[Part], content: Mapping[str, Any]) -> None:
    """A part's key is that of its owner, whose reference the entry names."""
    owners = {SUBJECT: content.get("subject"), ACTOR: content.get("actor")}
    for part in parts:
        if part.owner in owners:
            reference = owners[part.owner]
            if reference is None or (isinstance(part, SealedPart) and part.key != reference):
                raise CanonicalError("a part is not sealed under its owner's key")
        elif "subject" in content or "actor" in content:
            raise CanonicalError("a part is said to concern nobody known")
