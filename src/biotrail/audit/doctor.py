"""Making a log forget again what it was made to forget: after a broken erasure, or a backup.

A backup that is restored brings keys and payloads back, and neither fence nor tombstone. What was
erased is then known from the ledger beside the log, or from certificates. Each is checked before
anything is destroyed: it must be proven under a key that is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.audit.certificate import ErasureCertificate
from biotrail.audit.retention import resume_retention
from biotrail.canonical import Entry, encode_value
from biotrail.canonical.certificate import certificate_text, split_certificate
from biotrail.canonical.proof_entry import decode_proof_entry
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ErasureIncompleteError,
    SignatureError,
    WrongKeyError,
)
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.signing import VerifierKey, open_checkpoint, parse_note
from biotrail.stores.sealed import Fence
from biotrail.tlog import ProofFile, leaf_hash, verify_inclusion

if TYPE_CHECKING:
    from biotrail.audit.erasure import Erasures
    from biotrail.audit.logger import AuditLogger

__all__ = ["Examination", "examine", "read_certificate"]


@attrs.frozen(kw_only=True)
class Examination:
    """What was found and done.

    Attributes:
        resumed: Erasures that had been broken off and are finished now.
        replayed: Erasures that the log knew nothing of any more: done again, with a new tombstone.
        destroyed: How many parts of payloads were there although the log records their erasure,
            and are destroyed now.
        retained: How many were there although the log records a retention that covers them, and are
            destroyed now.
        known: How many of the erasures that were shown the log still knows of.
        refused: What was shown and is not believed, in words.
        unfinished: Ids of erasures that still are not finished, 16 bytes each.
    """

    resumed: tuple[ErasureCertificate, ...]
    replayed: tuple[ErasureCertificate, ...]
    destroyed: int
    retained: int
    known: int
    refused: tuple[str, ...]
    unfinished: tuple[bytes, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is left to do."""
        return not self.refused and not self.unfinished


def examine(
    log: AuditLogger,
    *,
    certificates: Iterable[ErasureCertificate] = (),
    trusted: Iterable[VerifierKey | str] = (),
) -> Examination:
    """Finish erasures that were broken off, and replay those that a restored backup undid.

    Args:
        log: The log, open with its vault.
        certificates: Certificates of erasures, as of a ledger, besides the ledger beside the log.
        trusted: Verifier keys that are believed besides those of the log: a backup may be older
            than the key that signed.

    Raises:
        VaultError: The log has no vault.
        BiotrailError: The log cannot be written.
    """
    log.unfinished_erasures()  # the log is open, in this process
    erasures, tombstones = log.erasures, _Tombstones(log)
    resumed: Sequence[ErasureCertificate] = ()
    refused: list[str] = []
    try:
        resumed = erasures.resume()
    except ErasureIncompleteError as error:
        refused.append(str(error))
    shown = [*certificates]
    if erasures.ledger is not None:
        shown += erasures.ledger.certificates()
    keys = [*tombstones.believed_keys(), *map(_key, trusted)]
    replayed, recorded = [], {*tombstones.recorded()}
    known = len(recorded & {one.erasure for one in shown})
    for one in shown:
        if one.erasure in recorded:
            continue
        try:
            tombstones.refuse_thiefs(one.erasure)
            check_proof(one, log.origin, keys)
        except BiotrailError as error:
            refused.append(f"erasure {one.erasure.hex()}: {error}")
            continue
        replayed.append(_replay(erasures, one))
        recorded.add(one.erasure)
    refused += _cut_short(erasures, tombstones)
    destroyed = _destroy_overdue(erasures, tombstones)
    with erasures.lock:
        retained = resume_retention(erasures.store, log._clock())
        if retained:
            erasures.store.purge_remains()
    return Examination(
        resumed=tuple(resumed),
        replayed=tuple(replayed),
        destroyed=destroyed,
        retained=retained,
        known=known,
        refused=tuple(refused),
        unfinished=tuple(erasures.unfinished()),
    )


class _Tombstones:
    """The tombstones of a log, but for those that a stolen key vouches for."""

    def __init__(self, log: AuditLogger) -> None:
        self._store = log.erasures.store
        log_keys = log.keys_of_log()
        history = log._committer.exclusively(lambda: log._writer.state.keys)
        self._keys, self._disbelieved = log_keys, history.disbelieved()

    def believed_keys(self) -> list[VerifierKey]:
        """The keys of the log that were never reported as stolen."""
        return [one for one in self._keys if one not in self._disbelieved]

    def entries(self) -> list[Entry]:
        """The tombstones, in order."""
        found = entries_of_kind(self._store, "subject_erased")
        return [one for one in found if not self._is_thiefs(one.index)]

    def refuse_thiefs(self, erasure: bytes) -> None:
        """Refuse an erasure that the log has on a stolen key's word.

        Raises:
            SignatureError: It is one.
        """
        found = entries_of_kind(self._store, "subject_erased")
        if any(one.content["id"] == erasure for one in found if self._is_thiefs(one.index)):
            raise SignatureError("it is recorded, but on the word of a key that was stolen by then")

    def recorded(self) -> frozenset[object]:
        """Ids of the erasures that the log records."""
        return frozenset(one.content["id"] for one in self.entries())

    def _is_thiefs(self, index: int) -> bool:
        covering = self._store.checkpoint_from(index + 1) if self._disbelieved else None
        if covering is None:
            return False
        name = parse_note(covering[1]).signatures[0].key_id
        since = [one.since for key, one in self._disbelieved.items() if key.key_id == name]
        return any(one <= index for one in since)


def _cut_short(erasures: Erasures, tombstones: _Tombstones) -> list[str]:
    """What to say of the ledger's lines that a crash cut short, unless the log tells the same."""
    if erasures.ledger is None:
        return []
    known = tombstones.recorded() | erasures.ledger.known()
    return [
        f"{erasures.ledger.path}: a line was cut short, and the log does not record its erasure "
        f"({one.hex() or 'whose id cannot be read'}): take the line out once its certificate was "
        "shown"
        for one in erasures.ledger.cut_short()
        if one not in known
    ]


def _replay(erasures: Erasures, shown: ErasureCertificate) -> ErasureCertificate:
    """Do an erasure again that a restored backup undid; returns the new certificate."""
    with erasures.lock:
        told = shown.entry.content.items()
        content = {name: value for name, value in told if name not in ("payloads", "through")}
        fence = Fence(shown.erasure, shown.references, encode_value(content), 0)
        return erasures.finish(erasures.store.write_fence(fence), is_new=True)


def _destroy_overdue(erasures: Erasures, tombstones: _Tombstones) -> int:
    """Destroy what is there although the log records its erasure; returns how many parts."""
    count, is_back, store = 0, False, erasures.store
    with erasures.lock:
        for one in tombstones.entries():
            content: Any = one.content
            gone = content["references"]
            is_back |= any(key.wrapped for key in store.data_keys(gone).values())
            # What comes after the fence is not accounted for by the tombstone.
            count += erasures.destroy(gone, min(content["through"], one.index))
        if count or is_back:
            erasures.people.take_fences()
            store.purge_remains()
    return count


def read_certificate(data: bytes) -> ErasureCertificate:
    """Read a certificate's file; its proof is not checked yet.

    Raises:
        MalformedError: It is no certificate.
        AlteredError: Its text says something else than the entry in it.
    """
    text, proof = split_certificate(data)
    found = ErasureCertificate.of(ProofFile.parse(proof))
    if certificate_text(found.origin, found.entry).encode() != text:
        raise AlteredError("the certificate's text does not say what its entry says")
    return found


def check_proof(shown: ErasureCertificate, origin: str, keys: Sequence[VerifierKey]) -> None:
    """Check that a log recorded an erasure.

    Raises:
        WrongKeyError: It is of another log.
        SignatureError: No trusted key signed.
        ProofError: The proof does not lead to the signed root.
    """
    if shown.origin != origin:
        raise WrongKeyError(f"it is of the log {shown.origin}, not of {origin}")
    proof = shown.proof
    checkpoint, _ = open_checkpoint(proof.checkpoint_note, keys)
    leaf = leaf_hash(decode_proof_entry(proof.extra or b""))
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)


def _key(key: VerifierKey | str) -> VerifierKey:
    return key if isinstance(key, VerifierKey) else VerifierKey.parse(key)
