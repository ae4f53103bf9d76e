"""One pass over a stretch of the log: bytes, chain, tree, checkpoints. The auditor's hot path.

A stretch is checked on its own, so that several can be checked at once: it is given the hashes of
the tree before it as the store's tiles have them (not trusted), and says what it found at both its
ends. `biotrail.verify.joining` joins the ends and holds the tiles against them. A scan says only
*that* something is wrong (`BrokenStretch`); where and what is worked out afterwards, slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, islice
from struct import Struct
from typing import TypeAlias

import attrs

from biotrail.canonical.entry import decode_entry
from biotrail.canonical.event_pattern import matches_event
from biotrail.canonical.quick import is_plainly_canonical_event
from biotrail.canonical.schema import KINDS
from biotrail.canonical.times import TIME_LENGTH, parse_time
from biotrail.errors import BiotrailError, CanonicalError
from biotrail.signing import VerifierKey
from biotrail.trust import KEY_KINDS
from biotrail.verify.checkpoints import BrokenStretch, Checked, check_checkpoints
from biotrail.verify.destruction import DESTROYING_KINDS

__all__ = ["BrokenStretch", "RawRow", "Stretch", "scan_stretch"]

RawRow: TypeAlias = tuple[int, bytes, str | None]


def _opening(kind: str) -> bytes:
    """How the bodies of a kind begin: a map of one pair, whose key is the kind."""
    return bytes((0xA1, 0x60 + len(kind))) + kind.encode()


_EVENT = _opening("event")
_ABOUT_KEYS = tuple(map(_opening, KEY_KINDS))
_DESTROYING = tuple(map(_opening, DESTROYING_KINDS))
_KNOWN = tuple(map(_opening, KINDS))
_RECORDED = b"\x78\x1b"
# 85 01 <index> 58 20 <prev> 78 1b <recorded> <body>: one layout for each width of the index.
_LAYOUTS = (
    (24, b"\x85\x01", Struct(">2sB2s32s36s")),
    (0x100, b"\x85\x01\x18", Struct(">3sB2s32s36s")),
    (0x10000, b"\x85\x01\x19", Struct(">3sH2s32s36s")),
    (0x1_0000_0000, b"\x85\x01\x1a", Struct(">3sI2s32s36s")),
    (1 << 64, b"\x85\x01\x1b", Struct(">3sQ2s32s36s")),
)
_TAIL = len(_RECORDED) + TIME_LENGTH + len(_EVENT)
_PREV_TO_BODY = 32 + len(_RECORDED) + TIME_LENGTH


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
        leaves: Leaf hashes, for comparing with tiles.
        others: Index and bytes of the entries about keys.
        destroying: Bytes of the entries that say that payloads were destroyed.
        events: Number of entries that are events.
        checked: What its checkpoints were found to say.
    """

    start: int
    stop: int
    first_prev: bytes = b""
    last_leaf: bytes = b""
    first_recorded: bytes = b""
    last_recorded: bytes = b""
    leaves: list[bytes] = attrs.field(factory=list)
    others: list[tuple[int, bytes]] = attrs.field(factory=list)
    destroying: list[bytes] = attrs.field(factory=list)
    events: int = 0
    checked: Checked = attrs.field(factory=Checked)


def scan_stretch(
    rows: Iterable[RawRow],
    start: int,
    stop: int,
    *,
    before: Sequence[bytes],
    origin: str,
    keys: Mapping[bytes, Sequence[VerifierKey]],
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
        every_signature: Verify every signature, or only the last of each key; None to decide by
            how many entries a checkpoint covers.
        strict: Decode and re-encode every entry.

    Raises:
        BrokenStretch: Something does not check out.
    """
    stretch = Stretch(start, stop)
    try:
        notes = _follow_chain(iter(rows), stretch, strict)
        stretch.checked = check_checkpoints(
            notes,
            stretch.leaves,
            start,
            before=before,
            origin=origin,
            keys=keys,
            about_keys=[index for index, _ in stretch.others],
            every_signature=every_signature,
        )
    except (TypeError, AttributeError):
        # A cell holds something of another type than the schema says.
        raise BrokenStretch(start + len(stretch.leaves)) from None
    return stretch


def _follow_chain(rows: Iterator[RawRow], stretch: Stretch, strict: bool) -> list[tuple[int, str]]:
    """Hash every entry, check that each follows on the one before, return the checkpoints."""
    first = next(rows, None)
    if first is None or type(first[1]) is not bytes:
        raise BrokenStretch(stretch.start)
    prev = stretch.first_prev = first[1][_prev_at(stretch.start) :][:32]
    rows, notes, leaves = chain((first,), rows), [], stretch.leaves
    add, tail, begun = leaves.append, bytes(_TAIL), sha256(b"\x00").copy
    for opening, pack, prev_at, end in _layouts(stretch.start, stretch.stop):
        body_at = prev_at + _PREV_TO_BODY
        here = range(stretch.start + len(leaves), end)
        for expected, (index, entry, note) in zip(here, islice(rows, len(here)), strict=False):
            # Mostly an entry is an event of the batch of the one before it: one comparison.
            head = pack(opening, expected, b"\x58\x20", prev, tail)
            if index != expected or not entry.startswith(head):
                tail = _unlike_before(stretch, index, entry, expected, head, body_at)
            if strict and not matches_event(entry, body_at):
                _decode(entry, expected, body_at)
            hashing = begun()
            hashing.update(entry)
            prev = hashing.digest()
            add(prev)
            if note is not None:
                notes.append((expected + 1, note))
    if len(leaves) != stretch.stop - stretch.start or next(rows, None) is not None:
        raise BrokenStretch(stretch.start + len(leaves))
    stretch.events += len(leaves)
    stretch.last_leaf, stretch.last_recorded = prev, tail[2 : 2 + TIME_LENGTH]
    return notes


def _layouts(start: int, stop: int) -> Iterator[tuple[bytes, Callable[..., bytes], int, int]]:
    """How heads are laid out from `start` on: opening, packer, place of `prev`, and up to where."""
    for limit, opening, layout in _LAYOUTS:
        if start < min(limit, stop):
            yield opening, layout.pack, layout.size - _TAIL - 32, min(limit, stop)
            start = limit


def _prev_at(index: int) -> int:
    return next(_layouts(index, index + 1))[2]


def _unlike_before(
    stretch: Stretch, index: int, entry: bytes, expected: int, head: bytes, body_at: int
) -> bytes:
    """Check an entry of another time or kind than the one before; returns the tail to expect."""
    before = head[-_TAIL:][len(_RECORDED) :][:TIME_LENGTH]
    recorded = entry[body_at - TIME_LENGTH : body_at]
    follows = index == expected and entry.startswith(head[:-_TAIL] + _RECORDED)
    if not follows or recorded < before or not entry.startswith(_KNOWN, body_at):
        raise BrokenStretch(expected)
    _check_time(recorded, expected)
    if not stretch.leaves:
        stretch.first_recorded = recorded
    if not entry.startswith(_EVENT, body_at):
        stretch.events -= 1
    if entry.startswith(_ABOUT_KEYS, body_at):
        stretch.others.append((expected, entry))
    elif entry.startswith(_DESTROYING, body_at):
        stretch.destroying.append(entry)
    return _RECORDED + recorded + _EVENT


def _check_time(recorded: bytes, index: int) -> None:
    try:
        parse_time(recorded.decode("ascii"))
    except (UnicodeDecodeError, CanonicalError):
        raise BrokenStretch(index) from None


def _decode(entry: bytes, index: int, body_at: int) -> None:
    if is_plainly_canonical_event(entry[body_at:]):
        return
    try:
        decode_entry(entry)
    except BiotrailError:
        raise BrokenStretch(index) from None
