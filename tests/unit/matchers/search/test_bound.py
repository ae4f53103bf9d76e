"""The bound, held against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.measures import MEASURES  # noqa: E402
from biotrail.matchers.search.block import Block  # noqa: E402
from biotrail.matchers.search.bound import Bound, key_of_threshold  # noqa: E402
from biotrail.matchers.search.codes import EightBitKernel, FourBitKernel  # noqa: E402
from biotrail.matchers.search.kernels import FloatKernel, code_whole  # noqa: E402

KERNELS: Any = [
    FloatKernel,
    FourBitKernel,
    pytest.param(EightBitKernel, marks=pytest.mark.component("numkong")),
]
SCALES = (1e-30, 1e-12, 1.0, 1e6, 1e12)


def exact(values: Any) -> list[Fraction]:
    """The numbers themselves, without rounding."""
    return [Fraction(float(value)) for value in values]


def product(left: list[Fraction], right: list[Fraction]) -> Fraction:
    """The true inner product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def rows_of(seed: int, dimension: int, scale: float) -> Any:
    """Rows of several shapes: usual, one value, all equal, heavy-tailed, almost nothing beside."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(6, dimension))
    rows[1] = 0.0
    rows[1, 0] = 1.0
    rows[2] = 1.0
    rows[3] = random.standard_t(1, dimension)
    rows[4] *= 1e-9
    rows[4, -1] = 1.0
    return (rows * scale).astype(np.float32)


@pytest.mark.parametrize("largest", [7, 127])
@pytest.mark.parametrize("scale", [*SCALES, 1e-44, 1e-38])
def test_what_a_code_leaves_out_is_bounded(largest: int, scale: float) -> None:
    """No row is further from its code times the step than the bound says; codes are in range."""
    rows = rows_of(1, 19, scale).astype(np.float64)
    codes, steps, errors = code_whole(rows, largest)
    assert np.abs(codes.astype(int)).max() <= largest
    for row, code, step, error in zip(rows, codes, steps, errors, strict=True):
        left = [a - b * Fraction(float(step)) for a, b in zip(exact(row), exact(code), strict=True)]
        assert product(left, left) <= Fraction(float(error)) ** 2


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("metric", list(MEASURES))
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dimension", [23, 80])
def test_true_keys_lie_within_the_bound(
    kernel: Any, metric: str, scale: float, dimension: int
) -> None:
    """The key, computed in rational numbers, is between lower and upper; so is the score's own."""
    rows = rows_of(2, dimension, scale)
    coder = kernel()
    block = Block(dimension, metric, [coder])
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1))
    block.write(0, rows, [coder.code_rows(rows)], lengths)
    layer = block.layers[coder.name]
    random = np.random.default_rng(3)
    for probe in [rows[0].astype(np.float64), random.normal(size=dimension) * scale * 7]:
        length = float(np.sqrt(probe @ probe))
        payload, step, error = coder.code_probe(probe / length)
        bound = Bound.of(metric, length, step, error, dimension)
        products = coder.one(layer.codes[:6], payload).astype(np.float64)
        some = slice(6)
        parts = (layer.weights(some), layer.radii(some), block.length[some])
        numbers = [part.astype(np.float64) for part in parts]
        upper, lower = bound.upper(products, *numbers), bound.lower(products, *numbers)
        assert (lower <= upper).all()
        for row, low, high in zip(rows, lower, upper, strict=True):
            g, q = exact(row), exact(probe)
            score = MEASURES[metric][0](row.astype(np.float64), probe)
            inner, gg, qq = product(g, q), product(g, g), product(q, q)
            if metric == "cosine":
                # squares keep their order with their sign, and need no root of a fraction
                assert _signed(inner) >= _signed(Fraction(float(low))) * gg * qq
                assert _signed(inner) <= _signed(Fraction(float(high))) * gg * qq
                assert low <= score <= high
            elif metric == "euclidean":
                assert Fraction(float(low)) <= inner - gg / 2 <= Fraction(float(high))
                own = (qq - Fraction(score) ** 2) / 2
                assert Fraction(float(low)) <= own <= Fraction(float(high))
            else:
                assert Fraction(float(low)) <= inner <= Fraction(float(high))
                assert low <= score <= high


def _signed(value: Fraction) -> Fraction:
    """The square, with the sign."""
    return value * abs(value)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("metric", list(MEASURES))
def test_least_product_excludes_no_row_that_reaches(kernel: Any, metric: str) -> None:
    """Every row whose upper bound reaches a key has a product from the least one on."""
    dimension = 23
    rows = np.concatenate([rows_of(seed, dimension, 1.0) for seed in range(20)])
    coder = kernel()
    block = Block(dimension, metric, [coder])
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1))
    block.write(0, rows, [coder.code_rows(rows)], lengths)
    layer = block.layers[coder.name]
    count = len(rows)
    numbers = [
        part.astype(np.float64)
        for part in (layer.weights(slice(count)), layer.radii(slice(count)), block.length[:count])
    ]
    probe = rows[7].astype(np.float64)
    length = float(np.sqrt(probe @ probe))
    payload, step, error = coder.code_probe(probe / length)
    bound = Bound.of(metric, length, step, error, dimension)
    products = coder.one(layer.codes[:count], payload).astype(np.float64)
    upper = bound.upper(products, *numbers)
    excluded = 0
    for key in np.concatenate([upper, upper + 1e-9, [-1e300, 1e300]]):
        least = bound.least_product(float(key), layer.extent)
        assert (products[upper >= key] >= least).all()
        excluded += int((products < least).sum())
    assert excluded > 0


@pytest.mark.parametrize("threshold", [0.36, -0.5, 0.0, 1e-6, 123.456789, 1e9])
def test_scores_half_a_millionth_below_the_threshold_reach_its_key(threshold: float) -> None:
    """Every score that a decision would round up to the threshold reaches the threshold's key."""
    limit = round(threshold * 1e6)
    score = (limit - 0.5) / 1e6
    for value in (score, np.nextafter(score, 1e300), np.nextafter(score, -1e300)):
        if round(float(value) * 1e6) >= limit:
            assert value >= key_of_threshold("inner_product", threshold, 1.0)


def test_distances_half_a_millionth_above_the_threshold_reach_its_key() -> None:
    """The same for distances, where lower is better; a distance below zero is reached by none."""
    length = 3.0
    for threshold in (0.0, 0.5, 2.999999, 7.25):
        worst = (round(threshold * 1e6) + 0.5) / 1e6
        key = key_of_threshold("euclidean", threshold, length)
        assert Fraction(length) ** 2 - Fraction(worst) ** 2 >= 2 * Fraction(key)
    assert key_of_threshold("euclidean", -0.1, length) > 1e300
