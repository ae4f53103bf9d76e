"""The search: scan small codes, keep what the proven bound cannot exclude, score that exactly.

One probe against a view goes like this::

    probe ── code ──► product with the codes of a block ── least_product ──► a few rows
          ── upper, lower ──► fewer rows ── defined_scores ──► slots and scores

With a threshold, a row stays if its key may reach that of the threshold. For the best k, the key to
be reached is the k-th largest lower bound seen so far, and rises as blocks go by.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.bound import Bound, key_of_threshold
from biotrail.matchers.search.finish import Found, every_slot, score
from biotrail.matchers.search.pool import Pool
from biotrail.matchers.search.probe import Probe
from biotrail.matchers.search.seeds import add_pairs, seed_many, seed_one

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.view import View

__all__ = ["search"]

_FEW = 12
"""Rows of a block that are scored at once as fast as they are looked at more closely."""
_PROBES_AT_ONCE = 256
_MOST_IN_BATCH = 128


def search(
    view: View, probes: Sequence[Probe], *, threshold: float | None, top: int | None
) -> list[Found]:
    """Search a view for each probe.

    Args:
        view: The rows.
        probes: At least one.
        threshold: Only rows that reach it; None for all.
        top: Only rows that may be among the best so many references; None for all.

    Returns:
        What was found for each probe, in the probes' order.
    """
    together = len(probes) > 1 and (top is None or top <= _MOST_IN_BATCH)
    together = together and all(probe.scannable for probe in probes)
    found: list[Found] = []
    step = _PROBES_AT_ONCE if together else 1
    for first in range(0, len(probes), step):
        some = probes[first : first + step]
        if not some[0].scannable:
            left = [every_slot(view)]
        elif len(some) > 1:
            left = _scan_many(view, some, threshold, top)
        elif top is None:
            left = [_scan_for_threshold(view, some[0], threshold)]
        else:
            left = [_scan_for_top(view, some[0], threshold, top)]
        found += [
            score(view, probe, slots, threshold, top)
            for probe, slots in zip(some, left, strict=True)
        ]
    return found


def _key(view: View, probe: Probe, threshold: float | None) -> float:
    if threshold is None:
        return -sys.float_info.max
    return key_of_threshold(view.metric, threshold, probe.length)


def _coded(view: View, probe: Probe) -> tuple[Any, Bound]:
    """What the kernel multiplies with, and the bound that belongs to it."""
    coded = view.kernel.code_probes(probe.unit[None])
    step, error = coded.step.item(), coded.error.item()
    bound = Bound.of(view.metric, probe.length, step, error, view.dimension)
    return coded.payload, bound


def _scan_for_threshold(view: View, probe: Probe, threshold: float | None) -> NDArray[numpy.int64]:
    """The slots whose key may reach the threshold's, and perhaps a few more."""
    import numpy

    kernel = view.kernel
    payload, bound = _coded(view, probe)
    key = _key(view, probe, threshold)
    found: list[NDArray[numpy.int64]] = []
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[kernel.name]
        products = kernel.one(layer.codes[:count], payload)
        rows = _reaching(view, number, products, bound, key)
        if not rows.size:
            continue
        slots = rows + number * ROWS
        seen = view.visible(slots)
        found.append(slots if seen is None else slots[seen])
    if len(found) == 1:
        return found[0]
    return numpy.concatenate(found) if found else numpy.empty(0, numpy.int64)


def _reaching(
    view: View, number: int, products: Any, bound: Bound, key: float
) -> NDArray[numpy.intp]:
    """The rows of a block whose key may reach the given one, and perhaps a few more."""
    import numpy

    block, _ = view.parts[number]
    layer = block.layers[view.kernel.name]
    least = bound.least_product(key, layer.extent)
    rows: NDArray[numpy.intp] = (products >= min(max(least, -3e38), 3e38)).nonzero()[0]
    if rows.size <= _FEW:
        rows = rows[layer.radius[rows] >= 0.0]  # wiped rows have minus infinity
    else:
        chosen = products[rows].astype(numpy.float64)
        rows = rows[bound.upper(chosen, *view.numbers(number, rows)) >= key]
    return rows


def _scan_for_top(
    view: View, probe: Probe, threshold: float | None, top: int
) -> NDArray[numpy.int64]:
    """The slots that may be among the best."""
    import numpy

    kernel = view.kernel
    payload, bound = _coded(view, probe)
    key = _key(view, probe, threshold)
    pool = Pool(view, numpy.array([key]), top)
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[kernel.name]
        products = kernel.one(layer.codes[:count], payload)
        if number == 0:
            seed_one(view, bound, products, pool)
            key = float(pool.reached[0])
        if len(view.parts) == 1 and not view.several:
            rows = _reaching(view, 0, products, bound, key)
            seen = view.visible(rows)
            return rows if seen is None else rows[seen]
        least = bound.least_product(key, layer.extent)
        rows = (products >= min(max(least, -3e38), 3e38)).nonzero()[0]
        if rows.size:
            numbers = view.numbers(number, rows)
            chosen = products[rows].astype(numpy.float64)
            upper = bound.upper(chosen, *numbers)
            lower = bound.lower(chosen, *numbers)
            keep = (upper >= key).nonzero()[0]
            zeros = numpy.zeros(keep.size, numpy.int64)
            pool.add(zeros, rows[keep] + number * ROWS, upper[keep], lower[keep])
        if _doubled(number) and number + 1 < len(view.parts):
            pool.raise_keys()
            key = float(pool.reached[0])
    return pool.slots()[0]


def _doubled(number: int) -> bool:
    """Whether twice as many blocks have been seen as at the last time: often enough to look."""
    return number & (number + 1) == 0


def _scan_many(
    view: View, probes: Sequence[Probe], threshold: float | None, top: int | None
) -> list[NDArray[numpy.int64]]:
    import numpy

    kernel = view.kernel
    coded = kernel.code_probes(numpy.array([probe.unit for probe in probes]))
    lengths = numpy.array([probe.length for probe in probes])
    bound = Bound.of(view.metric, lengths, coded.step, coded.error, view.dimension)
    keys = numpy.array([_key(view, probe, threshold) for probe in probes])
    pool = Pool(view, keys, top)
    tiles = 0
    room = numpy.empty((kernel.rows_at_once, len(probes)), numpy.bool_)
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[kernel.name]
        limits: Any = None
        for first in range(0, count, kernel.rows_at_once):
            codes = layer.codes[first : min(first + kernel.rows_at_once, count)]
            products = kernel.many(codes, coded.payload)
            if tiles == 0 and top is not None:
                seed_many(view, bound, products, pool)
            if limits is None:
                with numpy.errstate(over="ignore"):
                    least = bound.least_product(pool.reached, layer.extent)
                limits = _limits(least, products.dtype)
            hits = numpy.greater_equal(products, limits, out=room[: len(products)])
            places = hits.ravel().nonzero()[0]
            if places.size:
                add_pairs(view, bound, pool, number, first, products, places)
            tiles += 1
            if top is not None and _doubled(tiles):
                pool.raise_keys()
                limits = None
    return pool.slots()


def _limits(least: Any, dtype: Any) -> Any:
    """Products to be reached, in the products' own type, rounded so that none is lost."""
    import numpy

    if dtype == numpy.int32:
        return numpy.floor(numpy.clip(least, -(2.0**31), 2.0**31 - 128)).astype(numpy.int32)
    return numpy.clip(least, -3e38, 3e38).astype(numpy.float32)
