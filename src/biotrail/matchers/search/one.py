"""One probe: which rows its codes cannot exclude.

With a threshold, a row stays if its key may reach that of the threshold. For the best k, the key to
be reached is the k-th largest lower bound seen so far, and rises as blocks go by.

A block of a thousand rows is multiplied in less time than twenty calls of NumPy take, and so there
are as few of them here as can be.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.bound import Bound, key_of_threshold
from biotrail.matchers.search.pool import Pool
from biotrail.matchers.search.seeds import seed_one

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.probe import Probe
    from biotrail.matchers.search.view import View

__all__ = ["doubled", "key_of", "scan_one"]

_LOOKS = frozenset(4**power - 1 for power in range(16))
"""Numbers of blocks after which the k-th best is looked for: each time four times as many."""
_FEW = 12
"""Rows of a block that are scored at once as fast as they are looked at more closely."""


def key_of(view: View, probe: Probe, threshold: float | None) -> float:
    """The key that a row must reach to be of interest; without a threshold, the lowest there is."""
    if threshold is None:
        return -sys.float_info.max
    return key_of_threshold(view.metric, threshold, probe.length)


def doubled(number: int) -> bool:
    """Whether twice as many have been seen as at the last time: often enough to look again."""
    return number & (number + 1) == 0


def scan_one(
    view: View, probe: Probe, threshold: float | None, top: int | None
) -> NDArray[numpy.int64]:
    """The slots of one probe that cannot be excluded, ascending.

    Args:
        view: The rows.
        probe: Not too short to be scanned.
        threshold: Only rows whose key may reach the threshold's; None for all.
        top: Only rows that may be among the best so many references; None for all.
    """
    payload, step, error = view.kernel.code_probe(probe.unit)
    bound = Bound.of(view.metric, probe.length, step, error, view.dimension)
    key = key_of(view, probe, threshold)
    if top is None:
        return _over_threshold(view, payload, bound, key)
    return _best(view, payload, bound, key, top)


def _reach(
    view: View, number: int, products: Any, bound: Bound, key: float
) -> tuple[NDArray[numpy.intp], float]:
    """Rows of a block that one comparison does not exclude, and what they were compared with."""
    block, _ = view.parts[number]
    extent = block.layers[view.kernel.name].extent
    least = min(max(bound.least_product(key, extent), -3e38), 3e38)
    return (products >= least).nonzero()[0], least


def _over_threshold(view: View, payload: Any, bound: Bound, key: float) -> NDArray[numpy.int64]:
    """The slots whose key may reach the given one, and perhaps a few more."""
    import numpy

    kernel = view.kernel
    found: list[NDArray[numpy.int64]] = []
    for number, (block, count) in enumerate(view.parts):
        codes = block.layers[kernel.name].codes[:count]
        rows = _reaching(view, number, kernel.one(codes, payload), bound, key)
        if rows.size:
            found.append(rows + number * ROWS if number else rows)
    if len(found) == 1:
        return found[0]
    return numpy.concatenate(found) if found else numpy.empty(0, numpy.int64)


def _reaching(
    view: View, number: int, products: Any, bound: Bound, key: float
) -> NDArray[numpy.intp]:
    """The visible rows of a block whose key may reach the given one, and perhaps a few more."""
    import numpy

    block, _ = view.parts[number]
    layer = block.layers[view.kernel.name]
    rows, least = _reach(view, number, products, bound, key)
    if not rows.size:
        return rows
    if rows.size > _FEW:
        chosen = products[rows].astype(numpy.float64)
        rows = rows[bound.upper(chosen, *view.numbers(number, rows)) >= key]
    elif least <= 0.0 or not (layer.own_codes or block.writable):
        rows = rows[block.length[rows] >= 0.0]  # of wiped rows; elsewhere they have the product 0
    seen = view.visible(rows + number * ROWS if number else rows)
    return rows if seen is None else rows[seen]


def _best(view: View, payload: Any, bound: Bound, key: float, top: int) -> NDArray[numpy.int64]:
    """The slots that may be among the best."""
    import numpy

    kernel = view.kernel
    pool = Pool(view, numpy.array([key]), top)
    waiting: list[tuple[Any, ...]] = []
    last = len(view.parts) - 1
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[kernel.name]
        products = kernel.one(layer.codes[:count], payload)
        if number == 0:
            seed_one(view, bound, products, pool)
            key = float(pool.reached[0])
            if not last and not view.several:
                return _reaching(view, 0, products, bound, key)
        rows, _ = _reach(view, number, products, bound, key)
        if rows.size:
            numbers = (layer.weights(rows), layer.radii(rows), block.length.take(rows))
            waiting.append((rows + number * ROWS, products.take(rows), *numbers))
        if waiting and (number == last or number in _LOOKS):
            _pour(pool, bound, waiting, key)
            waiting = []
            if number < last:
                pool.raise_keys()
                key = float(pool.reached[0])
    slots: NDArray[numpy.int64] = pool.slots()[0]
    return slots


def _pour(pool: Pool, bound: Bound, waiting: list[tuple[Any, ...]], key: float) -> None:
    """Put the rows of several blocks into the pool, with their bounds."""
    import numpy

    slots, *numbers = (numpy.concatenate(column) for column in zip(*waiting, strict=True))
    numbers = [column.astype(numpy.float64) for column in numbers]
    upper, lower = bound.both(*numbers)
    keep = (upper >= key).nonzero()[0]
    pool.add(numpy.zeros(keep.size, numpy.int64), slots[keep], upper[keep], lower[keep])
