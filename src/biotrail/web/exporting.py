"""All answers to a question as a file, in pieces; the log tells of each before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final
from uuid import UUID

from biotrail.errors import QueryError
from biotrail.query import Record
from biotrail.query.asynchronous import in_thread
from biotrail.query.bulk import Bulk
from biotrail.web.access import Access, Scope
from biotrail.web.asked import Admitted, Asked, check_given
from biotrail.web.export_forms import Form, form_of
from biotrail.web.limiting import Turns
from biotrail.web.reading import RecordedReader

__all__ = ["Export", "Exports"]

_CHUNK: Final = 10_000
_AT_ONCE: Final = 4
_OF_ONE: Final = 2


class Exports:
    """All exports that are under way over one application."""

    def __init__(self, reader: RecordedReader) -> None:
        """Export from a log."""
        self.reader = reader
        self._turns = Turns(_AT_ONCE, what="exports are under way")
        self._of_readers: dict[UUID, Turns] = {}

    async def open(
        self,
        access: Access,
        asked: Asked,
        *,
        form: str,
        route: str,
        in_force: Callable[[], object] = lambda: None,
    ) -> Export:
        """Begin an export; nothing is handed out yet. End it with `Export.close`.

        Args:
            access: Who takes the records out.
            asked: Which, and which of their personal fields are shown.
            form: ``"jsonl"``, ``"csv"`` or ``"parquet"``.
            route: The route's template, for the record.
            in_force: Called before each piece; raises when the reader may no longer read.

        Raises:
            QueryError: There are more than one export may hold, which is recorded as the count that
                it tells; or it cannot be asked so.
            TooManyRequestsError: Too many exports are under way, or too many of this reader.
            BiotrailError: As of `RecordedReader`.
        """
        admitted = await self.reader.admit(access, asked, scope=Scope.EXPORT)
        with ExitStack() as stack:
            stack.enter_context(self._turn_of(access.reader))
            stack.enter_context(self._turns.taken())
            begun = await in_thread(self._begun, admitted, asked, form)
            if isinstance(begun, QueryError):
                await self.reader.record(access, admitted, route=route, rows=0)
                raise begun
            held = stack.pop_all()
            return Export(self.reader, access, admitted, *begun, route, held, in_force)

    @contextmanager
    def _turn_of(self, reader: UUID) -> Iterator[None]:
        """A turn of a reader: one that takes its exports slowly leaves others room for theirs."""
        turns = self._of_readers.setdefault(reader, Turns(_OF_ONE, what="exports of this reader"))
        try:
            with turns.taken():
                yield
        finally:
            if not turns.taken_now:
                self._of_readers.pop(reader, None)

    def _begun(self, admitted: Admitted, asked: Asked, form: str) -> tuple[Bulk, Form] | QueryError:
        """What is exported, and as what; or that it is too much, which tells how much it is."""
        log = self.reader.log.questions()
        if isinstance(asked.as_of, str):
            check_given(log, asked.as_of)
        bulk = log.bulk(admitted.condition, as_of=asked.as_of, opened=bool(admitted.shown))
        most = self.reader.settings.export_rows
        counted = bulk.checkpoint.size
        if admitted.condition is not None and counted > most:
            counted = log.count(admitted.condition, as_of=bulk.checkpoint)
        if counted > most:
            return QueryError(
                f"an export holds at most {most:,} records, and {counted:,} are asked for: ask for "
                "a part of them, e.g. by recorded >= and recorded <"
            )
        return bulk, form_of(form, admitted.shown, bulk.proven)


class Export:
    """One export.

    Attributes:
        form: What it is written as.
        size: Size of the checkpoint that every record is proven against.
    """

    def __init__(
        self,
        reader: RecordedReader,
        access: Access,
        admitted: Admitted,
        bulk: Bulk,
        form: Form,
        route: str,
        held: ExitStack,
        in_force: Callable[[], object],
    ) -> None:
        """Made by `Exports.open`."""
        self.form = form
        self.size = bulk.checkpoint.size
        self._reader = reader
        self._access = access
        self._admitted = admitted
        self._answers = iter(bulk)
        self._rest: list[Record] = []
        self._route = route
        self._held = held
        self._in_force = in_force
        self._working: asyncio.Future[tuple[list[bytes], int]] | None = None
        self._handed_out = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file. The next piece is made while the reader takes this one.

        Raises:
            BiotrailError: The log does not check out, or cannot be read or written; or the reader
                may no longer read. What was handed out is no whole file then.
        """
        self._begin_next()
        while True:
            assert self._working is not None
            written, rows = await asyncio.shield(self._working)
            await in_thread(self._in_force)  # a reader that takes its time has had hours, maybe
            if rows:
                self._begin_next()
            await self._recorded(rows)
            for one in written:
                yield one
            if not rows:
                return

    async def close(self) -> None:
        """End it: what is under way is waited for, and the turn is given to another."""
        working, self._working = self._working, None
        try:
            if working is not None:
                await asyncio.gather(working, return_exceptions=True)
        finally:
            self._held.close()

    def _begin_next(self) -> None:
        self._working = asyncio.ensure_future(in_thread(self._chunk))

    async def _recorded(self, rows: int) -> None:
        """Record what leaves now; where nothing is found, once, that it was looked for."""
        if not rows and self._handed_out:
            return
        self._handed_out += rows
        await self._reader.record(self._access, self._admitted, route=self._route, rows=rows)

    def _chunk(self) -> tuple[list[bytes], int]:
        """Up to so many records, written; none when there are no more, and what ends the file."""
        written: list[bytes] = []
        rows = 0
        for some in self._next(_CHUNK):
            written.append(self.form.records(some))
            rows += len(some)
        return (written, rows) if rows else ([self.form.end()], 0)

    def _next(self, most: int) -> Iterator[Sequence[Record]]:
        while most > 0:
            some: Sequence[Record] | None = self._rest
            if not some:
                some = next(self._answers, None)
            if some is None:
                return
            taken, self._rest = some[:most], list(some[most:])
            most -= len(taken)
            yield taken
