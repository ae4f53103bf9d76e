"""The auditor: does this log hold, all of it, under this key?

What is proven, in order, and by what:

1. *Bytes, chain, tree*: every entry is hashed; each names the hash of the one before; the tree over
   the same hashes has the root that every stored checkpoint names.
2. *Signatures and keys*: checkpoints are signed by keys in force at their size; keys come into
   force only through entries covered by a checkpoint of a key in force before; and the chain of
   keys begins at, or is vouched for by, a key that the auditor brought along.
3. *Completeness*: the log continues each earlier checkpoint that the auditor kept.
4. *Beside the entries*: payloads open to their commitments; look-up columns say what entries say.

The verdict is for the log at the head with which the verification began; entries that are appended
meanwhile are left for the next one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from biotrail.canonical import decode_entry
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    CanonicalError,
    ForkedError,
    InsertedError,
    MalformedError,
    MissingError,
    RolledBackError,
    StoreUnavailableError,
    TruncatedError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey, open_checkpoint
from biotrail.stores import Extent, SQLiteReader, StoreReader
from biotrail.tlog import CompactRange, unverified_checkpoint
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import decode_tile
from biotrail.trust import KeyHistory
from biotrail.verify.locate import locate
from biotrail.verify.prove import unverified_root_at
from biotrail.verify.report import Verification
from biotrail.verify.scan import BrokenStretch, Stretch
from biotrail.verify.stretches import STRETCH, Result, Task, stretch_hashes
from biotrail.verify.workers import run_all

__all__ = ["verify_log"]

Progress = Callable[[int, int], None]
_KEY_KINDS = ("genesis", "key_added", "key_retired")


def verify_log(
    log: str | os.PathLike[str] | StoreReader,
    key: VerifierKey | str | Iterable[VerifierKey | str],
    *,
    from_checkpoint: str | Sequence[str] = (),
    every_signature: bool | None = None,
    strict: bool = False,
    payloads: bool = True,
    lookups: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Verify a log, or raise what is wrong with it first.

    Args:
        log: The log's SQLite file, or a store.
        key: A verifier key of the log that you trust, or several. Usually its first; a later one
            will do, if it signed a checkpoint.
        from_checkpoint: Signed checkpoints of this log that you kept: it must continue them.
            Without one, a tail that was cut off cleanly cannot be seen.
        every_signature: Verify the signature of every checkpoint, or only of those that vouch for
            the rest. None: every one, except where there are thousands that cover fewer than ten
            entries each. Every root is compared in any case.
        strict: Decode and re-encode every entry too.
        payloads: Open every payload and check it against the entry's commitments.
        lookups: Check look-up columns, and the store's own structure, against the entries.
        workers: Processes to use; None for as many as there are processors.
        progress: Called with entries done and entries in all, now and then.

    Returns:
        What was proven.

    Raises:
        VerificationError: What is wrong, with the first bad index: see `biotrail.errors`.
        StoreUnavailableError: There is no such file.
    """
    began = time.monotonic()
    trusted = _keys(key)
    store: StoreReader = log if isinstance(log, StoreReader) else _open(log)
    options = (every_signature, strict, payloads, lookups)
    try:
        try:
            return _verify(
                store, trusted, _notes(from_checkpoint), options, workers, progress, began
            )
        except StoreUnavailableError as error:
            raise MalformedError(f"the store cannot be read: {error}") from error
    finally:
        if store is not log:
            store.close()


def _verify(
    store: StoreReader,
    trusted: Sequence[VerifierKey],
    earlier: Sequence[str],
    options: tuple[bool | None, bool, bool, bool],
    workers: int | None,
    progress: Progress | None,
    began: float,
) -> Verification:
    every_signature, strict, payloads, lookups = options
    extent = store.extent()
    size, note = _check_extent(store, extent, trusted, earlier)
    origin = trusted[0].name
    try:
        tasks = _tasks(store, size, origin, trusted, options)
        results = run_all(store, tasks, workers=workers, progress=progress)
        _join(results, tasks)
        history = _replay(origin, [result.stretch for result in results])
    except BrokenStretch:
        raise locate(store, size, origin, trusted) from None
    except VerificationError:
        if payloads or lookups:
            # What lies beside an entry is judged only where the entry itself holds.
            _verify(
                store, trusted, (), (every_signature, strict, False, False), workers, None, began
            )
        raise
    _check_trust(history, trusted, results)
    _check_upper_tiles(store, size)
    root = unverified_checkpoint(note).root
    complete = tuple(_check_earlier(store, one, history) for one in earlier)
    if lookups and (faults := store.structure_faults()):
        raise AlteredError(f"the store's own structure is damaged: {faults[0]}", found=faults)
    stretches = [result.stretch for result in results]
    return Verification(
        origin=origin,
        size=size,
        root=root,
        checkpoint=note,
        keys=tuple(str(one.key) for one in history.admissions),
        checkpoints=sum(one.checkpoints for one in stretches),
        signatures=sum(one.signatures for one in stretches),
        every_signature=all(one.every_signature for one in stretches),
        strict=strict,
        complete_since=complete,
        payloads=sum(result.beside.payloads for result in results) if payloads else None,
        lookups=True if lookups else None,
        events=sum(result.beside.events for result in results),
        seconds=time.monotonic() - began,
    )


def _keys(key: VerifierKey | str | Iterable[VerifierKey | str]) -> list[VerifierKey]:
    given = [key] if isinstance(key, (VerifierKey, str)) else list(key)
    if not given:
        raise WrongKeyError("no verifier key was given: without one nothing can be proven")
    parsed = [VerifierKey.parse(one.strip()) if isinstance(one, str) else one for one in given]
    if len({one.name for one in parsed}) > 1:
        raise WrongKeyError("the keys given belong to different logs")
    return parsed


def _notes(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _open(log: str | os.PathLike[str]) -> SQLiteReader:
    path = Path(log)
    if not path.exists():
        raise StoreUnavailableError(f"{path}: there is no such file")
    try:
        return SQLiteReader(path)
    except StoreUnavailableError as error:
        raise MalformedError(f"{path} cannot be read as a log: {error}") from error


def _check_extent(
    store: StoreReader, extent: Extent, trusted: Sequence[VerifierKey], earlier: Sequence[str]
) -> tuple[int, str]:
    """Check how far the rows reach; says at which size, under which checkpoint, the log ends."""
    if extent.entries == 0 and extent.head == 0 and extent.payloads == 0:
        for note in earlier:
            _check_not_shorter(0, note, trusted)
        raise MissingError("the log is empty: there is not even a genesis entry", index=0)
    if extent.entries < max(extent.head, extent.payloads):
        # A hole further up is named before the tail.
        hole = _first_hole(store, extent.entries)
        if hole is not None:
            raise MissingError(f"entry {hole} is missing", index=hole, expected=hole)
        raise TruncatedError(
            f"the tail is cut off: {extent.entries} entries are left of at least "
            f"{max(extent.head, extent.payloads)}",
            index=extent.entries,
            expected=max(extent.head, extent.payloads),
            found=extent.entries,
        )
    if extent.entries > extent.head:
        raise locate(store, extent.entries, trusted[0].name, trusted, head=extent.head)
    if extent.checkpoint is None:
        raise locate(store, extent.entries, trusted[0].name, trusted)
    for note in earlier:
        _check_not_shorter(extent.head, note, trusted)
    return extent.head, extent.checkpoint


def _first_hole(store: StoreReader, stop: int) -> int | None:
    for expected, (index, _, _) in enumerate(store.raw_entries(0, stop)):
        if index != expected:
            return expected
    return None


def _check_not_shorter(size: int, note: str, trusted: Sequence[VerifierKey]) -> None:
    kept = _unverified_size(note)
    if kept <= size:
        return
    raise RolledBackError(
        f"the log has {size} entries, and a checkpoint that was kept vouches for {kept}: the tail "
        "was cut off, or an older copy was put in its place",
        index=size,
        expected=kept,
        found=size,
    )


def _unverified_size(note: str) -> int:
    try:
        return unverified_checkpoint(note).size
    except BiotrailError as error:
        raise MalformedError(f"the earlier checkpoint cannot be read: {error}") from error


def _tasks(
    store: StoreReader,
    size: int,
    origin: str,
    trusted: Sequence[VerifierKey],
    options: tuple[bool | None, bool, bool, bool],
) -> list[Task]:
    every_signature, strict, payloads, lookups = options
    candidates = _candidate_keys(store, trusted)
    count = -(-size // STRETCH)
    try:
        hashes = stretch_hashes(store, count - 1)
    except (VerificationError, ValueError):
        raise BrokenStretch(0) from None
    tasks, before = [], CompactRange()
    for number in range(count):
        start = number * STRETCH
        tasks.append(
            Task(
                start,
                min(start + STRETCH, size),
                before.hashes,
                origin,
                candidates,
                every_signature,
                strict,
                payloads,
                lookups,
            )
        )
        if number < count - 1:
            before.append_subtree(hashes[number], 16)
    return tasks


def _candidate_keys(store: StoreReader, trusted: Sequence[VerifierKey]) -> tuple[str, ...]:
    """Keys that may have signed. Whether they are the log's is settled by the replay."""
    found = {str(key): None for key in trusted}
    indices = {0, *store.indices_of_other_kinds()}
    for index in sorted(indices):
        for _, data, _ in store.raw_entries(index, index + 1):
            try:
                entry = decode_entry(data)
                if entry.kind in _KEY_KINDS:
                    found[str(VerifierKey.parse(str(entry.content["key"])))] = None
            except BiotrailError:
                continue
    return tuple(found)


def _join(results: Sequence[Result], tasks: Sequence[Task]) -> None:
    """Hold the ends of the stretches against each other, and the tree against the tiles."""
    tree = CompactRange()
    prev, recorded = bytes(32), b""
    for result, task in zip(results, tasks, strict=True):
        stretch = result.stretch
        if tree.hashes != task.before or stretch.first_prev != prev:
            raise BrokenStretch(task.start)
        if stretch.first_recorded < recorded:
            raise BrokenStretch(task.start)
        prev, recorded = stretch.last_leaf, stretch.last_recorded
        if task.stop - task.start == STRETCH:
            tree.append_subtree(stretch.tree[0], 16)


def _replay(origin: str, stretches: Sequence[Stretch]) -> KeyHistory:
    """Follow the keys through the log: each checkpoint under a key in force at its size."""
    history = KeyHistory(origin)
    others = [one for stretch in stretches for one in stretch.others]
    position = 0
    for run in (run for stretch in stretches for run in stretch.runs):
        while position < len(others) and others[position][0] < run.first:
            index, data = others[position]
            try:
                entry = decode_entry(data)
            except CanonicalError as error:
                raise MalformedError(f"entry {index}: {error}", index=index) from error
            history.apply(index, entry.kind, entry.content)
            position += 1
        key = next((a.key for a in history.admissions if a.key.key_id == run.key), None)
        if key is None:
            raise WrongKeyError(
                f"the checkpoint of size {run.first} is signed by a key that the log never added",
                index=run.first - 1,
                found=run.key.hex(),
            )
        history.check_in_force(key, run.first)
        history.settle(run.first)
        history.check_in_force(key, run.last)
    return history


def _check_trust(
    history: KeyHistory, trusted: Sequence[VerifierKey], results: Sequence[Result]
) -> None:
    """A key of the auditor's must be the log's first, or have signed a checkpoint of it."""
    if not history.admissions:
        raise MissingError("the log has no genesis entry", index=0)
    signed = {run.key for result in results for run in result.stretch.runs}
    for key in trusted:
        admission = history.find(key)
        if admission is not None and (admission.purpose == "genesis" or key.key_id in signed):
            return
    raise WrongKeyError(
        "the log is not signed by the key that was given",
        index=0,
        expected=str(trusted[0]),
        found=str(history.admissions[0].key),
    )


def _check_upper_tiles(store: StoreReader, size: int) -> None:
    """Tiles of level 2 and up, and tiles where there should be none."""
    for level, index in store.tiles():
        if level < 0 or index < 0:
            raise InsertedError(f"there is no tile {index} of level {level}")
        if (index + 1) << (8 * (level + 1)) > size:
            raise InsertedError(
                f"tile {index} of level {level} lies beyond the log",
                index=index << (8 * (level + 1)),
            )
        if level >= 2:
            below = (store.tile(level - 1, index * 256 + i) or b"" for i in range(256))
            true = b"".join(perfect_root(decode_tile(tile)) for tile in below)
            if store.tile(level, index) != true:
                raise AlteredError(f"tile {index} of level {level} was changed")


def _check_earlier(store: StoreReader, note: str, history: KeyHistory) -> int:
    """The log continues a checkpoint that was kept; returns its size."""
    try:
        checkpoint, key = open_checkpoint(note, [one.key for one in history.admissions])
        history.check_in_force(key, checkpoint.size)
    except VerificationError:
        raise
    except BiotrailError as error:
        raise WrongKeyError(
            f"the earlier checkpoint is not one that this log's keys signed: {error}"
        ) from error
    root = unverified_root_at(store, checkpoint)
    if root != checkpoint.root:
        raise ForkedError(
            f"at size {checkpoint.size} the log has another history than the checkpoint that was "
            "kept, and both are signed: a split view",
            index=checkpoint.size - 1,
            expected=checkpoint.root.hex(),
            found=root.hex(),
        )
    return checkpoint.size
