"""Sealed payloads written in one go: the same bytes as `encode_sealed`, with less work.

For the writer, who seals one record after another, and for whom a record after a pause costs by how
much code it runs through. A part has one layout::

    85 <owner> 50 <key> 4c <nonce> 58 20 <fields root> 59 <length, 2 bytes> <ciphertext>
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from biotrail.canonical.cbor import CborValue
from biotrail.canonical.padding import padded
from biotrail.canonical.payload import SALT_SIZE, encode_payload
from biotrail.canonical.sealed import (
    PART_DOMAIN,
    ROOT_DOMAIN,
    SEAL_DOMAIN,
    Owner,
    SealedPart,
    encode_sealed,
)

__all__ = ["SEALING_RANDOMNESS", "WrittenPart", "write_part", "write_payload"]

SEALING_RANDOMNESS = SALT_SIZE + 12
"""How many random bytes a part takes: its salt and its nonce."""
_OWNERS = (b"\x00", b"\x01", b"\x02")
_HEADS = (b"\x82\x02\x81", b"\x82\x02\x82")
_LARGEST = 0xFFFF


class WrittenPart(NamedTuple):
    """A part, encoded.

    Attributes:
        encoded: Its bytes.
        root: Its part root, 32 bytes.
    """

    encoded: bytes
    root: bytes


def write_part(
    event_id: bytes,
    owner: Owner,
    key: bytes,
    fields: Sequence[tuple[str, CborValue]],
    *,
    random: bytes,
    encrypt: Callable[[bytes, bytes, bytes], bytes],
    origin: bytes,
) -> WrittenPart:
    """Seal the fields of one person.

    Args:
        event_id: The event's id, 16 bytes.
        owner: Whom they concern.
        key: Reference of the data key, 16 bytes.
        fields: As for `encode_payload`.
        random: Salt and nonce, 44 bytes from a cryptographic source, for this part alone.
        encrypt: AES-256-GCM under the data key: takes plaintext, associated data and nonce.
        origin: The log's origin in UTF-8.

    Raises:
        CanonicalError: As `encode_payload`.
    """
    nonce, mark = random[SALT_SIZE:], _OWNERS[owner]
    plain, fields_root = encode_payload(event_id, fields, random[:SALT_SIZE])
    bound = SEAL_DOMAIN + event_id + mark + key + origin
    ciphertext = encrypt(padded(plain), bound, nonce)
    size = len(ciphertext)
    if size > _LARGEST:  # its length takes more bytes
        part = SealedPart(owner, key, nonce, fields_root, ciphertext)
        return WrittenPart(encode_sealed([part])[3:], part.root)
    seal = sha256(key + nonce + ciphertext).digest()
    root = sha256(PART_DOMAIN + mark + fields_root + seal).digest()
    head = b"\x85" + mark + b"\x50" + key + b"\x4c" + nonce + b"\x58\x20" + fields_root + b"\x59"
    return WrittenPart(head + size.to_bytes(2, "big") + ciphertext, root)


def write_payload(parts: list[WrittenPart]) -> tuple[bytes, bytes]:
    """Join one or two parts: the sealed payload, and the root that the entry holds."""
    encoded, roots = _HEADS[len(parts) - 1], ROOT_DOMAIN
    for part in parts:
        encoded += part.encoded
        roots += part.root
    return encoded, sha256(roots).digest()
