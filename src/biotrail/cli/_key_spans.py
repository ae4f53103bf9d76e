"""The keys of a log and the checkpoints that each may sign, read from the entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from biotrail.canonical import Entry, decode_entry, split_entry
from biotrail.errors import AlteredError, CanonicalError, MalformedError
from biotrail.signing import VerifierKey, parse_note
from biotrail.stores import StoreReader
from biotrail.trust import KEY_KINDS, Admission, KeyHistory
from biotrail.verify import AffectedEntries
from biotrail.verify.affected import affected_entries

__all__ = ["KeySpan", "LogKeys", "log_keys"]

_EVENT = b"\xa1\x65event"


@attrs.frozen
class KeySpan:
    """One key of a log, as the log says it.

    Attributes:
        key: The verifier key, as text.
        purpose: ``"genesis"``, ``"rotation"`` or ``"writer"``.
        added: Index of the entry that adds it.
        retired: Index of the entry that ends it, if any.
        first: Size of the first checkpoint that it may sign; None while it may sign none.
        last: Size of the last one; None where it may go on.
        since: Index of the first entry for which it is not believed; None where it always is.
    """

    key: str
    purpose: str
    added: int
    retired: int | None
    first: int | None
    last: int | None
    since: int | None

    @property
    def state(self) -> str:
        """In force, retired, compromised, or not yet in force."""
        if self.since is not None:
            return "compromised"
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


@attrs.frozen
class LogKeys:
    """What a log says about its keys.

    Attributes:
        spans: All of them, in the order in which they were added.
        next_digest: Digest of the next key, if the log committed to it.
        affected: Entries that are not to be believed.
    """

    spans: tuple[KeySpan, ...]
    next_digest: bytes | None
    affected: tuple[AffectedEntries, ...]


def log_keys(store: StoreReader, *, by_columns: bool = False) -> LogKeys:
    """What a log says about its keys; not verified.

    Args:
        store: Where the log lies.
        by_columns: Find the entries about keys by the look-up columns, and do not read them all.

    Raises:
        MalformedError: An entry cannot be read, or breaks a rule of keys.
        WrongKeyError: An entry about a key stands under a key that may not say it.
        AlteredError: A checkpoint names no key of the log.
    """
    head = store.head()
    size = 0 if head is None else head.size
    history = KeyHistory()
    waiting: tuple[int, str] | None = None
    entries = _listed(store, size) if by_columns else _about_keys(store, range(size))
    for entry in entries:
        if waiting is not None and waiting[0] <= entry.index:
            _settle(history, *waiting)
        history.apply(entry.index, entry.kind, entry.content)
        waiting = store.checkpoint_from(entry.index + 1)
    if waiting is not None:
        _settle(history, *waiting)
    doubts = history.disbelieved()
    spans = tuple(
        _span(one, doubts[one.key].since if one.key in doubts else None)
        for one in history.admissions
    )
    return LogKeys(spans, history.next_digest, affected_entries(store, size, history))


def _listed(store: StoreReader, size: int) -> Iterator[Entry]:
    for index in store.indices_of_other_kinds():
        if 0 <= index < size:
            yield from _about_keys(store, range(index, index + 1))


def _about_keys(store: StoreReader, indices: range) -> Iterator[Entry]:
    """Entries about keys, found by reading every entry: look-up columns are not trusted."""
    for index, data, _ in store.raw_entries(indices.start, indices.stop):
        try:
            if split_entry(data).body.startswith(_EVENT):
                continue
            entry = decode_entry(data)
        except CanonicalError as error:
            raise MalformedError(f"entry {index} cannot be read: {error}", index=index) from error
        if entry.kind in KEY_KINDS:
            yield entry


def _settle(history: KeyHistory, size: int, note: str) -> None:
    history.settle(size, _named(history.admissions, size, note))


def _named(admissions: Iterable[Admission], size: int, note: str) -> VerifierKey:
    """The key that a checkpoint's first line names."""
    first = parse_note(note).signatures[0].key_id
    for one in admissions:
        if one.key.key_id == first:
            return one.key
    raise AlteredError(
        f"the checkpoint at entry {size - 1} names no key of the log: verify it", index=size - 1
    )


def _span(one: Admission, since: int | None) -> KeySpan:
    first = None if one.after is None else one.after + 1
    return KeySpan(str(one.key), one.purpose, one.added, one.retired, first, one.until, since)
