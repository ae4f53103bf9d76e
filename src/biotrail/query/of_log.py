"""What can be asked of a log as a whole: its keys, its checkpoints, and what in it is personal."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from biotrail.query.condition import Condition
from biotrail.query.engine import Engine, as_condition
from biotrail.query.fields import Field, find_field
from biotrail.query.where import Where
from biotrail.signing import SignedCheckpoint
from biotrail.stores import StoreReader

if TYPE_CHECKING:
    from biotrail.trust import Admission

__all__ = ["LogFacts"]


class LogFacts:
    """The questions that are about no record."""

    _engine: Engine
    _lock: threading.RLock

    def keys(self) -> tuple[Admission, ...]:
        """Every key that the log ever admitted, in order, as its entries tell; verified.

        Raises:
            BiotrailError: As `biotrail.query.LogQuery.query`.
        """
        with self._lock:
            self._engine.checkpoint(None)
            return self._engine.checkpoints.admissions

    def checkpoints(
        self, *, before: int | None = None, most: int = 50
    ) -> tuple[SignedCheckpoint, ...]:
        """Checkpoints that the log keeps, the newest first, each verified.

        Args:
            before: Only those of a smaller size; None begins with the newest.
            most: How many at the most.

        Raises:
            BiotrailError: As `biotrail.query.LogQuery.query`.
        """
        found: list[SignedCheckpoint] = []
        with self._lock:
            latest = self._engine.checkpoint(None)
            size = latest.size + 1 if before is None else min(before, latest.size + 1)
            for one in _kept_before(self._engine.store, size):
                if len(found) == most:
                    break
                found.append(self._engine.checkpoint(one))
        return tuple(found)

    def personal_fields(
        self, where: Condition | Where | str | None = None, *, besides: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Names of the personal fields on which the answer to a question may depend, in order.

        Whoever may ask by a field can find out what it is. Fields of the entry count too, in a log
        whose host seals some of them.

        Args:
            where: The condition.
            besides: Names of fields that are counted or shown besides.

        Raises:
            QueryError: There is no such field, or it is no condition.
        """
        condition = as_condition(where)
        fields = [] if condition is None else [*condition.fields()]
        fields += [find_field(one) for one in besides]
        moves = any(one.movable and not one.personal for one in fields) and self._moves()
        personal = [_stored(one) for one in fields if one.personal or (moves and one.movable)]
        return tuple(dict.fromkeys(personal))

    def _moves(self) -> bool:
        with self._lock:
            self._engine.checkpoint(None)  # what the host seals is told by the log's entries
            return self._engine.moves


def _stored(field: Field) -> str:
    """The payload's name of a field."""
    if field.personal is not None:
        return field.personal
    return "labels" if field.name.startswith("label.") else field.name


def _kept_before(store: StoreReader, size: int) -> Iterator[int]:
    """Sizes of the checkpoints that are smaller, the largest first."""
    while (found := _last_before(store, size)) is not None:
        yield found
        size = found


def _last_before(store: StoreReader, size: int) -> int | None:
    """Size of the largest checkpoint that is smaller; the store finds those that are larger."""
    step, above = 1, size
    while True:
        below = max(size - step, 1)
        found = store.checkpoint_from(below) if below < size else None
        if found is not None and found[0] < size:
            break
        if below == 1:
            return None
        step, above = 2 * step, below
    last = found[0]
    while above - last > 1:  # none between `above` and the size
        middle = (last + above) // 2
        found = store.checkpoint_from(middle)
        if found is not None and found[0] < size:
            last = found[0]
        else:
            above = middle
    return last
