"""Enrolment: from several captures of one person to one reference, or to the reason why not.

The way of an enrolment, each step able to end it with an answer, not an exception::

    images ── capture ──► quality gate ──► enough of them? ──► extract
           ──► do all samples agree with each other? ──► enrolled already? ──► Reference

Failure to enrol is data (ISO/IEC 19795-1 counts it), as failure to acquire is. Nothing is kept
here: the host, a `ReferenceStore` or a gallery keeps the reference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations

import attrs

from biotrail.errors import MatcherError
from biotrail.events import ComparisonDecision, Reason
from biotrail.matchers.backend import FailureToAcquire, Features, MatcherBackend, Sample
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import ComparisonScore, decide
from biotrail.matchers.reference import Reference, aware

__all__ = ["Enrolment", "FailureToEnrol", "QualityGate", "enrol", "new_reference_id"]

QualityGate = Callable[[Sample], FailureToAcquire | None]
"""Says of a sample why it is not good enough to be enrolled, or None where it is."""


def new_reference_id(*, randomness: Callable[[int], bytes] = os.urandom) -> str:
    """A new identifier of a reference: ``ref-`` and 128 random bits in hexadecimal digits."""
    return f"ref-{randomness(16).hex()}"


@attrs.frozen(kw_only=True)
class Enrolment:
    """A person was enrolled.

    Attributes:
        reference: The reference, to be kept. Biometric data.
        card: What made it.
        not_usable: The captures that were not used, in their order.
        agreement: The comparison score of the two samples that agree least; None of one sample.
        consistency: The threshold that every two samples met, in the score's own unit, or None.
        replaces: Identifier of the reference whose place this one takes, or None. The host (or
            `ReferenceStore.replace`) revokes that one.
    """

    reference: Reference
    card: ModelCard = attrs.field(repr=False)
    not_usable: tuple[FailureToAcquire, ...] = ()
    agreement: ComparisonScore | None = None
    consistency: float | None = None
    replaces: str | None = None


@attrs.frozen(kw_only=True)
class FailureToEnrol:
    """Nobody was enrolled (ISO/IEC 2382-37: failure to enrol).

    Attributes:
        reason: Why: a reason of failing to acquire, ``inconsistent_samples`` or
            ``already_enrolled``.
        card: The card of the matcher that was asked.
        detail: A sentence for people, without biometric data.
        usable: How many captures were usable.
        not_usable: The captures that were not, in their order.
        agreement: As in `Enrolment`, where it came to that.
        consistency: As in `Enrolment`.
        replaces: Identifier of the reference whose place was to be taken, or None.
        duplicates: Identifiers of the references that match already.
    """

    reason: Reason = attrs.field(converter=Reason)
    card: ModelCard = attrs.field(repr=False)
    detail: str
    usable: int = 0
    not_usable: tuple[FailureToAcquire, ...] = ()
    agreement: ComparisonScore | None = None
    consistency: float | None = None
    replaces: str | None = None
    duplicates: tuple[str, ...] = ()


def enrol(
    matcher: MatcherBackend,
    images: Iterable[object],
    *,
    consistency: float | None,
    minimum: int | None = None,
    gate: QualityGate | None = None,
    duplicates: Callable[[Features], Iterable[str]] | None = None,
    replaces: str | None = None,
    id: str | None = None,
    valid_for: timedelta | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Enrolment | FailureToEnrol:
    """Enrol one person from one or more images.

    Samples that disagree are not sorted out: which of them shows somebody else cannot be known, so
    the whole enrolment fails.

    Args:
        matcher: Captures, extracts and compares.
        images: What the matcher captures from, each of the same person.
        consistency: Every two samples must match at this threshold, in the score's own unit. A
            stricter one than for verification is wise. None only where there is one image.
        minimum: How many samples must be usable; None: all.
        gate: Asked of each sample whether it is good enough.
        duplicates: Gives the identifiers of references that match these features, as a search of
            a gallery does. Any of them but `replaces` ends the enrolment.
        replaces: Identifier of the reference that this one takes the place of: re-enrolment.
        id: Identifier of the new reference; None draws a random one.
        valid_for: How long the reference may be compared with; None: without end.
        clock: Returns the present time, aware.

    Returns:
        The enrolment, or why there is none.

    Raises:
        MatcherError: No image, several without a consistency threshold, an id used again, a
            minimum that cannot be met, or an image that the matcher cannot read.
    """
    offered = list(images)
    needed = len(offered) if minimum is None else minimum
    _check(offered, needed, consistency, same=replaces is not None and id == replaces)
    samples, refused = _usable(matcher, offered, gate)
    failed = _Failing(matcher.card, refused, len(samples), consistency, replaces)
    if len(samples) < needed:
        reason = refused[0].reason.event_reason
        return failed(reason, f"{len(samples)} of {len(offered)} captures usable, not {needed}")
    features = [matcher.extract(sample) for sample in samples]
    agreement = _least_agreement(matcher, features)
    if agreement is not None and decide(agreement, consistency) is not ComparisonDecision.MATCH:
        detail = "the samples do not agree: more than one person, or poor captures"
        return failed(Reason.INCONSISTENT_SAMPLES, detail, agreement=agreement)
    if found := _others(features, duplicates, replaces):
        detail = "another reference matches these samples"
        return failed(Reason.ALREADY_ENROLLED, detail, agreement=agreement, duplicates=found)
    return Enrolment(
        reference=_reference(features, id or new_reference_id(), clock, valid_for),
        card=matcher.card,
        not_usable=refused,
        agreement=agreement,
        consistency=consistency,
        replaces=replaces,
    )


def _check(
    offered: Sequence[object], needed: int, consistency: float | None, *, same: bool
) -> None:
    if not offered:
        raise MatcherError("an enrolment needs at least one image")
    if not 1 <= needed <= len(offered):
        raise MatcherError(f"the minimum must lie between 1 and the {len(offered)} images given")
    if consistency is None and len(offered) > 1:
        raise MatcherError("several samples need a consistency threshold")
    if same:
        raise MatcherError("a re-enrolment needs a new id: the log names references by it for good")


def _usable(
    matcher: MatcherBackend, offered: Iterable[object], gate: QualityGate | None
) -> tuple[list[Sample], tuple[FailureToAcquire, ...]]:
    samples: list[Sample] = []
    refused: list[FailureToAcquire] = []
    for image in offered:
        captured = matcher.capture(image)
        if isinstance(captured, FailureToAcquire):
            refused.append(captured)
        elif gate is not None and (fault := gate(captured)) is not None:
            refused.append(fault)
        else:
            samples.append(captured)
    return samples, tuple(refused)


def _least_agreement(
    matcher: MatcherBackend, features: Sequence[Features]
) -> ComparisonScore | None:
    """The worst score of any two samples."""
    scores = [matcher.compare(left, right) for left, right in combinations(features, 2)]
    if not scores:
        return None
    worst = min if scores[0].higher_is_better else max
    return worst(scores, key=lambda score: score.value)


def _others(
    features: Iterable[Features],
    duplicates: Callable[[Features], Iterable[str]] | None,
    replaces: str | None,
) -> tuple[str, ...]:
    """Identifiers of other references that match any of the samples, each once."""
    if duplicates is None:
        return ()
    found = dict.fromkeys(name for one in features for name in duplicates(one))
    return tuple(name for name in found if name != replaces)


def _reference(
    features: Sequence[Features],
    id: str,
    clock: Callable[[], datetime],
    valid_for: timedelta | None,
) -> Reference:
    created = aware(clock(), "the clock's time")
    expires = None if valid_for is None else created + valid_for
    return Reference.from_samples(features, id=id, created=created, expires=expires)


@attrs.frozen
class _Failing:
    """Makes failures to enrol that all say the same of the captures."""

    card: ModelCard
    not_usable: tuple[FailureToAcquire, ...]
    usable: int
    consistency: float | None
    replaces: str | None

    def __call__(
        self,
        reason: Reason | str,
        detail: str,
        *,
        agreement: ComparisonScore | None = None,
        duplicates: tuple[str, ...] = (),
    ) -> FailureToEnrol:
        return FailureToEnrol(
            reason=reason,
            card=self.card,
            detail=detail,
            usable=self.usable,
            not_usable=self.not_usable,
            agreement=agreement,
            consistency=self.consistency,
            replaces=self.replaces,
            duplicates=duplicates,
        )
