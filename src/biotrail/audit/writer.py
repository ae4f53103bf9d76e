"""The one place where a log grows.

`LogWriter.commit` is the second half of the way of an attempt; the first, from event to body and
payload, has run in the caller's thread (`biotrail.audit.prepare`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from biotrail.audit.key_changes import KeyChange, not_admitted
from biotrail.audit.prepare import Prepared, Preparer, microseconds, prepare_other
from biotrail.audit.receipt import Receipt, SignedCheckpoint
from biotrail.audit.repeats import answer_repeats, first_receipt
from biotrail.audit.state import LogState
from biotrail.canonical import format_time, frame_entry, parse_time
from biotrail.errors import (
    BiotrailError,
    EventIdTakenError,
    FenceMovedError,
    HeadMovedError,
    RolledBackError,
    SigningError,
    StoreBusyError,
    UnknownOutcomeError,
)
from biotrail.signing import Signer, VerifierKey, sign_checkpoint
from biotrail.stores import Batch, Lookup, Store, WrittenEntry
from biotrail.tlog import Checkpoint, leaf_hash
from biotrail.trust import Admission

if TYPE_CHECKING:
    from biotrail.audit.limiting import Limiting
    from biotrail.events import Event
    from biotrail.limits import Lock
    from biotrail.sealing import Person, Proposed

__all__ = ["LogWriter"]

_ATTEMPTS_AT_THE_HEAD = 100
Answer = Receipt | BiotrailError
_NO_EVENT = UUID(int=0)


class LogWriter:
    """Appends batches to one log. Not thread-safe: one committer calls it at a time."""

    def __init__(
        self,
        store: Store,
        signer: Signer,
        *,
        trusted: Sequence[VerifierKey],
        clock: Callable[[], datetime],
        preparer: Preparer,
    ) -> None:
        """Write to a store, signing with a key.

        Args:
            store: The store.
            signer: Signs the checkpoints; its name is the log's origin.
            trusted: Keys that are trusted beforehand, besides the signer's own.
            clock: Returns the present time, aware.
            preparer: Is told which references have become durable.
        """
        self.signer = signer
        self._store = store
        self._trusted = (signer.verifier_key, *trusted)
        self._clock = clock
        self._preparer = preparer
        self._state: LogState | None = None
        self._admission: tuple[LogState, VerifierKey, Admission | None] | None = None
        self._seen: str | None = None
        self.limits: Limiting | None = None  # set once the vault, if any, is joined
        self._joins = False  # whether the batch at hand adds the key that signs it

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self.signer.verifier_key.name

    @property
    def is_begun(self) -> bool:
        """Whether there is a log in the store."""
        return self._store.head() is not None

    @property
    def state(self) -> LogState:
        """The checked view of the log; reads it where it is not known."""
        return self._followed()

    @property
    def now(self) -> datetime:
        """The present time, but never one before the last entry's."""
        return self._now(self._followed())

    def hand_over(self, change: KeyChange, following: Signer) -> Receipt:
        """Write entries about keys, and sign with the following key from then on.

        If an earlier call ended with an unknown outcome and the log did take the entries in, only
        the hand-over is left.

        Returns:
            The receipt of the first of the entries.
        """
        if change.done is not None:
            answer = first_receipt(self._store, self._followed(), change.done, _NO_EVENT)[0]
        else:
            answer = self._commit_handing_over(change.entries, following)
        self._trusted = (*self._trusted, following.verifier_key)
        self.signer = following
        return answer

    def _commit_handing_over(self, entries: Sequence[Prepared], following: Signer) -> Receipt:
        """Commit under the following key if it may sign already, else under the present one."""
        present, state, key = self.signer, self._followed(), following.verifier_key
        known = state.keys.find(key)
        if known is None:
            may_sign = self._joins = state.keys.is_promised(key)
        else:
            may_sign = known.admits(state.size + 1)
        self.signer = following if may_sign else present
        try:
            first = self.commit(entries)[0]
        finally:
            self.signer, self._joins = present, False
        assert isinstance(first, Receipt)  # entries about keys have no event id to conflict
        return first

    def forget(self) -> None:
        """Drop what is known of the log; the next use reads and checks it anew.

        The last checkpoint is kept: what is read anew must go on from there.
        """
        self._state = None
        if self.limits is not None:
            self.limits.counters.forget()

    def begin(self, next_digest: bytes | None) -> None:
        """Write the genesis entry if the log is empty, else check the log up to its head.

        Args:
            next_digest: Digest of the next verifier key, 32 bytes, to commit to.

        Raises:
            VerificationError: The stored log does not check out.
            SigningError: The signer's key is not in force in this log, and is not the one that the
                log has committed to.
        """
        key = str(self.signer.verifier_key)
        content: dict[str, object] = {"format": "biotrail/1", "origin": self.origin, "key": key}
        if next_digest is not None:
            content["next"] = next_digest
        genesis = prepare_other("genesis", content)  # type: ignore[arg-type] # str and bytes
        while self._store.head() is None:
            try:
                self._append(LogState(self.origin), [genesis])
            except HeadMovedError:
                continue
        self._check_admitted(self._followed(), may_join=True)

    def commit(
        self, records: Sequence[Prepared], *, unless: Callable[[], None] | None = None
    ) -> list[Answer]:
        """Make records durable, in order, under one checkpoint; answer each.

        A record whose event id is in the log already is answered with its first receipt, or with
        `EventConflictError` if the contents differ.

        Args:
            records: The records.
            unless: Called in the turn, when nobody else appends; what it raises is raised, and
                nothing is written.

        Raises:
            StoreError: Nothing was written.
            UnknownOutcomeError: It is not known whether the batch was written.
            VerificationError: The stored log does not check out; nothing was written.
        """
        if repeated := _repeated_ids(records):
            return self._commit_in_two(records, repeated)
        for _ in range(_ATTEMPTS_AT_THE_HEAD):
            try:
                return self._commit_once(records, unless)
            except HeadMovedError:
                continue  # another writer was first: follow it and frame anew
            except FenceMovedError:
                self._preparer.take_fences()  # an erasure was begun: seal anew whom it concerns
            except EventIdTakenError as error:
                return self._commit_around(records, error.taken)
            except BaseException:
                self.forget()
                raise
        raise StoreBusyError("other writers were always first; nothing was written")

    def _commit_once(
        self, records: Sequence[Prepared], unless: Callable[[], None] | None = None
    ) -> list[Answer]:
        with self._store.turn():
            state = self._followed()
            self._check_admitted(state, may_join=self._joins)
            if state.settings:
                self._preparer.check_sealed(records, state.settings)
            if unless is not None:
                unless()
            records, fences = self._preparer.up_to_date(records)
            if self.limits is not None:
                return self._append_within(self.limits, state, records, fences)
            return self._append(state, records, fences)

    def _append_within(
        self, limits: Limiting, state: LogState, records: Sequence[Prepared], fences: int | None
    ) -> list[Answer]:
        """Append what attempt limits make of a batch, with the records of locks."""
        now = self._now(state)
        limits.counters.follow(state.size, state.destroyed)
        judged = limits.judge(records, now)
        answers = self._append(state, judged.records, fences, now)
        limits.counters.take(judged.changed, state.size)
        return limits.told(judged, answers)

    def lock_now(self, event: Event) -> Lock | None:
        """The lock that would turn an attempt away now; None where none would."""
        if self.limits is None:
            return None
        state = self._followed()
        self.limits.counters.follow(state.size, state.destroyed)
        return self.limits.lock_now(event, self._now(state))

    def _now(self, state: LogState) -> datetime:
        moment = self._clock().astimezone(UTC)
        return moment if format_time(moment) >= state.recorded else parse_time(state.recorded)

    def _append(
        self,
        state: LogState,
        records: Sequence[Prepared],
        fences: int | None = None,
        at: datetime | None = None,
    ) -> list[Answer]:
        """Frame, chain, hash, sign, store: the whole way of a batch, top to bottom."""
        # The clock is trusted for nothing but never going back within a log.
        moment = self._clock().astimezone(UTC) if at is None else at
        recorded = format_time(moment)
        if recorded < state.recorded:
            recorded, moment = state.recorded, parse_time(state.recorded)
        stamp = microseconds(moment)
        # Each entry names the leaf hash of the one before: the chain is over the tree's leaves.
        prev, written, leaves, others = state.prev, [], [], []
        for index, record in enumerate(records, state.size):
            entry = frame_entry(index, prev, recorded, record.body)
            prev = leaf_hash(entry)
            leaves.append(prev)
            lookup = Lookup(record.kind, stamp, *record.columns)
            sealed = None if record.sealed is None else record.sealed.payload
            written.append(WrittenEntry(entry, record.payload, lookup, sealed))
            if record.kind != "event":
                others.append((index, entry))
        tree = state.tree.copy()
        tree.extend(leaves)
        # One signature covers the batch, and with it everything before.
        checkpoint = Checkpoint(self.origin, tree.size, tree.root())
        note = self._sign(checkpoint)
        subjects = [record.subject for record in records if record.subject is not None]
        if others:
            state.rehearse(others, tree.size, self.signer.verifier_key)
        # One transaction, one sync: after it every caller of the batch may be answered.
        people = {} if fences is None else _new_people(records)
        self._store.append(
            Batch(
                state.size,
                written,
                note,
                state.filled_by(leaves),
                [*subjects, *[new.row for new in people.values()]] if people else subjects,
                [new.kept for new in people.values()],
                fences,
            )
        )
        signed, start = SignedCheckpoint(checkpoint, note), state.size
        state.advance(
            others,
            leaves,
            tree=tree,
            recorded=recorded,
            note=note,
            signer=self.signer.verifier_key,
        )
        self._state, self._seen = state, note
        for subject in subjects:
            self._preparer.confirm(subject)
        for person in people:
            self._preparer.confirm_person(person)
        return [
            _receipt(record, index, leaf, moment, signed)
            for index, (record, leaf) in enumerate(zip(records, leaves, strict=True), start)
        ]

    def _sign(self, checkpoint: Checkpoint) -> str:
        try:
            return sign_checkpoint(checkpoint, self.signer)
        except BiotrailError:
            raise
        except Exception as error:  # a signer of the host's own may raise anything
            raise SigningError(f"the signer failed: {type(error).__name__}: {error}") from error

    def _commit_around(self, records: Sequence[Prepared], taken: dict[bytes, int]) -> list[Answer]:
        """Commit the records whose ids are new, and answer the others from the log."""
        fresh = [record for record in records if record.event_id not in taken]
        answers = iter(self.commit(fresh) if fresh else [])
        again = [record for record in records if record.event_id in taken]
        repeats = iter(self._answer_again(again, taken))
        return [next(repeats) if record.event_id in taken else next(answers) for record in records]

    def _commit_in_two(self, records: Sequence[Prepared], repeated: frozenset[int]) -> list[Answer]:
        """Commit the first record of each id, then answer those that repeat one of the batch."""
        firsts = [one for place, one in enumerate(records) if place not in repeated]
        answers = dict(
            zip(
                (p for p in range(len(records)) if p not in repeated),
                self.commit(firsts),
                strict=True,
            )
        )
        for place in sorted(repeated):
            again = records[place]
            taken = self._store.find_events([again.columns[0]])
            answers[place] = self._answer_again([again], taken)[0]
        return [answers[place] for place in range(len(records))]

    def _answer_again(self, again: Sequence[Prepared], taken: dict[bytes, int]) -> list[Answer]:
        """Answer those that repeat; what fails there does not befall those just committed."""
        try:
            opener = self._preparer.opener
            answers = list(answer_repeats(self._store, self._followed(), again, taken, opener))
            return answers if self.limits is None else self.limits.told_again(again, answers)
        except BiotrailError as error:
            self.forget()
            unknown = UnknownOutcomeError(f"the first record could not be shown: {error}")
            unknown.__cause__ = error
            return [unknown] * len(again)

    def _followed(self) -> LogState:
        head = self._store.head()
        if head is None:
            raise RolledBackError("the log that was here is gone: the store is empty", index=0)
        if self._state is None:
            state = LogState.read(self._store, head, self.origin, self._trusted)
            if self._seen is not None:
                state.check_continues(self._store, self._seen)
            self._state = state
        else:
            self._state.follow(self._store, head)
        self._seen = self._state.note
        return self._state

    def _check_admitted(self, state: LogState, *, may_join: bool) -> None:
        key = self.signer.verifier_key
        known = self._admission
        if known is None or known[0] is not state or known[1] is not key or known[2] is None:
            known = self._admission = state, key, state.keys.find(key)
        admission = known[2]
        if admission is None:
            if not (may_join and state.keys.is_promised(key)):
                raise not_admitted(state.keys, key)
        elif not admission.admits(state.size + 1):
            raise SigningError(
                f"key {key.key_id.hex()} was retired at index {admission.retired}: open the log "
                "with the key that followed it, or, if a thief retired it, take the log over with "
                "the next key: 'biotrail keys compromised'"
            )


def _new_people(records: Sequence[Prepared]) -> dict[Person, Proposed]:
    """Those whose references and keys are to be kept with these records."""
    new: dict[Person, Proposed] = {}
    for record in records:
        if record.sealed is not None:
            for person in record.sealed.people:
                if person.proposed is not None:
                    new[person] = person.proposed
    return new


def _repeated_ids(records: Sequence[Prepared]) -> frozenset[int]:
    """Places of the records whose event id a record before them has."""
    if len(records) == 1:
        return frozenset()
    ids = [record.columns[0] for record in records]
    if len(set(ids)) == len(ids):
        return frozenset()
    seen: set[object] = set()
    repeated = set()
    for place, one in enumerate(ids):
        if one is not None and one in seen:
            repeated.add(place)
        seen.add(one)
    return frozenset(repeated)


def _receipt(
    record: Prepared, index: int, leaf: bytes, moment: datetime, signed: SignedCheckpoint
) -> Receipt:
    event_id = _NO_EVENT if record.event is None else record.event.id
    return Receipt(event_id, index, leaf, moment, signed)
