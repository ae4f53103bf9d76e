"""From an image to what an attempt records: capture, comparison, PAD, and the policy's decision.

The way of a check, which `Attempt.verify` and `Attempt.identify` take::

    turned away by attempt limits? ──► capture ──► PAD ──► extract ──► compare ──► threshold
                                          │                                 └──► policy, if given
                                          └─ failure to acquire, no image: denied for that reason

Without a policy a comparison decides nothing: the host does, by `Attempt.grant` and `Attempt.deny`.
Features and images stay here; what leaves is the comparison that the event records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

import attrs

from biotrail.errors import ImageError, MatcherError, ReferenceUnavailableError
from biotrail.events import Comparison, ComparisonDecision, Reason
from biotrail.matchers.backend import FailureToAcquire, Features, MatcherBackend, Sample
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.pad import PadBackend, PadResult
from biotrail.matchers.policy import AttemptHistory, DecisionPolicy, PolicyDecision
from biotrail.matchers.quality import Quality
from biotrail.matchers.rates.calibration import Calibration
from biotrail.matchers.reference import Reference
from biotrail.matchers.several import SampleRule, compare_reference

__all__ = ["BiometricCheck", "CheckOptions", "ReferenceSource", "identify", "verify"]


class ReferenceSource(Protocol):
    """Where references are looked up, such as `biotrail.matchers.ReferenceStore`."""

    def get(self, id: str, /) -> Reference:
        """The reference, or an error with its reason where it may not be compared with."""
        ...


def _sharpness(quality: Quality) -> float | None:
    return quality.sharpness


class CheckOptions(TypedDict, total=False):
    """What may be said of a check. At most one of threshold, calibration and policy."""

    threshold: float | None
    """A plain threshold, in the score's own unit. Without any the decision is undetermined."""
    calibration: Calibration | None
    """A calibrated threshold; its id is recorded."""
    policy: DecisionPolicy | None
    """Decides to grant or deny, by its own calibration."""
    history: AttemptHistory
    """The person's attempts so far, for the policy; none if left out."""
    pad: PadBackend | None
    """Detects presentation attacks; its flag is recorded."""
    frames: Sequence[object]
    """What the detector is shown; the image alone if left out."""
    references: ReferenceSource | None
    """Looks up references by id, and whether an identified one is still valid."""
    rule: SampleRule | str
    """How the scores of several samples become one, in a verification."""
    quality: Callable[[Quality], float | None]
    """Which figure of the sample's quality is recorded, and held against the policy's minimum; the
    sharpness if left out."""


@attrs.frozen(kw_only=True)
class BiometricCheck:
    """What a check found. The attempt it was made for holds all of it already.

    Attributes:
        comparison: What the event records, or None where it did not come to a comparison.
        failure: Why nothing was captured, or None.
        denied: Why the attempt is denied without a policy's word: failure to acquire, no image, no
            valid reference. None where it is not.
        decision: What the policy decided, with the history to keep; None without a policy.
        pad: What the detector found, or None.
        quality: What was measured of the sample, or None.
    """

    comparison: Comparison | None = None
    failure: FailureToAcquire | None = None
    denied: Reason | None = None
    decision: PolicyDecision | None = None
    pad: PadResult | None = None
    quality: Quality | None = None

    @property
    def matched(self) -> bool:
        """Whether the score reached the threshold. It grants nothing."""
        found = self.comparison
        return found is not None and found.decision is ComparisonDecision.MATCH


@attrs.frozen(kw_only=True)
class _Check:
    """The options, with their defaults, and the steps that both kinds of check have in common."""

    now: datetime
    threshold: float | None = None
    calibration: Calibration | None = None
    policy: DecisionPolicy | None = None
    history: AttemptHistory = attrs.field(factory=AttemptHistory)
    pad: PadBackend | None = None
    frames: Sequence[object] | None = None
    references: ReferenceSource | None = None
    rule: SampleRule | str = SampleRule.BEST
    quality: Callable[[Quality], float | None] = _sharpness

    def __attrs_post_init__(self) -> None:
        if sum(one is not None for one in (self.threshold, self.calibration, self.policy)) > 1:
            raise MatcherError("give a threshold, a calibration or a policy, not several of them")

    @property
    def held_against(self) -> Calibration | None:
        return self.calibration if self.policy is None else self.policy.calibration

    def turned_away(self) -> BiometricCheck | None:
        """Asked before anything is captured."""
        away = self.policy and self.policy.turned_away(self.history, now=self.now)
        return BiometricCheck(decision=away) if away else None

    def valid(self, reference: Reference | str) -> Reference:
        if isinstance(reference, str):
            if self.references is None:
                raise MatcherError(
                    "a reference is named by its id only where `references` is given"
                )
            reference = self.references.get(reference)
        return reference

    def captured(self, matcher: MatcherBackend, image: object) -> Sample | BiometricCheck:
        try:
            found = matcher.capture(image)
        except ImageError:
            return BiometricCheck(denied=Reason.BAD_IMAGE)
        if isinstance(found, Sample):
            return found
        check = BiometricCheck(failure=found, denied=found.reason.event_reason)
        return self.decided(check, found)

    def observed(self, matcher: MatcherBackend, sample: Sample, image: object) -> BiometricCheck:
        """Quality and presentation attack, before anything is compared."""
        frames = (image,) if self.frames is None else self.frames
        return BiometricCheck(
            quality=matcher.quality(sample),
            pad=None if self.pad is None else self.pad.assess(frames),
        )

    def compared(self, seen: BiometricCheck, comparison: Comparison) -> BiometricCheck:
        """With the comparison as the event records it, and the policy's decision on it."""
        comparison = attrs.evolve(
            comparison,
            quality=self._figure(seen),
            presentation_attack=None if seen.pad is None else seen.pad.decision,
        )
        return self.decided(attrs.evolve(seen, comparison=comparison), comparison)

    def decided(
        self, check: BiometricCheck, found: Comparison | FailureToAcquire
    ) -> BiometricCheck:
        if self.policy is None:
            return check
        decision = self.policy.decide(
            found,
            history=self.history,
            now=self.now,
            quality=self._figure(check),
            pad=check.pad,
        )
        return attrs.evolve(check, decision=decision, denied=None)

    def _figure(self, check: BiometricCheck) -> float | None:
        return None if check.quality is None else self.quality(check.quality)


def verify(
    matcher: MatcherBackend,
    reference: Reference | str,
    image: object,
    *,
    now: datetime,
    **options: Any,
) -> BiometricCheck:
    """Compare a face in an image with one reference (1:1).

    Args:
        matcher: Captures, extracts and compares.
        reference: The reference, or its id where ``references`` is among the options.
        image: What the matcher captures from.
        now: The present time, aware: by it references expire and limits are kept.
        **options: See `CheckOptions`.

    Raises:
        MatcherError: The reference is of another model, an option is wrong, or the matcher failed.
        CalibrationError: The calibration is of another matcher.
    """
    check = _Check(now=now, **options)
    if (away := check.turned_away()) is not None:
        return away
    try:
        valid = check.valid(reference)
        if valid.expired(now):
            return BiometricCheck(denied=Reason.REFERENCE_EXPIRED)
    except ReferenceUnavailableError as error:
        return BiometricCheck(denied=Reason(error.reason))
    sample = check.captured(matcher, image)
    if isinstance(sample, BiometricCheck):
        return sample
    seen = check.observed(matcher, sample, image)
    score = compare_reference(matcher, valid, matcher.extract(sample), rule=check.rule)
    held = check.held_against
    comparison = score.decide(check.threshold) if held is None else held.decide(score)
    return check.compared(seen, comparison)


def identify(
    matcher: MatcherBackend,
    gallery: Gallery,
    image: object,
    *,
    now: datetime,
    **options: Any,
) -> BiometricCheck:
    """Search a gallery for the face in an image (1:N); the best candidate is what is recorded.

    A threshold for 1:1 lets far more strangers through when many references are searched: about as
    many times more as the gallery has references.

    Args:
        matcher: Captures and extracts.
        gallery: Of the matcher's model.
        image: What the matcher captures from.
        now: The present time, aware.
        **options: See `CheckOptions`. With ``references`` the best candidate, if it is a match,
            must be valid there too.

    Raises:
        MatcherError: The gallery is of another model, an option is wrong, or the matcher failed.
        CalibrationError: The calibration is of another matcher.
    """
    check = _Check(now=now, **options)
    if (away := check.turned_away()) is not None:
        return away
    sample = check.captured(matcher, image)
    if isinstance(sample, BiometricCheck):
        return sample
    seen = check.observed(matcher, sample, image)
    comparison = _searched(check, gallery, matcher.extract(sample))
    if (unavailable := _unavailable(check, comparison)) is not None:
        refused = attrs.evolve(check, policy=None).compared(seen, comparison)
        return attrs.evolve(refused, denied=unavailable)
    return check.compared(seen, comparison)


def _searched(check: _Check, gallery: Gallery, probe: Features) -> Comparison:
    found = gallery.identify(probe, top=1)
    held = check.held_against
    if held is None:
        return found.decide(check.threshold)
    if found.best is not None:
        held.require(found.best.score)
    return found.decide(held.threshold, calibration=held.id)


def _unavailable(check: _Check, comparison: Comparison) -> Reason | None:
    """Why the identified reference is not valid any more; None where it is."""
    matched = comparison.decision is ComparisonDecision.MATCH
    if check.references is None or comparison.reference is None or not matched:
        return None
    try:
        expired = check.references.get(comparison.reference).expired(check.now)
    except ReferenceUnavailableError as error:
        return Reason(error.reason)
    return Reason.REFERENCE_EXPIRED if expired else None
