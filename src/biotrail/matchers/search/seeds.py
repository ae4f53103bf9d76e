"""The first rows of a search for the best: they give a key that many later rows cannot reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.bound import Bound
from biotrail.matchers.search.pool import Pool

if TYPE_CHECKING:
    from biotrail.matchers.search.view import View

__all__ = ["add_pairs", "seed_many", "seed_one"]

_SEEDS = 2_048
_SEEDS_TOLD_APART = 512
_GROUP = 8
_ROUNDED = 2.0**-22
"""Relative room for a product and its weight in float32."""
_LOST = 2.0**-120
"""Room for what is too small for float32."""


def add_pairs(
    view: View, bound: Bound, pool: Pool, number: int, first: int, products: Any, places: Any
) -> None:
    """Put pairs of rows and probes whose keys may reach into the pool.

    Args:
        view: The rows.
        bound: Of the probes.
        pool: Where to.
        number: The block's number.
        first: Place in the block of the first row of the products.
        products: Shape (rows, probes).
        places: Which of the products, as places in their flat array.
    """
    import numpy

    rows, which = numpy.divmod(places, products.shape[1])
    chosen = products.ravel()[places].astype(numpy.float64)
    rows += first
    numbers = view.numbers(number, rows)
    some = bound.pick(which)
    upper = some.upper(chosen, *numbers)
    keep = (upper >= pool.reached[which]).nonzero()[0]
    lower = some.lower(chosen, *numbers)
    pool.add(which[keep], rows[keep] + number * ROWS, upper[keep], lower[keep])


def seed_one(view: View, bound: Bound, products: Any, pool: Pool) -> None:
    """Raise the pool's key to what the best of the first rows reach, for one probe.

    Which rows seem to be the best is only a guess; that they reach their lower bounds is not.

    Args:
        view: The rows.
        bound: Of the probe.
        products: Those of the first block's rows, shape (rows,).
        pool: Of one probe.
    """
    import numpy

    top = pool.top or 1
    count = min(len(products), _SEEDS)
    if view.several or count < top:
        seed_many(view, bound, products[:, None], pool)
        return
    block, _ = view.parts[0]
    guess = products[:count] * block.layers[view.kernel.name].weights(slice(count))
    if view.metric == "euclidean":
        lengths = block.length[:count].astype(numpy.float64)
        guess = guess * (bound.factor * bound.step) - lengths * lengths / 2.0
    rows = numpy.argpartition(guess, count - top)[count - top :]
    seen = view.visible(rows)
    if seen is not None and not seen.all():
        return
    weight, radius, length = view.numbers(0, rows)
    radius = numpy.abs(radius)  # where there is no row: minus infinity, and so no key at all
    lower = bound.lower(products[rows].astype(numpy.float64), weight, radius, length)
    pool.reached[0] = max(pool.reached[0], lower.min())


def seed_many(view: View, bound: Bound, products: Any, pool: Pool) -> None:
    """Raise the pool's keys to what the best of the first rows reach, for each probe.

    The best row of each of some groups is another row, so the k-th best of the groups' best is a
    key that k rows reach. Where references have several rows, those are told apart instead.
    """
    import numpy

    top = pool.top or 1
    if view.several:
        count = min(len(products), _SEEDS_TOLD_APART)
        seeds = Pool(view, pool.reached, top)
        some = numpy.arange(count * products.shape[1])
        add_pairs(view, bound, seeds, 0, 0, products[:count], some)
        seeds.raise_keys()
        return
    groups = min(len(products), _SEEDS) // _GROUP
    if groups < top:
        return
    rows = numpy.arange(groups * _GROUP)
    seen = view.visible(rows)
    weight, radius, length = view.numbers(0, rows)
    there = radius >= 0.0 if seen is None else seen & (radius >= 0.0)
    # The largest product of a group, less what float32 may have added to it, and the largest error
    # and length of the group: some row of the group is as good as these make it.
    scaled = products[: rows.size].astype(numpy.float32)
    scaled *= weight.astype(numpy.float32)[:, None]
    scaled[~there] = -numpy.inf
    best = scaled.reshape(groups, _GROUP, -1).max(axis=1).astype(numpy.float64)
    best -= numpy.abs(best) * _ROUNDED + _LOST
    widest = numpy.where(there, radius, 0.0).reshape(groups, _GROUP).max(axis=1)
    longest = numpy.abs(length).reshape(groups, _GROUP).max(axis=1)
    lower = bound.lower(best, 1.0, widest[:, None], longest[:, None])
    kth = numpy.partition(lower, groups - top, axis=0)[groups - top]
    numpy.maximum(pool.reached, kth, out=pool.reached)
