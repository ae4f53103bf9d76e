"""``biotrail search``: records that answer a condition, each proven to be in the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from biotrail.cli._given import Database, Json, kept_checkpoint, verifier_keys
from biotrail.cli._output import printable, say, write_lines
from biotrail.cli._searched import Shown
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.errors import QueryError, QuerySyntaxError
from biotrail.query import Condition, LogQuery, parse_condition
from biotrail.signing import VerifierKey
from biotrail.stores import SQLiteReader

__all__ = ["search"]

_WHAT, _HOW = "What is shown", "Against what"
_ATTEMPT = "attempt"
_BUCKETS = ("minute", "hour", "day", "week")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
SortOption = Literal["index", "-index", "occurred", "-occurred"]


def _option(names: str, help_: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *names.split(), metavar=metavar, help=help_, rich_help_panel=panel, show_default=False
    )


def search(
    log: Database,
    condition: Annotated[
        str | None,
        typer.Argument(
            metavar="CONDITION",
            help="What a record must be, e.g. 'outcome = failure and recorded >= 2026-11-01'. "
            "Without it: every record.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=1, max=1_000, help="How many on a page.")
    ] = 20,
    sort: Annotated[SortOption, typer.Option("--sort", help="The order.")] = "-index",
    cursor: Annotated[
        str | None, _option("--cursor", "Go on where an earlier page ended.", _WHAT, "CURSOR")
    ] = None,
    count: Annotated[bool, _option("--count", "Only how many there are.", _WHAT)] = False,
    facets: Annotated[
        str | None,
        _option("--facets", "How many have each value of these fields.", _WHAT, "FIELD,..."),
    ] = None,
    timeline: Annotated[
        str | None,
        _option(
            "--timeline",
            "How many there are in each minute, hour, day, week, or length such as 15m.",
            _WHAT,
            "BUCKET",
        ),
    ] = None,
    by: Annotated[
        str | None,
        _option("--by", "With --timeline: for each value of this field.", _WHAT, "FIELD"),
    ] = None,
    every_entry: Annotated[
        bool,
        _option("--every-entry", "Count by reading every entry, not by columns.", _WHAT),
    ] = False,
    as_of: Annotated[
        str | None,
        _option(
            "--as-of",
            "The log as it stood: a file with a signed checkpoint, or the size of one.",
            _HOW,
            "FILE|SIZE",
        ),
    ] = None,
    trusted: Annotated[
        list[str] | None,
        _option(
            "--key --trusted",
            "A verifier key that you trust, or a file with one a line. May be repeated.",
            _HOW,
            "VKEY|FILE",
        ),
    ] = None,
    vault: VaultFile = None,
    as_json: Json = False,
) -> None:
    """Search a log; each answer is proven against its last signed checkpoint, or an earlier one.

    The condition names fields and what they must be: subject = "anna" and (outcome = failure or
    score < 0.5) and ip in 10.0.0.0/8 and not action = door.open. The reference of the query syntax
    lists them all. Personal fields of a log that seals them need its vault.

    Answers cannot be made up by whoever can change the file, but they can be hidden: `biotrail
    verify` finds that. Counts are taken from columns beside the log, unless --every-entry is given.
    """
    if sum((count, facets is not None, timeline is not None)) > 1:
        raise typer.BadParameter("ask for one of --count, --facets and --timeline")
    asked = None if condition is None else _parsed(condition, as_json=as_json)
    keys = verifier_keys(trusted, beside=log)
    how: dict[str, Any] = {"as_of": _checkpoint(as_of)}
    counted = {**how, "verified": every_entry}
    with _opened(log, keys, vault) as questions, _usage():
        show = Shown(log, questions.origin, as_json=as_json)
        if count:
            show.number(questions.count(asked, **counted))
        elif facets is not None:
            names = _names(facets)
            found = questions.facets(asked, by=[*names, _ATTEMPT], **counted)
            own = sum(one.count for one in found[_ATTEMPT] if one.value == "no")
            show.facets({one: found[one] for one in names}, own=own if _ATTEMPT not in names else 0)
        elif timeline is not None:
            show.timeline(questions.timeline(asked, bucket=_bucket(timeline), by=by, **counted))
        else:
            page = questions.query(asked, sort=sort, limit=limit, cursor=cursor, **how)
            show.page(page)


def _parsed(text: str, *, as_json: bool) -> Condition:
    try:
        return parse_condition(text)
    except QuerySyntaxError as error:
        if as_json:
            raise typer.BadParameter(printable(error)) from error
        hint = "" if error.hint is None else f"{error.hint[0].upper()}{error.hint[1:]}"
        write_lines(f"{error.what}:\n{error.marked()}", stderr=True)
        if hint:
            say(hint, stderr=True)
        raise typer.Exit(2) from error


@contextmanager
def _opened(log: Path, keys: Sequence[VerifierKey], vault: str | None) -> Iterator[LogQuery]:
    with closing(SQLiteReader(log)) as store, opened_vault(log, store, vault) as opened:
        yield LogQuery(store, trusted=keys, vault=opened)


@contextmanager
def _usage() -> Iterator[None]:
    """What cannot be answered as it was asked was called wrongly."""
    try:
        yield
    except QueryError as error:
        raise typer.BadParameter(printable(error)) from error


def _names(given: str) -> list[str]:
    names = [one.strip() for one in given.split(",") if one.strip()]
    if not names:
        raise typer.BadParameter("name at least one field", param_hint="--facets")
    return names


def _checkpoint(given: str | None) -> str | int | None:
    if given is None:
        return None
    if given.isascii() and given.isdigit() and not Path(given).is_file():
        return int(given)
    return kept_checkpoint(Path(given), option="--as-of")


def _bucket(given: str) -> str | timedelta:
    if given in _BUCKETS:
        return given
    number, unit = given[:-1], given[-1:]
    if number.isascii() and number.isdigit() and len(number) < 7 and unit in _SECONDS:
        return timedelta(seconds=int(number) * _SECONDS[unit])
    raise typer.BadParameter(
        f"{printable(repr(given))} is none of {', '.join(_BUCKETS)}, and no length such as 15m",
        param_hint="--timeline",
    )
