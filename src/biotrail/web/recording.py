"""Every read of the log over the web is recorded before its answer leaves.

Each question is held to what its reader may see; what was asked, by whom, for which purpose and
with how many records as the answer is written into the log; and only then the answer is handed
out. If it cannot be recorded, nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from biotrail.audit import AuditLogger
from biotrail.errors import BiotrailError
from biotrail.query import LogQuery
from biotrail.query.asynchronous import in_thread
from biotrail.web.access import Access, Scope
from biotrail.web.asked import Admitted, Asked, admit, check_given
from biotrail.web.limiting import Turns
from biotrail.web.settings import WebSettings

__all__ = ["Known", "Recording"]

_Answer = TypeVar("_Answer")
Known: TypeAlias = Callable[[_Answer], bool] | None


class Recording:
    """Asks a log, and records that it did; see `RecordedReader`.

    Every method takes who reads, what it asks, and the template of the route (or the name of what
    asks), as the log is to tell it. ``known`` is called with the answer, in the thread that found
    it, and says whether the reader has it already: then no rows are recorded, and the caller hands
    out nothing but that. Every method raises:

    - `ForbiddenError`: the reader may not ask this, or gave no reason where one is needed;
    - `QueryError`: it cannot be asked so;
    - `TooManyRequestsError`: too many questions wait;
    - `NotRecordedError` and others of the log's: the read could not be recorded, and nothing is
      handed out;
    - `VerificationError`, `SignatureError`: the log does not check out where it was read.
    """

    def __init__(self, log: AuditLogger, settings: WebSettings | None = None) -> None:
        """Read a log.

        Args:
            log: The log, open for recording; with its vault, if it has one.
            settings: The limits.
        """
        self.log = log
        self.settings = WebSettings() if settings is None else settings
        self._turns = Turns(self.settings.most_at_once)

    async def admit(
        self,
        access: Access,
        asked: Asked,
        *,
        scope: Scope = Scope.READ,
        besides: tuple[str, ...] = (),
    ) -> Admitted:
        """Say whether a question may be asked, and what of it is recorded. Reads no record.

        For what answers piece by piece: hand each piece out after `record` has returned.

        Args:
            access: Who asks.
            asked: What is asked.
            scope: The scope that it needs.
            besides: Fields that are counted besides.
        """
        access.require(scope)
        return await in_thread(self._admit, access, asked, besides)

    async def record(self, access: Access, admitted: Admitted, *, route: str, rows: int) -> None:
        """Record that a question, or a piece of its answer, is answered now."""
        await self.log.arecord_read(
            reader=access.reader,
            name=access.name,
            tenant=access.tenant,
            purpose=admitted.purpose,
            route=route,
            rows=rows,
            query=admitted.told,
            revealed=admitted.revealed,
            reason=admitted.reason,
        )

    async def _answer(
        self,
        access: Access,
        asked: Asked,
        ask: Callable[[LogQuery, Admitted], tuple[_Answer | BiotrailError, int]],
        *,
        route: str,
        scope: Scope = Scope.READ,
        besides: tuple[str, ...] = (),
        told: str | None = None,
        known: Known[_Answer] = None,
    ) -> _Answer:
        """Ask, record, and only then answer."""
        access.require(scope)

        def work() -> tuple[_Answer | BiotrailError, int, Admitted]:
            admitted = self._admit(access, asked, besides, told)
            # What nobody is to see need not be opened.
            log = self.log.questions(opened=bool(admitted.revealed))
            if isinstance(asked.as_of, str):
                check_given(log, asked.as_of)
            try:
                answer, rows = ask(log, admitted)
            except BiotrailError as error:
                if not admitted.revealed:
                    raise
                return error, 0, admitted  # that a field is not there is an answer too
            if isinstance(answer, BiotrailError):
                return answer, rows, admitted
            has = known is not None and known(answer)
            return answer, 0 if has else rows, admitted

        with self._turns.taken():
            answer, rows, admitted = await in_thread(work)
            await self.record(access, admitted, route=route, rows=rows)
        if isinstance(answer, BiotrailError):
            raise answer
        return answer

    def _admit(
        self,
        access: Access,
        asked: Asked,
        besides: tuple[str, ...] = (),
        told: str | None = None,
    ) -> Admitted:
        return admit(
            self.log.questions(opened=False),
            access,
            asked,
            self.settings,
            besides=besides,
            told=told,
        )
