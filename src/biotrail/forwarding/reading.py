"""The log as a forwarder reads it: records in order, each held against the one before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

import attrs

from biotrail.canonical import decode_entry
from biotrail.errors import AlteredError, MissingError, PositionError
from biotrail.forwarding.position import Position
from biotrail.forwarding.view import Place, RecordView
from biotrail.query import RecordReader, open_records
from biotrail.stores import StoreReader
from biotrail.stores.watching import Watch, watch_store

__all__ = ["LogSource", "place_of", "source_of"]


def source_of(log: str | os.PathLike[str] | StoreReader | RecordReader) -> LogSource:
    """The log that was given, opened if it is a file."""
    if isinstance(log, RecordReader):
        return LogSource(log, owned=False)
    return LogSource(open_records(log), owned=True)


@attrs.define
class LogSource:
    """One log, read from a position on."""

    _reader: RecordReader
    _owned: bool = attrs.field(kw_only=True)

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self._reader.origin

    @property
    def size(self) -> int:
        """How many entries it has now."""
        return self._reader.size

    def recorded(self, index: int) -> datetime:
        """When an entry was recorded. From any thread, as a store is: no reader is asked."""
        for _, data, _ in self._reader.store.raw_entries(index, index + 1):
            return decode_entry(data).recorded
        raise MissingError(f"entry {index} is missing", index=index)

    def check(self, position: Position) -> None:
        """See that a position is of this log, and that the log still has what was delivered.

        Raises:
            PositionError: It is not.
        """
        if position.origin != self.origin:
            raise PositionError(
                f"the position is of the log {position.origin!r}, and this is {self.origin!r}: "
                "nothing is sent"
            )
        if position.next > self.size:
            raise PositionError(
                f"{position.next} records were delivered, and the log has {self.size}: it was "
                "rolled back. Nothing is sent; verify it against a checkpoint that you kept"
            )
        if position.next == 0:
            return
        last = self._reader.record(position.next - 1)
        if last.leaf_hash != position.leaf_hash:
            raise PositionError(
                f"entry {last.index} is another than the one that was delivered: it is another log "
                "with the same name, or it was rolled back and grew anew. Nothing is sent"
            )

    def read(self, position: Position, stop: int) -> tuple[list[RecordView], Position]:
        """The records from a position on, and the position after them.

        Raises:
            AlteredError: One does not follow the one before.
        """
        place, last = place_of(self._reader), position.leaf_hash or bytes(32)
        found = []
        for record in self._reader.records(position.next, stop):
            if record.entry.prev != last:
                raise AlteredError(
                    f"entry {record.index} does not follow the one before: verify the log",
                    index=record.index,
                    expected=last,
                    found=record.entry.prev,
                )
            last = record.leaf_hash
            found.append(RecordView(record, place))
        return found, Position(position.origin, position.next + len(found), last)

    def at(self, indices: Sequence[int]) -> list[RecordView]:
        """The records at some indices.

        Raises:
            PositionError: The log has not got that far.
        """
        beyond = max(indices, default=-1)
        if beyond >= self.size:
            raise PositionError(
                f"entry {beyond} was refused once, and the log has {self.size}: it was rolled "
                "back. Nothing is sent; verify it against a checkpoint that you kept"
            )
        place = place_of(self._reader)
        return [RecordView(self._reader.record(one), place) for one in indices]

    def watch(self) -> Watch:
        """Tells when the log may have grown; to be closed by the thread that waits."""
        return watch_store(self._reader.store)

    def close(self) -> None:
        """Close the log, if it was opened here."""
        if self._owned:
            self._reader.close()


def place_of(reader: RecordReader) -> Place:
    """The log's name and its last checkpoint as it is now; not verified.

    Raises:
        MissingError: The log is empty.
        MalformedError: What lies there is no checkpoint.
    """
    checkpoint = reader.last_checkpoint()
    return Place(reader.origin, checkpoint.size, checkpoint.root)
