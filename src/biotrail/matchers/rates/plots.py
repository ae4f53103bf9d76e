"""Pictures of an evaluation: DET and ROC curves and score histograms, as PNG and SVG.

Drawn by matplotlib without its global state, so that it neither opens a window nor disturbs the
host's own figures.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from biotrail.errors import MatcherError, MissingDependencyError
from biotrail.matchers.rates.histograms import histogram
from biotrail.matchers.rates.support import rule_of_three

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from biotrail.matchers.rates.report import CohortEvaluation, Evaluation
    from biotrail.matchers.rates.scores import Reals

__all__ = ["FORMATS", "det_figure", "histogram_figure", "roc_figure", "write_plots"]

FORMATS = ("png", "svg")
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
_HIGHEST = 0.95
_LINES = ("-", "--", "-.", ":")


def write_plots(
    evaluation: Evaluation, folder: Path, *, formats: Sequence[str] = FORMATS
) -> tuple[Path, ...]:
    """Write ``det``, ``roc`` and ``scores`` in each format into a folder, made if it is not there.

    Returns:
        The paths written.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        MatcherError: A format is neither ``png`` nor ``svg``.
    """
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise MatcherError(f"pictures are written as {' or '.join(FORMATS)}, not {unknown[0]!r}")
    figures = {
        "det": det_figure(evaluation),
        "roc": roc_figure(evaluation),
        "scores": histogram_figure(evaluation),
    }
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # Without a date, and with ids that do not change: the same scores give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "biotrail"}):
        for name, figure in figures.items():
            for form in formats:
                path = folder / f"{name}.{form}"
                stamp = {"Date": None} if form == "svg" else {"Software": "biotrail"}
                figure.savefig(path, format=form, dpi=144, metadata=stamp)
                written.append(path)
    return tuple(written)


def det_figure(evaluation: Evaluation) -> Figure:
    """Detection error trade-off: FNMR over FMR, both on normal deviates, one line a cohort."""
    figure, axes = _empty(
        "Detection error trade-off", "false match rate, %", "false non-match rate, %"
    )
    lowest = min(_smallest_rate(part) for part in _parts(evaluation))
    for part, style in _styled(evaluation):
        fmr = _deviates(part.curve.fmr, lowest)
        axes.step(fmr, _deviates(part.curve.fnmr, lowest), style, where="post", label=_label(part))
    ticks = [tick for tick in _TICKS if tick >= lowest]
    places = [_deviate(tick) for tick in ticks]
    names = [f"{100 * tick:g}" for tick in ticks]
    ends = _deviate(lowest), _deviate(_HIGHEST)
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.tick_params(labelsize=8)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.plot(ends, ends, color="0.75", linewidth=0.8)
    supported = _supported_fmr(evaluation)
    if supported is not None and supported > lowest:
        axes.axvspan(ends[0], _deviate(min(supported, _HIGHEST)), color="0.93")
        axes.text(
            0.02,
            0.02,
            "grey: an FMR that so many people cannot support (rule of 3)",
            transform=axes.transAxes,
            fontsize=8,
            color="0.35",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1},
        )
    return _finished(figure, axes)


def roc_figure(evaluation: Evaluation) -> Figure:
    """Receiver operating characteristic: true match rate over FMR, which is on a log scale."""
    figure, axes = _empty("ROC", "false match rate", "true match rate (1 - FNMR)")
    lowest = min(1 / part.size.non_mated for part in _parts(evaluation))
    for part, style in _styled(evaluation):
        fmr = part.curve.fmr.clip(lowest / 2)
        axes.step(fmr, 1 - part.curve.fnmr, style, where="post", label=_label(part))
    axes.set_xscale("log")
    axes.set_xlim(lowest / 2, 1)
    axes.set_ylim(0, 1.01)
    return _finished(figure, axes)


def histogram_figure(evaluation: Evaluation) -> Figure:
    """Shares of mated and non-mated scores in bins of one width."""
    scores = evaluation.scores
    better = "higher" if scores.higher_is_better else "lower"
    unit = f"{_drawable(scores.metric or 'comparison score')} ({better} is better)"
    figure, axes = _empty("Comparison scores", unit, "share of comparisons in a bin")
    counted = histogram(scores)
    for counts, label, colour in (
        (counted.non_mated, "non-mated", "tab:orange"),
        (counted.mated, "mated", "tab:blue"),
    ):
        total = sum(counts)
        shares = [count / total for count in counts]
        axes.stairs(
            shares, counted.edges, fill=True, alpha=0.55, color=colour, label=f"{label} ({total:,})"
        )
    return _finished(figure, axes)


def _empty(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingDependencyError("pictures need matplotlib: pip install 'biotrail[evaluate]'")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, color="0.88", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _finished(figure: Figure, axes: Axes) -> Figure:
    axes.legend(loc="best", fontsize=8)
    return figure


def _parts(evaluation: Evaluation) -> tuple[CohortEvaluation, ...]:
    return (evaluation.overall, *evaluation.cohorts)


def _styled(evaluation: Evaluation) -> list[tuple[CohortEvaluation, str]]:
    parts = _parts(evaluation)
    return [(part, _LINES[place % len(_LINES)]) for place, part in enumerate(parts)]


def _label(part: CohortEvaluation) -> str:
    people = "" if part.size.people is None else f", {part.size.people} people"
    name = _drawable(part.name[:40]) or "all"
    return f"{name}: EER {100 * part.eer:.2f} %{people}"


def _drawable(name: str) -> str:
    """What somebody wrote into a file, as text that the font has and that is no mathematics."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    shown = (
        letter
        if letter.isprintable() and font.get_char_index(ord(letter))
        else letter.encode("unicode_escape").decode("ascii")
        for letter in name
    )
    return "".join(shown).replace("$", r"\$")


def _smallest_rate(part: CohortEvaluation) -> float:
    """Half of the smallest rate above zero that so many comparisons can show."""
    return max(0.5 / max(part.size.non_mated, part.size.mated), 1e-7)


def _supported_fmr(evaluation: Evaluation) -> float | None:
    pairs = evaluation.overall.size.people_pairs
    return None if pairs is None else rule_of_three(pairs, evaluation.confidence)


def _deviates(rates: Reals, lowest: float) -> list[float]:
    return [_deviate(rate) for rate in rates.clip(lowest, _HIGHEST).tolist()]


def _deviate(rate: float) -> float:
    """The normal deviate below which this share lies."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(rate)
