"""Sealed payloads written in one go: the same bytes as `encode_sealed`, with less work.

For the writer, who seals one record after another. A part has one layout::

    85 <owner> 50 <key> 4c <nonce> 58 20 <fields root> 59 <length, 2 bytes> <ciphertext>
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from biotrail.canonical.sealed import Owner, SealedPart, encode_sealed, root_over_parts

__all__ = ["WrittenPart", "written_part", "written_payload"]

_PART_DOMAIN = b"biotrail/part/1\n"
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


def written_part(
    owner: Owner, key: bytes, nonce: bytes, fields_root: bytes, ciphertext: bytes
) -> WrittenPart:
    """Encode a part; the arguments are those of `SealedPart`."""
    mark, size = _OWNERS[owner], len(ciphertext)
    if size > _LARGEST:  # its length takes more bytes
        part = SealedPart(owner, key, nonce, fields_root, ciphertext)
        return WrittenPart(encode_sealed([part])[3:], part.root)
    seal = sha256(key + nonce + ciphertext).digest()
    root = sha256(_PART_DOMAIN + mark + fields_root + seal).digest()
    head = b"\x85" + mark + b"\x50" + key + b"\x4c" + nonce + b"\x58\x20" + fields_root + b"\x59"
    return WrittenPart(head + size.to_bytes(2, "big") + ciphertext, root)


def written_payload(parts: list[WrittenPart]) -> tuple[bytes, bytes]:
    """Join one or two parts: the sealed payload, and the root that the entry holds."""
    encoded = _HEADS[len(parts) - 1] + b"".join([part.encoded for part in parts])
    return encoded, root_over_parts([part.root for part in parts])
