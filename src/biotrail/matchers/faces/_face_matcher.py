"""What all matchers of faces have in common: a card, and the quality of their samples."""

from __future__ import annotations

from biotrail._closing import Closing
from biotrail.matchers.backend import Sample, require_same_card
from biotrail.matchers.card import ModelCard
from biotrail.matchers.faces.sample import quality_of
from biotrail.matchers.quality import Quality

__all__ = ["FaceMatcher"]


class FaceMatcher(Closing):
    """Base of the matchers of faces.

    Args:
        card: What computes the scores.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card = card

    @property
    def card(self) -> ModelCard:
        """What computes the scores."""
        return self._card

    def quality(self, sample: Sample, /) -> Quality:
        """Pose, size, sharpness, brightness and neutrality of the face.

        Raises:
            MatcherError: The sample was captured by another model.
        """
        require_same_card(self._card, sample)
        return quality_of(sample)
