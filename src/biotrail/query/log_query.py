"""The door of questions: `LogQuery`, and `open_query` for the log of another process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from biotrail._closing import Closing
from biotrail.query.asynchronous import AsynchronousQuery
from biotrail.query.bulk import Bulk
from biotrail.query.condition import Condition
from biotrail.query.counted import CountedQuery
from biotrail.query.engine import MAXIMUM_PAGE, AsOf, Engine, as_condition
from biotrail.query.follow_door import FollowedQuery
from biotrail.query.of_log import LogFacts
from biotrail.query.verified import Page, VerifiedEntry
from biotrail.query.walk import Sort
from biotrail.query.where import Where
from biotrail.signing import SignedCheckpoint
from biotrail.stores import StoreReader
from biotrail.verify.keys import GivenKeys, keys_of_one_log

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = ["LogQuery", "open_query"]

Asked = Condition | Where | str | None


class LogQuery(CountedQuery, AsynchronousQuery, FollowedQuery, LogFacts, Closing):
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

    def close(self) -> None:
        """End its followers; close the store, if `open_query` opened it. May be called twice."""
        self.stop_following()
        if self._owned:
            self._engine.store.close()


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
