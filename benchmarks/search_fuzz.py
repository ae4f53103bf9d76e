"""2.6: thousands of galleries made to provoke mistakes, each answer held against brute force."""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from benchmarks.harness import Options, Target
from biotrail.errors import MatcherError
from biotrail.matchers import EmbeddingMatcher, Features, decide
from biotrail.matchers.decision import score_of
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.measures import MEASURES
from biotrail.matchers.search.codes import EightBitKernel, FourBitKernel
from biotrail.matchers.search.kernels import FloatKernel, Kernel

_DIMENSIONS = (1, 2, 3, 8, 33, 128, 512)
_KINDS = ("normal", "heavy tails", "near duplicates", "uneven", "spikes", "lengths", "denormal")
_KERNELS: tuple[type[Kernel], ...] = (FloatKernel, EightBitKernel, FourBitKernel)


def _rows(random: Any, kind: str, count: int, dimension: int) -> Any:
    rows = random.normal(size=(count, dimension))
    if kind == "heavy tails":
        rows = random.standard_t(2, (count, dimension))
    elif kind == "near duplicates":
        rows = rows[:1] + rows * 10.0 ** random.integers(-9, -3)
        rows[count // 2 :] = rows[: count - count // 2]
    elif kind == "uneven":
        rows = rows * numpy.exp(random.normal(0, 2, dimension))
    elif kind == "spikes":
        rows[numpy.arange(count), random.integers(0, dimension, count)] *= 1e4
    elif kind == "lengths":
        rows = rows * 10.0 ** random.uniform(-12, 12, (count, 1))
    elif kind == "denormal":
        rows = rows * 10.0 ** random.uniform(-44, -30, (count, 1))
    return rows.astype(numpy.float32)


def _expected(gallery: Gallery, ids: list[str], probe: Features, asked: dict[str, Any]) -> Any:
    """Brute force in the defined order, one reference at a time."""
    measure, higher = MEASURES[gallery.card.metric]
    scored = [(measure(gallery.reference(one).values, probe.values), one) for one in ids]
    scored.sort(key=lambda pair: (-pair[0] if higher else pair[0], pair[1]))
    if (threshold := asked.get("threshold")) is not None:
        scored = [
            pair for pair in scored if decide(score_of(gallery.card, pair[0]), threshold) == "match"
        ]
    best = [(one, score_of(gallery.card, value).value) for value, one in scored]
    return best[: asked.get("top")]


def _questions(random: Any, gallery: Gallery, probe: Features, ids: list[str]) -> list[Any]:
    """A threshold exactly on a score, one beside it, and numbers of candidates."""
    measure, _ = MEASURES[gallery.card.metric]
    some = gallery.reference(ids[int(random.integers(len(ids)))])
    exact = measure(some.values, probe.values)
    top = int(random.integers(1, 12))
    return [
        {"threshold": exact},
        {"threshold": exact + float(random.choice([-1e-6, 1e-6]))},
        {"top": top},
        {"top": top, "threshold": exact},
    ]


def _case(random: Any, metric: Any, kind: str, dimension: int, kernel: type[Kernel]) -> list[bool]:
    matcher = EmbeddingMatcher(model="fuzz", version="1", dimension=dimension, metric=metric)
    gallery = Gallery(matcher.card, kernels=[kernel()])
    count = int(random.integers(1, 60))
    rows = _rows(random, kind, count, dimension)
    if metric != "cosine":
        rows[random.integers(0, count)] = 0.0
    rows = rows[rows.any(axis=1)] if metric == "cosine" else rows
    if not len(rows):
        rows = numpy.ones((1, dimension), numpy.float32)
    ids = [gallery.add(matcher.features(row)) for row in rows]
    length = 10.0 ** random.integers(-3, 4)
    near = rows[int(random.integers(len(rows)))].astype(numpy.float64)
    far = random.normal(size=dimension) * max(float(numpy.abs(near).max()), 1e-30)
    vectors = [near, near * length, near + far * 1e-3, far * length]
    probes = [matcher.features(one) for one in vectors if one.any() or metric != "cosine"]
    right = []
    for asked in _questions(random, gallery, probes[0], ids):
        try:
            expected = [_expected(gallery, ids, probe, asked) for probe in probes]
        except MatcherError:  # a score beyond what an event can record, which both must refuse
            continue
        batch = gallery.identify_many(probes, **asked)
        single = [gallery.identify(probe, **asked) for probe in probes]
        for answer, wanted in zip([*batch, *single], expected * 2, strict=True):
            found = [(one.reference, one.score.value) for one in answer.candidates]
            right.append(found == wanted)
    return right


def fuzz(options: Options) -> list[Target]:
    """2.6: the share of answers that equal brute force, ids and scores."""
    wanted = options.pick(20_000, 300)
    random = numpy.random.default_rng(6)
    right: list[bool] = []
    galleries = 0
    turns = itertools.cycle(itertools.product(MEASURES, _KINDS, _KERNELS))
    while len(right) < wanted:
        metric, kind, kernel = next(turns)
        right += _case(random, metric, kind, int(random.choice(_DIMENSIONS)), kernel)
        galleries += 1
    return [
        Target(
            "2.6",
            "answers equal to brute force, ids and scores",
            float(sum(right)),
            "answers",
            float(len(right)),
            sum(right) / len(right),
            1.0,
            details={"galleries": galleries, "mismatches": len(right) - sum(right)},
        )
    ]
