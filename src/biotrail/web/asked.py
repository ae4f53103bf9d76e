"""What is asked of a log over the web, and whether its reader may ask it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from biotrail.errors import (
    ForbiddenError,
    MalformedError,
    QueryError,
    RolledBackError,
    SignatureError,
    WrongKeyError,
)
from biotrail.query import Condition, LogQuery
from biotrail.query.engine import AsOf, as_condition
from biotrail.query.fields import find_field
from biotrail.query.walk import Sort
from biotrail.web.access import Access, Scope
from biotrail.web.settings import WebSettings
from biotrail.web.shapes import revealed_names

__all__ = ["Admitted", "Asked", "admit", "check_bounds", "check_given"]

_LONGEST_REASON = 512
_LONGEST_TOLD = 8_192
_SINGLE = ("whole", "time", "id", "place")


@attrs.frozen(kw_only=True)
class Asked:
    """A question, as its reader put it.

    Attributes:
        where: The condition, as text or as a `biotrail.query.Condition`; None for every record.
        sort: The order: ``-index``, ``index``, ``-occurred`` or ``occurred``.
        limit: How many records a page is to have; None for the usual number.
        cursor: Where to go on: what the page before said.
        as_of: The log as it once stood: size of a checkpoint that it keeps, or a signed checkpoint.
        reveal: Names of the personal fields to show.
        reason: Why they are to be shown, or why is asked by them: in the reader's own words.
        purpose: What the reader reads for; None where it has but one purpose.
    """

    where: Condition | str | None = None
    sort: Sort = "-index"
    limit: int | None = None
    cursor: str | None = None
    as_of: AsOf = None
    reveal: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    reason: str | None = None
    purpose: str | None = None


@attrs.frozen(kw_only=True)
class Admitted:
    """A question that may be asked.

    Attributes:
        condition: The condition, held to what the reader may see.
        purpose: What it reads for.
        shown: Payload names of the personal fields that it is shown.
        revealed: The same, and those by which it asks: what is recorded.
        reason: Why.
        told: The question in words, as it is recorded.
    """

    condition: Condition | None
    purpose: str
    shown: tuple[str, ...]
    revealed: tuple[str, ...]
    reason: str | None
    told: str | None


def check_bounds(
    asked: Asked,
    settings: WebSettings,
    *,
    by: Sequence[str] = (),
    most: int = 1,
    buckets: int = 0,
) -> None:
    """See that a question asks for no more than the application gives.

    Raises:
        QueryError: It does.
    """
    if asked.limit is not None and not 1 <= asked.limit <= settings.most_on_page:
        raise QueryError(f"a page has 1 to {settings.most_on_page:,} records: ask for fewer")
    if len(by) > settings.most_facets:
        raise QueryError(f"records are counted by at most {settings.most_facets} fields at once")
    for name in by:
        if find_field(name).kind in _SINGLE:
            raise QueryError(f"records are not counted by {name}: hardly two have the same")
    if not 1 <= most <= settings.most_facet_values:
        raise QueryError(f"of each field 1 to {settings.most_facet_values:,} values are counted")
    if buckets > settings.most_buckets:
        raise QueryError(
            f"the timeline would have more than {settings.most_buckets:,} stretches: ask for "
            "longer ones, or for less time"
        )


def admit(
    log: LogQuery,
    access: Access,
    asked: Asked,
    settings: WebSettings,
    *,
    besides: Sequence[str] = (),
    told: str | None = None,
) -> Admitted:
    """Hold a question to what its reader may see and ask.

    Args:
        log: The log.
        access: Who asks.
        asked: The question.
        settings: The limits.
        besides: Names of fields that are counted besides.
        told: What is asked for, in words; None for a page of records.

    Raises:
        ForbiddenError: The reader may not read for this purpose; or the question reveals personal
            fields, and the reader may not reveal any, or said no reason.
        QueryError: It cannot be asked so.
    """
    purpose = access.purpose(asked.purpose)
    condition = _condition(asked, settings)
    shown = revealed_names(asked.reveal)
    by = log.personal_fields(condition, besides=besides)
    revealed = tuple(dict.fromkeys((*shown, *by)))
    reason = _reason(asked.reason)
    if revealed:
        _check_may_reveal(access, revealed, reason)
    words = _told(asked, condition, told)
    within = access.within(condition)
    return Admitted(
        condition=within,
        purpose=purpose,
        shown=shown,
        revealed=revealed,
        reason=reason,
        told=words,
    )


def check_given(log: LogQuery, note: str) -> None:
    """See that a checkpoint which a reader gave is one of the log.

    Raises:
        QueryError: No key of the log signed it; or it is of a longer log.
        ForkedError: It is signed, and of another history than the log that is stored.
    """
    try:
        log.checkpoint(note)
    except (SignatureError, MalformedError, RolledBackError, WrongKeyError) as error:
        raise QueryError(f"the checkpoint that was given does not fit this log: {error}") from error


def _condition(asked: Asked, settings: WebSettings) -> Condition | None:
    where = asked.where
    if not isinstance(where, str):
        return where
    if len(where) > settings.most_query_length:
        raise QueryError(
            f"a condition has at most {settings.most_query_length:,} characters here, this has "
            f"{len(where):,}"
        )
    return as_condition(where) if where.strip() else None


def _reason(reason: str | None) -> str | None:
    if reason is None or not reason.strip():
        return None
    if len(reason) > _LONGEST_REASON:
        raise QueryError(f"a reason has at most {_LONGEST_REASON} characters")
    return reason.strip()


def _check_may_reveal(access: Access, names: Sequence[str], reason: str | None) -> None:
    listed = ", ".join(names)
    if not access.may(Scope.REVEAL):
        raise ForbiddenError(
            f"to see or to ask by personal fields ({listed}) needs the scope 'reveal', which the "
            "reader has not"
        )
    if reason is None:
        raise ForbiddenError(
            f"say why you want to see or to ask by personal fields ({listed}): the reason is "
            "recorded"
        )


def _told(asked: Asked, condition: Condition | None, told: str | None) -> str | None:
    """The question in words, for the record: what was asked for, and by what condition."""
    words = [] if told is None else [told]
    if condition is not None:
        words.append(f"where {condition}" if words else str(condition))
    if asked.sort != "-index":
        words.append(f"sorted by {asked.sort}")
    if asked.cursor is not None:
        words.append("going on from a cursor")
    if asked.as_of is not None:
        as_of = str(asked.as_of)
        words.append(f"as of {as_of if as_of.isdecimal() else 'a checkpoint that was given'}")
    text = "; ".join(words)
    if len(text.encode("unicode_escape")) > _LONGEST_TOLD:
        raise QueryError("the question is too long to be recorded: ask a shorter one")
    return text or None
