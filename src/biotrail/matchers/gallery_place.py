"""A gallery as a place that holds references, for deletions that cover every place."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from biotrail.matchers.deletion import PlaceReport
from biotrail.matchers.gallery import Gallery

__all__ = ["GalleryPlace"]


@attrs.frozen
class GalleryPlace:
    """What `delete_references` is given for a gallery in memory.

    A file that the gallery was saved to is another place: save it again after the deletion.

    Attributes:
        gallery: The gallery.
    """

    gallery: Gallery

    @property
    def place(self) -> str:
        """The gallery's name."""
        return f"gallery {self.gallery.name}"

    def delete_references(self, ids: Sequence[str], /) -> PlaceReport:
        """Remove references from the gallery, and look again."""
        rows_before, bytes_before = self._held(ids)
        for id in ids:
            if id in self.gallery:
                self.gallery.remove(id)
        rows_after, bytes_after = self._held(ids)
        return PlaceReport(
            name=self.place,
            rows_before=rows_before,
            rows_after=rows_after,
            bytes_before=bytes_before,
            bytes_after=bytes_after,
        )

    def _held(self, ids: Sequence[str]) -> tuple[int, int]:
        """How many of them there are, and the bytes of their values (float32, each sample)."""
        held = [self.gallery.reference(id) for id in ids if id in self.gallery]
        return len(held), sum(4 * one.values.size for one in held)
