"""What rules remember, within bounds; and how a record is put before all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from biotrail.canonical import format_time, parse_time
from biotrail.detection.finding import Finding
from biotrail.detection.rule import NOTHING, Mark, Past, Rule
from biotrail.detection.seen import Seen
from biotrail.errors import CanonicalError, DetectionError
from biotrail.query import Record

__all__ = ["Memory", "Watch", "find"]


class Memory:
    """What one rule remembers: a tuple of marks for each key, those used last, within bounds.

    What is held follows from the records that the marks name and those between them alone (the
    keys used last are the same wherever one begins to read, as long as it is early enough), so
    reading again from `since` on makes the same memory.
    """

    def __init__(self, rule: Rule) -> None:
        """Remember nothing yet."""
        self.rule = rule
        self._kept: OrderedDict[Hashable, Past] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def since(self) -> int | None:
        """Index of the first record that anything rests on; None where nothing is remembered."""
        return min((past[0].index for past in self._kept.values()), default=None)

    def see(self, seen: Seen) -> Iterator[Finding]:
        """Put a record before the rule."""
        rule, kept = self.rule, self._kept
        for key in rule.keys(seen):
            past, found = rule.step(key, kept.get(key, NOTHING), seen)
            if past:
                kept[key] = past
                kept.move_to_end(key)
                if len(kept) > rule.most_keys:
                    kept.popitem(last=False)
            else:
                kept.pop(key, None)
            if found is not None:
                yield found

    def silence(self, now: datetime) -> Iterator[Finding]:
        """Ask the rule what follows from nothing having come."""
        for key, past in self._kept.items():
            found = self.rule.silence(key, past, now)
            if found is not None:
                yield found

    def forget_before(self, now: datetime) -> None:
        """Forget what is too old at a time of recording."""
        if self.rule.memory is None:
            return
        kept, since = self._kept, now - self.rule.memory
        while kept:
            key, past = next(iter(kept.items()))
            if past[-1].recorded >= since:
                return
            del kept[key]

    def dump(self) -> list[Any]:
        """Memory that may be kept in a file, as JSON has it."""
        return [[key, [_dumped(one) for one in past]] for key, past in self._kept.items()]

    def load(self, kept: Any) -> None:
        """Take up memory from a file.

        Raises:
            DetectionError: It is none.
        """
        try:
            for key, marks in kept:
                past = tuple(_loaded(one) for one in marks)
                if not isinstance(key, str) or not past:
                    raise ValueError
                self._kept[key] = past
        except (ValueError, TypeError, CanonicalError):
            raise DetectionError(
                f"what is kept of the rule {self.rule.name} is no memory"
            ) from None


class Watch:
    """Several rules, and what each of them remembers."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Watch by some rules.

        Raises:
            DetectionError: There are none, or two have one name.
        """
        self.memories: Sequence[Memory] = tuple(Memory(rule) for rule in rules)
        names = [one.rule.name for one in self.memories]
        if not names or len(set(names)) != len(names):
            raise DetectionError("a detector has at least one rule, and each has a name of its own")
        self._blind: dict[str, int] = {}

    @property
    def blind(self) -> dict[str, int]:
        """For each rule that could not see what it needs, of how many attempts.

        Personal fields were sealed and the key was not at hand, or they are gone.
        """
        return dict(self._blind)

    @property
    def since(self) -> int | None:
        """Index of the first record that memory rests on which no file keeps."""
        found = [one.since for one in self.memories if not one.rule.kept]
        return min((one for one in found if one is not None), default=None)

    def see(self, seen: Seen, *, kept: bool = True) -> list[Finding]:
        """Put a record before all rules, in their order.

        Args:
            seen: The record. Detections are passed over.
            kept: Whether rules whose memory is kept are asked too.
        """
        found: list[Finding] = []
        if seen.is_detection:
            return found
        for memory in self.memories:
            if kept or not memory.rule.kept:
                memory.forget_before(seen.recorded)
                found.extend(memory.see(seen))
                if seen.hidden and memory.rule.needs and seen.attempt is not None:
                    name = memory.rule.name
                    self._blind[name] = self._blind.get(name, 0) + 1
        return found

    def silence(self, now: datetime) -> list[Finding]:
        """What follows from nothing having come until now."""
        return [found for memory in self.memories for found in memory.silence(now)]


def find(records: Iterable[Record], rules: Iterable[Rule]) -> Iterator[Finding]:
    """What rules find in records, one after the other; nothing is recorded.

    Args:
        records: Records in order, e.g. of `biotrail.RecordReader.records`.
        rules: The rules.

    Raises:
        DetectionError: There are no rules, or two have one name.
        AlteredError: A record cannot be read.
    """
    watch = Watch(rules)
    for record in records:
        yield from watch.see(Seen.of_record(record))


def _dumped(mark: Mark) -> list[Any]:
    return [mark.index, format_time(mark.recorded), format_time(mark.occurred), mark.value]


def _loaded(mark: Any) -> Mark:
    index, recorded, occurred, value = mark
    if type(index) is not int or not (value is None or isinstance(value, str)):
        raise ValueError
    return Mark(index, parse_time(recorded), parse_time(occurred), value)
