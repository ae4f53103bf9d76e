"""``biotrail evaluate``: error rates of a matcher from its comparison scores, with pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biotrail.cli._given import Json, write_file
from biotrail.cli._output import Row, grid, heading, say, write_json
from biotrail.cli._scores import (
    Captures,
    Confidence,
    Enrolments,
    LowerIsBetter,
    Metric,
    Resamples,
    Scores,
    Seed,
    between,
    percent,
    scores_from,
)
from biotrail.errors import BiotrailError

if TYPE_CHECKING:
    from biotrail.matchers.rates import CohortEvaluation, Evaluation, FmrPoint

__all__ = ["evaluate"]

_REPORT = "evaluation.json"


def evaluate(
    scores: Scores,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Write evaluation.json and the pictures to this folder.",
            show_default=False,
        ),
    ] = None,
    lower_is_better: LowerIsBetter = False,
    metric: Metric = None,
    captures: Captures = 0,
    enrolments: Enrolments = 0,
    confidence: Confidence = 0.95,
    resamples: Resamples = 2000,
    seed: Seed = 0,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="png, svg; both by default.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Report DET and ROC, EER, FNMR at false match rates, failures to acquire and to enrol.

    In the terms of ISO/IEC 19795-1, overall and by cohort. Rates that so few people cannot support
    are marked. A file with the columns reference, probe, score and cohort says everything needed.
    """
    from biotrail.matchers.rates import evaluate as work_out
    from biotrail.matchers.rates import evaluation_document

    read = scores_from(
        scores,
        lower_is_better=lower_is_better,
        metric=metric,
        captures=captures,
        enrolments=enrolments,
    )
    found = work_out(
        read.scores,
        acquisition=read.acquisition,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    document = evaluation_document(found)
    written = [] if output is None else _write(found, document, output, form)
    if as_json:
        write_json({**document, "files": [str(path) for path in written]})
        return
    _print(found)
    for path in written:
        say(f"written: {path}", style="dim")


def _write(
    found: Evaluation, document: dict[str, object], folder: Path, formats: list[str] | None
) -> list[Path]:
    from biotrail.matchers.rates import write_plots
    from biotrail.matchers.rates.plots import FORMATS

    try:
        written = write_plots(found, folder, formats=formats or FORMATS)
    except OSError as error:
        raise BiotrailError(f"{folder} cannot be written: {error.strerror}") from error
    report = folder / _REPORT
    write_file(report, (json.dumps(document, indent=2) + "\n").encode())
    return [report, *written]


def _print(found: Evaluation) -> None:
    for part in (found.overall, *found.cohorts):
        heading(f"cohort {part.name}" if part.name else "All comparisons")
        grid(_rows(part))
    for name in found.cohorts_left_out:
        say(f"Left out: cohort {name or '(no name)'} has no mated or no non-mated comparison.")
    failures = _failures(found)
    if failures:
        heading("Failures")
        grid(failures)
    if not found.scores.knows_people:
        say("No intervals: it is not known which people were compared.", style="yellow")


def _rows(part: CohortEvaluation) -> list[Row]:
    size = part.size
    people = "" if size.people is None else f", of {size.people} people"
    rows: list[Row] = [
        ("compared", f"{size.mated:,} mated, {size.non_mated:,} non-mated{people}"),
        (
            "EER",
            f"{percent(part.eer)}{between(part.eer_interval)} at the threshold "
            f"{part.eer_threshold:g}",
        ),
    ]
    return rows + [(f"FNMR at FMR {one.target_fmr:.0e}", _point(one)) for one in part.points]


def _point(one: FmrPoint) -> str:
    at = f"{percent(one.point.fnmr)} at the threshold {one.point.threshold:g}"
    if not one.supported or one.fmr_upper is None:
        return f"{at} (not supported: {one.people_needed:,} people are needed)"
    bound = f"FMR bound {percent(one.fmr_upper)}"
    rate = f"{percent(one.point.fnmr)}{between(one.fnmr)}"
    return f"{rate} at the threshold {one.point.threshold:g}; {bound}"


def _failures(found: Evaluation) -> list[Row]:
    counts = found.acquisition
    rows: list[Row] = []
    for name, failures, attempts, rate in (
        ("to acquire", counts.failures_to_acquire, counts.captures, counts.fta),
        ("to enrol", counts.failures_to_enrol, counts.enrolments, counts.fte),
    ):
        if rate is not None:
            rows.append((name, f"{percent(rate)} ({failures:,} of {attempts:,})"))
        elif failures:
            rows.append((name, f"{failures:,}; attempts were not counted"))
    return rows
