"""Questions for numbers: how many, of which value, and when."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from biotrail.errors import QueryError
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
from biotrail.query.engine import AsOf, Engine, as_condition
from biotrail.query.fields import Field, find_field
from biotrail.query.rows import first_since
from biotrail.query.verified import FacetValue, TimeBucket
from biotrail.query.where import Where

__all__ = ["CountedQuery"]

_FACETS = ("attempt", "action", "outcome", "decision", "modality", "reason", "matcher")
Asked = Condition | Where | str | None


class CountedQuery:
    """The questions that are answered by numbers."""

    _engine: Engine
    _lock: threading.RLock

    def count(self, where: Asked = None, *, as_of: AsOf = None, verified: bool = False) -> int:
        """How many answers there are.

        Where columns or tags beside the log know, what they lead to is counted, and not looked at:
        the number is as true as they are.

        Args:
            where: The condition; None for every entry.
            as_of: Up to which checkpoint; see `query`.
            verified: Look at every entry of the log instead, and at no column.

        Raises:
            BiotrailError: As `query`.
        """
        condition = as_condition(where)
        with self._lock:
            question = self._engine.question(condition, as_of, counts=not verified)
            return count(question, verified=verified)

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

        Fields that a column holds are counted there, as by `count`. Devices of sealed records are
        counted by their tags, of each of which one record is opened; for other fields every answer
        is decoded.

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
        if type(most) is not int or most < 1:
            raise QueryError(f"of each field 1 value or more is counted, not {most!r}")
        fields = list({one.name: one for one in map(find_field, by)}.values())
        with self._lock:
            question = self._engine.question(condition, as_of, besides=fields, counts=not verified)
            in_columns = [] if verified else [one for one in fields if self._is_in_column(one)]
            counted = facets_of(question, in_columns)
            by_tags = [one for one in fields if one.name == "device" and not verified]
            for one in by_tags:
                if (devices := self._engine.devices(question, one)) is not None:
                    counted[one.name] = devices
            if others := [one for one in fields if one.name not in counted]:
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
                question = self._engine.question(condition, as_of, besides=besides, counts=True)
                span = self._span(since, until, question.checkpoint.size)
                return timeline(self._engine.store, question, span, of, field)
            if window is not None:
                condition = window if condition is None else window & condition
            question = self._engine.question(condition, as_of, besides=besides)
            records = question.every_record() if verified else question.records()
            return timeline_of_records(records, of, field)

    def _is_in_column(self, field: Field) -> bool:
        return field.column is not None and not (field.movable and self._engine.moves)

    def _span(self, since: datetime | None, until: datetime | None, size: int) -> tuple[int, int]:
        store = self._engine.store
        start = 0 if since is None else first_since(store, since, 0, size)
        return start, size if until is None else first_since(store, until, start, size)
