"""The forms of an export: JSON Lines, CSV and Parquet, each written piece by piece."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from biotrail.errors import QueryError
from biotrail.query import Record
from biotrail.web.export_rows import Proven, columns_of, json_lines, row_of

__all__ = ["FORMS", "Form", "form_of", "guarded"]

_CHARGED: Final = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_PARTS: Final = frozenset(";\t\r\n")
_LATER: Final = re.compile(rf"(?<=[;\t\r\n])(?=[{re.escape(_CHARGED)}])")
_ROW_GROUP: Final = 10_000
_TIMES: Final = ("recorded", "occurred")
_NUMBERS: Final = ("index", "threshold_micro")


class Form(Protocol):
    """Writes records.

    Attributes:
        media_type: The media type.
        suffix: How the name of a file with it ends.
    """

    media_type: str
    suffix: str

    def records(self, records: Sequence[Record]) -> bytes:
        """The bytes of some more records, and of what comes before the first of them."""
        ...

    def end(self) -> bytes:
        """The bytes after the last record."""
        ...


class JsonLines:
    """One record a line, each as the API shows it."""

    media_type = "application/jsonl"
    suffix = "jsonl"

    def __init__(self, revealed: tuple[str, ...], proven: Proven) -> None:
        """Show these personal fields."""
        self._revealed = revealed
        self._proven = proven

    def records(self, records: Sequence[Record]) -> bytes:
        """Lines."""
        return json_lines(records, self._revealed, self._proven)

    def end(self) -> bytes:
        """Nothing."""
        return b""


class Csv:
    """Rows as RFC 4180 has them, in UTF-8, after a row of names.

    Cells that a spreadsheet would take for a formula begin with an apostrophe instead.
    """

    media_type = "text/csv"
    suffix = "csv"

    def __init__(self, revealed: tuple[str, ...], proven: Proven) -> None:
        """Show these personal fields."""
        self._revealed = revealed
        self._proven = proven
        self._begun = False

    def records(self, records: Sequence[Record]) -> bytes:
        """Rows."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        self._begin(writer)
        revealed, proven = self._revealed, self._proven
        writer.writerows(
            [guarded(cell) for cell in row_of(one, revealed, proven)] for one in records
        )
        return text.getvalue().encode("utf-8")

    def end(self) -> bytes:
        """The names, where there was no row."""
        text = io.StringIO(newline="")
        self._begin(csv.writer(text, lineterminator="\r\n"))
        return text.getvalue().encode("utf-8")

    def _begin(self, writer: Any) -> None:
        if not self._begun:
            self._begun = True
            writer.writerow(columns_of(self._revealed))


class Parquet:
    """Row groups of a file of Parquet, compressed with Zstandard."""

    media_type = "application/vnd.apache.parquet"
    suffix = "parquet"

    def __init__(self, revealed: tuple[str, ...], proven: Proven) -> None:
        """Show these personal fields.

        Raises:
            QueryError: pyarrow is not installed.
        """
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise QueryError(
                "Parquet is not exported here, as pyarrow is not installed: ask for jsonl or csv "
                "(for whoever runs this: pip install 'biotrail[parquet]')"
            ) from None
        self._arrow = pyarrow
        self._revealed = revealed
        self._proven = proven
        self._columns = columns_of(revealed)
        self._schema = pyarrow.schema([(name, self._type(name)) for name in self._columns])
        self._rows: list[list[Any]] = []
        self._sink = _Sink()
        self._writer = pyarrow.parquet.ParquetWriter(
            pyarrow.PythonFile(self._sink, mode="w"), self._schema, compression="zstd"
        )

    def _type(self, name: str) -> Any:
        if name in _TIMES:
            return self._arrow.timestamp("us", tz="UTC")
        return self._arrow.int64() if name in _NUMBERS else self._arrow.string()

    def records(self, records: Sequence[Record]) -> bytes:
        """A row group, once there are enough rows for one."""
        revealed, proven = self._revealed, self._proven
        self._rows += [row_of(one, revealed, proven) for one in records]
        return self._row_group() if len(self._rows) >= _ROW_GROUP else b""

    def end(self) -> bytes:
        """The last row group, and the footer."""
        last = self._row_group() if self._rows else b""
        self._writer.close()
        return last + self._sink.taken()

    def _row_group(self) -> bytes:
        rows, self._rows = self._rows, []
        arrays = [
            self._arrow.array([_as(name, row[at]) for row in rows], type=self._type(name))
            for at, name in enumerate(self._columns)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """Takes what is written, until it is taken out."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Take some bytes."""
        some = bytes(data)
        self._written.append(some)
        self._position += len(some)
        return len(some)

    def tell(self) -> int:
        """How many bytes were written in all."""
        return self._position

    def taken(self) -> bytes:
        """What was written since the last time."""
        written, self._written = self._written, []
        return b"".join(written)


FORMS: Final = {one.suffix: one for one in (JsonLines, Csv, Parquet)}


def form_of(name: str, revealed: tuple[str, ...], proven: Proven) -> Form:
    """The form of a name.

    Raises:
        QueryError: There is none, or what it needs is not installed.
    """
    if name not in FORMS:
        raise QueryError(f"records are exported as {', '.join(FORMS)}, not as {name[:32]!r}")
    made: Form = FORMS[name](revealed, proven)
    return made


def guarded(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection).

    Where the decimal sign is a comma, spreadsheets part cells by semicolons, and take quotation
    marks in the midst of a line for text: what follows a semicolon or a line break begins a cell.
    """
    if type(cell) is not str or not cell:
        return cell
    if not _PARTS.isdisjoint(cell):
        cell = _LATER.sub("'", cell)
    return f"'{cell}" if cell[0] in _CHARGED else cell


def _as(name: str, value: Any) -> Any:
    if value is None or name in _NUMBERS:
        return value
    return datetime.fromisoformat(value) if name in _TIMES else str(value)
