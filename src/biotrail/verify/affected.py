"""Entries under the signature of a stolen key: they hold, and are not to be believed.

A log says itself, by entries of the kind ``key_compromised``, which key was stolen and since which
entry. What such a key has signed since, it has signed: the log holds. But the owner did not write
it, or cannot tell, so a verification says which entries these are.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from biotrail.errors import AlteredError, BiotrailError
from biotrail.signing import VerifierKey, parse_note
from biotrail.stores import StoreReader
from biotrail.trust import KeyHistory

__all__ = ["AffectedEntries", "affected_entries"]


@attrs.frozen
class AffectedEntries:
    """Entries in a row that a stolen key, or one that it let in, vouches for.

    Attributes:
        first: Index of the first.
        last: Index of the last.
        key: The verifier key that signed for them, as text.
        report: Index of the entry that reports the theft.
    """

    first: int
    last: int
    key: str
    report: int

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.first <= index <= self.last


def affected_entries(
    store: StoreReader, size: int, history: KeyHistory
) -> tuple[AffectedEntries, ...]:
    """The entries that are not to be believed, in order.

    The signature of every checkpoint since the first theft is verified, since here it decides whose
    word an entry is.

    Args:
        store: Where the log lies. Its checkpoints name the right roots.
        size: Number of entries that are looked at.
        history: The log's keys, followed to this size.

    Raises:
        AlteredError: A checkpoint is not signed by the key that its first line names.
    """
    disbelieved = history.disbelieved()
    if not disbelieved:
        return ()
    found: list[AffectedEntries] = []
    start = min(one.since for one in disbelieved.values())
    for first, stop, key in _signed_runs(store, start, size, history):
        doubt = disbelieved.get(key)
        if doubt is None or doubt.since >= stop:
            continue
        run = AffectedEntries(max(first, doubt.since), stop - 1, str(key), doubt.report)
        if found and (found[-1].last, found[-1].key) == (run.first - 1, run.key):
            run = attrs.evolve(found.pop(), last=run.last)
        found.append(run)
    return tuple(found)


def _signed_runs(
    store: StoreReader, start: int, size: int, history: KeyHistory
) -> Iterator[tuple[int, int, VerifierKey]]:
    """First index, one more than the last, and signer of the entries under each checkpoint."""
    while start < size and (covering := store.checkpoint_from(start + 1)) is not None:
        stop, note = covering
        yield start, stop, _signer(note, stop, history)
        start = stop


def _signer(note: str, size: int, history: KeyHistory) -> VerifierKey:
    try:
        signed = parse_note(note)
        first = signed.signatures[0]
        key = next(one.key for one in history.admissions if one.key.key_id == first.key_id)
        key.verify(signed.text.encode("utf-8"), first.signature)
    except (BiotrailError, StopIteration):
        raise AlteredError(
            f"the checkpoint at entry {size - 1} was changed: its first signature is not that of "
            "the key that it names",
            index=size - 1,
            found=note,
        ) from None
    return key
