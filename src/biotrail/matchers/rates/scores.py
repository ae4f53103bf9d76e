"""Comparison scores of an evaluation, with the people that they are of.

Scores are kept as whole millionths, as they are recorded and decided on
(`biotrail.matchers.decide`), so that every count here is the count that decisions would give, with
no room for rounding. Inside, scores of which lower is better have their sign turned: a higher
number always speaks for the same person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.rates import _columns
from biotrail.matchers.rates._columns import MICRO, require_numpy

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Integers = NDArray[numpy.int64]
    Reals = NDArray[numpy.float64]
    Flags = NDArray[numpy.bool_]

__all__ = ["MICRO", "Acquisition", "ScoreTable", "require_numpy"]


def _count(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise MatcherError(f"{attribute.name} must be a whole number from 0")


@attrs.frozen(kw_only=True)
class Acquisition:
    """How often nothing usable was captured, and nobody could be enrolled (ISO/IEC 19795-1).

    Attributes:
        captures: Attempts to acquire a sample; 0 where they were not counted.
        failures_to_acquire: Those of them that gave no usable sample.
        enrolments: Attempts to enrol a person; 0 where they were not counted.
        failures_to_enrol: Those of them after which the person was not enrolled.

    Raises:
        MatcherError: A count is no whole number, or there are more failures than attempts.
    """

    captures: int = attrs.field(default=0, validator=_count)
    failures_to_acquire: int = attrs.field(default=0, validator=_count)
    enrolments: int = attrs.field(default=0, validator=_count)
    failures_to_enrol: int = attrs.field(default=0, validator=_count)

    def __attrs_post_init__(self) -> None:
        if self.captures and self.failures_to_acquire > self.captures:
            raise MatcherError("there are more failures to acquire than attempts to capture")
        if self.enrolments and self.failures_to_enrol > self.enrolments:
            raise MatcherError("there are more failures to enrol than attempts to enrol")

    @property
    def fta(self) -> float | None:
        """Failure-to-acquire rate; None where attempts were not counted."""
        return self.failures_to_acquire / self.captures if self.captures else None

    @property
    def fte(self) -> float | None:
        """Failure-to-enrol rate; None where attempts were not counted."""
        return self.failures_to_enrol / self.enrolments if self.enrolments else None


@attrs.frozen(eq=False, kw_only=True)
class ScoreTable:
    """Comparison scores, one a comparison, and the people compared. Make one with `from_arrays`.

    All arrays are one-dimensional, of one length, and cannot be written to.

    Attributes:
        micro: Scores in whole millionths, int64; negated where lower is better.
        mated: Whether reference and probe are of one person.
        references: Number of the reference's person, int64; -1 where people are not known.
        probes: Number of the probe's person, likewise.
        cohort_of: Number of the comparison's cohort, int64.
        people: How many people there are; 0 where they are not known.
        cohorts: Names of the cohorts; one empty name where none were given.
        higher_is_better: Whether a higher score speaks for the same person.
        metric: Name of the score, or None.
        digest: SHA-256 of the data, 32 bytes: the same for the same comparisons in any order.
    """

    micro: Integers = attrs.field(repr=False)
    mated: Flags = attrs.field(repr=False)
    references: Integers = attrs.field(repr=False)
    probes: Integers = attrs.field(repr=False)
    cohort_of: Integers = attrs.field(repr=False)
    people: int
    cohorts: tuple[str, ...]
    higher_is_better: bool
    metric: str | None
    digest: bytes = attrs.field(repr=lambda digest: digest.hex()[:16])

    def __len__(self) -> int:
        return len(self.micro)

    @property
    def knows_people(self) -> bool:
        """Whether it is known who was compared, so that intervals can be stated."""
        return self.people > 0

    @classmethod
    def from_arrays(
        cls,
        scores: Sequence[float] | Reals,
        *,
        references: Sequence[str] | None = None,
        probes: Sequence[str] | None = None,
        mated: Sequence[bool] | Flags | None = None,
        cohorts: Sequence[str] | None = None,
        higher_is_better: bool = True,
        metric: str | None = None,
    ) -> ScoreTable:
        """Take comparisons column by column.

        Args:
            scores: Comparison scores; rounded to whole millionths.
            references: Pseudonym of each reference's person. The same person has one pseudonym,
                whether as reference or as probe.
            probes: Pseudonym of each probe's person.
            mated: Whether the two are one person; needed where people are not given, and must
                agree with them where both are.
            cohorts: Name of each comparison's cohort, e.g. ``"indoors"``.
            higher_is_better: Whether a higher score speaks for the same person.
            metric: Name of the score, e.g. ``"cosine"``.

        Raises:
            MissingDependencyError: NumPy is not installed.
            MatcherError: No comparison, columns of different lengths, a score that is not finite,
                an empty pseudonym, or a flag that contradicts the people.
        """
        require_numpy()
        import numpy

        micro = _columns.micro(scores) * (1 if higher_is_better else -1)
        size = len(micro)
        left, right, names = _columns.people(references, probes, size)
        flags = _columns.mated(mated, left, right, size)
        cohort_names, cohort_of = _columns.codes(
            cohorts if cohorts is not None else [""] * size, size
        )
        head = {
            "cohorts": cohort_names,
            "higher_is_better": bool(higher_is_better),
            "metric": metric,
            "people": names,
        }
        columns = numpy.stack([left, right, flags.astype("i8"), cohort_of, micro])
        for array in (micro, flags, left, right, cohort_of):
            array.setflags(write=False)
        return cls(
            micro=micro,
            mated=flags,
            references=left,
            probes=right,
            cohort_of=cohort_of,
            people=len(names),
            cohorts=tuple(cohort_names),
            higher_is_better=bool(higher_is_better),
            metric=metric,
            digest=_columns.digest(head, columns),
        )

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[str, str, float]],
        *,
        higher_is_better: bool = True,
        metric: str | None = None,
    ) -> ScoreTable:
        """Take comparisons row by row: person of the reference, person of the probe, score.

        Raises:
            MatcherError: As `from_arrays`.
        """
        listed = list(rows)
        if any(len(row) != 3 for row in listed):
            raise MatcherError("a row holds the reference's person, the probe's person, the score")
        references, probes, scores = zip(*listed, strict=True) if listed else ((), (), ())
        return cls.from_arrays(
            scores,
            references=references,
            probes=probes,
            higher_is_better=higher_is_better,
            metric=metric,
        )

    def real(self, micro: int) -> float:
        """A score of `micro`, or a threshold among them, in the score's own unit and direction."""
        return (micro if self.higher_is_better else -micro) / MICRO
