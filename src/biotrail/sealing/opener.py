"""From a stored payload back to its fields, checked against the entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from biotrail.canonical import decode_payload, encode_payload
from biotrail.canonical.cbor import CborValue
from biotrail.canonical.event_pattern import EventMarks
from biotrail.canonical.owners import is_usual, owners_of, wrong_owner
from biotrail.canonical.payload import Payload
from biotrail.canonical.payload_pattern import root_of_usual_payload
from biotrail.canonical.sealed import (
    SUBJECT,
    Part,
    SealedPart,
    associated_data,
    check_part,
    decode_sealed,
    is_sealed,
    loaded_payload,
    sealed_root,
)
from biotrail.errors import (
    AlteredError,
    CanonicalError,
    DestroyedKeyError,
    ErasedError,
    VaultError,
)
from biotrail.sealing.keyring import Keyring
from biotrail.vault import DataKey

__all__ = ["Opened", "Opener"]

Keys = Mapping[bytes, "DataKey | VaultError"]
_DESTROYED = (DestroyedKeyError, ErasedError)


class Opened:
    """What is known of a record's personal fields: checked, and decoded when asked for.

    Attributes:
        plain: The payloads that were opened, in their bytes, by owner (0 nobody known, 1 the
            subject, 2 the actor; a payload in the clear is under 1).
        sealed: Owners of the parts that are there and were not opened, for want of their key.
        erased: Owners of the parts that were destroyed.
        parts: The stored parts; empty for a payload in the clear.
    """

    __slots__ = ("_payloads", "erased", "parts", "plain", "sealed")

    def __init__(
        self,
        plain: Mapping[int, bytes],
        sealed: tuple[int, ...] = (),
        erased: tuple[int, ...] = (),
        parts: Sequence[Part] = (),
    ) -> None:
        """Keep what was opened."""
        self.plain = plain
        self.sealed = sealed
        self.erased = erased
        self.parts = parts
        self._payloads: Mapping[int, Payload] | None = None

    @property
    def payloads(self) -> Mapping[int, Payload]:
        """The payloads that were opened, with their salts, by owner."""
        found = self._payloads
        if found is None:
            found = {owner: loaded_payload(data) for owner, data in self.plain.items()}
            self._payloads = found
        return found

    @property
    def fields(self) -> Mapping[str, CborValue]:
        """The fields that were opened, by name."""
        payloads = self._payloads
        if payloads is None:
            payloads = self.payloads
        if len(payloads) == 1:
            (only,) = payloads.values()
            return only.fields
        return {name: one for part in payloads.values() for name, one in part.fields.items()}


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
            The fields, and what was not opened. What is being erased counts as erased, even where
            its key is still there.

        Raises:
            AlteredError: The payload is not the one that was committed to.
            KeyProviderError: The key provider is out of reach, or refuses.
            VaultError: A key is not the one that was kept.
        """
        said = content["id"], content.get("subject"), content.get("actor"), content.get("payload")
        marks = EventMarks(index, *said)
        parts = self.parts(marks, data)
        keys: Keys = {}
        if self._keyring is not None:
            wanted = [one.key for one in parts if type(one) is SealedPart]
            keys = self._keyring.found(wanted, gone=self._keyring.fenced())
        return self.open_parts(marks, data, parts, keys)

    def parts(self, marks: EventMarks, data: bytes) -> list[Part]:
        """The parts of a payload, held against the entry: which keys are needed.

        Args:
            marks: What the entry says of it.
            data: The payload as it is stored.

        Returns:
            The parts; none for a payload in the clear.

        Raises:
            AlteredError: The payload is not the one that was committed to.
        """
        if type(data) is bytes and not is_sealed(data):
            return []
        try:
            parts = decode_sealed(data)
            if sealed_root(parts) != marks.root:
                raise CanonicalError("it does not lead to the payload root")
            if not is_usual(parts, marks.subject, marks.actor):
                wrong = wrong_owner(parts, owners_of(marks.subject, marks.actor))
                if wrong is not None:
                    raise CanonicalError(wrong.what)
        except CanonicalError as error:
            raise _altered(marks, error) from error
        return parts

    def open_parts(
        self, marks: EventMarks, data: bytes, parts: Sequence[Part], keys: Keys
    ) -> Opened:
        """Open what the keys open.

        Args:
            marks: What the entry says of the payload.
            data: The payload as it is stored.
            parts: What `parts` returned.
            keys: For each key that the parts name, the key, or why it cannot be had; parts whose
                key is not there stay sealed.

        Raises:
            AlteredError: The payload is not the one that was committed to.
            VaultError: A key is not the one that was kept.
        """
        try:
            if not parts:
                return _open_clear(marks, data)
            plain: dict[int, bytes] = {}
            sealed: tuple[int, ...] = ()
            erased: tuple[int, ...] = ()
            for part in parts:
                key = keys.get(part.key) if type(part) is SealedPart else None
                if type(key) is DataKey:
                    assert type(part) is SealedPart
                    plain[part.owner] = self._open_part(marks.event_id, part, key)
                elif type(part) is not SealedPart or isinstance(key, _DESTROYED):
                    erased += (part.owner,)  # or the key is gone, and the part will follow
                elif key is None:
                    sealed += (part.owner,)
                else:
                    assert isinstance(key, VaultError)
                    raise key
        except CanonicalError as error:
            raise _altered(marks, error) from error
        return Opened(plain, sealed, erased, parts)

    def _open_part(self, event_id: bytes, part: SealedPart, key: DataKey) -> bytes:
        owner, reference, nonce, fields_root, ciphertext = part
        bound = associated_data(event_id, owner, reference, self._origin)
        return check_part(event_id, _decrypted(key, ciphertext, bound, nonce), fields_root)


def _decrypted(key: DataKey, ciphertext: bytes, bound: bytes, nonce: bytes) -> bytes:
    try:
        return key.open(ciphertext, bound, nonce)
    except VaultError as error:
        raise CanonicalError(str(error)) from None


def _open_clear(marks: EventMarks, data: bytes) -> Opened:
    root = root_of_usual_payload(marks.event_id, data)
    if root is None:
        payload = decode_payload(data)
        _, root = encode_payload(marks.event_id, list(payload.fields.items()), payload.salt)
    if root != marks.root:
        raise CanonicalError("it does not lead to the payload root")
    return Opened({SUBJECT: data})


def _altered(marks: EventMarks, error: CanonicalError) -> AlteredError:
    root = marks.root
    return AlteredError(
        f"the payload of entry {marks.index} is not what the entry commits to: {error}",
        index=marks.index,
        expected=None if root is None else root.hex(),
    )
