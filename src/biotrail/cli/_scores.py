"""What commands on comparison scores share: their options, how scores are read, rates in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biotrail.cli._given import read_file
from biotrail.errors import MatcherError

if TYPE_CHECKING:
    from biotrail.matchers.rates import Interval, ScoreFile

__all__ = [
    "Captures",
    "Confidence",
    "Enrolments",
    "LowerIsBetter",
    "Metric",
    "Resamples",
    "Scores",
    "Seed",
    "between",
    "percent",
    "scores_from",
]

Scores = Annotated[
    Path,
    typer.Argument(
        metavar="SCORES", help="CSV or JSON Lines; - is standard input.", show_default=False
    ),
]
Metric = Annotated[
    str | None, typer.Option("--metric", help="Name of the score, e.g. cosine.", show_default=False)
]
LowerIsBetter = Annotated[
    bool, typer.Option("--lower-is-better", help="A lower score speaks for the same person.")
]
Confidence = Annotated[float, typer.Option(help="Confidence of bounds and intervals.")]
Resamples = Annotated[int, typer.Option(help="How many times people are drawn.")]
Seed = Annotated[int, typer.Option(help="What the draws begin with.")]
Captures = Annotated[
    int, typer.Option(help="Attempts to acquire a sample, failures among them; 0: not counted.")
]
Enrolments = Annotated[
    int, typer.Option(help="Attempts to enrol, failures among them; 0: not counted.")
]


def scores_from(
    path: Path, *, lower_is_better: bool, metric: str | None, captures: int = 0, enrolments: int = 0
) -> ScoreFile:
    """Read the scores in a file.

    Raises:
        BiotrailError: The file cannot be read, or a line of it is no comparison.
    """
    from biotrail.matchers.rates import read_scores

    try:
        text = read_file(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MatcherError(f"{path} is not text in UTF-8") from error
    try:
        return read_scores(
            text,
            higher_is_better=not lower_is_better,
            metric=metric,
            captures=captures,
            enrolments=enrolments,
        )
    except MatcherError as error:
        raise MatcherError(f"{path}: {error}") from error


def percent(rate: float) -> str:
    """A rate in per cent, with two significant digits below one per cent."""
    return f"{100 * rate:.2f} %" if rate >= 0.01 or not rate else f"{100 * rate:.2g} %"


def between(interval: Interval | None) -> str:
    """An interval in per cent; nothing where there is none."""
    return "" if interval is None else f" [{percent(interval.lower)}, {percent(interval.upper)}]"
