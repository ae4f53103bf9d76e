"""The rows that may still be among the best: their bounds, and the key that the k-th best has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.view import View

    Slots = NDArray[numpy.int64]
    Keys = NDArray[numpy.float64]

__all__ = ["Pool", "kth_keys"]


def kth_keys(
    which: NDArray[Any], lower: Keys, people: NDArray[Any] | None, *, probes: int, top: int
) -> Keys:
    """For each probe a key that `top` references are known to reach; minus infinity for none.

    Args:
        which: The probe of each row.
        lower: A key that the row is known to reach.
        people: What the rows of one reference have in common; None where each has one row.
        probes: Number of probes.
        top: How many references.
    """
    import numpy

    if probes == 1 and people is None:
        if lower.size < top:
            return numpy.full(1, -numpy.inf)
        return numpy.partition(lower, lower.size - top)[lower.size - top, None]
    if people is not None:
        which, lower = _best_of_each(which, lower, people)
    order = numpy.argsort(-lower)
    order = order[numpy.argsort(which[order].astype(numpy.uint16), kind="stable")]
    starts = numpy.searchsorted(which[order], numpy.arange(probes + 1))
    enough = starts[:-1] + top <= starts[1:]
    result = numpy.full(probes, -numpy.inf)
    result[enough] = lower[order[starts[:-1][enough] + top - 1]]
    return result


def _best_of_each(which: NDArray[Any], lower: Keys, people: NDArray[Any]) -> tuple[Any, Any]:
    import numpy

    order = numpy.lexsort((-lower, people, which))
    which, lower, people = which[order], lower[order], people[order]
    first = numpy.ones(order.size, numpy.bool_)
    first[1:] = (which[1:] != which[:-1]) | (people[1:] != people[:-1])
    return which[first], lower[first]


class Pool:
    """Rows whose key may reach what is asked for.

    Attributes:
        reached: For each probe, the key that a row must reach to be of interest. It only rises.
    """

    def __init__(self, view: View, reached: Keys, top: int | None) -> None:
        import numpy

        self._view = view
        self.reached = reached
        self.top = top
        self._parts: list[tuple[Any, Any, Any, Any]] = []
        self._whole = (
            numpy.empty(0, numpy.int64),
            numpy.empty(0, numpy.int64),
            numpy.empty(0),
            numpy.empty(0),
        )

    def add(self, which: Any, slots: Slots, upper: Keys, lower: Keys) -> None:
        """Take rows in: probe, slot and bounds of each. Rows that are not visible stay out."""
        seen = self._view.visible(slots)
        if seen is not None:
            which, slots, upper, lower = which[seen], slots[seen], upper[seen], lower[seen]
        if slots.size:
            self._parts.append((which, slots, upper, lower))

    def raise_keys(self) -> None:
        """See which key the k-th best reaches by now, and drop the rows that cannot."""
        import numpy

        if self._parts:
            joined = zip(self._whole, *self._parts, strict=True)
            self._whole = tuple(numpy.concatenate(column) for column in joined)  # type: ignore[assignment]
            self._parts = []
        which, slots, upper, lower = self._whole
        if self.top is None:
            return
        people = self._view.keys(slots) if self._view.several else None
        best = kth_keys(which, lower, people, probes=self.reached.size, top=self.top)
        numpy.maximum(self.reached, best, out=self.reached)
        keep = upper >= self.reached[which]
        self._whole = (which[keep], slots[keep], upper[keep], lower[keep])

    def slots(self) -> list[Slots]:
        """For each probe, the slots that are left."""
        import numpy

        self.raise_keys()
        which, slots, _, _ = self._whole
        if self.reached.size == 1:
            return [slots]
        order = numpy.argsort(which, kind="stable")
        ends = numpy.searchsorted(which[order], numpy.arange(1, self.reached.size))
        return numpy.split(slots[order], ends)
