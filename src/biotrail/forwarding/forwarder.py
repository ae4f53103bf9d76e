"""The forwarder: records of a log to a sink, in order, at least once, from where it stopped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from biotrail._retrying import Backoff
from biotrail.errors import (
    ForwardingError,
    KeyProviderError,
    PositionError,
    SinkRefusedError,
    SinkUnavailableError,
    StoreBusyError,
    StoreUnavailableError,
)
from biotrail.forwarding.dead_letters import DeadLetters
from biotrail.forwarding.formats import Format, Message, find_format
from biotrail.forwarding.position import Position, PositionFile
from biotrail.forwarding.reading import LogSource, source_of
from biotrail.forwarding.redelivery import DeadLetterOffice
from biotrail.forwarding.sinks.base import Sink
from biotrail.forwarding.told import Forwarded, Lag
from biotrail.forwarding.waiting import Waits, Watching
from biotrail.query import RecordReader
from biotrail.stores import StoreReader

__all__ = ["Forwarder", "Waits"]

# What may be over soon: the receiver, the vault's keys, a store that another program holds.
_PASSING = (SinkUnavailableError, KeyProviderError, StoreBusyError, StoreUnavailableError)


class Forwarder(DeadLetterOffice):
    """Sends the records of one log to one sink.

    Delivery is at least once: the position moves only after the sink has taken a batch, so that a
    crash between the two sends the batch again. The position is bound to the log's origin and to
    the leaf hash of the last delivered entry, and each entry is held against the one before by the
    hash chain: a log that is another one, or was rolled back and grew anew, is refused. Whether the
    log verifies is for `biotrail.verify_log`. For one thread at a time.
    """

    def __init__(
        self,
        log: str | os.PathLike[str] | StoreReader | RecordReader,
        sink: Sink,
        *,
        position: str | os.PathLike[str] | PositionFile,
        format: str | Format = "ocsf",
        dead_letters: str | os.PathLike[str] | None = None,
        batch: int = 500,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set up a forwarder; nothing is read or sent yet.

        Args:
            log: A SQLite file, a store, or a `RecordReader`; with a reader that has the vault,
                personal fields are sent, without one they are absent.
            sink: Where records go; not closed with the forwarder.
            position: The file that keeps how far it has come; it begins at the first entry if there
                is none.
            format: A name of `FORMATS`, or a `Format`.
            dead_letters: A file for records that the sink refuses for good: their index, leaf hash
                and the reason, one JSON document a line; see `redeliver`. Without it such a record
                is an error, and nothing after it is sent.
            batch: How many records are delivered at once, at most.
            backoff: Waits between tries, for `run`.
            clock: Gives the time, for `lag`.

        Raises:
            ForwardingError: No such format, or a batch of none.
            StoreUnavailableError: There is no such log.
        """
        if not 1 <= batch <= 10_000:
            raise ForwardingError("a batch is 1 to 10,000 records")
        self._format = find_format(format)
        self._source: LogSource = source_of(log)
        self._sink, self._batch, self._clock = sink, batch, clock
        self._file = position if isinstance(position, PositionFile) else PositionFile(position)
        self._letters = None if dead_letters is None else DeadLetters(dead_letters, clock)
        self._backoff = backoff or Backoff()
        self._position: Position | None = None
        self._keeps = False  # whether a position was kept since the last failure to keep one

    @property
    def position(self) -> Position:
        """How far it has come.

        Raises:
            PositionError: What is kept is of another log, or cannot be read.
        """
        if self._position is None:
            kept = self._file.read() or Position(self._source.origin, 0)
            self._source.check(kept)
            self._position = kept
        return self._position

    @property
    def lag(self) -> Lag:
        """How far behind it is now, by the log's head. May be asked from any thread.

        Raises:
            PositionError: What is kept is of another log, or cannot be read.
        """
        position = self._position or self._file.read() or Position(self._source.origin, 0)
        if position.origin != self._source.origin:
            self._source.check(position)
        after, refused = position.next, len(self.dead_letters)
        behind = self._source.size - after
        if behind <= 0:
            return Lag(0, 0.0, refused)
        oldest = self._source.recorded(after)
        return Lag(behind, max(0.0, (self._clock() - oldest).total_seconds()), refused)

    def run_once(self) -> Forwarded:
        """Deliver what the log holds now, and return.

        Raises:
            SinkUnavailableError: The sink did not take a batch; what came before it is delivered.
            SinkRefusedError: It refuses a record, and there is no file for dead letters.
            PositionError: The position cannot be kept, or is of another log.
            VerificationError: An entry cannot be read, or does not follow the one before.
            KeyProviderError: The vault's key provider is out of reach.
        """
        delivered = refused = 0
        stop = self._source.size
        self._source.check(self.position)
        if self.position.next < stop and not self._keeps:
            # Where no position can be kept, each start would deliver the same batch once more.
            self._keep(self.position)
        while (start := self.position.next) < stop:
            views, after = self._source.read(self.position, min(start + self._batch, stop))
            messages = [self._format.message(one) for one in views]
            letters = self._deliver(messages)
            delivered, refused = delivered + len(messages) - letters, refused + letters
            self._keep(after)
        return Forwarded(delivered, refused, self.position.next)

    def run(
        self,
        stop: threading.Event,
        *,
        every: float = 1.0,
        wait: Waits | None = None,
        report: Callable[[Exception | Forwarded], object] | None = None,
    ) -> None:
        """Deliver what comes until it is stopped; what may pass (no answer, 503) is tried again.

        Args:
            stop: Set it to stop; a batch under way is finished.
            every: Seconds after which the log is looked at again in any case.
            wait: Waits between looks; if None, the log's store is watched, and a record is
                delivered as soon as it is there.
            report: Told of each run that delivered something, and of each failure that is tried
                again.

        Raises:
            ForwardingError: Trying again would change nothing; as `run_once`.
            VerificationError: As `run_once`.
        """
        with ExitStack() as stack:
            pause = wait or stack.enter_context(Watching(self._source, stop))
            failures = 0
            while not stop.is_set():
                try:
                    done = self.run_once()
                    if done.delivered or done.refused:
                        _tell(report, done)
                    failures = 0
                    pause(every)
                except _PASSING as error:
                    failures += 1
                    _tell(report, error)
                    stop.wait(self._backoff.wait(failures, asked=getattr(error, "after", None)))

    def close(self) -> None:
        """Close the log, if the forwarder opened it. May be called twice."""
        self._source.close()

    def __enter__(self) -> Forwarder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _deliver(self, messages: Sequence[Message]) -> int:
        """Deliver a batch; what is refused is sought by halves. Returns how many were refused."""
        try:
            self._sink.deliver(messages, self._format)
        except SinkRefusedError as error:
            if len(messages) == 1:
                self._bury(messages[0], error)
                return 1
            middle = len(messages) // 2
            return self._deliver(messages[:middle]) + self._deliver(messages[middle:])
        return 0

    def _bury(self, message: Message, error: SinkRefusedError) -> None:
        if self._letters is None:
            raise SinkRefusedError(
                f"entry {message.index} is refused for good: {error}. Name a file for dead letters "
                "to go on without it"
            ) from error
        self._letters.add(message, self._format, str(error))

    def _keep(self, after: Position) -> None:
        try:
            self._file.write(after)
        except PositionError:
            self._position, self._keeps = None, False  # what is kept is what counts
            raise
        self._position, self._keeps = after, True


def _tell(
    report: Callable[[Exception | Forwarded], object] | None, what: Exception | Forwarded
) -> None:
    if report is not None:
        report(what)
