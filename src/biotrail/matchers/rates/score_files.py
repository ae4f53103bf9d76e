"""Reads comparison scores from CSV and JSON Lines; the columns are those of the reference page.

A row is a comparison, or a failure to acquire or to enrol:

=============  ====================================================================================
``reference``  pseudonym of the person whose reference was compared
``probe``      pseudonym of the person of the probe
``score``      comparison score
``kind``       ``mated`` or ``non_mated`` where the people are not given; ``failure_to_acquire`` or
               ``failure_to_enrol`` in rows that have no score
``cohort``     name of a group of comparisons; optional
=============  ====================================================================================
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.rates.scores import Acquisition, ScoreTable

__all__ = ["COLUMNS", "ScoreFile", "read_scores"]

COLUMNS = ("reference", "probe", "score", "kind", "cohort")
_MATED = {"mated": True, "non_mated": False}
_FAILURES = ("failure_to_acquire", "failure_to_enrol")
_LONGEST_LINE = 65_536


@attrs.frozen(eq=False)
class ScoreFile:
    """What a file of scores held.

    Attributes:
        scores: The comparisons.
        acquisition: The failures, with the attempts that were stated beside the file.
    """

    scores: ScoreTable
    acquisition: Acquisition


@attrs.define
class _Columns:
    references: list[str] = attrs.Factory(list)
    probes: list[str] = attrs.Factory(list)
    scores: list[float] = attrs.Factory(list)
    mated: list[bool] = attrs.Factory(list)
    cohorts: list[str] = attrs.Factory(list)
    failures: dict[str, int] = attrs.Factory(lambda: dict.fromkeys(_FAILURES, 0))


def read_scores(
    text: str,
    *,
    higher_is_better: bool = True,
    metric: str | None = None,
    captures: int = 0,
    enrolments: int = 0,
) -> ScoreFile:
    """Read the text of a CSV file with a line of column names, or of a JSON Lines file.

    Args:
        text: The file's content; one that begins with ``{`` is JSON Lines.
        higher_is_better: Whether a higher score speaks for the same person.
        metric: Name of the score.
        captures: Attempts to acquire a sample, failures among them; 0 where not counted.
        enrolments: Attempts to enrol, failures among them; 0 where not counted.

    Raises:
        MatcherError: A line cannot be read (the error names it), columns are missing or unknown,
            or some rows name people and others do not.
    """
    text = text.removeprefix("\ufeff")
    rows = _json_rows(text) if text.lstrip()[:1] == "{" else _csv_rows(text)
    columns = _Columns()
    for line, row in rows:
        try:
            _take(row, columns)
        except MatcherError as error:
            raise MatcherError(f"line {line}: {error}") from None
    return ScoreFile(
        scores=_table(columns, higher_is_better=higher_is_better, metric=metric),
        acquisition=Acquisition(
            captures=captures,
            failures_to_acquire=columns.failures["failure_to_acquire"],
            enrolments=enrolments,
            failures_to_enrol=columns.failures["failure_to_enrol"],
        ),
    )


def _table(columns: _Columns, *, higher_is_better: bool, metric: str | None) -> ScoreTable:
    named = len(columns.references)
    if named not in (0, len(columns.scores)):
        raise MatcherError("some comparisons name their people and some do not; name all or none")
    flagged = len(columns.mated)
    if flagged not in (0, len(columns.scores)):
        raise MatcherError("some comparisons have a kind and some have none; give all or none")
    return ScoreTable.from_arrays(
        columns.scores,
        references=columns.references if named else None,
        probes=columns.probes if named else None,
        mated=columns.mated if flagged else None,
        cohorts=columns.cohorts,
        higher_is_better=higher_is_better,
        metric=metric,
    )


def _take(row: Mapping[str, Any], columns: _Columns) -> None:
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        raise MatcherError(f"no such column: {unknown[0][:40]!r}; known: {', '.join(COLUMNS)}")
    kind = _text(row, "kind")
    if kind in _FAILURES:
        if row.get("score") not in (None, ""):
            raise MatcherError(f"a {kind} has no score")
        columns.failures[kind] += 1
        return
    columns.scores.append(_score(row.get("score")))
    columns.cohorts.append(_text(row, "cohort") or "")
    if kind:
        if kind not in _MATED:
            raise MatcherError(f"kind must be one of {', '.join((*_MATED, *_FAILURES))}")
        columns.mated.append(_MATED[kind])
    reference, probe = _text(row, "reference"), _text(row, "probe")
    if reference and probe:
        columns.references.append(reference)
        columns.probes.append(probe)
    elif reference or probe:
        raise MatcherError("give both people, reference and probe, or neither")


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise MatcherError(f"{name} must be text")
    return value.strip() if value else None


def _score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        raise MatcherError("a comparison needs a score: a number")
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise MatcherError("the score is not a number") from None


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import csv  # only files need it

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if "score" not in names or len(set(names)) != len(names):
            raise MatcherError(
                "the first line must name the columns, score among them, each once; "
                f"known columns: {', '.join(COLUMNS)}"
            )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise MatcherError(
                    f"line {reader.line_num}: {len(cells)} values for {len(names)} columns"
                )
            yield reader.line_num, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise MatcherError(f"line {reader.line_num}: this is not CSV: {error}") from None


def _json_rows(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(io.StringIO(text), start=1):
        if not line.strip():
            continue
        if len(line) > _LONGEST_LINE:
            raise MatcherError(f"line {number}: longer than {_LONGEST_LINE:,} characters")
        try:
            row = json.loads(line, object_pairs_hook=_distinct)
        except (RecursionError, ValueError) as error:
            raise MatcherError(f"line {number}: this is not a JSON object: {error}") from None
        if not isinstance(row, dict):
            raise MatcherError(f"line {number}: this is not a JSON object")
        yield number, row


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
