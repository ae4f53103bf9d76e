"""Identification by comparing with every reference, one after the other: slow and plain.

The definition that galleries are held against. It shares nothing with them but the measures.
"""

from __future__ import annotations

from typing import Any

from biotrail.matchers import Features, decide
from biotrail.matchers.decision import score_of
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.measures import MEASURES


def identify(
    gallery: Gallery,
    ids: list[str],
    probe: Features,
    *,
    threshold: float | None = None,
    top: int | None = None,
) -> list[tuple[str, float]]:
    """Ids and scores of the candidates, in the order in which they must come."""
    measure, higher_is_better = MEASURES[gallery.card.metric]
    best: list[tuple[float, str]] = []
    for identifier in sorted(set(ids)):
        samples = gallery.reference(identifier).samples
        scores = [measure(sample.values, probe.values) for sample in samples]
        best.append((max(scores) if higher_is_better else min(scores), identifier))
    best.sort(key=lambda pair: (-pair[0] if higher_is_better else pair[0], pair[1]))
    answer = [
        (identifier, score_of(gallery.card, value).value)
        for value, identifier in best
        if threshold is None or decide(score_of(gallery.card, value), threshold) == "match"
    ]
    return answer[:top]


def found(answer: Any) -> list[tuple[str, float]]:
    """The same of an answer."""
    return [(one.reference, one.score.value) for one in answer.candidates]
