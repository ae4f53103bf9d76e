"""Batches over several blocks: the pairs that are left are scored together."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers import EmbeddingMatcher  # noqa: E402
from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.measures import MEASURES  # noqa: E402
from biotrail.matchers.search.block import ROWS  # noqa: E402
from biotrail.matchers.search.codes import FourBitKernel  # noqa: E402
from biotrail.matchers.search.kernels import FloatKernel  # noqa: E402
from biotrail.matchers.search.scores import (  # noqa: E402
    defined_scores,
    lengths_of,
    scores_of_pairs,
)


@pytest.mark.parametrize("metric", list(MEASURES))
@pytest.mark.parametrize("dimension", [1, 2, 7, 128, 513])
def test_pairs_score_as_each_row_alone(metric: str, dimension: int) -> None:
    """Scores of many pairs at once have the bits of the same pairs one by one."""
    random = np.random.default_rng(6)
    rows = random.standard_t(2, (700, dimension)).astype(np.float32)
    vectors = random.standard_t(2, (5, dimension)) * 10.0 ** random.integers(-9, 9, (5, 1))
    which = random.integers(0, 5, 700)
    own = lengths_of(vectors) if metric == "cosine" else None
    found = scores_of_pairs(metric, rows, vectors, which, own)
    measure, _ = MEASURES[metric]
    wanted = [
        measure(row.astype(np.float64), vectors[one])
        for row, one in zip(rows, which.tolist(), strict=True)
    ]
    assert found.tolist() == wanted
    assert defined_scores(metric, rows[:1], vectors[which[0]]).tolist() == wanted[:1]


@pytest.mark.parametrize("metric", list(MEASURES))
@pytest.mark.parametrize("kernel", [FloatKernel, FourBitKernel])
@pytest.mark.parametrize("question", [{"top": 1}, {"top": 7}, {"threshold": 2.0}])
def test_batches_over_blocks_answer_as_one_probe_does(
    metric: Any, kernel: Any, question: dict[str, Any]
) -> None:
    """Over two blocks, with rows removed and an id of its own, a batch answers as each alone."""
    matcher = EmbeddingMatcher(model="m", version="1", dimension=6, metric=metric)
    gallery = Gallery(matcher.card, kernels=[kernel()])
    random = np.random.default_rng(7)
    rows = random.normal(size=(ROWS + 700, 6))
    ids = gallery.add_many([matcher.features(row) for row in rows])
    for one in ids[5 :: ROWS // 60]:
        gallery.remove(one)
    gallery.add(matcher.features(rows[0]), reference="somebody")
    if "threshold" in question:
        question = {"threshold": {"cosine": 0.998, "inner_product": 14.0, "euclidean": 0.4}[metric]}
    probes = [matcher.features(row) for row in [*rows[:9], *random.normal(size=(140, 6))]]
    together = gallery.identify_many(probes, **question)
    alone = [gallery.identify(probe, **question).candidates for probe in probes]
    assert [answer.candidates for answer in together] == alone
    assert sum(map(len, alone)) >= 8
