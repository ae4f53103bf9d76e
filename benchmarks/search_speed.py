"""How fast galleries are searched, and how near that is to what the machine can do at all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy

from benchmarks.harness import Options, Target, interleave, median_ratio
from benchmarks.search_data import DIMENSION, THRESHOLD, Sides

Act = Callable[[int], object]
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "threshold": {"threshold": THRESHOLD},
    "best one": {"top": 1},
    "top 10": {"top": 10},
}
_QUESTIONS = tuple(_ARGUMENTS)
_GOALS = {
    (1_000_000, "threshold"): 3.5,
    (1_000_000, "best one"): 3.5,
    (1_000_000, "top 10"): 3.3,
}


def _ours(sides: Sides, question: str, many: int, alone: bool) -> Act:
    arguments: dict[str, Any] = _ARGUMENTS[question]

    def act(turn: int) -> object:
        sides.numpy_alone(alone)
        if many == 1:
            return sides.gallery.identify(sides.asked[turn % len(sides.asked)], **arguments)
        return sides.gallery.identify_many(sides.asked[:many], **arguments)

    return act


def _faiss(sides: Sides, question: str, many: int) -> Act:
    sides.matrix_products(many > 1)

    def act(turn: int) -> object:
        sides.matrix_products(many > 1)
        first = turn % len(sides.probes) if many == 1 else 0
        some = sides.probes[first : first + many]
        if question == "threshold":
            return sides.index.range_search(some, THRESHOLD)
        return sides.index.search(some, 1 if question == "best one" else 10)

    return act


def _usearch(sides: Sides, many: int) -> Act:
    import usearch.index as usearch

    inner_product: Any = vars(usearch)["MetricKind"].IP

    def act(turn: int) -> object:
        first = turn % len(sides.probes) if many == 1 else 0
        some = sides.probes[first : first + many]
        return usearch.search(sides.rows, some, 10, inner_product, exact=True, threads=1)

    return act


def _numpy(sides: Sides) -> Act:
    """What a page of NumPy does for the same answer, up to float32: ids and scores, best first.

    The probe comes as a model gives it, in float64. It is brought to length 1 and to float32 and
    multiplied with the rows, which had length 1 already; those over the threshold are sorted.
    """
    ids = list(sides.numbers)
    probes = [one.values for one in sides.asked]

    def act(turn: int) -> object:
        probe = probes[turn % len(probes)]
        scores = sides.rows @ (probe / numpy.linalg.norm(probe)).astype(numpy.float32)
        over = numpy.flatnonzero(scores >= THRESHOLD)
        best = over[numpy.argsort(-scores[over])]
        return [(ids[row], score) for row, score in zip(best, scores[best].tolist(), strict=True)]

    return act


def _timed(act: Act, times: int = 1) -> Callable[[], float]:
    """The act as a rate, with another probe each time."""
    turn = 0

    def run() -> float:
        nonlocal turn
        began = time.perf_counter()
        for _ in range(times):
            act(turn)
            turn += 1
        return times / (time.perf_counter() - began)

    run()
    return run


def _compare(
    number: str, title: str, goal: float, rounds: int, acts: dict[str, Act], times: int = 1
) -> Target:
    """Ours first, the peer to be held against second, others as details."""
    rates = interleave(rounds, *(_timed(act, times) for act in acts.values()))
    named = dict(zip(acts, rates, strict=True))
    ours, peer = list(named.values())[:2]
    further: dict[str, float | str] = {
        f"{name}, ms": round(1e3 / statistics.median(rate), 3) for name, rate in named.items()
    }
    return Target(
        number,
        title,
        1e3 / statistics.median(ours),
        "ms",
        1e3 / statistics.median(peer),
        median_ratio(ours, peer),
        goal,
        details=further,
    )


def _check(sides: Sides) -> None:
    """See that the peers answer the same questions alike, before they are timed."""
    for probe, asked in zip(sides.probes[:4], sides.asked[:4], strict=True):
        found = sides.gallery.identify(asked, top=10)
        rows = {sides.numbers[one.reference] for one in found.candidates}
        scores, others = sides.index.search(probe[None], 10)
        assert len(rows ^ set(others[0].tolist())) <= 2, "other candidates than FAISS"
        values = [one.score.value for one in found.candidates]
        assert numpy.allclose(values, scores[0], atol=2e-6), "other scores than FAISS"


def one_probe(options: Options) -> list[Target]:
    """2.1: one probe, with the package of the extra ``search``."""
    return _one_probe(options, "2.1", alone=False)


def _one_probe(options: Options, number: str, *, alone: bool) -> list[Target]:
    targets = []
    for size in (1_000, 100_000, options.pick(1_000_000, 20_000)):
        if options.quick and size == 100_000:
            continue
        sides = Sides(size, 64)
        _check(sides)
        rounds, times = (options.pick(101, 5), 20) if size == 1_000 else (options.pick(21, 3), 1)
        for question in _QUESTIONS:
            acts = {"ours": _ours(sides, question, 1, alone), "faiss": _faiss(sides, question, 1)}
            if question == "top 10":
                acts["usearch"] = _usearch(sides, 1)
            goal = 1.0 if alone or size == 1_000 else _GOALS.get((size, question), 3.0)
            if size == 1_000 and not alone:
                if question != "threshold":
                    continue
                acts = {"ours": acts["ours"], "numpy": _numpy(sides), "faiss": acts["faiss"]}
            title = f"one probe, {size:,} references, {question}"
            part = f"{number} {size} {question}"
            targets.append(_compare(part, title, goal, rounds, acts, times))
        del sides
    return targets


def batches(options: Options) -> list[Target]:
    """2.2: batches of probes, with the package of the extra ``search``."""
    sides = Sides(options.pick(1_000_000, 20_000), 1_024)
    return _batches(options, sides, "2.2", 2.0, alone=False)


def _batches(
    options: Options, sides: Sides, number: str, goal: float, *, alone: bool
) -> list[Target]:
    targets = []
    for many in (64, options.pick(1_024, 128)):
        rounds = options.pick(5 if many == 64 else 3, 1)
        for question in ("threshold", "top 10"):
            acts = {
                "ours": _ours(sides, question, many, alone),
                "faiss": _faiss(sides, question, many),
            }
            title = f"{many:,} probes, {len(sides.rows):,} references, {question}"
            part = f"{number} {many} {question}"
            targets.append(_compare(part, title, goal, rounds, acts))
    return targets


def numpy_alone(options: Options) -> list[Target]:
    """2.3: the same without any extra."""
    one = _one_probe(options, "2.3", alone=True)
    sides = Sides(options.pick(1_000_000, 20_000), 1_024)
    return one + _batches(options, sides, "2.3", 1.0, alone=True)


def shares(options: Options) -> list[Target]:
    """2.7: what part of the memory's bandwidth, and of the arithmetic, is reached."""
    size = options.pick(1_000_000, 20_000)
    sides = Sides(size, 256)
    rounds = options.pick(11, 2)
    block, _ = sides.gallery._table._blocks[0], None
    codes = [part.layers["numkong-int8"].codes for part in sides.gallery._table._blocks]
    read = [_reading(codes), _timed(_ours(sides, "threshold", 1, False))]
    reading, ours = interleave(rounds, *read)
    floats = [_reading([sides.rows]), _timed(_ours(sides, "threshold", 1, True))]
    reading_floats, plain = interleave(rounds, *floats)
    kernel = block.layers["numkong-int8"].kernel
    tile = block.layers["numkong-int8"].codes[: min(block.count, 2_048)]
    payload = kernel.code_probes(sides.probes.astype(numpy.float64)).payload
    in_cache = _timed(lambda _: kernel.many(tile, payload), 20)
    batch = _timed(_ours(sides, "threshold", 256, False))
    tiles, whole = interleave(options.pick(3, 1), in_cache, batch)
    arithmetic = [rate * size / len(tile) for rate in whole]
    return [
        _share("2.7 one probe", "share of reading the codes once", ours, reading, size, 1),
        _share("2.7 NumPy", "share of reading the rows once", plain, reading_floats, size, 4),
        Target(
            "2.7 batch",
            "256 probes: share of the kernel's rate on a tile in the cache",
            statistics.median(whole) * size * 256 / 1e6,
            "million pairs/s",
            statistics.median(tiles) * len(tile) * 256 / 1e6,
            median_ratio(arithmetic, tiles),
            0.001,
            details={"goal": "none: reported"},
        ),
    ]


def _reading(parts: list[Any]) -> Callable[[], float]:
    """Read every byte once, as fast as NumPy can: the largest of whole numbers of eight bytes."""
    wide = [part.reshape(-1).view(numpy.int64) for part in parts]
    return _timed(lambda _: [part.max() for part in wide])


def _share(
    number: str, title: str, ours: list[float], limit: list[float], size: int, width: int
) -> Target:
    gigabytes = size * DIMENSION * width / 1e9
    return Target(
        number,
        title,
        statistics.median(ours) * gigabytes,
        "GB/s",
        statistics.median(limit) * gigabytes,
        median_ratio(ours, limit),
        0.001,
        details={"goal": "none: reported"},
    )
