"""Our error rates and those of pyeer, on the same scores."""

from __future__ import annotations

import pytest

from biotrail.matchers.rates import ScoreTable, error_curve
from tests.unit.matchers.rates._made import made

pytestmark = [pytest.mark.component("numpy"), pytest.mark.component("pyeer")]


@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("apart", [1.0, 2.5, 4.0, 20.0])
@pytest.mark.parametrize("decimals", [1, 6])
def test_pyeer_counts_the_same(higher: bool, apart: float, decimals: int) -> None:
    """FMR and FNMR at every threshold, EER, and FNMR where no false match is left, are equal.

    Similarity and distance scores, far apart and overlapping, with many ties and with few.
    """
    import numpy
    from pyeer.eer_stats import calculate_roc, get_eer_values

    drawn = made(20, apart=apart, seed=5, higher_is_better=higher)
    sign = 1 if higher else -1
    values = numpy.round(sign * drawn.micro / 1e6, decimals)
    scores = ScoreTable.from_arrays(values, mated=drawn.mated, higher_is_better=higher)
    curve = error_curve(scores)

    genuine, impostor = values[drawn.mated], values[~drawn.mated]
    thresholds, fmr, fnmr = calculate_roc(genuine, impostor, ds_scores=not higher)
    for place, threshold in enumerate(thresholds.tolist()):
        ours = curve.at(threshold)
        assert ours.fmr == pytest.approx(fmr[place], abs=1e-12)
        assert ours.fnmr == pytest.approx(fnmr[place], abs=1e-12)
    assert len(thresholds) == len(curve.micro) - 1

    *_, eer = get_eer_values(fmr, fnmr)
    assert curve.equal_error_rate().rate == pytest.approx(eer, abs=1e-12)
    assert curve.at_fmr(0.0).fnmr == pytest.approx(
        fnmr[fmr == 0].min() if (fmr == 0).any() else 1.0, abs=1e-12
    )
