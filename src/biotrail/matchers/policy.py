"""From a comparison to an application decision: score, calibration, quality, PAD, attempt limits.

The limits of attempts are those of NIST SP 800-63B-4 (`biotrail.matchers.attempts`). NIST asks for
two things more, which no policy can see: a false match rate of 1 in 10,000 or better, and a
physical authenticator beside the biometric.

Nothing here reads a clock or keeps state. The host keeps one `AttemptHistory` for each person (or
authenticator), gives it to the policy with the present time, and keeps the one that comes back.
Where several attempts can run at once, it does so under a lock.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from biotrail.errors import CalibrationError, MatcherError
from biotrail.events import (
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    PresentationAttackDecision,
    Reason,
)
from biotrail.matchers.attempts import AttemptHistory, AttemptLimits
from biotrail.matchers.backend import FailureToAcquire
from biotrail.matchers.decision import ComparisonScore, finite
from biotrail.matchers.pad import PadResult
from biotrail.matchers.rates.calibration import Calibration

__all__ = ["DecisionPolicy", "PolicyDecision"]

_MATCHER_REASON = {
    ComparisonDecision.MATCH: Reason.MATCH,
    ComparisonDecision.NON_MATCH: Reason.NON_MATCH,
    ComparisonDecision.UNDETERMINED: Reason.UNDETERMINED,
}
_COUNTED = frozenset({Reason.NON_MATCH, Reason.PRESENTATION_ATTACK, Reason.PAD_UNDETERMINED})


def _quality(value: object) -> float | None:
    return None if value is None else finite("minimum quality", value)


@attrs.frozen(kw_only=True)
class PolicyDecision:
    """What the policy decided, and why.

    Attributes:
        decision: Granted or denied.
        reason: The word that the event carries.
        comparison: What the event records of the comparison; None where none was made or looked at.
        history: What the host keeps from here on.
        retry_at: Before this time another attempt will be turned away; None: at once, or never.
    """

    decision: ApplicationDecision
    reason: Reason
    comparison: Comparison | None
    history: AttemptHistory
    retry_at: datetime | None = None

    @property
    def granted(self) -> bool:
        """Whether access is granted. Act on it once the event is recorded."""
        return self.decision is ApplicationDecision.GRANTED


@attrs.frozen(kw_only=True)
class DecisionPolicy:
    """Joins everything that speaks for or against access.

    In this order, the first that speaks against it gives the reason: attempt limits, failure to
    acquire, presentation attack, quality, comparison. Only a match that nothing speaks against is
    granted. Failures to acquire, samples of low quality and comparisons without a calibration do
    not count towards the limits: they tell an impostor nothing.

    Attributes:
        calibration: The threshold with its grounds; None leaves every comparison undetermined.
        limits: How often an attempt may fail.
        require_pad: Whether a bona fide presentation must be shown by a detector.
        minimum_quality: Lowest quality let through, in the scale that is handed in; None asks for
            none. Where it is set, a sample of unknown quality is refused.
        fusion: Digest of the one fusion whose decisions are taken as they are: that of
            `fuse_decisions(...)`, which stands for its rule, matchers and calibrations, 32 bytes.

    Raises:
        MatcherError: The lowest quality is no finite number.
    """

    calibration: Calibration | None
    limits: AttemptLimits = attrs.field(factory=AttemptLimits)
    require_pad: bool = False
    minimum_quality: float | None = attrs.field(default=None, converter=_quality)
    fusion: bytes | None = None

    def turned_away(self, history: AttemptHistory, *, now: datetime) -> PolicyDecision | None:
        """Ask before a capture whether an attempt may be made; None where it may.

        Args:
            history: What the host keeps of the person's attempts.
            now: The present time, aware.

        Raises:
            MatcherError: The time has no zone.
        """
        _require_aware(now)
        if history.failures >= self.limits.disable_after:
            return _denied(Reason.LOCKED_OUT, None, history)
        retry_at = self._retry_at(history)
        if retry_at is not None and now < retry_at:
            return _denied(Reason.ATTEMPT_LIMIT, None, history, retry_at=retry_at)
        return None

    def decide(
        self,
        found: ComparisonScore | Comparison | FailureToAcquire,
        *,
        history: AttemptHistory,
        now: datetime,
        quality: float | None = None,
        pad: PadResult | None = None,
    ) -> PolicyDecision:
        """Decide on one attempt.

        Args:
            found: The score; a comparison that was decided already, by this policy's calibration
                or its fusion; or why nothing was captured.
            history: What the host keeps of the person's attempts.
            now: The present time, aware.
            quality: Quality of the sample, in a scale of the host's choice, higher is better.
            pad: What presentation attack detection found.

        Raises:
            CalibrationError: The score is of another matcher than was calibrated, or the comparison
                was decided by something else than this policy names.
            MatcherError: The time has no zone.
        """
        self._require(found)
        away = self.turned_away(history, now=now)
        if away is not None:
            return away
        if isinstance(found, FailureToAcquire):
            reason = found.reason.event_reason
            return _denied(reason, None, history, retry_at=self._retry_at(history))
        comparison = attrs.evolve(
            self._compared(found),
            quality=quality,
            presentation_attack=None if pad is None else pad.decision,
        )
        reason = self._against(comparison) or _MATCHER_REASON[comparison.decision]
        if reason is Reason.MATCH:
            return PolicyDecision(
                decision=ApplicationDecision.GRANTED,
                reason=reason,
                comparison=comparison,
                history=AttemptHistory(),
            )
        if reason in _COUNTED:
            history = AttemptHistory(failures=history.failures + 1, last_failure=now)
        return _denied(reason, comparison, history, retry_at=self._retry_at(history))

    def _require(self, found: ComparisonScore | Comparison | FailureToAcquire) -> None:
        """Refuse what this policy has no grounds to grant on."""
        calibration = self.calibration
        if isinstance(found, ComparisonScore) and calibration is not None:
            calibration.require(found)
        if not isinstance(found, Comparison) or found.decision is ComparisonDecision.UNDETERMINED:
            return
        digest = b"" if found.digest is None else found.digest
        by_calibration = (
            calibration is not None
            and found.calibration == calibration.id
            and digest.hex() == calibration.card_digest
        )
        if not by_calibration and digest != self.fusion:
            raise CalibrationError(
                f"this comparison was decided by {found.calibration or 'no calibration'} for the "
                f"model card {digest.hex()[:16] or '(none)'}, which the policy does not name: give "
                "it the calibration, or the digest of the fusion"
            )

    def _compared(self, found: ComparisonScore | Comparison) -> Comparison:
        if isinstance(found, Comparison):
            return found
        return found.decide(None) if self.calibration is None else self.calibration.decide(found)

    def _against(self, comparison: Comparison) -> Reason | None:
        """What speaks against access whatever the score is, or None."""
        attack = comparison.presentation_attack
        if attack is PresentationAttackDecision.ATTACK:
            return Reason.PRESENTATION_ATTACK
        if self.require_pad and attack is not PresentationAttackDecision.BONA_FIDE:
            return Reason.PAD_UNDETERMINED
        quality = comparison.quality
        if self.minimum_quality is not None and not (
            quality is not None and quality >= self.minimum_quality
        ):
            return Reason.LOW_QUALITY
        return None

    def _retry_at(self, history: AttemptHistory) -> datetime | None:
        if history.failures < self.limits.delay_after or history.last_failure is None:
            return None
        if history.failures >= self.limits.disable_after:
            return None
        return history.last_failure + self.limits.delay


def _denied(
    reason: Reason,
    comparison: Comparison | None,
    history: AttemptHistory,
    *,
    retry_at: datetime | None = None,
) -> PolicyDecision:
    return PolicyDecision(
        decision=ApplicationDecision.DENIED,
        reason=reason,
        comparison=comparison,
        history=history,
        retry_at=retry_at,
    )


def _require_aware(now: object) -> None:
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise MatcherError("the present time must be a datetime with its zone")
