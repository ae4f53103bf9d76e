"""The half of a gallery that answers: identification (1:N), and what the gallery is."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence

from biotrail.errors import MissingDependencyError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import scorer
from biotrail.matchers.gallery._checks import checked_card, checked_probe, checked_question
from biotrail.matchers.gallery._look import Moment
from biotrail.matchers.gallery._table import Table
from biotrail.matchers.gallery.candidates import Candidate, Identification, Ranked, ranked
from biotrail.matchers.reference import Reference
from biotrail.matchers.search.codes import EightBitKernel, numkong_is_there
from biotrail.matchers.search.finish import Found
from biotrail.matchers.search.kernels import FloatKernel, Kernel
from biotrail.matchers.search.scan import search

__all__ = ["SearchedGallery"]


def _default_kernels(dimension: int) -> list[Kernel]:
    kernels: list[Kernel] = [FloatKernel()]
    if numkong_is_there() and dimension <= EightBitKernel.longest:
        kernels.append(EightBitKernel())
    return kernels


class SearchedGallery:
    """What is asked of a gallery: what it is, and whom a probe may be of."""

    plain_up_to = 512
    """Samples up to which the first kernel serves, since codes would save nothing."""

    def __init__(
        self, card: ModelCard, *, name: str = "gallery", kernels: Sequence[Kernel] | None = None
    ) -> None:
        if importlib.util.find_spec("numpy") is None:
            raise MissingDependencyError("Gallery needs NumPy: pip install 'biotrail[embedding]'")
        checked_card(card, name)
        self._card = card
        self._name = name
        chosen = _default_kernels(card.dimension) if kernels is None else list(kernels)
        self._table = Table(card.metric, card.dimension, chosen)
        self._score = scorer(card)
        self._enrolling = threading.Lock()

    # --- what it is --------------------------------------------------------------------------

    @property
    def card(self) -> ModelCard:
        """What makes the features and computes the scores."""
        return self._card

    @property
    def name(self) -> str:
        """Name of the gallery."""
        return self._name

    @property
    def version(self) -> int:
        """Rises by one with every sample that is added and every reference that is removed."""
        return self._table.version

    @property
    def kernel(self) -> str:
        """Name of the kernel that would serve a search now."""
        return self._kernel().name

    @property
    def samples(self) -> int:
        """Samples of all references together."""
        return self._table.samples

    def __len__(self) -> int:
        return self._table.size

    def __contains__(self, reference: str) -> bool:
        """Whether a reference of that id is there.

        Raises:
            MatcherError: No reference can have this id: the question is a mistake, not a no.
        """
        return self._table.holds(self._table.names.name(reference))

    def _kernel(self) -> Kernel:
        kernels = self._table.kernels
        return kernels[0] if self._table.samples <= self.plain_up_to else kernels[-1]

    # --- identification ----------------------------------------------------------------------

    def identify(
        self, probe: Features, *, threshold: float | None = None, top: int | None = None
    ) -> Identification:
        """Find the references that a probe may be of.

        Args:
            probe: Features of this gallery's model.
            threshold: Only references whose score reaches it, as `decide` would say.
            top: Only so many, the best ones.

        Returns:
            The candidates, best first, with the version and size of the gallery as it was searched.

        Raises:
            MatcherError: Another model made the probe, or it cannot be compared; neither threshold
                nor top is given; or a score is beyond what an event can record.
        """
        threshold = checked_question(threshold, top)
        checked = checked_probe(self._card, probe)
        table = self._table
        tick, moment = table.begin(self._kernel())
        try:
            (found,) = search(moment.view, (checked,), threshold=threshold, top=top)
            best = self._ranked(moment, found, top)
        finally:
            table.end(tick)
        return self._answer(best, (moment.version, moment.size), threshold, top)

    def identify_many(
        self,
        probes: Sequence[Features],
        *,
        threshold: float | None = None,
        top: int | None = None,
    ) -> list[Identification]:
        """Find candidates for many probes against one and the same version of the gallery.

        Much faster for each probe than one by one. Arguments and errors as `identify` has them.
        """
        threshold = checked_question(threshold, top)
        version, size, found = self.rank_many(probes, threshold=threshold, top=top)
        return [self._answer(one, (version, size), threshold, top) for one in found]

    def rank_many(
        self, probes: Sequence[Features], *, threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """The same before scores are rounded, so that answers of several galleries can be merged.

        Returns:
            Version and size of the gallery, and for each probe unrounded scores with their ids.
        """
        threshold = checked_question(threshold, top)
        checked = [checked_probe(self._card, probe) for probe in probes]
        with self._table.look(self._kernel()) as moment:
            found = search(moment.view, checked, threshold=threshold, top=top)
            best = self._all_ranked(moment, found, top)
        return moment.version, moment.size, best

    def _ranked(self, moment: Moment, found: Found, top: int | None) -> Ranked:
        """Ids and unrounded scores, best first."""
        names = self._table.identifiers(moment.view, found.slots.tolist())
        return ranked(zip(found.scores.tolist(), names, strict=True), self._card, top)

    def _all_ranked(self, moment: Moment, found: Sequence[Found], top: int | None) -> list[Ranked]:
        """The same for the probes of a batch."""
        import numpy

        if len(found) < 2:
            return [self._ranked(moment, one, top) for one in found]
        slots = numpy.concatenate([one.slots for one in found])
        names = iter(self._table.names.identifiers(moment.view.names(slots)))
        # each zip ends with its scores, before it takes a name that is the next one's
        return [
            ranked(list(zip(one.scores.tolist(), names, strict=False)), self._card, top)
            for one in found
        ]

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
