"""A gallery as a place that holds references, for deletions that cover every place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import attrs

from biotrail.errors import UnknownReferenceError
from biotrail.matchers.deletion import PlaceReport
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.reference import checked_reference_id

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
        """Remove references from the gallery, and look again.

        Raises:
            MatcherError: No reference can have one of these ids; nothing was removed.
        """
        named = tuple(dict.fromkeys(checked_reference_id(one) for one in ids))
        rows_before, bytes_before = self._held(named)
        for id in named:
            with suppress(UnknownReferenceError):
                self.gallery.remove(id)
        rows_after, bytes_after = self._held(named)
        return PlaceReport(
            name=self.place,
            rows_before=rows_before,
            rows_after=rows_after,
            bytes_before=bytes_before,
            bytes_after=bytes_after,
        )

    def _held(self, ids: Sequence[str]) -> tuple[int, int]:
        """How many of them there are, and the bytes of their values (float32, each sample)."""
        held = []
        for id in ids:
            with suppress(UnknownReferenceError):  # another thread may remove it at any time
                held.append(self.gallery.reference(id))
        return len(held), sum(4 * one.values.size for one in held)
