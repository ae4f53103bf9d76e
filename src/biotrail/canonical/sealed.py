r"""Sealed payloads: what rests beside an entry where personal fields are encrypted.

A sealed payload has a *part* for each person concerned, since each may be erased without the other.
A part's plaintext is a payload (`biotrail.canonical.payload`) with a salt of its own, padded; its
*fields root* is that payload's root. The entry holds one root over the parts::

    part root    = SHA-256("biotrail/part/1\n" || owner || fields root
                           || SHA-256(key || nonce || ciphertext))
    payload root = SHA-256("biotrail/payload/2\n" || part root ...)

So the stored bytes, ciphertexts included, are checked against the entry without any key; and with
the key, the plaintext against the fields root: AES-GCM would let one ciphertext open under two keys
to two plaintexts, the commitments do not. Of a destroyed part its root remains.

Encryption itself is the vault's. Specified in ``docs/spec/payload.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple, TypeAlias

import cbor2

from biotrail.canonical.cbor import decode_value
from biotrail.canonical.padding import BUCKETS, LARGEST_BUCKET, padded, padded_size, unpadded
from biotrail.canonical.payload import Payload, decode_payload, encode_payload
from biotrail.canonical.payload_pattern import root_of_usual_payload
from biotrail.errors import CanonicalError

__all__ = [
    "KEY_REFERENCE_SIZE",
    "NONCE_SIZE",
    "PART_DOMAIN",
    "ROOT_DOMAIN",
    "SEAL_DOMAIN",
    "Owner",
    "Part",
    "Remnant",
    "SealedPart",
    "associated_data",
    "check_part",
    "decode_part",
    "decode_sealed",
    "encode_part",
    "encode_sealed",
    "is_sealed",
    "loaded_payload",
    "part_root",
    "root_over_parts",
    "root_with_seal",
    "sealed_root",
]

PART_DOMAIN = b"biotrail/part/1\n"
ROOT_DOMAIN = b"biotrail/payload/2\n"
SEAL_DOMAIN = b"biotrail/seal/1\n"
KEY_REFERENCE_SIZE = 16
NONCE_SIZE = 12
_ROOT_SIZE = 32
_TAG_SIZE = 16
_VERSION = 2
_PREFIX = b"\x82\x02"
# Of a part: 85, owner, 50 key, 4c nonce, 58 20 fields root, 59 and the ciphertext's length.
_HEAD = Struct(">BBB16sB12sH32sBH")
_HEADS = (0x85, 0x50, 0x4C, 0x5820, 0x59)
_unpack = _HEAD.unpack_from
_COUNTS = {b"\x82\x02\x81": 1, b"\x82\x02\x82": 2}
_BUCKETS_OF_TWO_BYTES = frozenset((*BUCKETS, *range(LARGEST_BUCKET, 0x10000, LARGEST_BUCKET)))

Owner: TypeAlias = int
"""Whom a part concerns: `NOBODY`, `SUBJECT` or `ACTOR`."""
NOBODY: Owner = 0
SUBJECT: Owner = 1
ACTOR: Owner = 2
_OWNED = tuple(PART_DOMAIN + bytes((owner,)) for owner in (NOBODY, SUBJECT, ACTOR))
_OWNERS = frozenset({(NOBODY,), (SUBJECT,), (ACTOR,), (SUBJECT, ACTOR)})


class SealedPart(NamedTuple):
    """A part as it is stored.

    Attributes:
        owner: Whom it concerns: 0 nobody known, 1 the subject, 2 the actor.
        key: The reference of the data key, 16 bytes: for an owner, the owner's reference.
        nonce: 12 bytes.
        fields_root: Root over the commitments to its fields, 32 bytes.
        ciphertext: AES-256-GCM over the padded payload, with its tag at the end.
    """

    owner: Owner
    key: bytes
    nonce: bytes
    fields_root: bytes
    ciphertext: bytes

    @property
    def root(self) -> bytes:
        """The part root, 32 bytes."""
        return part_root(self)

    @property
    def seal(self) -> bytes:
        """SHA-256 over key, nonce and ciphertext: what stands for them in the part root."""
        return sha256(self.key + self.nonce + self.ciphertext).digest()

    def remnant(self) -> Remnant:
        """What remains when the part is destroyed."""
        return Remnant(self.owner, part_root(self))


class Remnant(NamedTuple):
    """What remains of a destroyed part: enough for the others' proof, and nothing of it."""

    owner: Owner
    root: bytes


Part: TypeAlias = SealedPart | Remnant


def part_root(part: SealedPart) -> bytes:
    """The root of a part that is there."""
    return root_with_seal(part.owner, part.fields_root, part.seal)


def root_with_seal(owner: Owner, fields_root: bytes, seal: bytes) -> bytes:
    """The root of a part of which the fields root and the seal (`SealedPart.seal`) are known."""
    return sha256(PART_DOMAIN + bytes((owner,)) + fields_root + seal).digest()


def sealed_root(parts: Sequence[Part]) -> bytes:
    """The payload root that the entry holds, over all parts in order."""
    roots = []
    for part in parts:
        if type(part) is SealedPart:  # written out, since every record that is read goes this way
            owner, key, nonce, fields_root, ciphertext = part
            seal = sha256(key + nonce + ciphertext).digest()
            roots.append(sha256(_OWNED[owner] + fields_root + seal).digest())
        else:
            roots.append(part.root)
    return root_over_parts(roots)


def root_over_parts(roots: Sequence[bytes]) -> bytes:
    """The payload root over part roots in order."""
    return sha256(ROOT_DOMAIN + b"".join(roots)).digest()


def associated_data(event_id: bytes, owner: Owner, key: bytes, origin: str) -> bytes:
    """What a ciphertext is bound to besides its key: the log, the event, the owner."""
    return SEAL_DOMAIN + event_id + bytes((owner,)) + key + origin.encode()


def encode_part(
    event_id: bytes, fields: Sequence[tuple[str, object]], salt: bytes
) -> tuple[bytes, bytes]:
    """Encode the fields of a part, padded, and commit to them.

    Args:
        event_id: The event's id, 16 bytes.
        fields: As for `encode_payload`.
        salt: 32 bytes from a cryptographic source, for this part alone.

    Returns:
        The plaintext to be sealed, and the fields root.

    Raises:
        CanonicalError: As `encode_payload`.
    """
    plain, root = encode_payload(event_id, fields, salt)  # type: ignore[arg-type] # plain values
    return padded(plain), root


def decode_part(event_id: bytes, plaintext: bytes, fields_root: bytes) -> Payload:
    """Decode a part that was opened, and check it against its commitments.

    Raises:
        CanonicalError: It is not what was committed to.
    """
    return loaded_payload(check_part(event_id, plaintext, fields_root))


def check_part(event_id: bytes, plaintext: bytes, fields_root: bytes) -> bytes:
    """Check a part that was opened against its commitments.

    Returns:
        The payload, without padding: canonical, and to be decoded by `loaded_payload`.

    Raises:
        CanonicalError: It is not what was committed to.
    """
    data = unpadded(plaintext)
    root = root_of_usual_payload(event_id, data)
    if root is None:
        payload = decode_payload(data)
        _, root = encode_payload(event_id, list(payload.fields.items()), payload.salt)
    if root != fields_root:
        raise CanonicalError("the fields do not open to the commitments in the entry")
    return data


def loaded_payload(data: bytes) -> Payload:
    """Decode what `check_part` returned: it is canonical, and of its form."""
    _, salt, fields = cbor2.loads(data)
    return Payload(salt, fields)


def encode_sealed(parts: Sequence[Part]) -> bytes:
    """Encode a sealed payload."""
    return cbor2.dumps([_VERSION, [list(part) for part in parts]])


def is_sealed(data: bytes) -> bool:
    """Whether a stored payload says that it is a sealed one; `decode_sealed` checks it."""
    return data.startswith(_PREFIX)


def decode_sealed(data: bytes) -> list[Part]:
    """Decode a sealed payload, strictly.

    Raises:
        CanonicalError: Not canonical, or not of a sealed payload's form.
    """
    return _plain_parts(data) or _decode_any(data)


def _plain_parts(data: bytes) -> list[Part] | None:
    """The parts of a sealed payload of which nothing was destroyed, as most are.

    Every byte that is no value's own is compared, so there is no other encoding of the same. None
    means only that the general decoder must be asked.
    """
    parts: list[Part] = []
    at, count = 3, _COUNTS.get(data[:3], 0)
    for _ in range(count):
        start = at + _HEAD.size
        if start > len(data):
            return None
        array, owner, key_head, key, nonce_head, nonce, root_head, root, head, size = _unpack(
            data, at
        )
        ciphertext = data[start : start + size]
        if (
            (array, key_head, nonce_head, root_head, head) != _HEADS
            or size - _TAG_SIZE not in _BUCKETS_OF_TWO_BYTES
            or len(ciphertext) != size
        ):
            return None
        parts.append(SealedPart(owner, key, nonce, root, ciphertext))
        at = start + size
    if at != len(data) or tuple([part.owner for part in parts]) not in _OWNERS:
        return None
    return parts


def _decode_any(data: bytes) -> list[Part]:
    value = decode_value(data)
    if not isinstance(value, list) or len(value) != 2 or value[0] is True or value[0] != _VERSION:
        raise CanonicalError("a sealed payload is an array of version 2 and parts")
    rows = value[1]
    if not isinstance(rows, list) or not rows:
        raise CanonicalError("a sealed payload has at least one part")
    parts = [_part(row) for row in rows]
    if tuple(part.owner for part in parts) not in _OWNERS:
        raise CanonicalError("the parts are one of nobody, or of the subject, the actor, or both")
    return parts


def _part(row: object) -> Part:
    if isinstance(row, list) and row and type(row[0]) is int and row[0] in (0, 1, 2):
        rest = row[1:]
        if all(type(item) is bytes for item in rest):
            if len(rest) == 1 and len(rest[0]) == _ROOT_SIZE:
                return Remnant(row[0], rest[0])
            sizes = [len(item) for item in rest[:3]]
            if (
                len(rest) == 4
                and sizes == [KEY_REFERENCE_SIZE, NONCE_SIZE, _ROOT_SIZE]
                and len(rest[3]) - _TAG_SIZE == padded_size(len(rest[3]) - _TAG_SIZE) > 0
            ):
                return SealedPart(row[0], *rest)
    raise CanonicalError("a part is [owner, key, nonce, fields root, ciphertext] or [owner, root]")
