"""Stretches cut apart and joined: the chain, the tree and the keys across their ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from biotrail.canonical import decode_entry
from biotrail.errors import (
    BiotrailError,
    CanonicalError,
    MissingError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey
from biotrail.stores import StoreReader
from biotrail.tlog import CompactRange
from biotrail.trust import KEY_KINDS, KeyHistory
from biotrail.verify.affected import AffectedEntries
from biotrail.verify.checkpoints import BrokenStretch
from biotrail.verify.destruction import Destruction, claimed_destruction
from biotrail.verify.scan import Stretch
from biotrail.verify.seen import read_rows
from biotrail.verify.stretches import STRETCH, Task, stretch_hash

__all__ = ["Options", "check_trust", "cut", "join", "proven_destruction", "replay"]

_LEVEL = STRETCH.bit_length() - 1


@attrs.frozen
class Options:
    """What is asked of a verification; as `biotrail.verify_log`."""

    every_signature: bool | None
    strict: bool
    payloads: bool
    lookups: bool


def cut(
    store: StoreReader,
    size: int,
    trusted: Sequence[VerifierKey],
    options: Options,
    destruction: Destruction | None = None,
) -> list[Task]:
    """Cut the log into stretches that can be checked each on its own.

    Args:
        store: The store.
        size: Size of the log.
        trusted: The auditor's keys.
        options: What is asked.
        destruction: What is known to have been destroyed; None for what the entries that the store
            names say, which is to be held against `proven_destruction`.

    Raises:
        BrokenStretch: A tile that is needed for it is not there.
    """
    others = [index for index in sorted({0, *store.indices_of_other_kinds()}) if 0 <= index < size]
    keys = _candidate_keys(store, others, trusted)
    if destruction is None:
        destruction = claimed_destruction(store, others) if options.payloads else Destruction()
    tasks, before = [], CompactRange()
    for start in range(0, size, STRETCH):
        tasks.append(
            Task(
                start=start,
                stop=min(start + STRETCH, size),
                before=before.hashes,
                origin=trusted[0].name,
                keys=keys,
                destruction=destruction,
                **attrs.asdict(options),
            )
        )
        if start + STRETCH < size:
            before.append_subtree(_stretch_hash(store, start), _LEVEL)
    return tasks


def _stretch_hash(store: StoreReader, start: int) -> bytes:
    try:
        return stretch_hash(store, start // STRETCH)
    except MissingError:
        raise BrokenStretch(start) from None


def _candidate_keys(
    store: StoreReader, others: Sequence[int], trusted: Sequence[VerifierKey]
) -> tuple[str, ...]:
    """Keys that may have signed. Whether they are the log's is settled by the replay."""
    found = {str(key): None for key in trusted}
    for index in others:
        found |= dict.fromkeys(_keys_in(store, index))
    return tuple(found)


def _keys_in(store: StoreReader, index: int) -> Iterator[str]:
    for row in read_rows(store, index, index + 1):
        try:
            entry = decode_entry(row.data)
            if entry.kind in KEY_KINDS:
                yield str(VerifierKey.parse(str(entry.content["key"])))
        except BiotrailError:
            continue  # whatever is wrong with it is found by the scan


def join(stretches: Sequence[Stretch], tasks: Sequence[Task]) -> None:
    """Hold the ends of the stretches against each other, and the tree against what was believed.

    Raises:
        BrokenStretch: They do not fit.
    """
    tree = CompactRange()
    prev, recorded = bytes(32), b""
    for stretch, task in zip(stretches, tasks, strict=True):
        fits = tree.hashes == task.before and stretch.first_prev == prev
        if not fits or stretch.first_recorded < recorded:
            raise BrokenStretch(task.start)
        prev, recorded = stretch.last_leaf, stretch.last_recorded
        if task.stop - task.start == STRETCH:
            tree.append_subtree(stretch.checked.tree[0], _LEVEL)
    if stretches[-1].checked.size != tasks[-1].stop:
        raise BrokenStretch(tasks[-1].stop - 1)  # no checkpoint covers the last entries


def proven_destruction(
    stretches: Sequence[Stretch], affected: Sequence[AffectedEntries] = ()
) -> Destruction:
    """What the entries that are in the log say was destroyed.

    Args:
        stretches: What the scan found.
        affected: Entries that are not to be believed.
    """
    told = [data for stretch in stretches for data in stretch.destroying]
    found = Destruction.told_by(told)
    believed = [
        data for data in told if affected and not any(_index(data) in one for one in affected)
    ]
    if not affected or len(believed) == len(told):
        return found
    return attrs.evolve(found, believed=Destruction.told_by(believed))


def _index(data: bytes) -> int | None:
    try:
        return decode_entry(data).index
    except CanonicalError:
        return None


def replay(origin: str, stretches: Sequence[Stretch]) -> KeyHistory:
    """Follow the keys through the log: each checkpoint under a key in force at its size.

    Raises:
        BrokenStretch: A checkpoint is signed by a key that was not added before, or an entry about
            keys breaks their rules.
        WrongKeyError: A checkpoint is signed by a key that is not in force there, or that may not
            report what an entry reports.
    """
    history = KeyHistory(origin)
    others = iter([one for stretch in stretches for one in stretch.others])
    ahead = next(others, None)
    for span in (span for stretch in stretches for span in stretch.checked.spans):
        while ahead is not None and ahead[0] < span.first:
            _apply(history, *ahead)
            ahead = next(others, None)
        if history.find(first_key := VerifierKey.parse(span.first_key)) is None:
            raise BrokenStretch(span.first - 1)  # of a key that was not added yet, if ever
        history.check_in_force(first_key, span.first)
        history.settle(span.first, first_key)
        # Which keys are in force does not change within a span after its first checkpoint.
        for size, key in sorted((size, key) for key, size in span.later.items()):
            if history.find(later_key := VerifierKey.parse(key)) is None:
                raise BrokenStretch(size - 1)
            history.check_in_force(later_key, size)
    return history


def _apply(history: KeyHistory, index: int, data: bytes) -> None:
    try:
        entry = decode_entry(data)
        history.apply(index, entry.kind, entry.content)
    except (CanonicalError, VerificationError):
        # It was recorded like that only if the checkpoint that covers it is good.
        raise BrokenStretch(index) from None


def check_trust(
    history: KeyHistory, trusted: Sequence[VerifierKey], stretches: Sequence[Stretch]
) -> None:
    """A key of the auditor's must be the log's first, or have signed a checkpoint of it.

    Raises:
        WrongKeyError: None is.
    """
    if not history.admissions:
        raise MissingError("the log has no genesis entry", index=0)
    spans = [span for stretch in stretches for span in stretch.checked.spans]
    signed = {key for span in spans for key in (span.first_key, *span.later)}
    first = history.admissions[0].key
    if not any(key == first or str(key) in signed for key in trusted):
        raise WrongKeyError(
            "the log is not signed by the key that was given",
            index=0,
            expected=str(trusted[0]),
            found=str(first),
        )
