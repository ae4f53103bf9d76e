"""The text of a bearer token: an id, a secret, and a checksum that finds slips of the hand.

``biotrail_<id>_<secret>_<checksum>``: 32 hexadecimal digits, 43 letters of base64url (RFC 4648 §5,
without padding) and 8 hexadecimal digits of a CRC-32 over all before them. The beginning and the
checksum let scanners for leaked secrets find tokens, and few other texts.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from typing import Final, NamedTuple
from uuid import UUID

__all__ = ["SECRET_SIZE", "Bearer", "digest_of", "read_token", "write_token"]

SECRET_SIZE: Final = 32
"""Bytes of a secret: random, so that one plain hash is enough to keep it by."""

_FORM = re.compile(r"(biotrail_([0-9a-f]{32})_([A-Za-z0-9_-]{43}))_([0-9a-f]{8})", re.ASCII)


class Bearer(NamedTuple):
    """What the text of a token says.

    Attributes:
        id: Id of the token; no secret.
        digest: SHA-256 of its secret, 32 bytes.
    """

    id: UUID
    digest: bytes


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret: its SHA-256, 32 bytes."""
    return hashlib.sha256(secret).digest()


def write_token(id: UUID, secret: bytes) -> str:
    """The text of a token.

    Args:
        id: Its id.
        secret: Its secret, 32 random bytes.
    """
    letters = base64.urlsafe_b64encode(secret).decode("ascii").rstrip("=")
    said = f"biotrail_{id.hex}_{letters}"
    return f"{said}_{_checksum(said)}"


def read_token(text: str) -> Bearer | None:
    """What a text says; None where it is no token, or was mistyped."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(found[1]) != found[4]:
        return None
    secret = base64.urlsafe_b64decode(f"{found[3]}=")
    if base64.urlsafe_b64encode(secret).decode("ascii") != f"{found[3]}=":
        return None  # the last letter has bits that belong to no byte
    return Bearer(UUID(hex=found[2]), digest_of(secret))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('ascii')):08x}"
