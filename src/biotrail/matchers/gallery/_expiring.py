"""A gallery that does not find references whose time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import attrs

from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.enrolment import new_reference_id
from biotrail.matchers.gallery._checks import checked_id
from biotrail.matchers.gallery._ends import Ends, end_of
from biotrail.matchers.gallery._gallery import UnwatchedGallery
from biotrail.matchers.gallery.candidates import Identification, Ranked
from biotrail.matchers.reference import Reference, aware

if TYPE_CHECKING:
    from os import PathLike

    from biotrail.matchers.search.kernels import Kernel

__all__ = ["Gallery"]


class Gallery(UnwatchedGallery):
    """References of one model, to be searched with probes of the same. Thread-safe.

    The answers are exact: ids and scores are those that comparing the probe with every reference,
    in float64 and in the defined order, would give. How the search goes faster than that is in
    docs/explanation/exact-search.md.

    A gallery keeps float32 values, as embedding models give them; others are rounded at enrolment,
    and `reference` gives back what is compared. Where a reference has several samples, its score is
    the best of theirs (`SampleRule.BEST`).

    A reference that was enrolled with an end (`Reference.expires`) is not found from that moment
    on, neither by a search nor as a duplicate. It stays in the gallery, and counts in its size,
    until it is removed: `expired` names those. While some are there that rank among the best,
    searches for the best have to look for more; with none they cost nothing.

    Args:
        card: What makes the features, and the measure by which they are compared: ``"cosine"``,
            ``"inner_product"`` or ``"euclidean"``.
        name: Name of the gallery, as log entries shall name it; not a person's.
        kernels: What multiplies; the last one serves large galleries. Left out, numkong serves
            where it is installed (extra ``search``), else NumPy. The answers are the same.
        clock: Returns the present time, aware; by it references end.

    Raises:
        MissingDependencyError: NumPy is not installed.
        MatcherError: The card's metric is none of these, or the name is empty or too long.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        name: str = "gallery",
        kernels: Sequence[Kernel] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(card, name=name, kernels=kernels)
        self._clock = clock
        self._ends = Ends()

    def expiries(self) -> dict[str, datetime]:
        """When references end, by id; those without an end are not in it."""
        return self._ends.all()

    def expired(self) -> list[str]:
        """Ids of references whose time is over, to be removed, in ascending order."""
        now = self._now()
        return sorted(id for id, end in self._ends.all().items() if end <= now and id in self)

    def _now(self) -> datetime:
        return aware(self._clock(), "the clock's time")

    # --- enrolment ---------------------------------------------------------------------------

    def add(
        self,
        features: Features,
        *,
        reference: str | None = None,
        refuse_duplicates: float | None = None,
    ) -> str:
        """Enrol features, or a reference with one sample or several.

        Args:
            features: Of this gallery's model.
            reference: Id of the reference; else the features' own, else a new random one. Under an
                id that is there already, they become further samples of that reference; of several
                ends, the earliest counts.
            refuse_duplicates: A threshold; references of another id that reach it are duplicates.
                Nobody can enrol in between.

        Returns:
            The id.

        Raises:
            DuplicateReferenceError: The person seems to be enrolled already; nothing was added.
            MatcherError: Another model made the features, they cannot be compared, or the id is no
                text of 1 to 128 bytes in UTF-8.
        """
        if end_of(features) is None:
            if reference is not None or isinstance(features, Reference):
                self._ends.renew(reference or getattr(features, "id", None))
            return super().add(features, reference=reference, refuse_duplicates=refuse_duplicates)
        identifier = checked_id(features, reference)
        with self._ends.noted(identifier, features):
            return super().add(features, reference=identifier, refuse_duplicates=refuse_duplicates)

    def add_many(self, many: Iterable[Features]) -> list[str]:
        """Enrol many, faster than one by one; ids and ends as `add` has them.

        Raises:
            MatcherError: One of them cannot be enrolled; those before it may have been.
        """
        noted: list[str] = []
        try:
            return super().add_many(self._noting(many, noted))
        except BaseException:
            for id in noted:
                with self._ends.changing:
                    if id not in self:
                        self._ends.forget(id)
            raise

    def _noting(self, many: Iterable[Features], noted: list[str]) -> Iterator[Features]:
        """The same references, each with an id if it has an end, which is remembered."""
        for one in many:
            given: Any = one
            if (end := end_of(one)) is not None:
                if given.id is None:
                    given = attrs.evolve(given, id=new_reference_id())
                noted.append(given.id)
                self._ends.note(given.id, end)
            else:
                self._ends.renew(getattr(one, "id", None))
            yield given

    def remove(self, reference: str) -> int:
        """Remove a reference with all its samples; answers how many those were.

        Its values are overwritten in memory as soon as the searches that began before have ended.
        A file that was saved before keeps them until it is saved again.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        with self._ends.changing:
            removed = super().remove(reference)
            self._ends.forget(reference)
        return removed

    def reference(self, reference: str) -> Reference:
        """The reference as it is compared: its float32 values, as float64; with its end.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        found = super().reference(reference)
        end = self._ends.get(reference)
        return found if end is None else attrs.evolve(found, expires=end)

    # --- searching ---------------------------------------------------------------------------

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
        ends = self._ends
        ends.begin_search()
        try:
            if not ends:
                found = super().identify(probe, threshold=threshold, top=top)
                if not ends:  # none came while it searched
                    return found
            return self.identify_many((probe,), threshold=threshold, top=top)[0]
        finally:
            ends.end_search()

    def rank_many(
        self, probes: Sequence[Features], *, threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        """Ids and unrounded scores of references that have not ended, to be merged with others'."""
        ends = self._ends
        ends.begin_search()
        try:
            if not ends:
                found = super().rank_many(probes, threshold=threshold, top=top)
                if not ends:  # none came while it searched
                    return found
            return self._rank_unended(probes, threshold, top)
        finally:
            ends.end_search()

    def _rank_unended(
        self, probes: Sequence[Features], threshold: float | None, top: int | None
    ) -> tuple[int, int, list[Ranked]]:
        now, asked = self._now(), top
        while True:
            version, size, found = super().rank_many(probes, threshold=threshold, top=asked)
            valid = [self._ends.without_ended(one, now) for one in found]
            if top is None or asked is None:
                return version, size, valid
            exhausted = [len(one) < asked for one in found]
            enough = [len(one) >= top for one in valid]
            if all(map(any, zip(exhausted, enough, strict=True))):
                return version, size, [one[:top] for one in valid]
            asked *= 2  # the ended ones took places that others are to have

    # --- keeping -----------------------------------------------------------------------------

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        card: ModelCard,
        *,
        key: bytes | None = None,
        memory_mapped: bool = False,
        expiries: Mapping[str, datetime] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Read what `save` wrote.

        Args:
            path: The file.
            card: Card of the model whose references are expected.
            key: The key it was encrypted with.
            memory_mapped: Leave the rows in the file, and keep codes of four bits a value in
                memory: under 300 bytes a reference at 512 dimensions. Rows that the codes cannot
                exclude are read from the file (and decrypted) when they are needed. The answers
                are the same, and take longer. Nobody may change the file meanwhile; saving over it
                is safe.
            expiries: When references end, by id: the file does not say. Take them from where
                references are kept (`ReferenceStore.expiries`), or keep what `expiries` gave.
            clock: Returns the present time, aware.

        Raises:
            GalleryFileError: The file is absent, unreadable, not a gallery, truncated, corrupted,
                of another model, or does not open with this key; `reason` says which.
            MatcherError: The key is not 32 bytes, or an end has no time zone.
        """
        gallery = super().load(path, card, key=key, memory_mapped=memory_mapped)
        gallery._clock = clock
        gallery._ends.note_all(expiries or {})
        return gallery
