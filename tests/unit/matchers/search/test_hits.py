"""Which products of a tile reach their limits."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers import EmbeddingMatcher  # noqa: E402
from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.search.scan import _hits  # noqa: E402


@pytest.mark.parametrize("probes", [3, 127, 128, 300])
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("share", [0.0, 1e-5, 1e-3, 0.2, 1.0])
@pytest.mark.parametrize("rows", [70, 80])
def test_hits_are_all_that_reach(probes: int, dtype: type, share: float, rows: int) -> None:
    """Few hits or many, few probes or many: the places are those of a plain comparison."""
    random = np.random.default_rng(4)
    products = random.integers(-1000, 1000, (rows, probes)).astype(dtype)
    limits = np.quantile(products, 1.0 - share, axis=0).astype(dtype) + (share == 0.0)
    found = _hits(products, limits.astype(dtype), np.empty((80, probes), np.bool_))
    assert sorted(found.tolist()) == (products >= limits).ravel().nonzero()[0].tolist()


def test_a_wide_batch_answers_as_one_probe_does() -> None:
    """With more probes than a kernel takes at once, each answer is that of its probe alone."""
    matcher = EmbeddingMatcher(model="m", version="1", dimension=24)
    gallery = Gallery(matcher.card)
    random = np.random.default_rng(5)
    gallery.add_many([matcher.features(row) for row in random.normal(size=(900, 24))])
    probes = [matcher.features(row) for row in random.normal(size=(1_100, 24))]
    for question in ({"threshold": 0.6}, {"top": 3}):
        together = gallery.identify_many(probes, **question)
        for probe, answer in list(zip(probes, together, strict=True))[::57]:
            assert gallery.identify(probe, **question).candidates == answer.candidates
