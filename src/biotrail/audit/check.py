"""What may be said of a biometric check, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypedDict

import attrs

from biotrail.events import Comparison, ComparisonDecision, PresentationAttackDecision, Reason
from biotrail.matchers.attempts import AttemptHistory
from biotrail.matchers.backend import FailureToAcquire
from biotrail.matchers.pad import PadBackend, PadResult
from biotrail.matchers.policy import DecisionPolicy, PolicyDecision
from biotrail.matchers.quality import Quality
from biotrail.matchers.rates.calibration import Calibration
from biotrail.matchers.reference import Reference
from biotrail.matchers.several import SampleRule

__all__ = ["BiometricCheck", "CheckOptions", "ReferenceSource", "sharpness"]


class ReferenceSource(Protocol):
    """Where references are looked up, such as `biotrail.matchers.ReferenceStore`."""

    def get(self, id: str, /) -> Reference:
        """The reference, or an error with its reason where it may not be compared with."""
        ...


def sharpness(quality: Quality) -> float | None:
    """The figure of a quality that is recorded unless the host chooses another."""
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
        comparison: What the event records. Where it did not come to a comparison it is
            undetermined, has no score, and says what is known: matcher, reference or gallery,
            threshold and calibration.
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
        """Whether the score reached the threshold, and nothing that was found speaks against it.

        False where the reference is not valid any more, and where the detector flagged an attack;
        what the score alone says is ``comparison.decision``. It grants nothing.
        """
        found = self.comparison
        attacked = self.pad is not None and self.pad.decision is PresentationAttackDecision.ATTACK
        if found is None or self.denied is not None or attacked:
            return False
        return found.decision is ComparisonDecision.MATCH
