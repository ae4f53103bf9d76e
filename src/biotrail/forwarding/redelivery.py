"""Records that were refused for good: told, sent once more, or given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from biotrail.errors import ForwardingError, PositionError, SinkRefusedError
from biotrail.forwarding.dead_letters import DeadLetter, DeadLetters
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.reading import LogSource
from biotrail.forwarding.sinks.base import Sink
from biotrail.forwarding.told import Redelivered

__all__ = ["DeadLetterOffice"]


class DeadLetterOffice:
    """What a forwarder does with dead letters."""

    _letters: DeadLetters | None
    _source: LogSource
    _sink: Sink
    _format: Format
    _batch: int

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Records that were refused for good, and neither delivered since nor dropped.

        Raises:
            PositionError: Their file cannot be read.
        """
        return () if self._letters is None else self._letters.read()

    def redeliver(self, indices: Collection[int] | None = None) -> Redelivered:
        """Send dead letters once more, once the receiver takes them, or in another format.

        Delivery is at least once here too, and out of the log's order. What they say is read from
        the log as it is now: what was erased since is not sent. What is refused again stays.

        Args:
            indices: Those of these records; None for all.

        Raises:
            ForwardingError: No file for dead letters was named, or it has none of such a record.
            PositionError: They are of another log, or cannot be read; nothing was sent. Or it could
                not be noted what was delivered.
            SinkUnavailableError: The sink did not take them; what came before is delivered.
        """
        letters = self._letters_named()
        messages = self._messages(letters, letters.chosen(indices))
        delivered = 0
        for start in range(0, len(messages), self._batch):
            delivered += self._try_again(letters, messages[start : start + self._batch])
        return Redelivered(delivered, len(messages) - delivered)

    def drop(self, index: int, reason: str) -> None:
        """Give a dead letter up; the file says when and why.

        Args:
            index: The record's index.
            reason: Why, in your words.

        Raises:
            ForwardingError: No file for dead letters was named, it has none of this record, or the
                reason is empty.
            PositionError: The file cannot be read or written.
        """
        self._letters_named().drop(index, reason)

    def _letters_named(self) -> DeadLetters:
        if self._letters is None:
            raise ForwardingError("no file for dead letters was named: give dead_letters")
        return self._letters

    def _messages(self, letters: DeadLetters, waiting: Sequence[DeadLetter]) -> list[Message]:
        for letter in waiting:
            if letter.origin != self._source.origin:
                raise PositionError(
                    f"{letters.path} is of the log {letter.origin!r}, and this is "
                    f"{self._source.origin!r}: nothing is sent"
                )
        views = self._source.at([one.index for one in waiting])
        for letter, view in zip(waiting, views, strict=True):
            if view.leaf_hash != letter.leaf_hash:
                raise PositionError(
                    f"entry {letter.index} is another than the one that was refused: it is another "
                    "log with the same name, or it was rolled back and grew anew. Nothing is sent"
                )
        return [self._format.message(one) for one in views]

    def _try_again(self, letters: DeadLetters, messages: Sequence[Message]) -> int:
        """Deliver some; what is refused is sought by halves. Returns how many were delivered."""
        try:
            self._sink.deliver(messages, self._format)
        except SinkRefusedError as error:
            if len(messages) == 1:
                letters.add(messages[0], self._format, str(error))
                return 0
            middle = len(messages) // 2
            first, second = messages[:middle], messages[middle:]
            return self._try_again(letters, first) + self._try_again(letters, second)
        letters.delivered(messages, self._format)
        return len(messages)
