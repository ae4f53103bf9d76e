"""The search: scan small codes, keep what the proven bound cannot exclude, score that exactly.

One probe against a view goes like this::

    probe ── code ──► product with the codes of a block ── least_product ──► a few rows
          ── upper, lower ──► fewer rows ── defined_scores ──► slots and scores
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from biotrail.matchers.search.bound import Bound
from biotrail.matchers.search.finish import Found, every_slot, score
from biotrail.matchers.search.finish_many import score_many
from biotrail.matchers.search.one import doubled, key_of, scan_one
from biotrail.matchers.search.pool import Pool
from biotrail.matchers.search.probe import Probe
from biotrail.matchers.search.seeds import add_pairs, seed_many

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.view import View

__all__ = ["search"]

_MOST_IN_BATCH = 128
_WIDE = 128
"""Probes from which a tile's largest products are looked at first."""
_GROUP = 16
"""Rows whose largest product is looked at for all of them."""
_RARE = 16


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
    if len(probes) == 1 and probes[0].scannable:
        slots = scan_one(view, probes[0], threshold, top)
        return [score(view, probes[0], slots, threshold, top)]
    together = len(probes) > 1 and (top is None or top <= _MOST_IN_BATCH)
    together = together and all(probe.scannable for probe in probes)
    found: list[Found] = []
    step = view.kernel.probes_at_once if together else 1
    for first in range(0, len(probes), step):
        some = probes[first : first + step]
        if len(some) > 1:
            left = _scan_many(view, some, threshold, top)
            found += score_many(view, some, left, threshold, top)
            continue
        (one,) = some
        slots = scan_one(view, one, threshold, top) if one.scannable else every_slot(view)
        found.append(score(view, one, slots, threshold, top))
    return found


def _scan_many(
    view: View, probes: Sequence[Probe], threshold: float | None, top: int | None
) -> list[NDArray[numpy.int64]]:
    import numpy

    kernel = view.kernel
    coded = kernel.code_probes(numpy.array([probe.unit for probe in probes]))
    lengths = numpy.array([probe.length for probe in probes])
    bound = Bound.of(view.metric, lengths, coded.step, coded.error, view.dimension)
    keys = numpy.array([key_of(view, probe, threshold) for probe in probes])
    pool = Pool(view, keys, top)
    tiles = 0
    at_once = kernel.rows_at_once
    room = numpy.empty((at_once, len(probes)), numpy.bool_)
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[kernel.name]
        limits: Any = None
        for first in range(0, count, at_once):
            codes = layer.codes[first : min(first + at_once, count)]
            products = kernel.many(codes, coded.payload)
            if tiles == 0 and top is not None:
                seed_many(view, bound, products, pool)
            if limits is None:
                with numpy.errstate(over="ignore"):
                    least = bound.least_product(pool.reached, layer.extent)
                limits = _limits(least, products.dtype)
            places = _hits(products, limits, room)
            if places.size:
                add_pairs(view, bound, pool, number, first, products, places)
            tiles += 1
            if top is not None and doubled(tiles):
                pool.raise_keys()
                limits = None
    return pool.slots()


def _hits(products: Any, limits: Any, room: Any) -> NDArray[numpy.intp]:
    """Which products reach their probe's limit, as places in their flat array.

    With many probes, the largest products of groups of rows are found in a fraction of the time
    that comparing all products takes, and few of them have to be looked for.
    """
    import numpy

    places: NDArray[numpy.intp]
    rows, probes = products.shape
    if probes >= _WIDE and rows % _GROUP == 0:
        best = products.reshape(-1, _GROUP, probes).max(axis=1)
        places = (best >= limits).ravel().nonzero()[0]
        if places.size * _RARE <= best.size:
            groups, which = numpy.divmod(places, probes)
            near = (groups * (_GROUP * probes) + which)[:, None] + numpy.arange(_GROUP) * probes
            good = products.ravel()[near] >= limits[which, None]
            found: NDArray[numpy.intp] = numpy.sort(near[good])
            return found
    hits = numpy.greater_equal(products, limits, out=room[: len(products)])
    places = hits.ravel().nonzero()[0]
    return places


def _limits(least: Any, dtype: Any) -> Any:
    """Products to be reached, in the products' own type, rounded so that none is lost."""
    import numpy

    if dtype == numpy.int32:
        return numpy.floor(numpy.clip(least, -(2.0**31), 2.0**31 - 128)).astype(numpy.int32)
    return numpy.clip(least, -3e38, 3e38).astype(numpy.float32)
