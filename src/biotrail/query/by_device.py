"""How many answers each device has: by tags, and one record opened for each of them.

Equal tags are equal devices of one tenant. Which device it is says a record that has the tag: it is
held against the tree and opened like every answer, and the tag of what it says is calculated again.
How many records have the tag is as true as the tags are, which lie beside the log as columns do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from struct import unpack
from typing import Any

from biotrail.query.fields import Field
from biotrail.query.question import Question
from biotrail.query.record import Record
from biotrail.query.walk import bits_of
from biotrail.sealing import Keyring
from biotrail.stores import StoreReader
from biotrail.stores.postings import SEGMENT

__all__ = ["devices_of"]

_TAG, _CELL = 16, 18
# Where a segment has fewer answers than this, opening each takes no longer.
_WORTH = 8
_MOST_DEVICES = 100_000
_AT_ONCE = 512
_PLACES = 1 << 16
_AS_FLAGS = bytes.maketrans(b"01", b"\0\1")


class _Groups:
    """Answers by their tags: how many, and where the first is."""

    def __init__(self) -> None:
        self.counts: Counter[bytes] = Counter()
        self.first: dict[bytes, int] = {}
        self.clear: list[int] = []

    def take(self, number: int, answers: int, cells: bytes) -> None:
        """Take the cells of a segment, of which some entries are answers."""
        if len(cells) % _CELL:
            return
        tags = [cells[at : at + _TAG] for at in range(0, len(cells), _CELL)]
        numbers = bytearray(2 * len(tags))
        numbers[::2], numbers[1::2] = cells[_TAG::_CELL], cells[_TAG + 1 :: _CELL]
        places = unpack(f">{len(tags)}H", numbers)
        # One byte for each place, of which there are more in a row that somebody has made up.
        flags = b"\0" + format(answers, f"0{SEGMENT}b")[::-1].encode().translate(_AS_FLAGS)
        fits = flags.ljust(_PLACES, b"\0").__getitem__
        chosen = list(map(fits, places))
        here = list(compress(tags, chosen))
        self.counts.update(here)
        if not self.first.keys() >= set(here):
            before = number * SEGMENT - 1
            for tag, at in zip(here, compress(places, chosen), strict=True):
                self.first.setdefault(tag, before + at)


def devices_of(
    store: StoreReader, question: Question, field: Field, keyring: Keyring
) -> Counter[str] | None:
    """How many answers each device has; None where tags cannot tell, and answers are to be opened.

    Args:
        store: The log.
        question: The question, for counting.
        field: The field of devices.
        keyring: The log's keys.
    """
    sealed: Any = store
    tags = keyring.tags()
    if tags is None or not hasattr(sealed, "device_cells") or sealed.fences(unfinished=True):
        return None
    answers = _answers(question)
    if sum(one.bit_count() for one in answers.values()) < _WORTH * len(answers):
        indices = [n * SEGMENT + at for n, found in answers.items() for at in bits_of(found)]
        return _shown(question, field, indices)
    groups = _grouped(sealed, answers)
    if len(groups.first) > _MOST_DEVICES:
        return None
    counted = _shown(question, field, groups.clear)
    records = {one.index: one for one in question.at(sorted(groups.first.values()))}
    for tag, number in groups.counts.items():
        record = records.get(groups.first[tag])
        value = None if record is None else _value(field, record)
        if record is None or value is None or tags.device(record.tenant or "", value) != tag:
            return None  # somebody has changed the store
        counted[value] += number
    return counted


def _answers(question: Question) -> dict[int, int]:
    """The answers in each segment that has any, as bitmaps."""
    size = question.checkpoint.size
    return {
        first + at: found
        for first, bitmaps in question.bitmaps(0, size)
        for at, found in enumerate(bitmaps)
        if found
    }


def _grouped(sealed: Any, answers: Mapping[int, int]) -> _Groups:
    groups = _Groups()
    for number, found in answers.items():
        for _, cells in sealed.device_cells(number, number + 1):
            groups.take(number, found, cells)
        span = number * SEGMENT, (number + 1) * SEGMENT
        clear = (one for one in sealed.clear_payloads(*span) if found >> one % SEGMENT & 1)
        groups.clear.extend(clear)
    return groups


def _shown(question: Question, field: Field, indices: Sequence[int]) -> Counter[str]:
    """The devices of the answers at some indices, each opened."""
    counted: Counter[str] = Counter()
    for start in range(0, len(indices), _AT_ONCE):
        for record in question.at(indices[start : start + _AT_ONCE]):
            counted.update(field.shown(one) for one in field.read(record))
    return counted


def _value(field: Field, record: Record) -> str | None:
    found: Sequence[str] = field.read(record)
    return found[0] if found else None
