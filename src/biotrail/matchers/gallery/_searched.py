"""A gallery that is searched: its table in memory, and whom a probe may be of (1:N)."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence

from biotrail.errors import MissingDependencyError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._answering import AnsweringGallery
from biotrail.matchers.gallery._checks import checked_probe, checked_question
from biotrail.matchers.gallery._look import Moment
from biotrail.matchers.gallery._table import Table
from biotrail.matchers.gallery.candidates import Identification, Ranked, ranked
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


class SearchedGallery(AnsweringGallery):
    """A table of references in memory, and its searches."""

    plain_up_to = 512
    """Samples up to which the first kernel serves, since codes would save nothing."""

    def __init__(
        self, card: ModelCard, *, name: str = "gallery", kernels: Sequence[Kernel] | None = None
    ) -> None:
        if importlib.util.find_spec("numpy") is None:
            raise MissingDependencyError("Gallery needs NumPy: pip install 'biotrail[embedding]'")
        super().__init__(card, name)
        chosen = _default_kernels(card.dimension) if kernels is None else list(kernels)
        self._table = Table(card.metric, card.dimension, chosen)
        self._enrolling = threading.Lock()

    # --- what it is --------------------------------------------------------------------------

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
        """Find the references that a probe may be of; see `Gallery.identify`."""
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

    def rank_many(
        self, probes: Sequence[Features], *, threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """Ids and unrounded scores; see `AnsweringGallery.rank_many`."""
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
