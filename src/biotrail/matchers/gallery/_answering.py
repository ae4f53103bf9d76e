"""What a gallery is asked, answered from ranked scores: the same for one machine and for many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import scorer
from biotrail.matchers.gallery._checks import checked_card, checked_question
from biotrail.matchers.gallery.candidates import Candidate, Identification, Ranked, ranked
from biotrail.matchers.reference import Reference

__all__ = ["AnsweringGallery"]


class AnsweringGallery(ABC):
    """Base of galleries: identifications and duplicates, from what `rank_many` finds."""

    def __init__(self, card: ModelCard, name: str) -> None:
        checked_card(card, name)
        self._card = card
        self._name = name
        self._score = scorer(card)

    @property
    def card(self) -> ModelCard:
        """What makes the features and computes the scores."""
        return self._card

    @property
    def name(self) -> str:
        """Name of the gallery."""
        return self._name

    @abstractmethod
    def rank_many(
        self, probes: Sequence[Features], *, threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """Ids and unrounded scores, so that answers of several galleries can be merged.

        Returns:
            Version and size of the gallery, and for each probe unrounded scores with the ids of
            references that have not ended.
        """

    def identify_many(
        self,
        probes: Sequence[Features],
        *,
        threshold: float | None = None,
        top: int | None = None,
    ) -> list[Identification]:
        """Find candidates for many probes against one version of the gallery, or of each shard.

        Much faster for each probe than one by one. Arguments and errors as `identify` has them.
        """
        threshold = checked_question(threshold, top)
        version, size, found = self.rank_many(probes, threshold=threshold, top=top)
        return [self._answer(one, (version, size), threshold, top) for one in found]

    def duplicates(self, features: Features, *, threshold: float) -> tuple[Candidate, ...]:
        """References that reach a threshold with any of the features' samples, best first.

        In the order of `identify`: by the score before it is rounded, then by id.

        Raises:
            MatcherError: As `identify` raises.
        """
        samples = features.samples if isinstance(features, Reference) else (features,)
        _, _, answers = self.rank_many(samples, threshold=threshold, top=None)
        best = ranked((pair for answer in answers for pair in answer), self._card, None)
        return self._candidates(best)

    def _answer(
        self, found: Ranked, state: tuple[int, int], threshold: float | None, top: int | None
    ) -> Identification:
        return Identification(
            candidates=self._candidates(found),
            card=self._card,
            gallery=self._name,
            version=state[0],
            size=state[1],
            threshold=threshold,
            top=top,
        )

    def _candidates(self, found: Ranked) -> tuple[Candidate, ...]:
        score = self._score
        return tuple([Candidate(reference=name, score=score(value, name)) for value, name in found])
