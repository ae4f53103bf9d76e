"""A gallery that changes and is kept: enrolment, removal, files. It knows of no ends."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from biotrail.errors import UnknownReferenceError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._checks import (
    checked_id,
    checked_row,
    checked_rows,
    id_for,
    refuse_others,
)
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

__all__ = ["UnwatchedGallery"]

_TOGETHER = 4_096
"""References that `UnwatchedGallery.add_many` codes at once."""


class UnwatchedGallery(SearchedGallery):
    """A `Gallery` in which nothing ends by itself.

    What the methods of both take and raise is said there.
    """

    # --- enrolment ---------------------------------------------------------------------------

    def add(
        self,
        features: Features,
        *,
        reference: str | None = None,
        refuse_duplicates: float | None = None,
    ) -> str:
        """Enrol features, or a reference with one sample or several; answers the id."""
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
            refuse_others(found, identifier)
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
        """Enrol many, faster than one by one."""
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
        """Remove a reference with all its samples; answers how many those were."""
        return self._table.remove(reference)

    def reference(self, reference: str) -> Reference:
        """The reference as it is compared: its float32 values, as float64."""
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
    ) -> Self:
        """Read what `save` wrote."""
        layout, chunks = open_file(Path(path), card, key)
        kernels = [FourBitKernel()] if memory_mapped else None
        gallery = cls(card, name=layout.name, kernels=kernels)
        fill(gallery._table, layout, chunks, mapped=memory_mapped)
        return gallery
