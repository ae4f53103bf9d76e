"""When references end: remembered by id, so that only the answers of a search are looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from biotrail.matchers.backend import Features
from biotrail.matchers.gallery.candidates import Ranked
from biotrail.matchers.reference import Reference, aware, checked_reference_id

__all__ = ["Ends", "end_of"]


def end_of(features: object) -> datetime | None:
    """When a reference ends; None where it does not, or where it is no reference."""
    return features.expires if isinstance(features, Reference) else None


class Ends:
    """The ends of a gallery's references. Reading takes no lock: searches do not wait."""

    def __init__(self) -> None:
        self._ends: dict[str, datetime] = {}
        self.changing = threading.RLock()
        """Held while an end and its reference come or go."""

    def __bool__(self) -> bool:
        return bool(self._ends)

    def get(self, id: str) -> datetime | None:
        """When this reference ends, if it does."""
        return self._ends.get(id)

    def all(self) -> dict[str, datetime]:
        """A copy of all of them."""
        with self.changing:
            return dict(self._ends)

    def note(self, id: str, end: datetime) -> None:
        """Remember an end; of several, the earliest counts."""
        with self.changing:
            self._ends[id] = min(end, self._ends.get(id, end))

    def forget(self, id: str) -> None:
        """Remember no end of this reference any more."""
        self._ends.pop(id, None)

    @contextmanager
    def noted(self, id: str, features: Features) -> Iterator[None]:
        """Remember the end of a reference that is added in the block, if it has one.

        It is remembered first, so that no search finds the reference without it; where the block
        fails, things are as they were.
        """
        end = end_of(features)
        if end is None:
            yield
            return
        with self.changing:
            before = self._ends.get(id)
            self.note(id, end)
            try:
                yield
            except BaseException:
                self.forget(id)
                if before is not None:
                    self._ends[id] = before
                raise

    def note_all(self, ends: Mapping[str, datetime]) -> None:
        """Remember many, all of them or none.

        Raises:
            MatcherError: An id that no reference can have, or a time without its zone.
        """
        checked = {
            checked_reference_id(id): aware(end, "the end of a reference")
            for id, end in ends.items()
        }
        with self.changing:
            for id, end in checked.items():
                self.note(id, end)

    def without_ended(self, found: Ranked, now: datetime) -> Ranked:
        """The answers whose references have not ended; at the very moment it ends, one has."""
        ends = self._ends
        return [pair for pair in found if (end := ends.get(pair[1])) is None or now < end]
