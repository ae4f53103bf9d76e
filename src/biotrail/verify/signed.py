"""Verdicts on checkpoints: whose they are, and whether the entries before them fit."""

from __future__ import annotations

from biotrail.errors import (
    AlteredError,
    BiotrailError,
    InsertedError,
    MissingError,
    SignatureError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import SignedNote, VerifierKey, parse_note
from biotrail.tlog import Checkpoint, CompactRange, leaf_hash
from biotrail.verify.beside import check_beside
from biotrail.verify.destruction import claimed_destruction
from biotrail.verify.seen import Seen, read_rows

__all__ = ["settle", "vouches"]


def settle(seen: Seen) -> None:
    """Judge the checkpoint that is pending, if there is one.

    Raises:
        VerificationError: It does not hold.
    """
    if seen.pending is None:
        return
    (note, tree), seen.pending = seen.pending, None
    size, root = tree.size, tree.root()
    claimed, key = _check(seen, size, note, root)
    if claimed.size != size:
        raise _moved(seen, size, claimed)
    if claimed.root != root:
        raise _entries_do_not_fit(seen, size, expected=claimed.root, found=root)
    seen.hold(tree, key)


def vouches(seen: Seen, note: str, tree: CompactRange) -> bool:
    """Whether a checkpoint is just that of a tree, signed by a key of the log so far."""
    try:
        signed = parse_note(note)
        claimed = Checkpoint.parse(signed.text)
    except BiotrailError:
        return False
    fits = claimed == Checkpoint(seen.history.origin or "", tree.size, tree.root())
    return fits and _signer(signed, [one.key for one in seen.history.admissions]) is not None


def _check(seen: Seen, size: int, note: str, root: bytes) -> tuple[Checkpoint, VerifierKey]:
    """The checkpoint, if it is one of this log, and the key in force that signed it."""
    try:
        signed = parse_note(note)
        claimed = Checkpoint.parse(signed.text)
    except BiotrailError as error:
        raise _changed(size, note, str(error)) from error
    if claimed.origin != seen.history.origin:
        raise WrongKeyError(
            f"the checkpoint at entry {size - 1} is one of the log {claimed.origin!r}",
            index=size - 1 if seen.good else 0,
            expected=seen.history.origin,
            found=claimed.origin,
        )
    if signed.signatures[0].name != claimed.origin:
        raise _changed(size, note, "its first signature is not the log's own")
    keys = [one.key for one in seen.history.admissions]
    fits = (claimed.size, claimed.root) == (size, root)
    doubt = seen.suspicion if fits else None
    # It may be about the entry that adds one of the keys that were given.
    if doubt and doubt[0] < size and _signer(signed, [*keys, *seen.trusted]) is not None:
        raise doubt[1]
    key = _signer(signed, keys)
    if not keys:
        raise AlteredError("entry 0 was changed: it names no key of the log", index=0)
    if key is None:
        raise _not_signed(seen, size, note, signed, fits=fits)
    if claimed.size == size:
        seen.history.check_in_force(key, size)
    return claimed, key


def _signer(signed: SignedNote, known: list[VerifierKey]) -> VerifierKey | None:
    """The key of the first signature line, if it is one of these and signed this."""
    first = signed.signatures[0]
    same_id = [key for key in known if key.key_id == first.key_id]
    return next((key for key in same_id if _verifies(key, signed.text, first.signature)), None)


def _changed(size: int, note: str, why: str) -> AlteredError:
    return AlteredError(
        f"the checkpoint at entry {size - 1} was changed: {why}", index=size - 1, found=note
    )


def _not_signed(
    seen: Seen, size: int, note: str, signed: SignedNote, *, fits: bool
) -> VerificationError:
    """No key of the log signed it well: either it was changed, or another key signed it."""
    keys = {one.key.key_id: one.key for one in seen.history.admissions}
    ids = {one.key_id for one in signed.signatures}
    if ids & keys.keys() or not fits or _signed_under_other_id(signed, list(keys.values())):
        at = seen.first_unlike_tile(seen.good, size) if fits else None
        if at is not None:
            return AlteredError(f"entry {at} was changed, and its checkpoint too", index=at)
        return _changed(size, note, "its first signature is not that of a key of the log")
    return WrongKeyError(
        f"the checkpoint at entry {size - 1} is signed by a key that the log never added",
        index=size - 1,
        expected=sorted(one.hex() for one in keys),
        found=sorted(one.hex() for one in ids),
    )


def _signed_under_other_id(signed: SignedNote, keys: list[VerifierKey]) -> bool:
    return any(
        _verifies(key, signed.text, one.signature) for one in signed.signatures for key in keys
    )


def _verifies(key: VerifierKey, text: str, signature: bytes) -> bool:
    try:
        key.verify(text.encode(), signature)
    except SignatureError:
        return False
    return True


def _moved(seen: Seen, size: int, claimed: Checkpoint) -> VerificationError:
    """A good checkpoint of another size: moved alone, or along with the entries before it."""
    displaced = seen.displacement()
    if seen.good < claimed.size < size and not displaced:
        found = seen.tree_at(claimed.size).root()
        if found != claimed.root:
            return _entries_do_not_fit(seen, claimed.size, expected=claimed.root, found=found)
    if displaced == 0:
        return AlteredError(
            f"the checkpoint at entry {size - 1} is for size {claimed.size}: it was moved there",
            index=size - 1,
            expected=size,
            found=claimed.size,
        )
    at = seen.first_unlike_tile(seen.good, size)
    at = seen.good if at is None else at
    kind, how = (MissingError, "is missing") if displaced > 0 else (InsertedError, "was put in")
    return kind(
        f"an entry {how} at {_range(at, size - 1)}, and those after it were made to fit",
        index=at,
        expected=claimed.size,
        found=size,
    )


def _entries_do_not_fit(
    seen: Seen, size: int, *, expected: bytes, found: bytes
) -> VerificationError:
    """A signed root does not fit entries whose chain holds: find the first that was changed."""
    at = seen.first_unlike_tile(seen.good, size)
    if at is None:
        at = _first_contradicted(seen, seen.good, size)
    first, last = (seen.good, size - 1) if at is None else (at, at)
    return AlteredError(
        f"entry {_range(first, last)} was changed",
        index=first,
        expected=expected.hex(),
        found=found.hex(),
    )


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}, or one after it up to {last},"


def _first_contradicted(seen: Seen, start: int, stop: int) -> int | None:
    """The first entry of a range that what lies beside it contradicts."""
    others = [index for index in seen.store.indices_of_other_kinds() if 0 <= index < seen.size]
    destruction = claimed_destruction(seen.store, others)
    for row in read_rows(seen.store, start, stop):
        leaves = [leaf_hash(row.data)]
        try:
            check_beside(
                seen.store,
                row.index,
                leaves,
                destruction=destruction,
                payloads=True,
                lookups=True,
            )
        except VerificationError:
            return row.index
    return None
