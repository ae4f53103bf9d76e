"""The auditor: does this log hold, all of it, under this key?

What is proven, in order, and by what:

1. *Bytes, chain, tree*: every entry is hashed; each names the hash of the one before; the tree over
   the same hashes has the root that every stored checkpoint names.
2. *Signatures and keys*: checkpoints are signed by keys in force at their size; keys come into
   force only through entries covered by a checkpoint of a key in force before; and the chain of
   keys begins at, or is vouched for by, a key that the auditor brought along.
   Entries under a key that the log reports as stolen hold, and are named.
3. *Completeness*: the log continues each earlier checkpoint that the auditor kept.
4. *Beside the entries*: payloads are those that were recorded, or gone by an erasure or a retention
   that the log records; look-up columns say what entries say.

The verdict is for the log at the head with which the verification began; entries that are appended
meanwhile are left for the next one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import attrs

from biotrail.errors import (
    AlteredError,
    MalformedError,
    MissingError,
    StoreBusyError,
    StoreError,
    VerificationError,
)
from biotrail.signing import VerifierKey
from biotrail.stores import StoreReader
from biotrail.trust import KeyHistory
from biotrail.verify.affected import AffectedEntries, affected_entries
from biotrail.verify.checkpoints import BrokenStretch
from biotrail.verify.completeness import (
    check_continues,
    check_not_shorter,
    check_origins,
    check_upper_tiles,
)
from biotrail.verify.cosigned import GivenCosigners, check_cosigned
from biotrail.verify.destruction import Destruction, claimed_destruction
from biotrail.verify.extent import measure
from biotrail.verify.given import open_given
from biotrail.verify.joining import (
    Options,
    check_trust,
    cut,
    join,
    proven_destruction,
    replay,
)
from biotrail.verify.keys import GivenKeys, keys_of_one_log
from biotrail.verify.locate import locate
from biotrail.verify.payloads import PayloadCounts
from biotrail.verify.report import Verification
from biotrail.verify.scan import Stretch
from biotrail.verify.stretches import Result, Task
from biotrail.verify.workers import run_all

__all__ = ["verify_log"]

Progress = Callable[[int, int], None]


def verify_log(
    log: str | os.PathLike[str] | StoreReader,
    key: GivenKeys,
    *,
    from_checkpoint: str | Sequence[str] = (),
    require_post_quantum: GivenCosigners = (),
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
        require_post_quantum: Verifier keys of type 0x06: each checkpoint that you kept, and there
            must be one, must bear a good ML-DSA-44 cosignature of one of these keys. (The
            checkpoints in the log bear none.)
        every_signature: Verify the signature of every checkpoint, or only of those that vouch for
            the rest. None: every one, except where there are thousands that cover fewer than ten
            entries each. Every root is compared in any case.
        strict: Decode and re-encode every entry too. Where payloads or look-up columns are checked,
            that is done anyway.
        payloads: Check every payload against its entry: one in the clear is opened, of a sealed one
            the stored bytes are held against the entry without a key; and one that is gone must
            have been destroyed by an erasure or a retention that the log records.
        lookups: Check look-up columns, and the store's own structure, against the entries.
        workers: Processes to use; None for as many as there are processors.
        progress: Called with entries done and entries in all, now and then.

    Returns:
        What was proven.

    Raises:
        VerificationError: What is wrong, with the first bad index: see `biotrail.errors`.
        NotCosignedError: A post-quantum cosignature that was asked for is not there, or is wrong.
        StoreUnavailableError: There is no such file.
        TypeError: The log is neither a path nor a store.
    """
    began = time.monotonic()
    trusted = keys_of_one_log(key)
    earlier = [from_checkpoint] if isinstance(from_checkpoint, str) else list(from_checkpoint)
    check_origins(earlier, trusted[0].name)
    check_cosigned(earlier, require_post_quantum)
    options = Options(every_signature, strict, payloads, lookups)
    store = open_given(log)
    try:
        checking = _Checking(store, trusted, earlier, options, workers, progress)
        return attrs.evolve(checking.run(), seconds=time.monotonic() - began)
    except StoreBusyError:
        raise
    except StoreError as error:
        raise MalformedError(f"the store cannot be read: {error}") from error
    finally:
        if store is not log:
            store.close()


@attrs.frozen
class _Checking:
    """One verification: the steps, top to bottom."""

    store: StoreReader
    trusted: Sequence[VerifierKey]
    earlier: Sequence[str]
    options: Options
    workers: int | None
    progress: Progress | None

    def run(self) -> Verification:
        size, results, history = self._check_as_of_now()
        stretches = [result.stretch for result in results]
        check_trust(history, self.trusted, stretches)
        check_upper_tiles(self.store, size)
        check_not_shorter(size, self.earlier, [one.key for one in history.admissions])
        complete = [check_continues(self.store, note, history) for note in self.earlier]
        affected = affected_entries(self.store, size, history)
        if self.options.lookups:
            self._check_structure()
        if affected and self.options.payloads:
            results = self._judge_destruction_anew(size, results, affected)
        return attrs.evolve(self._report(results, history, complete), affected=affected)

    def _judge_destruction_anew(
        self, size: int, results: list[Result], affected: Sequence[AffectedEntries]
    ) -> list[Result]:
        """Count apart what is gone as only entries say that are not to be believed."""
        destruction = proven_destruction([result.stretch for result in results], affected)
        if destruction.believed is None:
            return results
        return attrs.evolve(self, progress=None)._check_entries(size, destruction)[0]

    def _check_as_of_now(self) -> tuple[int, list[Result], KeyHistory]:
        """The log at its present size; begun anew where payloads were destroyed meanwhile.

        What accounts for that is an entry behind the size at which it began.
        """
        while True:
            size = self._measure()
            try:
                return size, *self._check_entries(size)
            except MissingError:
                later = [index for index in self.store.indices_of_other_kinds() if index >= size]
                if claimed_destruction(self.store, later).excuses_nothing:
                    raise

    def _measure(self) -> int:
        extent = self.store.extent()
        if extent.head == extent.entries == extent.payloads == 0:
            # All gone is the oldest state of all.
            check_not_shorter(0, self.earlier, self.trusted)
        return measure(self.store, self.trusted)

    def _check_entries(
        self, size: int, destruction: Destruction | None = None
    ) -> tuple[list[Result], KeyHistory]:
        """Bytes, chain, tree, signatures, keys, and what lies beside the entries.

        What was destroyed is said by entries that come later, so it is taken beforehand from those
        that the store's columns point to; if the log itself says otherwise, that counts.
        """
        origin = self.trusted[0].name
        try:
            tasks = cut(self.store, size, self.trusted, self.options, destruction)
            results = run_all(self.store, tasks, workers=self.workers, progress=self.progress)
            stretches = [result.stretch for result in results]
            join(stretches, tasks)
            history = replay(origin, stretches)
        except BrokenStretch:
            raise locate(self.store, size, origin, self.trusted) from None
        except VerificationError:
            if not self.options.payloads and not self.options.lookups:
                raise
            # What lies beside an entry is judged only where the entry itself holds.
            alone = attrs.evolve(self.options, payloads=False, lookups=False)
            proven = attrs.evolve(self, options=alone, progress=None)._check_entries(size)[0]
            stretches = [result.stretch for result in proven]
            if destruction is not None or self._is_true(tasks, stretches):
                raise
        else:
            if destruction is not None or self._is_true(tasks, stretches):
                return results, history
        return self._check_entries(size, proven_destruction(stretches))

    def _is_true(self, tasks: Sequence[Task], stretches: Sequence[Stretch]) -> bool:
        """Whether what was claimed to have been destroyed is what the log says."""
        return not self.options.payloads or proven_destruction(stretches) == tasks[0].destruction

    def _check_structure(self) -> None:
        if faults := self.store.structure_faults():
            raise AlteredError(
                f"the store's own structure is damaged: {faults[0]}", found=tuple(faults)
            )

    def _report(
        self, results: Sequence[Result], history: KeyHistory, complete: Sequence[int]
    ) -> Verification:
        checked = [result.stretch.checked for result in results]
        options = self.options
        counts = sum((result.payloads for result in results), PayloadCounts())
        found = counts if options.payloads else None
        return Verification(
            origin=self.trusted[0].name,
            size=checked[-1].size,
            root=checked[-1].root,
            checkpoint=checked[-1].note,
            keys=tuple(str(one.key) for one in history.admissions),
            affected=(),
            checkpoints=sum(one.checkpoints for one in checked),
            signatures=sum(one.signatures for one in checked),
            every_signature=all(one.every_signature for one in checked),
            strict=options.strict,
            complete_since=tuple(complete),
            payloads=None if found is None else found.opened,
            sealed=None if found is None else found.sealed,
            erased=None if found is None else found.erased,
            retained=None if found is None else found.retained,
            overdue=None if found is None else found.overdue,
            disbelieved=None if found is None else found.disbelieved,
            lookups=True if options.lookups else None,
            events=sum(one.stretch.events for one in results),
            seconds=0.0,
        )
