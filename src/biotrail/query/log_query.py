"""The door of questions: `LogQuery`, and `open_query` for the log of another process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from biotrail._closing import Closing
from biotrail.errors import QueryError
from biotrail.query.asynchronous import AsynchronousQuery
from biotrail.query.bulk import Bulk
from biotrail.query.condition import Condition
from biotrail.query.counting import (
    Bucket,
    bucket_of,
    count,
    facets_of,
    facets_of_records,
    most_common,
    timeline,
    timeline_of_records,
)
from biotrail.query.engine import MAXIMUM_PAGE, AsOf, Engine, as_condition
from biotrail.query.fields import Field, find_field
from biotrail.query.follow_door import FollowedQuery
from biotrail.query.of_log import LogFacts
from biotrail.query.rows import first_since
from biotrail.query.verified import FacetValue, Page, TimeBucket, VerifiedEntry
from biotrail.query.walk import Sort
from biotrail.query.where import Where
from biotrail.signing import SignedCheckpoint
from biotrail.stores import StoreReader
from biotrail.verify.keys import GivenKeys, keys_of_one_log

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = ["LogQuery", "open_query"]

_FACETS = ("attempt", "action", "outcome", "decision", "modality", "reason", "matcher")
Asked = Condition | Where | str | None


class LogQuery(AsynchronousQuery, FollowedQuery, LogFacts, Closing):
    """Asks one log, and proves every answer.

    An answer is decoded from an entry that was held against the root of a signed checkpoint.
    Columns and tags beside the log only say where to look. A store that was changed can hide an
    answer from a question (`biotrail.verify_log` finds that it was changed); it makes none up.

    May be shared among threads; questions are answered one after the other.
    """

    def __init__(
        self, store: StoreReader, *, trusted: GivenKeys, vault: Vault | None = None
    ) -> None:
        """Ask a log.

        Args:
            store: The log; not closed with this, as is the vault.
            trusted: A verifier key of the log that you trust, or several.
            vault: Opens personal fields, and finds records by them.

        Raises:
            WrongKeyError: No key was given, or keys of different logs.
            MalformedError: One is no verifier key.
            VaultError: The store keeps no sealed payloads, so that a vault opens nothing.
        """
        self._new_engine = partial(Engine, store, keys_of_one_log(trusted), vault)
        self._engine = self._new_engine()
        self._lock = self._engine.lock
        self._owned = False

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self._engine.origin

    def checkpoint(self, as_of: AsOf = None) -> SignedCheckpoint:
        """The verified checkpoint of the log as it is now, or as it once was.

        Args:
            as_of: A signed checkpoint, or the size of one that the log keeps.

        Raises:
            BiotrailError: As `query`.
        """
        with self._lock:
            return self._engine.checkpoint(as_of)

    def query(
        self,
        where: Asked = None,
        *,
        sort: Sort = "-index",
        limit: int = 50,
        cursor: str | None = None,
        as_of: AsOf = None,
    ) -> Page:
        """One page of answers.

        Args:
            where: The condition: written in Python with `biotrail.field`, or as text; None for
                every entry.
            sort: ``"-index"`` (the newest first), ``"index"``, ``"-occurred"`` or ``"occurred"``.
            limit: How many answers, 1 to 1,000.
            cursor: `Page.next` of the page before. Its pages stay the same while the log grows.
            as_of: A signed checkpoint, or the size of one that the log keeps: the log exactly as it
                stood then.

        Raises:
            QuerySyntaxError: The text cannot be read.
            QueryError: There is no such field, value, order, page or checkpoint; or the cursor is
                of another log or question, or altered.
            SealedError: It asks for a personal field, and the vault was not given.
            VerificationError: The log does not check out where it was read.
            SignatureError: No key of the log signed the checkpoint.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        condition = as_condition(where)
        with self._lock:
            return self._engine.page(condition, sort=sort, limit=limit, cursor=cursor, as_of=as_of)

    def search(
        self, where: Asked = None, *, sort: Sort = "-index", as_of: AsOf = None
    ) -> Iterator[VerifiedEntry]:
        """All answers, read a page at a time, of the log as it is at the first.

        Raises:
            BiotrailError: As `query`.
        """
        condition, cursor = as_condition(where), None
        limit = 50
        while True:
            page = self.query(condition, sort=sort, limit=limit, cursor=cursor, as_of=as_of)
            yield from page.records
            if (cursor := page.next) is None:
                return
            limit = min(2 * limit, MAXIMUM_PAGE)

    def bulk(self, where: Asked = None, *, as_of: AsOf = None, opened: bool = False) -> Bulk:
        """All answers in order of index, for who takes them all out; nobody else waits for it.

        Args:
            where: The condition; None for every entry.
            as_of: Up to which checkpoint; see `query`.
            opened: Whether personal fields are opened; otherwise records bear none, unless the
                condition asks by them.

        Raises:
            BiotrailError: As `query`.
        """
        return Bulk(self._new_engine(), as_condition(where), as_of, opened=opened)

    def count(self, where: Asked = None, *, as_of: AsOf = None, verified: bool = False) -> int:
        """How many answers there are.

        Where columns beside the log know, they are counted, and not looked at: the number is as
        true as they are.

        Args:
            where: The condition; None for every entry.
            as_of: Up to which checkpoint; see `query`.
            verified: Look at every entry of the log instead, and at no column.

        Raises:
            BiotrailError: As `query`.
        """
        condition = as_condition(where)
        with self._lock:
            return count(self._engine.question(condition, as_of), verified=verified)

    def facets(
        self,
        where: Asked = None,
        *,
        by: Sequence[str] = _FACETS,
        most: int = 20,
        as_of: AsOf = None,
        verified: bool = False,
    ) -> Mapping[str, tuple[FacetValue, ...]]:
        """For each of some fields the values that most answers have, and how many have it.

        Fields that a column holds are counted there, as by `count`; for others every answer is
        decoded.

        Whatever answers is counted, biotrail's own events too: what was read, locks, detections.
        ``attempt = yes`` leaves them out, and the field ``attempt`` says how many there are.

        Args:
            where: The condition; None for every entry.
            by: The fields.
            most: How many values of each.
            as_of: Up to which checkpoint; see `query`.
            verified: Look at every entry of the log instead.

        Raises:
            BiotrailError: As `query`.
        """
        condition = as_condition(where)
        if isinstance(by, str):
            raise QueryError("facets are by several fields: give a sequence of names")
        fields = [find_field(one) for one in by]
        with self._lock:
            question = self._engine.question(condition, as_of, besides=fields)
            in_columns = [] if verified else [one for one in fields if self._is_in_column(one)]
            counted = facets_of(question, in_columns)
            if others := [one for one in fields if one not in in_columns]:
                records = question.every_record() if verified else question.records()
                counted |= facets_of_records(records, others)
        return {one.name: most_common(counted[one.name], most) for one in fields}

    def timeline(
        self,
        where: Asked = None,
        *,
        bucket: Bucket = "hour",
        by: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: AsOf = None,
        verified: bool = False,
    ) -> tuple[TimeBucket, ...]:
        """How many answers were recorded in each stretch of time; empty stretches are left out.

        Args:
            where: The condition; None for every entry.
            bucket: ``"minute"``, ``"hour"``, ``"day"``, ``"week"`` (from Monday), all in UTC, or a
                length, which is counted from 1970 on.
            by: Count the values of this field in each stretch besides.
            since: Recorded at this time or later; aware.
            until: Recorded before this time; aware.
            as_of: Up to which checkpoint; see `query`.
            verified: Look at every entry of the log instead of at columns.

        Raises:
            BiotrailError: As `query`.
        """
        condition, of = as_condition(where), bucket_of(bucket)
        window = Where(since=since, until=until).condition()
        field = None if by is None else find_field(by)
        with self._lock:
            besides = () if field is None else (field,)
            if not verified and (field is None or self._is_in_column(field)):
                question = self._engine.question(condition, as_of, besides=besides)
                span = self._span(since, until, question.checkpoint.size)
                return timeline(self._engine.store, question, span, of, field)
            if window is not None:
                condition = window if condition is None else window & condition
            question = self._engine.question(condition, as_of, besides=besides)
            records = question.every_record() if verified else question.records()
            return timeline_of_records(records, of, field)

    def close(self) -> None:
        """End its followers; close the store, if `open_query` opened it. May be called twice."""
        self.stop_following()
        if self._owned:
            self._engine.store.close()

    def _is_in_column(self, field: Field) -> bool:
        return field.column is not None and not (field.movable and self._engine.moves)

    def _span(self, since: datetime | None, until: datetime | None, size: int) -> tuple[int, int]:
        store = self._engine.store
        start = 0 if since is None else first_since(store, since, 0, size)
        return start, size if until is None else first_since(store, until, start, size)


def open_query(
    log: str | os.PathLike[str] | StoreReader, *, trusted: GivenKeys, vault: Vault | None = None
) -> LogQuery:
    """Open a log for asking it questions, read-only; see `LogQuery`.

    Args:
        log: A SQLite file; or any store.
        trusted: A verifier key of the log that you trust, or several.
        vault: Opens personal fields, and finds records by them.

    Raises:
        StoreUnavailableError: There is no such file, or it is not a biotrail log.
        WrongKeyError: No key was given, or keys of different logs.
    """
    if not isinstance(log, (str, os.PathLike)):
        return LogQuery(log, trusted=trusted, vault=vault)
    from biotrail.stores import SQLiteReader

    store = SQLiteReader(log)
    try:
        asked = LogQuery(store, trusted=trusted, vault=vault)
    except BaseException:
        store.close()
        raise
    asked._owned = True
    return asked
