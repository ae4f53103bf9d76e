"""Erasing somebody's personal data from a log that goes on proving every entry.

In this order, so that a kill at any point leaves something that says what to finish:

1. the *fence*: references and fingerprints of the keys, durable where every writer looks before it
   appends. From here on nobody's record can come in under the references;
2. data keys and identity rows are destroyed, then sealed parts, tags and payloads in the clear;
3. the *tombstone* is appended: the entry that says so;
4. copies that the store's own journals hold are purged, and the fence is marked as finished.

Every step can be done twice. Of two processes that finish one erasure at the same time, the one
whose turn comes first appends the tombstone; the other finds it when its own turn comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import attrs

from biotrail.audit.certificate import ErasureCertificate
from biotrail.audit.destroying import (
    clear_of,
    count_destroyed,
    count_named_in_clear,
    destroy_clear,
    destroy_parts,
)
from biotrail.audit.erasure_request import ErasureRequest
from biotrail.audit.holds import references_of, refuse_held
from biotrail.audit.ledger import ErasureLedger
from biotrail.audit.overtaken import Overtaken, Write
from biotrail.audit.retention import retained_before
from biotrail.audit.vaulted import VaultedLog
from biotrail.canonical import decode_value, encode_value, format_time
from biotrail.errors import (
    BiotrailError,
    ErasureIncompleteError,
    StoreError,
    UnknownPersonError,
)
from biotrail.events import Subject
from biotrail.sealing.destroyed import destroyed_keys, entries_of_kind
from biotrail.stores.sealed import Fence
from biotrail.tlog import ProofFile

__all__ = ["Erasures"]

_ID_SIZE = 16
_TRIES, _PAUSE = 8, 0.25


class Erasures:
    """Erases from one log.

    Attributes:
        store: The log's store.
        people: Those whom the log knows.
        ledger: The ledger beside the log, where there is one.
        lock: Held while something is destroyed.
    """

    def __init__(
        self,
        vaulted: VaultedLog,
        *,
        write: Write,
        prove: Callable[[int], ProofFile],
        draw: Callable[[int], bytes],
        clock: Callable[[], datetime],
        ledger: ErasureLedger | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Erase from a log with a vault.

        Args:
            vaulted: Store, vault and people of the log.
            write: Appends an entry that is no event.
            prove: Makes a proof file for an entry.
            draw: Returns so many random bytes.
            clock: Returns the present time, aware.
            ledger: Where finished erasures are noted beside the log.
            pause: Waits so many seconds for readers that hold an older state.
        """
        self.store = vaulted.store
        self.people = vaulted.people
        self._vault = vaulted.vault
        self._write, self._prove = write, prove
        self._draw, self._clock, self._pause = draw, clock, pause
        self.ledger = ledger
        self.lock = threading.RLock()
        self._refuse_destroyed()

    def erase(
        self,
        subject: Subject | str,
        *,
        reason: str,
        legal_basis: str,
        tenant: str | None = None,
        beyond: Iterable[str] = (),
        requested: datetime | None = None,
    ) -> ErasureCertificate:
        """Erase a person's data; see `AuditLogger.erase`."""
        request = ErasureRequest.check(
            subject,
            tenant=tenant,
            reason=reason,
            legal_basis=legal_basis,
            requested=self._clock() if requested is None else requested,
            beyond=beyond,
        )
        # Their part of a payload in the clear cannot go without everybody else's.
        count = count_named_in_clear(self.store, request.tenant, request.identity)
        told = f"{count} payloads in the clear that name the person as the actor"
        if count:
            request = attrs.evolve(request, beyond=(*request.beyond, told))
        with self.lock:
            try:
                fence, is_new = self._begin(request)
            except UnknownPersonError as error:
                if not count:
                    raise
                raise UnknownPersonError(
                    f"{error}; but there are {told}: these go when their subjects are erased, or "
                    "by retention"
                ) from None
            return self.finish(fence, is_new=is_new)

    def unfinished(self) -> list[bytes]:
        """Ids of erasures that were begun and are not finished."""
        return [fence.erasure for fence in self.store.fences(unfinished=True)]

    def resume(self) -> list[ErasureCertificate]:
        """Finish all erasures that were begun.

        Raises:
            ErasureIncompleteError: One of them still cannot be finished; others may be.
        """
        done, failed = [], None
        with self.lock:
            for fence in self.store.fences(unfinished=True):
                try:
                    done.append(self.finish(fence, is_new=False))
                except ErasureIncompleteError as error:
                    failed = failed or error
            self._note_in_ledger()
        if failed is not None:
            raise failed
        return done

    def _note_in_ledger(self) -> None:
        """Note what was finished and, since a kill fell between, not noted; or by others."""
        if self.ledger is not None:
            known = self.ledger.known()
            for one in entries_of_kind(self.store, "subject_erased"):
                if one.content["id"] not in known:
                    self.ledger.add(ErasureCertificate.of(self._prove(one.index)))

    def _begin(self, request: ErasureRequest) -> tuple[Fence, bool]:
        """Write the fence. Nobody appends meanwhile, so that no record falls between."""
        with self.store.turn():
            self.people.take_fences()
            references = self._references_to_erase(request)
            if (begun := self._begun(references)) is not None:
                return begun, False
            refuse_held(self.store, references, self._clock())
            keys = self.store.data_keys(references)
            content: dict[str, Any] = {
                "id": self._draw(_ID_SIZE),
                "references": list(references),
                "fingerprints": [keys[one].fingerprint for one in references if one in keys],
                "reason": request.reason,
                "legal_basis": request.legal_basis,
                "requested": format_time(request.requested),
            }
            if request.beyond:
                content["beyond"] = list(request.beyond)
            fence = Fence(content["id"], references, encode_value(content), 0)
            return self.store.write_fence(fence), True

    def _references_to_erase(self, request: ErasureRequest) -> tuple[bytes, ...]:
        tag = self.people.tags.person(request.tenant, request.identity)
        rows = self.store.references("", tag)
        if begun := self._begun(rows):
            return begun.references
        return references_of(self.store, self.people, request.tenant, request.identity)

    def _begun(self, references: Iterable[bytes]) -> Fence | None:
        wanted = set(references)
        unfinished = self.store.fences(unfinished=True)
        return next((one for one in unfinished if wanted.intersection(one.references)), None)

    def finish(self, fence: Fence, *, is_new: bool) -> ErasureCertificate:
        """Do what is left of an erasure.

        Args:
            fence: Its fence.
            is_new: Whether nothing was destroyed for it before.

        Raises:
            ErasureIncompleteError: It could not be finished; it can be tried again.
        """
        try:
            index = self._destroyed(fence, is_new=is_new)
            self._purge(fence)
            index = self._noted(fence, index)
            certificate = ErasureCertificate.of(self._prove(index))
            if self.ledger is not None:
                self.ledger.add(certificate)
        except ErasureIncompleteError:
            raise
        except BiotrailError as error:
            raise ErasureIncompleteError(
                f"the erasure {fence.erasure.hex()} was begun and is not finished: open the log "
                f"again, or run 'biotrail doctor', and it goes on ({error})",
                fence.erasure,
            ) from error
        return certificate

    def _destroyed(self, fence: Fence, *, is_new: bool) -> int:
        """Destroy, and append the tombstone; returns the tombstone's index."""
        content: Any = decode_value(fence.content)
        self._vault.refuse(content["fingerprints"])
        self.people.take_fences()
        self._vault.forget(fence.references)
        count = self.destroy(fence.references, fence.through)
        if (index := self._tombstone(fence)) is None:
            retained = retained_before(self.store, fence.through)
            references = frozenset(fence.references)
            if is_new:
                # Another process may be finishing the same, and have destroyed a part of it.
                sealed = count_destroyed(
                    self.store, references, fence.through, retained, sealed_only=True
                )
                is_new = sealed <= count
            if not is_new:
                count = count_destroyed(self.store, references, fence.through, retained)
            self.store.purge_remains()
            content |= {"payloads": count, "through": fence.through}
            index = self._append_tombstone(fence, content)
        return index

    def _append_tombstone(self, fence: Fence, content: dict[str, Any]) -> int:
        def unless() -> None:
            if (index := self._tombstone(fence)) is not None:
                raise Overtaken(index)

        try:
            return self._write("subject_erased", content, unless=unless).index
        except Overtaken as other:
            return int(other.by)

    def destroy(self, references: Iterable[bytes], through: int) -> int:
        """Destroy keys, rows, tags and payloads of references; returns how many parts."""
        gone = frozenset(references)
        self.store.destroy_identities(sorted(gone))
        sealed = sorted({i for one in gone for i in self.store.sealed_of(one, 0, through)})
        count = destroy_parts(self.store, sealed, lambda _, part: part.key in gone)
        return count + destroy_clear(self.store, clear_of(self.store, gone, through))

    def _tombstone(self, fence: Fence) -> int | None:
        """Index of the tombstone, if it was appended already."""
        if fence.entry is not None:
            return fence.entry
        found = entries_of_kind(self.store, "subject_erased", start=fence.through)
        return next((one.index for one in found if one.content["id"] == fence.erasure), None)

    def _purge(self, fence: Fence) -> None:
        for _ in range(_TRIES):
            if self.store.purge_remains():
                return
            self._pause(_PAUSE)
        raise ErasureIncompleteError(
            "what was destroyed still lies in the store's journal, since a reader holds an older "
            "state of the log: it is purged when the log is opened the next time, or by "
            "'biotrail doctor'",
            fence.erasure,
        )

    def _noted(self, fence: Fence, index: int) -> int:
        """Mark the fence as finished; another process may have done so, by its own tombstone."""
        try:
            self.store.finish_fence(fence.erasure, index)
        except StoreError:
            noted = next(one for one in self.store.fences() if one.erasure == fence.erasure).entry
            if noted is None:
                raise
            return noted
        return index

    def _refuse_destroyed(self) -> None:
        """Refuse keys that were destroyed, should a backup have brought them back."""
        gone = set(destroyed_keys(self.store))
        for fence in self.store.fences():
            content: Any = decode_value(fence.content)
            gone.update(content["fingerprints"])
        if self.ledger is not None:
            gone.update(self.ledger.fingerprints())
        self._vault.refuse(gone)
