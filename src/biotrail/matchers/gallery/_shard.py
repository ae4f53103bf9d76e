"""One shard of a gallery, as an actor of Dask on a worker, and how its answers are waited for."""

from __future__ import annotations

from typing import Any

from biotrail.errors import MatcherError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._expiring import Gallery
from biotrail.matchers.gallery.candidates import Ranked

__all__ = ["Shard", "answers"]


class Shard:
    """One gallery, as an actor on a worker."""

    def __init__(self, card: ModelCard, name: str) -> None:
        self._gallery = Gallery(card, name=name)

    def state(self) -> tuple[int, int, int]:
        """Version, references, samples."""
        return self._gallery.version, len(self._gallery), self._gallery.samples

    def add_many(self, features: list[Features], ids: list[str]) -> None:
        """Enrol under these ids."""
        for one, identifier in zip(features, ids, strict=True):
            self._gallery.add(one, reference=identifier)

    def remove(self, reference: str) -> int:
        """Remove; 0 where there is none."""
        return self._gallery.remove(reference) if reference in self._gallery else 0

    def rank(
        self, probes: list[Features], threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """Version, references, and the unrounded scores for each probe."""
        return self._gallery.rank_many(probes, threshold=threshold, top=top)


def answers(asked: list[Any]) -> list[Any]:
    """What the shards answered.

    Raises:
        MatcherError: One of them refused, or does not answer.
    """
    try:
        return [one.result() for one in asked]
    except MatcherError:
        raise
    except Exception as error:  # whatever a lost worker leads to
        raise MatcherError("a shard of the gallery does not answer; make it anew") from error
