"""The one door from the web to a log: what may be asked of it; each question is recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import attrs

from biotrail.errors import NoSuchRecordError, QueryError
from biotrail.query import FacetValue, LogQuery, TimeBucket
from biotrail.query.engine import AsOf
from biotrail.query.terms import Compare
from biotrail.signing import SignedCheckpoint
from biotrail.tlog import ProofFile
from biotrail.trust import Admission
from biotrail.web.access import Access, Scope
from biotrail.web.asked import Admitted, Asked, check_bounds
from biotrail.web.recording import Known, Recording
from biotrail.web.shapes import Shown, ShownPage

__all__ = ["Asked", "LogStatus", "RecordedReader"]

_Answer = TypeVar("_Answer")
_FACETS = ("action", "outcome", "decision", "modality", "reason", "matcher")


@attrs.frozen
class LogStatus:
    """What a log is at the moment.

    Attributes:
        origin: Its name.
        checkpoint: Its newest signed checkpoint: verified, as far as it was read here.
        first_key: The verifier key that the log began with, as text.
    """

    origin: str
    checkpoint: SignedCheckpoint
    first_key: str


class RecordedReader(Recording):
    """Reads a log for the web; nothing else there touches it.

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

    async def page(
        self, access: Access, asked: Asked, *, route: str, known: Known[ShownPage] = None
    ) -> ShownPage:
        """One page of records."""
        check_bounds(asked, self.settings)

        def ask(log: LogQuery, admitted: Admitted) -> tuple[ShownPage, int]:
            page = log.query(
                admitted.condition,
                sort=asked.sort,
                limit=self.settings.page_limit if asked.limit is None else asked.limit,
                cursor=asked.cursor,
                as_of=asked.as_of,
            )
            shown = tuple(Shown(one, admitted.shown) for one in page.records)
            misleading = len(page.misleading)
            answer = ShownPage(shown, page.next, page.checkpoint, misleading, admitted.shown)
            return answer, len(shown)

        return await self._answer(access, asked, ask, route=route, known=known)

    async def one(
        self,
        access: Access,
        index: int,
        asked: Asked,
        *,
        route: str,
        known: Known[Shown] = None,
    ) -> Shown:
        """The record at an index.

        Raises:
            NoSuchRecordError: There is none that the reader may see.
        """
        return await self._one(access, index, asked, lambda shown: shown, route, known)

    async def proof(
        self,
        access: Access,
        index: int,
        asked: Asked,
        *,
        route: str,
        known: Known[ProofFile] = None,
    ) -> ProofFile:
        """The proof file of the record at an index; it shows what is revealed to anybody.

        Raises:
            NoSuchRecordError: There is no record that the reader may see, or no field to reveal.
        """

        def prove(shown: Shown) -> ProofFile:
            return shown.found.proof(fields=shown.revealed)

        return await self._one(access, index, asked, prove, route, known)

    async def facets(
        self,
        access: Access,
        asked: Asked,
        *,
        by: tuple[str, ...] = _FACETS,
        most: int = 20,
        route: str,
        known: Known[dict[str, tuple[FacetValue, ...]]] = None,
    ) -> dict[str, tuple[FacetValue, ...]]:
        """The values of some fields that most answers have."""
        check_bounds(asked, self.settings, by=by, most=most)

        def ask(log: LogQuery, admitted: Admitted) -> tuple[dict[str, tuple[FacetValue, ...]], int]:
            return dict(log.facets(admitted.condition, by=by, most=most, as_of=asked.as_of)), 0

        told = f"facets by {', '.join(by)}"
        options: Any = {"scope": Scope.REPORT, "besides": by, "told": told}
        return await self._answer(access, asked, ask, route=route, known=known, **options)

    async def timeline(
        self,
        access: Access,
        asked: Asked,
        *,
        bucket: str = "hour",
        by: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        route: str,
        known: Known[tuple[TimeBucket, ...]] = None,
    ) -> tuple[TimeBucket, ...]:
        """How many answers were recorded in each stretch of time."""
        besides = () if by is None else (by,)
        check_bounds(asked, self.settings, by=besides)

        def ask(
            log: LogQuery, admitted: Admitted
        ) -> tuple[tuple[TimeBucket, ...] | QueryError, int]:
            window: Any = {"since": since, "until": until, "as_of": asked.as_of}
            found = log.timeline(admitted.condition, bucket=bucket, by=by, **window)
            try:
                check_bounds(asked, self.settings, buckets=len(found))
            except QueryError as error:
                return error, 0  # that there are so many is an answer
            return found, 0

        told = f"timeline by {' and '.join([bucket, *besides])}"
        told += "" if since is None else f" since {since.isoformat()}"
        told += "" if until is None else f" until {until.isoformat()}"
        options: Any = {"scope": Scope.REPORT, "besides": besides, "told": told}
        return await self._answer(access, asked, ask, route=route, known=known, **options)

    async def count(
        self, access: Access, asked: Asked, *, route: str, known: Known[int] = None
    ) -> int:
        """How many answers there are."""

        def ask(log: LogQuery, admitted: Admitted) -> tuple[int, int]:
            return log.count(admitted.condition, as_of=asked.as_of), 0

        options: Any = {"scope": Scope.REPORT, "told": "count"}
        return await self._answer(access, asked, ask, route=route, known=known, **options)

    async def checkpoints(
        self,
        access: Access,
        asked: Asked,
        *,
        before: int | None = None,
        route: str,
    ) -> tuple[SignedCheckpoint, ...]:
        """Checkpoints that the log keeps, the newest first, each verified."""
        check_bounds(asked, self.settings)
        most = self.settings.page_limit if asked.limit is None else asked.limit

        def ask(log: LogQuery, _: Admitted) -> tuple[tuple[SignedCheckpoint, ...], int]:
            return log.checkpoints(before=before, most=most), 0

        told = "checkpoints" if before is None else f"checkpoints before {before}"
        return await self._answer(access, asked, ask, route=route, told=told)

    async def checkpoint(
        self, access: Access, asked: Asked, as_of: AsOf = None, *, route: str
    ) -> SignedCheckpoint:
        """One checkpoint, verified: the newest, or that of a size."""

        def ask(log: LogQuery, _: Admitted) -> tuple[SignedCheckpoint, int]:
            return log.checkpoint(as_of), 0

        told = "newest checkpoint" if as_of is None else f"checkpoint of size {as_of}"
        return await self._answer(access, asked, ask, route=route, told=told)

    async def keys(self, access: Access, asked: Asked, *, route: str) -> tuple[Admission, ...]:
        """Every key that the log admitted, in order, as its entries tell."""
        return await self._answer(
            access, asked, lambda log, _: (log.keys(), 0), route=route, told="keys"
        )

    async def status(self, access: Access, asked: Asked, *, route: str) -> LogStatus:
        """What the log is at the moment."""

        def ask(log: LogQuery, _: Admitted) -> tuple[LogStatus, int]:
            checkpoint, keys = log.checkpoint(), log.keys()
            return LogStatus(log.origin, checkpoint, str(keys[0].key)), 0

        options: Any = {"scope": Scope.REPORT, "told": "status"}
        return await self._answer(access, asked, ask, route=route, **options)

    async def _one(
        self,
        access: Access,
        index: int,
        asked: Asked,
        make: Callable[[Shown], _Answer],
        route: str,
        known: Known[_Answer],
    ) -> _Answer:
        asked = attrs.evolve(asked, where=Compare("index", "=", index), sort="-index")

        def ask(log: LogQuery, admitted: Admitted) -> tuple[tuple[_Answer, ...], int]:
            page = log.query(admitted.condition, limit=1, as_of=asked.as_of)
            made = tuple(make(Shown(one, admitted.shown)) for one in page.records)
            return made, len(made)

        def has(found: tuple[_Answer, ...]) -> bool:
            return known is not None and any(map(known, found))

        found = await self._answer(access, asked, ask, route=route, known=has)
        if not found:
            raise NoSuchRecordError(f"there is no record {index} that this reader may see")
        return found[0]
