"""Checkpoints that a reader may rely on: signed by keys of the log, and of the tree that is stored.

Which keys those are is read from the log's own entries, each proven to be in the tree. What ties
the log to the reader are keys that were given: one of them is the log's first, or signed one of the
checkpoints that are read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from biotrail.canonical import decode_entry, split_entry
from biotrail.errors import (
    BiotrailError,
    CanonicalError,
    ForkedError,
    MalformedError,
    MissingError,
    QueryError,
    RolledBackError,
    SignatureError,
    WrongKeyError,
)
from biotrail.query.gone import entries_at
from biotrail.query.tree import AuthenticatedTree
from biotrail.signing import SignedCheckpoint, VerifierKey
from biotrail.stores import StoredHead, StoreReader
from biotrail.tlog import Checkpoint, unverified_checkpoint
from biotrail.trust import KEY_KINDS, Admission, KeyHistory

__all__ = ["Checkpoints"]

_SETTING, _PERSONAL_FIELDS = "configuration_changed", "personal_fields"
_OF_INTEREST = tuple(
    b"\xa1" + (bytes((0x60 + len(one),)) if len(one) < 24 else b"\x78" + bytes((len(one),)))
    + one.encode()
    for one in (*KEY_KINDS, _SETTING)
)  # fmt: skip
_FEW = 4_096


class Checkpoints:
    """The checkpoints of one log, verified, and the tree that they are of. Not thread-safe.

    Attributes:
        tree: The tree, as far as the last checkpoint that was taken.
        settings: The digests that the log records of its personal fields, in order.
    """

    def __init__(self, store: StoreReader, trusted: Sequence[VerifierKey]) -> None:
        """Nothing is read yet.

        Args:
            store: The log.
            trusted: The verifier keys that are trusted, all of one origin.
        """
        self._store = store
        self._trusted = tuple(trusted)
        self.tree = AuthenticatedTree(store)
        self.settings: list[bytes] = []
        self._history = KeyHistory(trusted[0].name)
        self._signers: set[str] = set()
        self._last: SignedCheckpoint | None = None

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self._trusted[0].name

    @property
    def admissions(self) -> tuple[Admission, ...]:
        """Every key that the log admitted, as far as the last checkpoint that was taken."""
        return self._history.admissions

    def latest(self) -> SignedCheckpoint:
        """The checkpoint at the head of the log as it is now.

        Raises:
            VerificationError: The log does not check out as far as it is read here.
            SignatureError: No key of the log signed the checkpoint.
        """
        head = self._store.head()
        if head is None or not head.checkpoint:
            raise MissingError("the log has no checkpoint at its head", index=0)
        last = self._last
        if last is not None and head.checkpoint == last.note:
            return last
        claimed = _claimed(head.checkpoint)
        self._check_goes_on(head, claimed)
        if last is None or head.size > last.size:
            self.tree.grow(head.size, claimed.root)
        return self._take(head.checkpoint, claimed)

    def at(self, asked: str | int | SignedCheckpoint) -> SignedCheckpoint:
        """A checkpoint of the log as it once stood.

        Args:
            asked: The signed checkpoint, or the size of one that the log keeps.

        Raises:
            QueryError: It is neither; the log keeps none of that size, or it is another log's.
            RolledBackError: The log has not got that far.
            ForkedError: It is signed, and of another history than the log that is stored.
            VerificationError: As `latest`.
            SignatureError: No key of the log signed it.
        """
        if isinstance(asked, bool) or not isinstance(asked, (str, int, SignedCheckpoint)):
            raise QueryError(
                f"as_of is a signed checkpoint, or the size of one that is kept, not {asked!r}"
            )
        latest = self.latest()
        note = self._kept(asked) if isinstance(asked, int) else str(asked)
        if note == latest.note:
            return latest
        claimed = _claimed(note)
        if claimed.origin != self.origin:
            raise QueryError(f"the checkpoint is one of the log {claimed.origin!r}")
        if claimed.size > latest.size:
            raise RolledBackError(
                f"the checkpoint is of size {claimed.size}, and the log has {latest.size} entries",
                index=latest.size,
                expected=claimed.size,
                found=latest.size,
            )
        checkpoint, _ = self._history.open(note, claimed.size)
        self._check_root(checkpoint)
        return SignedCheckpoint(checkpoint, note)

    def _kept(self, size: int) -> str:
        if size < 1:
            raise QueryError("a checkpoint is of a size of at least 1")
        found = self._store.checkpoint_from(size)
        if found is None or found[0] != size:
            later = "" if found is None else f"; the next later one is of size {found[0]}"
            raise QueryError(f"the log keeps no checkpoint of size {size}{later}")
        return found[1]

    def _check_goes_on(self, head: StoredHead, claimed: Checkpoint) -> None:
        if claimed.size != head.size:
            raise MalformedError(
                f"the head names {head.size} entries, and its checkpoint {claimed.size}"
            )
        last = self._last
        if last is not None and head.size < last.size:
            raise RolledBackError(
                f"the log has {head.size} entries, and had {last.size} before",
                index=head.size,
                expected=last.size,
                found=head.size,
            )

    def _take(self, note: str, claimed: Checkpoint) -> SignedCheckpoint:
        last = self._last
        self._check_root(claimed)
        seen = 0 if last is None else last.size
        history, settings, signers = deepcopy(self._history), [*self.settings], {*self._signers}
        for size, covering in self._told(seen, claimed.size, history, settings):
            signers.add(str(self._accepted(history, covering, size)))
        if not history.admissions:
            raise MissingError("the log has no genesis entry", index=0)
        signers.add(str(self._accepted(history, note, claimed.size)))
        self._check_trust(history, signers)
        self._history, self.settings, self._signers = history, settings, signers
        self._last = SignedCheckpoint(claimed, note)
        return self._last

    def _accepted(self, history: KeyHistory, note: str, size: int) -> VerifierKey:
        checkpoint, key = history.accept(note, size)
        self._check_root(checkpoint)
        return key

    def _check_root(self, checkpoint: Checkpoint) -> None:
        found = self.tree.root_at(checkpoint.size)
        if found != checkpoint.root:
            raise ForkedError(
                f"the checkpoint of size {checkpoint.size} is of another history than the log that "
                "is stored: keep both",
                index=max(checkpoint.size - 1, 0),
                expected=checkpoint.root.hex(),
                found=found.hex(),
            )

    def _told(
        self, start: int, stop: int, history: KeyHistory, settings: list[bytes]
    ) -> Iterable[tuple[int, str]]:
        """Take note of entries about keys; yields the checkpoints that cover them, in between.

        The columns that lead to them are not trusted: a key that is hidden from here signs nothing
        that is accepted here. That a retirement is hidden is found by the auditor.
        """
        waiting: tuple[int, str] | None = None
        for index, data in entries_at(self._store, self._others(start, stop)):
            if not _is_of_interest(index, data):
                continue
            self.tree.check(index, data)
            # A checkpoint is judged once every entry that it covers has been taken note of.
            if waiting is not None and waiting[0] <= index:
                yield waiting
            self._apply(index, data, history, settings)
            waiting = self._store.checkpoint_from(index + 1)
        if waiting is not None and waiting[0] < stop:
            yield waiting

    def _others(self, start: int, stop: int) -> list[int]:
        if 0 < stop - start <= _FEW and start:
            rows = self._store.lookups(start, stop)
            return [index for index, columns in rows if columns.kind != "event"]
        return [one for one in self._store.indices_of_other_kinds() if start <= one < stop]

    def _apply(self, index: int, data: bytes, history: KeyHistory, settings: list[bytes]) -> None:
        try:
            entry = decode_entry(data)
        except CanonicalError as error:
            raise MalformedError(f"entry {index}: {error}", index=index) from error
        content: Any = entry.content
        if entry.kind != _SETTING:
            history.apply(index, entry.kind, content)
        elif content["setting"] == _PERSONAL_FIELDS:
            settings.append(content["digest"])

    def _check_trust(self, history: KeyHistory, signers: set[str]) -> None:
        first = str(history.admissions[0].key)
        if not any(str(key) == first or str(key) in signers for key in self._trusted):
            raise WrongKeyError(
                "nothing ties this log to a key that you trust: none of them is its first, and "
                "none signed",
                index=0,
                expected=sorted(map(str, self._trusted)),
                found=first,
            )


def _claimed(note: str) -> Checkpoint:
    try:
        return unverified_checkpoint(note)
    except BiotrailError as error:
        raise SignatureError(f"the checkpoint cannot be read: {error}") from error


def _is_of_interest(index: int, data: bytes) -> bool:
    try:
        return split_entry(data).body.startswith(_OF_INTEREST)
    except CanonicalError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error
