"""The steps that a verification and an identification have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from biotrail.audit.check import BiometricCheck, ReferenceSource, sharpness
from biotrail.errors import EventError, ImageError, MatcherError
from biotrail.events import Comparison, ComparisonDecision, Reason
from biotrail.matchers.attempts import AttemptHistory
from biotrail.matchers.backend import FailureToAcquire, MatcherBackend, Sample
from biotrail.matchers.card import ModelCard
from biotrail.matchers.decision import finite, score_of
from biotrail.matchers.pad import PadBackend
from biotrail.matchers.policy import DecisionPolicy
from biotrail.matchers.quality import Quality
from biotrail.matchers.rates.calibration import Calibration
from biotrail.matchers.reference import Reference
from biotrail.matchers.several import SampleRule

__all__ = ["Asked", "CheckSteps"]

Asked = Callable[[], Comparison]
"""Makes the comparison to record where none was made: what was asked for, and no score."""


@attrs.frozen(kw_only=True)
class CheckSteps:
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
    quality: Callable[[Quality], float | None] = sharpness

    def __attrs_post_init__(self) -> None:
        if sum(one is not None for one in (self.threshold, self.calibration, self.policy)) > 1:
            raise MatcherError("give a threshold, a calibration or a policy, not several of them")

    @property
    def held_against(self) -> Calibration | None:
        """The calibration of the policy, or that which stands for itself."""
        return self.calibration if self.policy is None else self.policy.calibration

    def require_calibrated(self, card: ModelCard) -> None:
        """Refuse a calibration of another matcher, before an event could name the two together.

        Raises:
            CalibrationError: The calibration was made for another card.
        """
        held = self.held_against
        if held is not None and held.card_digest != card.digest.hex():
            held.require(score_of(card, 0.0))

    def asked(self, card: ModelCard, *, reference: str | None = None, **known: Any) -> Comparison:
        """The comparison that an event records where it did not come to one.

        Args:
            card: Of the matcher.
            reference: Id of the reference that was named; left out where no event can hold it.
            **known: Further fields of the comparison.

        Raises:
            MatcherError: The threshold is no finite number.
        """
        held = self.held_against
        threshold = self.threshold if held is None else held.threshold
        comparison = Comparison(
            matcher=card.id,
            version=card.version,
            digest=card.digest,
            metric=card.metric if held is None else held.metric,
            decision=ComparisonDecision.UNDETERMINED,
            threshold=None if threshold is None else finite("threshold", threshold),
            calibration=None if held is None else held.id,
            **known,
        )
        try:
            return attrs.evolve(comparison, reference=reference)
        except EventError:
            return comparison

    def turned_away(self, asked: Asked) -> BiometricCheck | None:
        """Asked before anything is captured."""
        away = self.policy and self.policy.turned_away(self.history, now=self.now)
        return BiometricCheck(decision=away, comparison=asked()) if away else None

    def valid(self, reference: Reference | str) -> Reference:
        """The reference; one that is named by its id is looked up."""
        if isinstance(reference, str):
            if self.references is None:
                raise MatcherError(
                    "a reference is named by its id only where `references` is given"
                )
            reference = self.references.get(reference)
        return reference

    def captured(
        self, matcher: MatcherBackend, image: object, asked: Asked
    ) -> Sample | BiometricCheck:
        """The sample, or the check that ends without one."""
        try:
            found = matcher.capture(image)
        except ImageError:
            return BiometricCheck(denied=Reason.BAD_IMAGE, comparison=asked())
        if isinstance(found, Sample):
            return found
        reason = found.reason.event_reason
        check = BiometricCheck(failure=found, denied=reason, comparison=asked())
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
        """With the policy's decision, if there is a policy."""
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
        """The figure of the quality that is recorded."""
        return None if check.quality is None else self.quality(check.quality)
