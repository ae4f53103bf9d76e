"""One pass over a stretch of the log: bytes, chain, tree, checkpoints. The auditor's hot path.

A stretch is checked on its own, so that several can be checked at once: it is given the hashes of
the tree before it as the store's tiles have them (not trusted), and says what it found at both its
ends. `biotrail.verify.verifier` joins the ends and holds the tiles against them. A scan says only
*that* something is wrong (`BrokenStretch`); where and what is worked out afterwards, slowly.
"""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import attrs

from biotrail.canonical.entry import decode_entry, encode_unsigned
from biotrail.canonical.quick import is_plainly_canonical_event
from biotrail.canonical.times import TIME_LENGTH
from biotrail.errors import BiotrailError
from biotrail.signing import VerifierKey, parse_note
from biotrail.tlog import CompactRange

__all__ = ["KEY_BODIES", "BrokenStretch", "KeyRun", "Stretch", "scan_stretch"]

KEY_BODIES = (b"\xa1\x67genesis", b"\xa1\x69key_added", b"\xa1\x6bkey_retired")
"""How the bodies that concern keys begin: a map of one pair, the kind its key."""
_ENTRIES_EACH = 10
_ALWAYS_VERIFIED = 5_000
"""By default every signature is verified, unless a stretch has more checkpoints than this and
they cover fewer than ten entries each: then the last of each run, which vouches for the rest."""
_SHORTEST_SIGNATURE = 4 + 64


class BrokenStretch(Exception):
    """Something in the stretch does not check out, near this index."""


@attrs.define
class KeyRun:
    """Consecutive checkpoints that bear one key's signature.

    Attributes:
        key: Key id, 4 bytes.
        first: Size of the first of them.
        last: Size of the last.
        closed: Whether the run ends with its first, since that one covers an entry about keys.
    """

    key: bytes
    first: int
    last: int
    closed: bool = False


@attrs.define
class Stretch:
    """What the scan of a stretch found.

    Attributes:
        start: Index of its first entry.
        stop: One more than the index of its last.
        first_prev: What its first entry names as the leaf hash before.
        last_leaf: Leaf hash of its last entry.
        first_recorded: Time of recording of its first entry.
        last_recorded: Time of recording of its last entry.
        tree: Hashes of the compact range over its entries alone.
        leaves: Leaf hashes, one after the other, for comparing with tiles.
        others: Index and bytes of the entries that are not events.
        runs: Who signed the checkpoints, in order.
        checkpoints: Number of checkpoints whose root was compared.
        signatures: Number of signatures verified.
        every_signature: Whether those were all.
    """

    start: int
    stop: int
    first_prev: bytes
    last_leaf: bytes
    first_recorded: bytes
    last_recorded: bytes
    tree: tuple[bytes, ...] = ()
    leaves: list[bytes] = attrs.field(factory=list)
    others: list[tuple[int, bytes]] = attrs.field(factory=list)
    runs: list[KeyRun] = attrs.field(factory=list)
    checkpoints: int = 0
    signatures: int = 0
    every_signature: bool = True


def scan_stretch(
    rows: Iterable[tuple[int, bytes, str | None]],
    start: int,
    stop: int,
    *,
    before: Sequence[bytes],
    origin: str,
    keys: Mapping[bytes, VerifierKey],
    every_signature: bool | None,
    strict: bool,
) -> Stretch:
    """Scan the entries ``start <= index < stop``.

    Args:
        rows: Index, entry and checkpoint of each, in order.
        start: Index of the first.
        stop: One more than the index of the last.
        before: Hashes of the compact range before the first, as far as they are believed;
            `start` is a multiple of the length of every stretch but the last.
        origin: The log's origin.
        keys: Keys that may turn out to be the log's, by key id.
        every_signature: Verify every signature, or only the last of each run; None to decide by
            how many entries a checkpoint covers.
        strict: Decode and re-encode every entry.

    Raises:
        BrokenStretch: Something does not check out.
    """
    leaves: list[bytes] = []
    others: list[tuple[int, bytes]] = []
    notes: list[tuple[int, str]] = []
    add_leaf, add_note = leaves.append, notes.append
    prev = first_prev = recorded = first_recorded = b""
    expected = start
    for index, entry, note in rows:
        # 85 01 <index> 58 20 <prev> 78 1b <recorded> <body>: the head has one layout.
        head = b"\x85\x01" + encode_unsigned(expected) + b"\x58\x20"
        at = len(head) + 32
        if not prev:
            prev = first_prev = entry[at - 32 : at]
            first_recorded = entry[at + 2 : at + 2 + TIME_LENGTH]
        if index != expected or not entry.startswith(head + prev + b"\x78\x1b"):
            raise BrokenStretch(expected)
        body_at = at + 2 + TIME_LENGTH
        now = entry[at + 2 : body_at]
        if now < recorded:
            raise BrokenStretch(expected)
        recorded = now
        if entry.startswith(KEY_BODIES, body_at):
            others.append((index, entry))
        if strict and not is_plainly_canonical_event(entry[body_at:]):
            _decode(entry, expected)  # the general decoder decides
        prev = sha256(b"\x00" + entry).digest()
        add_leaf(prev)
        expected += 1
        if note is not None:
            add_note((expected, note))
    if expected != stop:
        raise BrokenStretch(expected)
    stretch = Stretch(start, stop, first_prev, prev, first_recorded, recorded)
    stretch.leaves, stretch.others = leaves, others
    _check_checkpoints(stretch, notes, before, origin, keys, every_signature)
    return stretch


def _decode(entry: bytes, index: int) -> None:
    try:
        decode_entry(entry)
    except BiotrailError:
        raise BrokenStretch(index) from None


def _check_checkpoints(
    stretch: Stretch,
    notes: Sequence[tuple[int, str]],
    before: Sequence[bytes],
    origin: str,
    keys: Mapping[bytes, VerifierKey],
    every_signature: bool | None,
) -> None:
    """Compare every checkpoint with the recomputed root, and verify signatures."""
    if every_signature is None:
        covered = stretch.stop - stretch.start
        spare = len(notes) > _ALWAYS_VERIFIED and len(notes) * _ENTRIES_EACH > covered
        every_signature = not spare
    stretch.every_signature = every_signature
    boundaries = {index for index, _ in stretch.others}
    tree, done, last = CompactRange(), 0, None
    left_of_it = tuple(reversed(before))
    for size, note in notes:
        here = size - stretch.start
        if here - done == 1:
            tree.append(stretch.leaves[done])
        else:
            tree.extend(stretch.leaves[done:here])
        root = tree.root()
        for left in left_of_it:
            root = sha256(b"\x01" + left + root).digest()
        signature = _signature_lines(note, origin, size, root)
        new_run = _note_run(stretch, signature[:4], size, boundaries, done + stretch.start)
        if every_signature:
            _verify(note, signature, keys, size, stretch)
        elif new_run and last is not None:
            _verify(last[0], last[1], keys, last[2], stretch)
        last, done = (note, signature, size), here
    if last is not None and not every_signature:
        _verify(last[0], last[1], keys, last[2], stretch)
    tree.extend(stretch.leaves[done:])
    stretch.tree = tree.hashes
    stretch.checkpoints = len(notes)


def _note_run(stretch: Stretch, key: bytes, size: int, boundaries: set[int], covered: int) -> bool:
    """Add a checkpoint to the run of its key; a batch with an entry about keys begins a new one."""
    runs = stretch.runs
    about_keys = bool(boundaries) and any(index in boundaries for index in range(covered, size))
    if runs and runs[-1].key == key and not about_keys and not runs[-1].closed:
        runs[-1].last = size
        return False
    runs.append(KeyRun(key, size, size, closed=about_keys))
    return True


def _signature_lines(note: str, origin: str, size: int, root: bytes) -> bytes:
    """Key id and signature of a checkpoint whose text is exactly what it must be."""
    text = f"{origin}\n{size}\n{b64encode(root).decode()}\n\n\u2014 {origin} "
    if not note.startswith(text) or not note.endswith("\n"):
        raise BrokenStretch(size - 1)
    rest = note[len(text) : -1]
    if "\n" in rest:
        return _first_of_several(note, size)
    try:
        signature = binascii.a2b_base64(rest, strict_mode=True)
    except (binascii.Error, ValueError):
        raise BrokenStretch(size - 1) from None
    if len(signature) < _SHORTEST_SIGNATURE or b64encode(signature).decode() != rest:
        raise BrokenStretch(size - 1)
    return signature


def _first_of_several(note: str, size: int) -> bytes:
    try:
        first = parse_note(note).signatures[0]
    except BiotrailError:
        raise BrokenStretch(size - 1) from None
    return first.key_id + first.signature


def _verify(
    note: str, signature: bytes, keys: Mapping[bytes, VerifierKey], size: int, stretch: Stretch
) -> None:
    key = keys.get(signature[:4])
    if key is None:
        raise BrokenStretch(size - 1)
    text = note[: note.index("\n\n") + 1]
    try:
        key.verify(text.encode(), signature[4:])
    except BiotrailError:
        raise BrokenStretch(size - 1) from None
    stretch.signatures += 1
