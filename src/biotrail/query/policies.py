"""Since when a personal field may lie in the entries of a log: what the log says of its policies.

A record that has nothing sealed has no tags, so a field that a host's policy keeps in the clear has
to be looked for in the entries. The policy of whoever reads says nothing about that: the log was
written under others perhaps. Each was recorded by its digest when a writer began to go by it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import Any

from biotrail.canonical import decode_entry
from biotrail.errors import CanonicalError
from biotrail.query.gone import entries_at
from biotrail.stores import StoreReader
from biotrail.vault import SEALED_BY_DEFAULT, PersonalFields

__all__ = ["Policies"]

_SETTING = "personal_fields"
_QUICK = b"\x75configuration_changed"
_NOT_MOVED: frozenset[str] = frozenset()


class Policies:
    """The policies that a log records. Read as they lie, not verified."""

    def __init__(self, store: StoreReader) -> None:
        """Nothing is read yet."""
        self._store = store
        self._seen = 0
        self._since: dict[bytes, int] = {}

    def clear_from(self, field: str, mine: PersonalFields) -> int | None:
        """From which index on a field may lie in entries; None where no policy put it there.

        A writer that was not restarted goes on by an earlier policy, and says nothing: so from the
        first policy on that may keep the field in the clear, any record may have it there.

        Args:
            field: Name of the field, as policies name it.
            mine: The reader's own policy. What it seals besides, others may have sealed too: that
                helps to tell the policy behind a digest.
        """
        self._read_on()
        sealing = _sealing(field, _NOT_MOVED) | _sealing(field, mine.seal)
        return min((at for one, at in self._since.items() if one not in sealing), default=None)

    def _read_on(self) -> None:
        head = self._store.head()
        size = 0 if head is None else head.size
        if size <= self._seen:
            return
        later = [one for one in self._store.indices_of_other_kinds() if self._seen <= one < size]
        for _, data in entries_at(self._store, later):
            if _QUICK in data:
                self._take(data)
        self._seen = size

    def _take(self, data: bytes) -> None:
        try:
            entry = decode_entry(data)
        except CanonicalError:
            return  # verification says what is wrong with it
        content: Any = entry.content
        if entry.kind == "configuration_changed" and content["setting"] == _SETTING:
            self._since.setdefault(content["digest"], entry.index)


@lru_cache(maxsize=64)
def _sealing(field: str, seal: frozenset[str]) -> frozenset[bytes]:
    """Digests of all policies that seal a field, and besides seal just what is named."""
    others = sorted(SEALED_BY_DEFAULT - {field})
    return frozenset(
        PersonalFields(seal=seal, clear=some).digest()
        for size in range(len(others) + 1)
        for some in combinations(others, size)
    )
