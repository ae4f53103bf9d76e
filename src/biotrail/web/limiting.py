"""How often a reader, or an address, may ask; and how much is worked on at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from biotrail.errors import TooManyRequestsError

__all__ = ["Rates", "Turns"]


class Rates:
    """Token buckets, one for each who asks: so many requests a minute, and as many at once.

    Held in memory, of a bounded number of those who ask; who has not asked for longest is
    forgotten first, which gives it a full bucket again: by then it would have one anyway, unless
    more ask within a minute than are remembered. For one event loop; several processes count each
    for itself.
    """

    def __init__(
        self, *, per_minute: int, most_known: int, clock: Callable[[], float], who: str
    ) -> None:
        """Count the requests.

        Args:
            per_minute: How many there may be in a minute.
            most_known: How many of those who ask are remembered.
            clock: Returns seconds that never go back.
            who: What those who ask are called in the refusal.
        """
        self._most, self._per_second = float(per_minute), per_minute / 60
        self._most_known = most_known
        self._clock = clock
        self._who = who
        self._known: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, one: Hashable) -> None:
        """Count a request.

        Raises:
            TooManyRequestsError: There were too many of this one; it was not counted.
        """
        now = self._clock()
        left, then = self._known.get(one, (self._most, now))
        left = min(self._most, left + (now - then) * self._per_second)
        if left < 1:
            what = f"this {self._who} asks too often"
            raise TooManyRequestsError(what, retry_after=(1 - left) / self._per_second)
        self._known[one] = left - 1, now
        self._known.move_to_end(one)
        if len(self._known) > self._most_known:
            self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)


class Turns:
    """How many questions may be worked on, or wait, at once. For one event loop."""

    def __init__(self, most: int, *, what: str = "questions are asked at once") -> None:
        """Allow so many."""
        self._most = most
        self._what = what
        self.taken_now = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a turn for the length of a block.

        Raises:
            TooManyRequestsError: All are taken.
        """
        if self.taken_now >= self._most:
            raise TooManyRequestsError(f"too many {self._what}", retry_after=1)
        self.taken_now += 1
        try:
            yield
        finally:
            self.taken_now -= 1
