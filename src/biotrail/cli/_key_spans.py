"""The keys of a log and the checkpoints that each may sign, read from the entries."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from biotrail.canonical import Entry, decode_entry, split_entry
from biotrail.errors import CanonicalError, MalformedError
from biotrail.stores import StoreReader
from biotrail.trust import KeyHistory
from biotrail.trust.key_history import Admission

__all__ = ["KeySpan", "key_spans"]

_EVENT = b"\xa1\x65event"
_ABOUT_KEYS = frozenset({"genesis", "key_added", "key_retired"})


@attrs.frozen
class KeySpan:
    """One key of a log, as the log says it.

    Attributes:
        key: The verifier key, as text.
        purpose: ``"genesis"``, ``"rotation"`` or ``"writer"``.
        added: Index of the entry that adds it.
        retired: Index of the entry that retires it, if any.
        first: Size of the first checkpoint that it may sign; None while it may sign none.
        last: Size of the last one; None where it may go on.
    """

    key: str
    purpose: str
    added: int
    retired: int | None
    first: int | None
    last: int | None

    @property
    def state(self) -> str:
        """In force, retired, or not yet in force."""
        if self.retired is not None:
            return "retired"
        return "not yet in force" if self.first is None else "in force"

    def words(self) -> str:
        """The span in words."""
        if self.first is None:
            return f"nothing yet; added by entry {self.added}"
        until = "on" if self.last is None else f"to {self.last:,}"
        return f"checkpoints of size {self.first:,} {until}; added by entry {self.added}"

    def document(self) -> dict[str, object]:
        """The span as JSON."""
        return {**attrs.asdict(self), "state": self.state}


def key_spans(store: StoreReader) -> tuple[list[KeySpan], bytes | None]:
    """All keys of a log in the order in which they were added, and the digest of the next one.

    Raises:
        MalformedError: An entry cannot be read, or breaks a rule of keys.
        WrongKeyError: A rotation to another key than the one that was committed to.
    """
    history = KeyHistory()
    head = store.head()
    for entry in _about_keys(store, 0 if head is None else head.size):
        history.apply(entry.index, entry.kind, entry.content)
        covering = store.checkpoint_from(entry.index + 1)
        if covering is not None:
            history.settle(covering[0])
    return [_span(one) for one in history.admissions], history.next_digest


def _about_keys(store: StoreReader, size: int) -> Iterator[Entry]:
    """Entries about keys, found by reading every entry: look-up columns are not trusted."""
    for index, data, _ in store.raw_entries(0, size):
        try:
            if split_entry(data).body.startswith(_EVENT):
                continue
            entry = decode_entry(data)
        except CanonicalError as error:
            raise MalformedError(f"entry {index} cannot be read: {error}", index=index) from error
        if entry.kind in _ABOUT_KEYS:
            yield entry


def _span(one: Admission) -> KeySpan:
    first = None if one.after is None else one.after + 1
    return KeySpan(str(one.key), one.purpose, one.added, one.retired, first, one.until)
