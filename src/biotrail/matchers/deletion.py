"""Deletion that shows that nothing remains: every place is looked through before and after.

Systems that keep faces have reported success while photographs stayed behind. Here a deletion
names each place, what it held and what it holds now, and raises where anything is left. What it
cannot look through (copies elsewhere, blocks that a file system has freed) is for the host to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import attrs

from biotrail.errors import DeletionIncompleteError, MatcherError
from biotrail.matchers.reference import checked_reference_id

__all__ = ["DeletionReport", "PlaceReport", "ReferencePlace", "delete_references"]


@attrs.frozen(kw_only=True)
class PlaceReport:
    """What one place held of some references before, and holds now.

    Attributes:
        name: Name of the place: a path, or what the host calls it.
        rows_before: How many of the references it held.
        rows_after: How many it holds now.
        bytes_before: How many bytes of them it held.
        bytes_after: How many it holds now.
        copies_after: Traces of them found in the bytes of the files looked through.
        looked_through: Each file with its size in bytes after the deletion.
        error: What went wrong, in the error's words; empty where nothing did.
    """

    name: str
    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int
    copies_after: int = 0
    looked_through: tuple[tuple[str, int], ...] = ()
    error: str = ""

    @property
    def empty(self) -> bool:
        """Whether the place was looked through, and nothing was found."""
        left = self.rows_after or self.bytes_after or self.copies_after
        return not left and not self.error


@attrs.frozen(kw_only=True)
class DeletionReport:
    """What was deleted, and what every place holds now.

    Attributes:
        references: Identifiers of the references.
        places: A report of each place.
    """

    references: tuple[str, ...]
    places: tuple[PlaceReport, ...]

    @property
    def complete(self) -> bool:
        """Whether every place was looked through, and none holds anything."""
        return bool(self.places) and all(place.empty for place in self.places)

    @property
    def rows_before(self) -> int:
        """References held before, in all places together."""
        return sum(place.rows_before for place in self.places)

    @property
    def rows_after(self) -> int:
        """References held now."""
        return sum(place.rows_after for place in self.places)

    @property
    def bytes_before(self) -> int:
        """Bytes of them held before."""
        return sum(place.bytes_before for place in self.places)

    @property
    def bytes_after(self) -> int:
        """Bytes of them held now."""
        return sum(place.bytes_after for place in self.places)

    @property
    def copies_after(self) -> int:
        """Traces in the bytes of files."""
        return sum(place.copies_after for place in self.places)


class ReferencePlace(Protocol):
    """Whatever holds references, or photographs that belong to them: a store, a gallery, a folder.

    Give `delete_references` all of them; a place that it is not told of is not looked through.
    """

    @property
    def place(self) -> str:
        """Name of the place."""
        ...

    def delete_references(self, ids: Sequence[str], /) -> PlaceReport:
        """Delete what belongs to these references, look again, and say what was found.

        References that the place does not hold are no error.
        """
        ...


def delete_references(ids: Iterable[str], places: Iterable[ReferencePlace]) -> DeletionReport:
    """Delete references from every place that holds them.

    A place that fails does not keep the others from being emptied.

    Args:
        ids: Identifiers of the references.
        places: Everything that holds something of them.

    Returns:
        What was deleted, when nothing remains anywhere.

    Raises:
        DeletionIncompleteError: Something remains, or a place failed; its ``report`` says where.
        MatcherError: No reference, or no place was named, or an id that no reference can have;
            nothing was deleted.
    """
    if isinstance(ids, str):
        raise MatcherError("references are named by a sequence of ids")
    named = tuple(dict.fromkeys(checked_reference_id(one) for one in ids))
    reports, failure = [], None
    for place in places:
        try:
            reports.append(place.delete_references(named))
        except Exception as error:  # whatever it is, the other places are emptied first
            failure = failure or error
            reports.append(_failed(place.place, error))
    if not named or not reports:
        raise MatcherError("a deletion names references, and the places that hold them")
    report = DeletionReport(references=named, places=tuple(reports))
    if not report.complete:
        left = ", ".join(one.name for one in reports if not one.empty)
        raise DeletionIncompleteError(f"something remains: look into {left}", report) from failure
    return report


def _failed(name: str, error: Exception) -> PlaceReport:
    """Of a place that failed nothing is known."""
    return PlaceReport(
        name=name,
        rows_before=0,
        rows_after=0,
        bytes_before=0,
        bytes_after=0,
        error=f"{type(error).__name__}: {error}",
    )
