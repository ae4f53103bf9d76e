"""How often each score occurs, mated and non-mated apart."""

from __future__ import annotations

import attrs

from biotrail.matchers.rates.scores import MICRO, ScoreTable

__all__ = ["Histogram", "histogram"]


@attrs.frozen(kw_only=True)
class Histogram:
    """Counts of scores in bins of one width.

    Attributes:
        edges: Edges of the bins, ascending, one more than there are bins. A bin holds its lower
            edge, the last one both.
        mated: Number of mated comparisons in each bin.
        non_mated: Number of non-mated comparisons in each bin.
    """

    edges: tuple[float, ...]
    mated: tuple[int, ...]
    non_mated: tuple[int, ...]


def histogram(scores: ScoreTable, *, bins: int = 60) -> Histogram:
    """Count scores in bins of one width, from the lowest score to the highest."""
    import numpy

    values = scores.micro / (MICRO if scores.higher_is_better else -MICRO)
    edges = numpy.histogram_bin_edges(values, bins=bins)
    mated, _ = numpy.histogram(values[scores.mated], bins=edges)
    non_mated, _ = numpy.histogram(values[~scores.mated], bins=edges)
    return Histogram(
        edges=tuple(edges.tolist()),
        mated=tuple(mated.tolist()),
        non_mated=tuple(non_mated.tolist()),
    )
