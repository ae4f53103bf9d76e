"""A gallery of references: enrolment, removal, and identification (1:N) with exact answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from biotrail.errors import DuplicateReferenceError, UnknownReferenceError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._checks import checked_id, checked_row, checked_rows, id_for
from biotrail.matchers.gallery._coded import code
from biotrail.matchers.gallery._load import fill, open_file
from biotrail.matchers.gallery._save import save
from biotrail.matchers.gallery._searched import SearchedGallery
from biotrail.matchers.reference import Reference
from biotrail.matchers.search.codes import FourBitKernel

if TYPE_CHECKING:
    from os import PathLike

    from biotrail.matchers.backend import Vector
    from biotrail.matchers.search.kernels import Rows

__all__ = ["Gallery"]

_TOGETHER = 4_096
"""References that `Gallery.add_many` codes at once."""


class Gallery(SearchedGallery):
    """References of one model, to be searched with probes of the same. Thread-safe.

    The answers are exact: ids and scores are those that comparing the probe with every reference,
    in float64 and in the defined order, would give. How the search goes faster than that is in
    docs/explanation/exact-search.md.

    A gallery keeps float32 values, as embedding models give them; others are rounded at enrolment,
    and `reference` gives back what is compared. Where a reference has several samples, its score is
    the best of theirs (`SampleRule.BEST`).

    References do not expire by themselves here: remove them when their time is over.

    Args:
        card: What makes the features, and the measure by which they are compared: ``"cosine"``,
            ``"inner_product"`` or ``"euclidean"``.
        name: Name of the gallery, as log entries shall name it; not a person's.
        kernels: What multiplies; the last one serves large galleries. Left out, numkong serves
            where it is installed (extra ``search``), else NumPy. The answers are the same.

    Raises:
        MissingDependencyError: NumPy is not installed.
        MatcherError: The card's metric is none of these, or the name is empty or too long.
    """

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
                id that is there already, they become further samples of that reference.
            refuse_duplicates: A threshold; references of another id that reach it are duplicates.
                Nobody can enrol in between.

        Returns:
            The id.

        Raises:
            DuplicateReferenceError: The person seems to be enrolled already; nothing was added.
            MatcherError: Another model made the features, they cannot be compared, or the id is no
                text of 1 to 128 bytes in UTF-8.
        """
        row = checked_row(self._card, features)
        rows = checked_rows(self._card, features) if row is None else None
        if reference is None and refuse_duplicates is None and features.reference_id is None:
            identifier, name = self._table.names.new()
            self._put(identifier, name, row, rows)
            return identifier
        identifier = id_for(features, reference)
        name = self._table.names.name(identifier)
        if refuse_duplicates is None:
            self._put(identifier, name, row, rows)
            return identifier
        with self._enrolling:
            found = self.duplicates(features, threshold=refuse_duplicates)
            others = tuple(one for one in found if one.reference != identifier)
            if others:
                raise DuplicateReferenceError(
                    f"{len(others)} reference(s) of the gallery reach the threshold", others
                )
            self._put(identifier, name, row, rows)
        return identifier

    def _put(self, identifier: str, name: bytes, row: Vector | None, rows: Rows | None) -> None:
        """Enrol one row, float64, or else several, float32."""
        if row is not None:
            self._table.add_one(name, row, identifier)
        elif rows is not None:
            coded = code(rows, self._table.kernels)
            self._table.add([name] * len(rows), coded, [identifier])

    def add_many(self, many: Iterable[Features]) -> list[str]:
        """Enrol many, faster than one by one; ids as `add` gives them.

        Raises:
            MatcherError: One of them cannot be enrolled; those before it may have been.
        """
        import numpy

        identifiers: list[str] = []
        waiting: list[tuple[str, Features]] = []

        def enrol() -> None:
            rows = [checked_rows(self._card, features) for _, features in waiting]
            named = [one for (one, _), some in zip(waiting, rows, strict=True) for _ in some]
            names = [self._table.names.name(one) for one in named]
            self._table.add(names, code(numpy.concatenate(rows), self._table.kernels), named)
            identifiers.extend(one for one, _ in waiting)
            waiting.clear()

        for features in many:
            waiting.append((checked_id(features), features))
            if len(waiting) == _TOGETHER:
                enrol()
        if waiting:
            enrol()
        return identifiers

    def remove(self, reference: str) -> int:
        """Remove a reference with all its samples; answers how many those were.

        Its values are overwritten in memory as soon as the searches that began before have ended.
        A file that was saved before keeps them until it is saved again.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        return self._table.remove(reference)

    def reference(self, reference: str) -> Reference:
        """The reference as it is compared: its float32 values, as float64.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        rows = self._table.rows(reference)
        if not len(rows):
            raise UnknownReferenceError("no reference with this id is in the gallery")
        values = rows[0] if len(rows) == 1 else rows
        return Reference(card_digest=self._card.digest, values=values, id=reference)

    # --- keeping ---------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str], *, key: bytes | None = None) -> None:
        """Write the gallery as it is now into one file, whole or not at all.

        Others may go on adding, removing and searching. The file holds biometric data: give a key.

        Args:
            path: Where to; an older file there is replaced.
            key: 32 bytes to encrypt with (AES-256-GCM), kept elsewhere; None writes in the clear.

        Raises:
            MatcherError: The key is not 32 bytes.
            OSError: The file cannot be written.
        """
        with self._table.look(self._table.kernels[0]) as moment:
            save(Path(path), self._table, moment, self._card, self._name, key)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        card: ModelCard,
        *,
        key: bytes | None = None,
        memory_mapped: bool = False,
    ) -> Gallery:
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

        Raises:
            GalleryFileError: The file is absent, unreadable, not a gallery, truncated, corrupted,
                of another model, or does not open with this key; `reason` says which.
            MatcherError: The key is not 32 bytes.
        """
        layout, chunks = open_file(Path(path), card, key)
        kernels = [FourBitKernel()] if memory_mapped else None
        gallery = cls(card, name=layout.name, kernels=kernels)
        fill(gallery._table, layout, chunks, mapped=memory_mapped)
        return gallery
