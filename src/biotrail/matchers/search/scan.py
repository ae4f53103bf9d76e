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
_RARE = 8


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
        if not some[0].scannable:
            left = [every_slot(view)]
        elif len(some) > 1:
            left = _scan_many(view, some, threshold, top)
        else:
            left = [scan_one(view, some[0], threshold, top)]
        found += [
            score(view, probe, slots, threshold, top)
            for probe, slots in zip(some, left, strict=True)
        ]
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

    With many probes, the largest product of each is found in two thirds of the time that comparing
    all of them takes, and few probes have one to be looked for.
    """
    import numpy

    probes = products.shape[1]
    if probes >= _WIDE:
        some = (products.max(axis=0) >= limits).nonzero()[0]
        if some.size * _RARE <= probes:
            rows, which = (products[:, some] >= limits[some]).nonzero()
            found: NDArray[numpy.intp] = rows * probes + some[which]
            return found
    hits = numpy.greater_equal(products, limits, out=room[: len(products)])
    places: NDArray[numpy.intp] = hits.ravel().nonzero()[0]
    return places


def _limits(least: Any, dtype: Any) -> Any:
    """Products to be reached, in the products' own type, rounded so that none is lost."""
    import numpy

    if dtype == numpy.int32:
        return numpy.floor(numpy.clip(least, -(2.0**31), 2.0**31 - 128)).astype(numpy.int32)
    return numpy.clip(least, -3e38, 3e38).astype(numpy.float32)
