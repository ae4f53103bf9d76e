"""Tokens as a file holds them: one JSON document, and the SHA-256 of what it says.

The digest finds damage and edits by hand. It is no signature: whoever can write the file can let
anybody in, and the file is its owner's alone for that reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import attrs

from biotrail.canonical import format_time, parse_time
from biotrail.errors import BiotrailError, EventError
from biotrail.web.access import Access, Scope

__all__ = ["Token", "read_tokens", "write_tokens"]

_VERSION: Final = "biotrail tokens 1"
_DIGEST_SIZE: Final = 32


def _aware(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise EventError(attribute.name, value, "must be an aware datetime")


def _digest(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, bytes) or len(value) != _DIGEST_SIZE:
        raise EventError(attribute.name, value, f"must be {_DIGEST_SIZE} bytes")


@attrs.frozen(kw_only=True)
class Token:
    """A bearer token, without its secret.

    Attributes:
        access: Who it is (its id is the reader's), what it may do, and when it expires.
        digest: SHA-256 of its secret, 32 bytes.
        created: When it was made; aware.
        revoked: When it was revoked; None while it is not.
    """

    access: Access
    created: datetime = attrs.field(validator=_aware)
    digest: bytes = attrs.field(repr=False, validator=_digest)
    revoked: datetime | None = attrs.field(
        default=None, validator=attrs.validators.optional(_aware)
    )

    def __attrs_post_init__(self) -> None:
        access = self.access
        if access.expires is None or access.expires <= self.created:
            raise EventError("expires", access.expires, "must be after the token was made")
        if access.since is not None and access.until is not None and access.since >= access.until:
            raise EventError("until", access.until, "must be after since")
        if not access.scopes:
            raise EventError("scopes", access.scopes, f"must be some of {', '.join(Scope)}")

    @property
    def id(self) -> UUID:
        """Its id, which reads are recorded under."""
        return self.access.reader

    @property
    def expires(self) -> datetime:
        """When it expires; aware."""
        assert self.access.expires is not None
        return self.access.expires

    def state(self, now: datetime) -> str:
        """``"valid"``, ``"expired"`` or ``"revoked"``."""
        if self.revoked is not None:
            return "revoked"
        return "valid" if now < self.expires else "expired"

    def document(self) -> dict[str, Any]:
        """What may be shown of it, as JSON has it."""
        access = self.access
        return {
            "id": str(self.id),
            "name": access.name,
            "scopes": sorted(access.scopes),
            "purposes": list(access.purposes),
            "tenant": access.tenant,
            "since": _written(access.since),
            "until": _written(access.until),
            "created": format_time(self.created),
            "expires": format_time(self.expires),
            "revoked": _written(self.revoked),
        }


def write_tokens(tokens: Iterable[Token]) -> bytes:
    """The bytes of a file with these tokens."""
    listed = [{**one.document(), "sha256": one.digest.hex()} for one in tokens]
    said = {"version": _VERSION, "tokens": listed}
    whole = {**said, "digest": _digest_of(said)}
    return json.dumps(whole, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def read_tokens(data: bytes) -> tuple[Token, ...]:
    """The tokens in a file's bytes, in the order in which they were made.

    Raises:
        ValueError: The bytes are not what `write_tokens` wrote.
    """
    try:
        whole = json.loads(data)
        digest = whole.pop("digest")
        if whole["version"] != _VERSION:
            raise ValueError(f"it is not of the version {_VERSION!r}")
        if digest != _digest_of(whole):
            raise ValueError("its digest is not that of what it says")
        tokens = tuple(_token(one) for one in whole["tokens"])
    except (KeyError, TypeError, AttributeError, RecursionError, BiotrailError) as error:
        raise ValueError(f"it does not hold tokens ({type(error).__name__})") from error
    if len({one.id for one in tokens}) != len(tokens):
        raise ValueError("two of its tokens have the same id")
    return tokens


def _token(one: dict[str, Any]) -> Token:
    return Token(
        access=Access(
            reader=UUID(one["id"]),
            name=one["name"],
            scopes=one["scopes"],
            purposes=one["purposes"],
            tenant=one["tenant"],
            since=_read(one["since"]),
            until=_read(one["until"]),
            expires=parse_time(one["expires"]),
        ),
        digest=bytes.fromhex(one["sha256"]),
        created=parse_time(one["created"]),
        revoked=_read(one["revoked"]),
    )


def _digest_of(said: dict[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _maybe(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


_written = _maybe(format_time)
_read = _maybe(parse_time)
