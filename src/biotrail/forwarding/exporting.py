"""The records of a log as lines, for a file or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

from biotrail.forwarding.formats import Format, find_format
from biotrail.forwarding.reading import place_of
from biotrail.forwarding.view import RecordView
from biotrail.query import RecordReader, Where

__all__ = ["export_lines"]


def export_lines(
    reader: RecordReader,
    *,
    format: str | Format = "jsonl",
    where: Where | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[str]:
    """Records as lines without their ends, oldest first, read as they are asked for.

    All name the checkpoint that the log had when this began: records that come later are left out.

    Args:
        reader: The log; personal fields are told where the reader opens them.
        format: A name of `FORMATS`, or a `Format`.
        where: Which records are asked for, by what is in the clear.
        start: The first index.
        stop: One after the last index; the end of the log if None.

    Raises:
        ForwardingError: No such format.
        VerificationError: An entry cannot be read.
        KeyProviderError: The vault's key provider is out of reach.
    """
    how, place = find_format(format), place_of(reader)
    stop = place.size if stop is None else min(stop, place.size)
    return (
        how.line(RecordView(record, place)) for record in reader.records(start, stop, where=where)
    )
