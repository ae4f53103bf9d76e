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
from biotrail.canonical import encode_value
from biotrail.canonical.certificate import certificate_text, split_certificate
from biotrail.canonical.proof_entry import decode_proof_entry
from biotrail.errors import AlteredError, BiotrailError, ErasureIncompleteError, WrongKeyError
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.signing import VerifierKey, open_checkpoint
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
        known: How many of the erasures that were shown the log still knows of.
        refused: What was shown and is not believed, in words.
        unfinished: Ids of erasures that still are not finished, 16 bytes each.
    """

    resumed: tuple[ErasureCertificate, ...]
    replayed: tuple[ErasureCertificate, ...]
    destroyed: int
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
    erasures = log.erasures
    resumed: Sequence[ErasureCertificate] = ()
    refused: list[str] = []
    try:
        resumed = erasures.resume()
    except ErasureIncompleteError as error:
        refused.append(str(error))
    shown = [*certificates]
    if erasures.ledger is not None:
        shown += erasures.ledger.certificates()
    keys = [*log.keys_of_log(), *map(_key, trusted)]
    replayed, destroyed, known = [], 0, 0
    for one in {one.erasure: one for one in shown}.values():
        try:
            check_proof(one, log.origin, keys)
        except BiotrailError as error:
            refused.append(f"erasure {one.erasure.hex()}: {error}")
            continue
        again = _replay(erasures, one)
        if isinstance(again, int):
            known, destroyed = known + 1, destroyed + again
        else:
            replayed.append(again)
    destroyed += _destroy_overdue(erasures)
    return Examination(
        resumed=tuple(resumed),
        replayed=tuple(replayed),
        destroyed=destroyed,
        known=known,
        refused=tuple(refused),
        unfinished=tuple(erasures.unfinished()),
    )


def _replay(erasures: Erasures, shown: ErasureCertificate) -> ErasureCertificate | int:
    """Do an erasure again that a restored backup undid.

    Returns:
        The new certificate; or, where the log still records the erasure, how many parts were there
        all the same, and are destroyed now.
    """
    with erasures.lock:
        found = entries_of_kind(erasures.store, "subject_erased")
        if any(one.content["id"] == shown.erasure for one in found):
            return _destroy_again(erasures, shown.references)
        told = shown.entry.content.items()
        content = {name: value for name, value in told if name not in ("payloads", "through")}
        fence = Fence(shown.erasure, shown.references, encode_value(content), 0)
        return erasures.finish(erasures.store.write_fence(fence), is_new=True)


def _destroy_overdue(erasures: Erasures) -> int:
    """Destroy what is there although the log records its erasure; returns how many parts."""
    with erasures.lock:
        found: list[Any] = [
            one.content["references"] for one in entries_of_kind(erasures.store, "subject_erased")
        ]
        return _destroy_again(erasures, {one for several in found for one in several})


def _destroy_again(erasures: Erasures, references: Iterable[bytes]) -> int:
    store, gone = erasures.store, sorted(set(references))
    is_back = any(key.wrapped for key in store.data_keys(gone).values())
    head = store.head()
    count = erasures.destroy(gone, 0 if head is None else head.size)
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
