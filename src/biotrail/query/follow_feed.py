"""What all followers of one log share in a process: one thread that looks, one set of records.

The thread waits for commits, checks that the log goes on, reads what is new once for everybody, and
wakes who waits. Followers pull: each takes records in its own time, from the newest ones, which are
kept, or from blocks that are read again from the store. Nobody waits for a follower, and what is
kept does not grow with their number.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from time import monotonic, sleep
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from biotrail.errors import BiotrailError, ClosedError, ForkedProcessError, StoreError
from biotrail.stores.watching import Watch

__all__ = ["Failure", "Feed", "Source", "Stretch", "Waiter"]

_Found = TypeVar("_Found")
_Key = TypeVar("_Key")
_Shared = TypeVar("_Shared")
_Found_co = TypeVar("_Found_co", covariant=True)

NEWEST = 1_024
"""How many of the newest records are kept, once they have been read; for a while twice as many."""
BLOCKS = 16_384
"""How many older records are kept for those who lag, all blocks together."""
LARGEST_BLOCK = 256
_AT_ONCE = 256
_LOOK_AGAIN = 1.0
_AFTER_FAILURE = 0.25
# The more are woken and the more came at once, the longer until it is looked again: each look and
# each wake-up then serves many records. The time from record to follower is a little longer, and
# the writer, which shares an interpreter with them, keeps its processor.
_REST, _REST_EACH, _REST_A_RECORD, _LONGEST_REST = 0.002, 0.0002, 0.001, 0.025


class Source(Protocol[_Found_co]):
    """Where records come from. One thread at a time uses it."""

    def advance(self) -> int:
        """How many entries are acknowledged now, after a check that the log goes on.

        Raises:
            BiotrailError: It does not, or it cannot be read.
        """
        ...

    def read(self, start: int, stop: int) -> tuple[Sequence[_Found_co], BiotrailError | None]:
        """The records of a range that is acknowledged; up to one that cannot be read, and why."""
        ...


class Waiter(Protocol):
    """Somebody who waits for records."""

    def wake(self) -> int:
        """Wake it; called from any thread, must neither block nor fail.

        Returns:
            How many followers that wakes.
        """
        ...


class Stretch(NamedTuple, Generic[_Found]):
    """Records that follow one another.

    Attributes:
        first: Index of the first.
        records: The records; more may be added at the end.
    """

    first: int
    records: Sequence[_Found]


class Failure(NamedTuple):
    """What the feed could not get over.

    Attributes:
        number: How many there were before, and this one.
        error: What happened.
    """

    number: int
    error: BiotrailError


class Feed(Generic[_Found]):
    """Reads a log for all who follow it.

    Attributes:
        source: Where they come from.
        newest: The newest records that were read.
        failure: Why there are no newer ones, while that lasts.
    """

    def __init__(
        self, source: Source[_Found], watch: Callable[[], Watch], *, kept: int = BLOCKS
    ) -> None:
        """Nothing is read, and no thread runs, until somebody follows.

        Args:
            source: Where records come from.
            watch: Makes the watch that tells of commits.
            kept: How many older records are kept for those who lag.
        """
        self.source = source
        self._make_watch = watch
        self._kept = kept
        self._process = os.getpid()
        self._reading = threading.Lock()  # whoever holds it uses the source
        self._mutex = threading.Lock()  # guards what follows; nothing is waited for under it
        self._followers: WeakSet[Any] = WeakSet()
        self._waiters: set[Waiter] = set()
        self._shared: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._blocks: OrderedDict[tuple[int, int], Sequence[_Found]] = OrderedDict()
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._hungry = False
        self._failures = 0
        self._size = 0
        self.newest: Stretch[_Found] = Stretch(0, [])
        self.failure: Failure | None = None

    @property
    def size(self) -> int:
        """How many entries were acknowledged when it was last looked."""
        return self._size

    @property
    def is_usable(self) -> bool:
        """Whether it can be followed: it is not closed, and of this process."""
        return not self._closed and self._process == os.getpid()

    def notify(self) -> None:
        """Something was committed; called by the writer, which must not wait."""
        watch = self._watch
        if watch is not None:
            watch.wake()

    def join(self, follower: object) -> int:
        """Take in a follower; returns how many entries are acknowledged now.

        Raises:
            BiotrailError: The log does not check out, or cannot be read.
        """
        self.check_usable(None)
        with self._reading:
            size = self.source.advance()
            with self._mutex:
                self.check_usable(None)
                if not self._followers:
                    self.newest = Stretch(size, [])
                self._size = max(size, self._size)
                self._followers.add(follower)
                self._start()
        return size

    def leave(self, follower: object) -> None:
        """A follower goes; with the last one the thread ends."""
        if self._process != os.getpid():
            return
        with self._mutex:
            self._followers.discard(follower)
            thread = None if self._followers else self._thread
        if thread is not None and thread is not threading.current_thread():
            self.notify()
            thread.join(_LOOK_AGAIN * 5)

    def close(self) -> None:
        """End the thread, and wake everybody: they get a `ClosedError`."""
        if self._process != os.getpid():
            return
        with self._mutex:
            self._closed, thread = True, self._thread
            self._blocks.clear()
        self._wake()
        if thread is not None and thread is not threading.current_thread():
            self.notify()
            thread.join(_LOOK_AGAIN * 5)

    def check_usable(self, position: int | None) -> None:
        """See that there is something to wait for.

        Raises:
            ForkedProcessError: This is a forked child.
            ClosedError: The log was closed.
        """
        again = "" if position is None else f": follow it again from index {position}"
        if self._process != os.getpid():
            raise ForkedProcessError(
                f"the log is followed in process {self._process}, not in its child {os.getpid()}"
                f"{again}"
            )
        if self._closed:
            raise ClosedError(f"the log that was followed is closed{again}")

    def await_more(self, waiter: Waiter, position: int) -> bool:
        """Have a waiter woken as soon as there may be a record at a position.

        Returns:
            Whether it will be woken; there may be something already.
        """
        with self._mutex:
            first, records = self.newest
            if self._closed or position < first + len(records):
                return False
            self._waiters.add(waiter)
            hungry, self._hungry = self._hungry, True
        if not hungry and position < self._size:
            self.notify()
        return True

    def await_no_more(self, waiter: Waiter) -> None:
        """Forget a waiter."""
        with self._mutex:
            self._waiters.discard(waiter)

    def shared_waiter(self, key: _Key, make: Callable[[_Key], _Shared]) -> _Shared:
        """The waiter that all who have the same key share, made by the first; forgotten with it."""
        with self._mutex:
            found: _Shared | None = self._shared.get(key)
            if found is None:
                found = self._shared[key] = make(key)
            return found

    def block(self, position: int) -> Stretch[_Found]:
        """Records from a position on that is acknowledged and no longer among the newest.

        Blocks are the smaller the more follow, so that each may have one of its own, and everybody
        who is at the same place shares one.

        Raises:
            BiotrailError: The record at the position cannot be read.
        """
        span = LARGEST_BLOCK
        while span > 1 and span * len(self._followers) > self._kept:
            span //= 2
        number = position // span
        if (known := self._known(span, number)) is not None:
            return Stretch(number * span, known)
        with self._reading:
            self.check_usable(position)
            if (known := self._known(span, number)) is not None:  # another one was faster
                return Stretch(number * span, known)
            start, stop = number * span, min((number + 1) * span, self._size)
            records, error = self.source.read(start, stop)
            if position >= start + len(records) and position > start:
                # What cannot be read lies before: it is nothing to who begins behind it.
                start = position
                records, error = self.source.read(start, stop)
        if error is not None and not records:
            raise error
        if len(records) == span:
            self._keep(span, number, records)
        return Stretch(start, records)

    def _known(self, span: int, number: int) -> Sequence[_Found] | None:
        with self._mutex:
            found = self._blocks.get((span, number))
            if found is not None:
                self._blocks.move_to_end((span, number))
            return found

    def _keep(self, span: int, number: int, records: Sequence[_Found]) -> None:
        with self._mutex:
            self._blocks[span, number] = records
            most = max(1, self._kept // span)
            while len(self._blocks) > most or next(iter(self._blocks))[0] != span:
                self._blocks.popitem(last=False)

    def _start(self) -> None:
        if self._thread is None:
            self._watch = self._make_watch()
            self._thread = threading.Thread(
                target=self._run, args=(self._watch,), name="biotrail-feed", daemon=True
            )
            try:
                self._thread.start()
            except BaseException:
                self._thread = self._watch = None
                raise

    def _run(self, watch: Watch) -> None:
        with closing(watch):
            while self._is_needed():
                try:
                    if watch.wait(_LOOK_AGAIN) or self.failure is not None or self._hungry:
                        self._advance()
                except BiotrailError as error:
                    self._fail(error)
                except Exception as error:  # of something that the host gave, such as its store
                    self._fail(StoreError(f"following failed: {type(error).__name__}: {error}"))

    def _is_needed(self) -> bool:
        with self._mutex:
            if self._thread is not threading.current_thread():
                return False
            if self._followers and not self._closed:
                return True
            self._thread = self._watch = None
            self._hungry, self.newest = False, Stretch(0, [])
            return False

    def _advance(self) -> None:
        """Read what is new, if somebody waits for it, and wake everybody who does."""
        with self._reading:
            size = self.source.advance()
        with self._mutex:
            self._size = size
            first, records = self.newest
            hungry = self._hungry
        self.failure = None
        start = first + len(records)
        if not hungry:
            return  # nobody has got so far yet: whoever does asks for it
        came = size - start
        if came > NEWEST:
            self._publish(Stretch(size, []))  # more than is kept: it is read in blocks
            return
        while start < size:
            with self._reading:
                some, error = self.source.read(start, min(start + _AT_ONCE, size))
            start += len(some)
            woken = self._publish(self._extended(some), hungry=start < size)
            if error is not None:
                raise error
            if start >= size:
                rest = _REST + _REST_EACH * woken + _REST_A_RECORD * (came - 1)
                sleep(min(rest, _LONGEST_REST))

    def _extended(self, some: Sequence[_Found]) -> Stretch[_Found]:
        first, records = self.newest
        if len(records) + len(some) <= 2 * NEWEST:
            records.extend(some)  # type: ignore[attr-defined] # this thread made the list
            return self.newest
        dropped = max(0, len(records) + len(some) - NEWEST)
        return Stretch(first + dropped, [*records[dropped:], *some])

    def _publish(self, newest: Stretch[_Found], *, hungry: bool = False) -> int:
        with self._mutex:
            self.newest, self._hungry = newest, hungry
        return self._wake()

    def _wake(self) -> int:
        with self._mutex:
            waiters, self._waiters = self._waiters, set()
        return sum(waiter.wake() for waiter in waiters)

    def _fail(self, error: BiotrailError) -> None:
        self._failures += 1
        self.failure = Failure(self._failures, error)
        self._wake()
        again = monotonic() + _AFTER_FAILURE
        while monotonic() < again and self._is_needed():
            sleep(_REST)
