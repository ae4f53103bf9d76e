"""``biotrail calibrate``: a threshold with its error rates, as a file that logs can name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._given import Json, write_file
from biotrail.cli._output import grid, say, write_json
from biotrail.cli._scores import (
    Confidence,
    LowerIsBetter,
    Resamples,
    Scores,
    Seed,
    between,
    percent,
    scores_from,
)
from biotrail.matchers.rates import Calibration, Placement

__all__ = ["calibrate"]


def calibrate(
    scores: Scores,
    fmr: Annotated[
        float, typer.Option("--fmr", help="The false match rate wanted.", show_default=False)
    ],
    card: Annotated[
        str,
        typer.Option(
            "--card",
            metavar="SHA256",
            help="Digest of the matcher's model card: matcher.card.digest.hex().",
            show_default=False,
        ),
    ],
    metric: Annotated[
        str, typer.Option("--metric", help="Name of the score, e.g. cosine.", show_default=False)
    ],
    cohort: Annotated[
        str,
        typer.Option("--cohort", help="Who was measured, and how: a sentence.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="The calibration.", show_default=False),
    ],
    lower_is_better: LowerIsBetter = False,
    place: Annotated[
        Placement, typer.Option(help="Whether the FMR seen or its upper bound meets --fmr.")
    ] = Placement.POINT,
    others: Annotated[
        int | None,
        typer.Option(
            help="How many other people the bound speaks of. Default: 10 at the point, else all.",
            show_default=False,
        ),
    ] = None,
    confidence: Confidence = 0.95,
    resamples: Resamples = 2000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Find the threshold for a false match rate, and the bound that holds for other people.

    Scores need the pseudonyms of the people compared. Too few people for the rate are refused, and
    the answer says how many are needed.
    """
    from biotrail.matchers.rates import calibrate as find_threshold

    found = find_threshold(
        scores_from(scores, lower_is_better=lower_is_better, metric=metric).scores,
        fmr,
        confidence,
        card=_digest(card),
        cohort=cohort,
        place=place,
        others=others,
        resamples=resamples,
        seed=seed,
    )
    text = found.to_json()
    write_file(output, text.encode())
    if as_json:
        write_json({"file": str(output), "id": found.id, "threshold": found.threshold})
        return
    _print(found, output)


def _digest(card: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", card):
        raise typer.BadParameter("64 lower-case hexadecimal digits", param_hint="--card")
    return bytes.fromhex(card)


def _print(found: Calibration, output: Path) -> None:
    say(f"Threshold {found.threshold:g} ({found.metric})", style="bold")
    from biotrail.matchers.rates import Interval

    certain = f"{100 * found.confidence:g} %"
    grid(
        [
            ("FMR", f"{percent(found.fmr)} seen, wanted {percent(found.target_fmr)}"),
            (
                "FMR bound",
                f"{percent(found.fmr_upper)} for {found.others:,} other people, at {certain}",
            ),
            (
                "FNMR",
                percent(found.fnmr) + between(Interval(found.fnmr_lower, found.fnmr_upper)),
            ),
            (
                "measured",
                f"{found.people} people, {found.mated:,} mated and {found.non_mated:,} non-mated",
            ),
            ("cohort", found.cohort),
            ("id", found.id),
            ("file", str(output)),
        ]
    )
    say("The bound holds for people like these, captured in the same way; elsewhere, measure.")
