"""Reference ids as sixteen bytes: those that biotrail makes as they are, others by their hash."""

from __future__ import annotations

import hashlib
import re

from biotrail.matchers.enrolment import new_reference_id
from biotrail.matchers.reference import checked_reference_id

__all__ = ["Names"]

_OWN = re.compile(r"ref-([0-9a-f]{32})")
_DOMAIN = b"biotrail/gallery-name/1\n"


class Names:
    """Turns ids into names of sixteen bytes, and back. Foreign ids are remembered."""

    def __init__(self) -> None:
        self._foreign: dict[bytes, str] = {}

    def name(self, identifier: str) -> bytes:
        """The name of an id.

        Raises:
            MatcherError: The id is no text of 1 to 128 bytes in UTF-8.
        """
        if type(identifier) is str and (own := _OWN.fullmatch(identifier)):
            return bytes.fromhex(own[1])
        checked_reference_id(identifier)
        return hashlib.sha256(_DOMAIN + identifier.encode()).digest()[:16]

    def new(self) -> tuple[str, bytes]:
        """A new random id and its name."""
        identifier = new_reference_id()
        return identifier, bytes.fromhex(identifier[4:])

    def remember(self, identifier: str, name: bytes) -> None:
        """Keep an id that cannot be told from its name."""
        if identifier != f"ref-{name.hex()}":
            self._foreign[name] = identifier

    def forget(self, name: bytes) -> None:
        """Drop what was kept of an id."""
        self._foreign.pop(name, None)

    def identifier(self, name: bytes) -> str:
        """The id of a name."""
        return self._foreign.get(name) or f"ref-{name.hex()}"

    def identifiers(self, names: bytes) -> list[str]:
        """The ids of many names, sixteen bytes each."""
        if self._foreign:
            several = range(0, len(names), 16)
            return [self.identifier(names[first : first + 16]) for first in several]
        digits = names.hex()
        return [f"ref-{digits[first : first + 32]}" for first in range(0, len(digits), 32)]

    @property
    def foreign(self) -> bool:
        """Whether any id had to be kept."""
        return bool(self._foreign)

    def known(self) -> dict[bytes, str]:
        """The ids that had to be kept, by their names."""
        return dict(self._foreign)
