"""Following the log over HTTP: each record once and in order, as server-sent events.

A tail takes records when its reader has taken those before, so that a slow one holds a few hundred
at most and nobody else up. The log tells when it was opened, how many records were handed out
(every 1,000, or every 15 minutes), and when it ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final
from uuid import UUID

import attrs

from biotrail.errors import (
    BiotrailError,
    ClosedError,
    QueryError,
    RolledBackError,
    TooManyRequestsError,
)
from biotrail.query import AsyncFollower, VerifiedEntry
from biotrail.web.access import Access
from biotrail.web.asked import Admitted, Asked
from biotrail.web.problems import problem_of
from biotrail.web.reading import RecordedReader
from biotrail.web.tail_events import READ_ACTION, READ_KIND, Frames, Sieve

__all__ = ["Tail", "Tails"]

_log = logging.getLogger("biotrail.web")
_AT_ONCE: Final = 256
_ROWS_A_RECORD: Final = 1_000
_SECONDS_A_RECORD: Final = 900.0
_REST_EACH: Final = 0.001
_LONGEST_REST: Final = 0.1
_AGAIN: Final = b"retry: 2000\n\n"


class Tails:
    """All who follow a log over one application."""

    def __init__(self, reader: RecordedReader, *, keep_alive: float = 15.0) -> None:
        """Follow a log.

        Args:
            reader: The door to the log.
            keep_alive: After how many seconds without a record something is sent all the same.
        """
        self.reader = reader
        self.keep_alive = keep_alive
        self._open: set[Tail] = set()
        self._counted: Counter[UUID] = Counter()
        self.frames = Frames()
        self._ended = False

    def __len__(self) -> int:
        return len(self._open)

    async def open(
        self,
        access: Access,
        asked: Asked,
        *,
        start: int | None = None,
        route: str,
        in_force: Callable[[], object] = lambda: None,
    ) -> Tail:
        """Begin to follow; recorded before this returns. Close it with `Tail.close`.

        Args:
            access: Who follows.
            asked: Which records, and which of their personal fields are shown.
            start: Index of the first record; None for those to come.
            route: The route's template, for the record.
            in_force: Called now and then; raises when the reader may no longer read.

        Raises:
            TooManyRequestsError: Too many follow already; or this reader does too often.
            QueryError: The log has not got that far, or it cannot be asked so.
            BiotrailError: As of `RecordedReader`.
        """
        admitted = await self.reader.admit(access, asked)
        self._take_place(access)
        tail = None
        try:
            own = None if _names_reads(admitted) else access.reader.bytes
            sieve = Sieve(self.frames, own, admitted.shown)
            follower = self.reader.log.afollow(start=start, where=admitted.condition)
            tail = Tail(self, access, admitted, follower, route, sieve, in_force)
            try:
                await follower.__aenter__()
            except RolledBackError as error:
                raise QueryError(str(error)) from error
            await tail.record("opened")
        except BaseException:
            self._give_place(access)
            if tail is not None:
                await tail.follower.aclose()
            raise
        self._open.add(tail)
        return tail

    async def end(self) -> None:
        """End all of them, for good; what they handed out is recorded."""
        self._ended = True
        await asyncio.gather(*(one.close() for one in tuple(self._open)))

    def closed(self, tail: Tail) -> None:
        """A tail has ended; its place is free."""
        if tail in self._open:
            self._open.discard(tail)
            self._give_place(tail.access)

    @property
    def rest(self) -> float:
        """For how many seconds a tail rests between pieces: the longer, the more there are.

        What comes meanwhile goes in one piece, and the writer keeps its processor.
        """
        return min(_REST_EACH * len(self._open), _LONGEST_REST)

    def _take_place(self, access: Access) -> None:
        settings = self.reader.settings
        if self._ended or self._counted.total() >= settings.most_tails:
            raise TooManyRequestsError("too many follow the log", retry_after=10)
        if self._counted[access.reader] >= settings.most_tails_of_one:
            raise TooManyRequestsError("this reader follows the log too often", retry_after=10)
        self._counted[access.reader] += 1

    def _give_place(self, access: Access) -> None:
        self._counted[access.reader] -= 1
        if self._counted[access.reader] <= 0:
            del self._counted[access.reader]


@attrs.define(eq=False)
class Tail:
    """One who follows. One task iterates over `events`.

    Attributes:
        access: Who it is.
        follower: Where it stands.
    """

    _tails: Tails
    access: Access
    _admitted: Admitted
    follower: AsyncFollower[VerifiedEntry]
    _route: str
    _sieve: Sieve
    _in_force: Callable[[], object]
    _unrecorded: int = 0
    _recorded_at: float = 0.0
    _closed: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events: records with their index as id, and comments while there are none."""
        yield _AGAIN
        checked = _ticking()
        try:
            while not self.is_closed:
                found = await self.follower.take(_AT_ONCE, timeout=self._tails.keep_alive)
                if _ticking() - checked >= self._tails.keep_alive:
                    checked = _ticking()
                    self._in_force()
                shown = self._sieve.shown(found)
                if shown:
                    yield await self._handed_out(shown)
                elif not found and not self.is_closed:
                    yield self._still_here()
                if 0 < len(found) < _AT_ONCE:
                    await asyncio.sleep(self._tails.rest)
        except ClosedError:
            return  # the log is closed: the reader comes again, to whoever opens it next
        except BiotrailError as error:
            yield b"event: problem\ndata: " + bytes(problem_of(error).body) + b"\n\n"

    async def record(self, what: str | None = None) -> None:
        """Record what was handed out since the last time."""
        rows, self._unrecorded = self._unrecorded, 0
        self._recorded_at = _ticking()
        route = self._route if what is None else f"{self._route} {what}"
        await self._tails.reader.record(self.access, self._admitted, route=route, rows=rows)

    async def close(self) -> None:
        """Follow no more, give the place to another, and record the end. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._tails.closed(self)
        await self.follower.aclose()
        try:
            await self.record("ended")
        except BiotrailError as error:
            _log.error("the end of a tail was not recorded: %s", type(error).__name__)

    async def _handed_out(self, shown: list[bytes]) -> bytes:
        self._unrecorded += len(shown)
        long_ago = _ticking() - self._recorded_at >= _SECONDS_A_RECORD
        if self._unrecorded >= _ROWS_A_RECORD or long_ago:
            await self.record()
        return b"".join(shown)

    def _still_here(self) -> bytes:
        """A comment; and up to where nothing was asked for, so that nobody looks there again."""
        position, held = self.follower.position, self._sieve.held
        position = position if held is None else held
        return b": nothing new\n" + (b"id: %d\n\n" % (position - 1) if position else b"\n")


def _names_reads(admitted: Admitted) -> bool:
    """Whether a condition names reads, so that they are what is wanted."""
    text = str(admitted.condition)
    return READ_ACTION in text or READ_KIND in text


def _ticking() -> float:
    return asyncio.get_running_loop().time()
