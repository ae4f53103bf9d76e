"""Comparison scores of people who do not exist, as faces' scores behave."""

from __future__ import annotations

from typing import Any

from biotrail.matchers.rates import ScoreTable

CARD = bytes(range(32))


def made_columns(
    people: int = 30,
    *,
    samples: int = 3,
    seed: int = 1,
    apart: float = 4.0,
    alike: float = 0.1,
) -> tuple[list[str], list[str], list[float]]:
    """References, probes and scores: every sample against every other, once.

    A non-mated score is normal with variance 1, of which `alike` is each person's own: some people
    are more easily taken for anybody. A mated score lies `apart` deviations higher.
    """
    import numpy

    random = numpy.random.RandomState(seed)
    own = random.normal(0, alike**0.5, people)
    rest = (1 - 2 * alike) ** 0.5
    references, probes, scores = [], [], []
    for left in range(people):
        for right in range(left, people):
            pairs = samples * samples if left != right else samples * (samples - 1) // 2
            noise = random.normal(0, rest, pairs)
            place = own[left] + own[right] if left != right else apart
            references += [f"p{left}"] * pairs
            probes += [f"p{right}"] * pairs
            scores += [round(float(one + place), 6) for one in noise]
    return references, probes, scores


def made(people: int = 30, *, higher_is_better: bool = True, **options: Any) -> ScoreTable:
    """The same as a table; where lower is better, with the sign turned."""
    references, probes, scores = made_columns(people, **options)
    sign = 1 if higher_is_better else -1
    return ScoreTable.from_arrays(
        [sign * score for score in scores],
        references=references,
        probes=probes,
        higher_is_better=higher_is_better,
        metric="made",
    )
