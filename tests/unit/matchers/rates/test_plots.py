"""The pictures of an evaluation are pictures, the same for the same scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.rates import ScoreTable, evaluate
from biotrail.matchers.rates.plots import det_figure, histogram_figure, roc_figure, write_plots
from tests.unit.matchers.rates._made import made

pytestmark = [pytest.mark.component("matplotlib"), pytest.mark.component("pillow")]


def test_every_picture_is_written_in_both_forms(tmp_path: Path) -> None:
    """Three pictures, each as PNG that opens and as SVG, and twice the same bytes."""
    from PIL import Image

    found = evaluate(made(30), resamples=100)
    paths = write_plots(found, tmp_path / "new" / "one")
    again = write_plots(found, tmp_path / "two")
    assert [path.name for path in paths] == [
        f"{name}.{form}" for name in ("det", "roc", "scores") for form in ("png", "svg")
    ]
    for path, repeated in zip(paths, again, strict=True):
        assert path.read_bytes() == repeated.read_bytes()
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert min(picture.size) > 500
                assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
        else:
            assert path.read_text().lstrip().startswith("<?xml")


def test_axes_say_what_they_show() -> None:
    """Axes, people and direction are written on the pictures."""
    found = evaluate(made(30, higher_is_better=False), resamples=100)
    det, roc, scores = (make(found).axes[0] for make in (det_figure, roc_figure, histogram_figure))
    assert (det.get_xlabel(), det.get_ylabel()) == (
        "false match rate, %",
        "false non-match rate, %",
    )
    assert roc.get_xscale() == "log"
    assert scores.get_xlabel() == "made (lower is better)"
    legend = det.get_legend()
    assert legend is not None
    assert "30 people" in legend.get_texts()[0].get_text()


def test_the_det_curve_is_the_counted_one() -> None:
    """The line falls, and ends where everything matches."""
    import numpy

    found = evaluate(made(30, apart=2.0), resamples=100)
    line = det_figure(found).axes[0].get_lines()[0]
    across: list[float] = numpy.asarray(line.get_xdata()).tolist()
    up: list[float] = numpy.asarray(line.get_ydata()).tolist()
    assert across == sorted(across)
    assert up == sorted(up, reverse=True)
    assert len(across) == len(found.overall.curve.micro)


def test_extreme_scores_are_drawn(tmp_path: Path) -> None:
    """Equal scores, separated ones, and names with signs of mathematics are drawn."""
    for scores in ([0.5, 0.5, 0.5, 0.5], [0.0, 0.1, 0.9, 1.0]):
        table = ScoreTable.from_arrays(
            scores,
            mated=[False, True, False, True],
            cohorts=["$x^", "$x^", "\u4e2d\n", "\u4e2d\n"],
            metric="$\x1b",
        )
        assert len(write_plots(evaluate(table), tmp_path, formats=["svg"])) == 3


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A format that is not offered is refused before anything is written."""
    with pytest.raises(MatcherError, match="'pdf'"):
        write_plots(evaluate(made(6), resamples=100), tmp_path / "none", formats=["pdf"])
    assert not (tmp_path / "none").exists()
