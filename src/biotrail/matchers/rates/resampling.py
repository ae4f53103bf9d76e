"""Resampling of people: who would have been there, had other people come to be measured.

One resample draws as many people as there were, with replacement. A person who was drawn ``m``
times weighs ``m`` in mated comparisons, and a comparison of two people weighs the product of their
weights; two copies of one person are no non-mated comparison. So every comparison of a person comes
and goes with that person, which is what makes comparisons of one person depend on each other. This
is the bootstrap over subjects that ISO/IEC 19795-1 names for error rates, in the two-way form for
pairs: Bolle, Ratha, Pankanti, "Error analysis of pattern recognition systems: the subsets
bootstrap", CVIU 93 (2004); Snijders, Borgatti, "Non-parametric standard errors and tests for
network statistics", Connections 22 (1999), for pairs of two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.rates.scores import ScoreTable

if TYPE_CHECKING:
    from biotrail.matchers.rates.scores import Flags, Integers, Reals

__all__ = ["FEWEST_PEOPLE", "MatedScores", "NonMatedScores", "draws"]

FEWEST_PEOPLE = 5
"""With fewer, a resample tells nothing."""
_MOST_OTHERS = 1_000_000
_SPARE = 8


def draws(
    taking_part: Flags, *, others: int, resamples: int, seed: int
) -> Iterator[tuple[Reals, Reals]]:
    """Two independent draws of people for each resample: how often each was drawn, float64.

    From NumPy's ``RandomState``, whose stream of numbers is the same in every version of NumPy.

    Args:
        taking_part: Who may be drawn, one flag a person; the first draw is of as many.
        others: How many are drawn second.
        resamples: How many times two draws are made.
        seed: Any whole number from 0 to 2**32 - 1.

    Raises:
        MatcherError: The seed, the number of resamples or of others is out of range.
    """
    import numpy

    if not all(type(one) is int for one in (others, resamples, seed)):
        raise MatcherError("others, resamples and seed are whole numbers")
    if not FEWEST_PEOPLE <= others <= _MOST_OTHERS:
        raise MatcherError(f"a bound speaks of {FEWEST_PEOPLE} to {_MOST_OTHERS:,} other people")
    if not 100 <= resamples <= 100_000:
        raise MatcherError("from 100 to 100,000 resamples")
    if not 0 <= seed < 2**32:
        raise MatcherError("the seed is a whole number from 0 to 2**32 - 1")
    random = numpy.random.RandomState(seed)
    people, chosen = len(taking_part), taking_part.nonzero()[0]
    size = len(chosen)
    for _ in range(resamples):
        first = chosen[random.randint(size, size=size)]
        second = chosen[random.randint(size, size=others)]
        yield (
            numpy.bincount(first, minlength=people).astype(numpy.float64),
            numpy.bincount(second, minlength=people).astype(numpy.float64),
        )


@attrs.frozen(eq=False, kw_only=True)
class NonMatedScores:
    """Non-mated comparisons from the strictest score to the most lenient.

    Attributes:
        micro: Scores, descending, int64.
        left: Number of the one person, int64.
        right: Number of the other, int64.
        ends: For each distinct score, how many comparisons score at least that, int64.
        pair_left: One person of each two who were compared at all.
        pair_right: The other.
        pair_counts: How often the two were compared, float64.
        table_people: How many people the table knows.
    """

    micro: Integers
    left: Integers
    right: Integers
    ends: Integers
    pair_left: Integers
    pair_right: Integers
    pair_counts: Reals
    table_people: int

    @classmethod
    def of(cls, scores: ScoreTable, *, only: Flags | None = None) -> NonMatedScores:
        """Take the non-mated comparisons of a table whose people are known."""
        import numpy

        chosen = ~scores.mated if only is None else ~scores.mated & only
        micro = scores.micro[chosen]
        order = numpy.argsort(-micro, kind="stable")
        micro = micro[order]
        left, right = scores.references[chosen][order], scores.probes[chosen][order]
        keys, counts = numpy.unique(
            numpy.minimum(left, right) * scores.people + numpy.maximum(left, right),
            return_counts=True,
        )
        return cls(
            micro=micro,
            left=left,
            right=right,
            ends=numpy.append(numpy.flatnonzero(numpy.diff(micro)) + 1, len(micro)),
            pair_left=keys // scores.people,
            pair_right=keys % scores.people,
            pair_counts=counts.astype(numpy.float64),
            table_people=scores.people,
        )

    @property
    def pairs(self) -> int:
        """How many times two people there are who were compared with each other."""
        return len(self.pair_counts)

    @property
    def people(self) -> int:
        """How many people take part."""
        return int(self.taking_part.sum())

    @property
    def taking_part(self) -> Flags:
        """Who takes part, one flag a person of the table."""
        import numpy

        flags = numpy.zeros(self.table_people, numpy.bool_)
        flags[self.pair_left] = flags[self.pair_right] = True
        return flags

    @property
    def largest_share(self) -> float:
        """In which share of all pairs of people the person takes part who does so most."""
        import numpy

        taking_part = numpy.bincount(numpy.append(self.pair_left, self.pair_right))
        return float(taking_part.max()) / self.pairs

    def total(self, weights: Reals) -> float:
        """Weight of all comparisons under the people's weights."""
        return float((weights[self.pair_left] * weights[self.pair_right]) @ self.pair_counts)

    def matches(self, count: int, weights: Reals) -> float:
        """Weight of the first `count` comparisons."""
        return float(weights[self.left[:count]] @ weights[self.right[:count]])

    def allowed(self, target: float, weights: Reals, total: float) -> int:
        """How many comparisons may match so that the weighted FMR is at most `target`.

        Scores that are equal are let in together or not at all.

        Args:
            target: A false match rate.
            weights: The people's weights.
            total: Weight of all comparisons under them.
        """
        limit = target * total * (1 + 1e-12)
        distinct = len(self.ends)
        tried = min(distinct, int(_SPARE * target * len(self.micro)) + 256)
        while True:
            ends = self.ends[:tried]
            last = int(ends[-1])
            running = (weights[self.left[:last]] * weights[self.right[:last]]).cumsum()
            place = int(running[ends - 1].searchsorted(limit, side="right"))
            if place < tried or tried == distinct:
                return int(ends[place - 1]) if place else 0
            tried = min(distinct, _SPARE * tried)

    def threshold(self, count: int) -> int:
        """The threshold, in millionths, at which exactly the first `count` comparisons match."""
        return int(self.micro[count - 1]) if count else int(self.micro[0]) + 1


@attrs.frozen(eq=False, kw_only=True)
class MatedScores:
    """Mated comparisons from the lowest score to the highest.

    Attributes:
        micro: Scores, ascending, int64.
        person: Number of the person, int64.
        counts: How many mated comparisons each person has, float64, one a person of the table.
    """

    micro: Integers
    person: Integers
    counts: Reals

    @classmethod
    def of(cls, scores: ScoreTable, *, only: Flags | None = None) -> MatedScores:
        """Take the mated comparisons of a table whose people are known."""
        import numpy

        chosen = scores.mated if only is None else scores.mated & only
        micro, person = scores.micro[chosen], scores.references[chosen]
        order = numpy.argsort(micro, kind="stable")
        counts = numpy.bincount(person, minlength=scores.people).astype(numpy.float64)
        return cls(micro=micro[order], person=person[order], counts=counts)

    @property
    def people(self) -> int:
        """How many people have a mated comparison."""
        return int((self.counts > 0).sum())

    def rejected(self, threshold: int) -> int:
        """How many comparisons score below the threshold (in millionths)."""
        return int(self.micro.searchsorted(threshold))

    def people_rejected(self, threshold: int) -> int:
        """How many people have a comparison below the threshold."""
        import numpy

        return len(numpy.unique(self.person[: self.rejected(threshold)]))

    def fnmr(self, threshold: int, weights: Reals) -> float | None:
        """Weighted false non-match rate at a threshold; None where nobody of weight is mated."""
        total = float(weights @ self.counts)
        if not total:
            return None
        return float(weights[self.person[: self.rejected(threshold)]].sum()) / total
