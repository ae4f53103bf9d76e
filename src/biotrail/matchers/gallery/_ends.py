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
        # Ends of references that were removed while searches were under way, which may have seen
        # them.
        self._left: dict[str, datetime] = {}
        self._searches = 0
        self._counting = threading.Lock()
        self.changing = threading.RLock()
        """Held while an end and its reference come or go."""

    def __bool__(self) -> bool:
        return bool(self._ends or self._left)

    def begin_search(self) -> None:
        """A search begins; what ends it may see is remembered until `end_search`."""
        with self._counting:
            self._searches += 1

    def end_search(self) -> None:
        """A search has ended, and its answers were looked at."""
        with self._counting:
            self._searches -= 1
            if not self._searches and self._left:
                self._left = {}

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
        """Remember no end of this reference any more, once no search can have seen it."""
        with self._counting:
            if self._searches and id in self._ends:
                self._left[id] = self._ends[id]
            self._ends.pop(id, None)

    def renew(self, id: str | None) -> None:
        """A reference of this id is added without an end: one that was removed counts no more."""
        if id is not None and id in self._left:
            with self._counting:
                self._left.pop(id, None)

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
        ends, left = self._ends, self._left
        return [
            pair
            for pair in found
            if (end := ends.get(pair[1]) or left.get(pair[1])) is None or now < end
        ]
