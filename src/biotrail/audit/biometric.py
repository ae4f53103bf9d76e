"""From an image to what an attempt records: capture, comparison, PAD, and the policy's decision.

The way of a check, which `Attempt.verify` and `Attempt.identify` take::

    turned away by attempt limits? ──► capture ──► PAD ──► extract ──► compare ──► threshold
                                          │                                 └──► policy, if given
                                          └─ failure to acquire, no image: denied for that reason

Where it does not come to a comparison, an undetermined one without a score is recorded: which
matcher was asked, about which reference or gallery, and by which threshold.

Without a policy a comparison decides nothing: the host does, by `Attempt.grant` and `Attempt.deny`.
Features and images stay here; what leaves is the comparison that the event records.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import attrs

from biotrail.audit._check_steps import CheckSteps
from biotrail.audit.check import BiometricCheck, CheckOptions, ReferenceSource
from biotrail.errors import ReferenceUnavailableError
from biotrail.events import Comparison, ComparisonDecision, ComparisonType, Reason
from biotrail.matchers.backend import Features, MatcherBackend
from biotrail.matchers.decision import score_of
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.reference import Reference
from biotrail.matchers.several import compare_reference

__all__ = ["BiometricCheck", "CheckOptions", "ReferenceSource", "identify", "verify"]


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
    check = CheckSteps(now=now, **options)
    check.require_calibrated(matcher.card)
    named = reference if isinstance(reference, str) else reference.id
    verification = ComparisonType.VERIFICATION
    asked = partial(check.asked, matcher.card, reference=named, type=verification)
    if (away := check.turned_away(asked)) is not None:
        return away
    try:
        valid = check.valid(reference)
        if valid.expired(now):
            return BiometricCheck(denied=Reason.REFERENCE_EXPIRED, comparison=asked())
    except ReferenceUnavailableError as error:
        return BiometricCheck(denied=Reason(error.reason), comparison=asked())
    sample = check.captured(matcher, image, asked)
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
    check = CheckSteps(now=now, **options)
    check.require_calibrated(matcher.card)
    asked = partial(_asked, check, matcher, gallery)
    if (away := check.turned_away(asked)) is not None:
        return away
    sample = check.captured(matcher, image, asked)
    if isinstance(sample, BiometricCheck):
        return sample
    seen = check.observed(matcher, sample, image)
    comparison = _searched(check, gallery, matcher.extract(sample))
    if (unavailable := _unavailable(check, comparison)) is not None:
        refused = attrs.evolve(check, policy=None).compared(seen, comparison)
        return attrs.evolve(refused, denied=unavailable)
    return check.compared(seen, comparison)


def _asked(check: CheckSteps, matcher: MatcherBackend, gallery: Gallery) -> Comparison:
    """Where no search was made: the gallery as it is now."""
    return check.asked(
        matcher.card,
        type=ComparisonType.IDENTIFICATION,
        gallery=f"{gallery.name}@{gallery.version}",
        gallery_size=len(gallery),
    )


def _searched(check: CheckSteps, gallery: Gallery, probe: Features) -> Comparison:
    found = gallery.identify(probe, top=1)
    held = check.held_against
    if held is None:
        return found.decide(check.threshold)
    # An empty gallery gives no score, and the log names the calibration all the same.
    best = found.best
    held.require(score_of(gallery.card, 0.0) if best is None else best.score)
    return found.decide(held.threshold, calibration=held.id)


def _unavailable(check: CheckSteps, comparison: Comparison) -> Reason | None:
    """Why the identified reference is not valid any more; None where it is."""
    matched = comparison.decision is ComparisonDecision.MATCH
    if check.references is None or comparison.reference is None or not matched:
        return None
    try:
        expired = check.references.get(comparison.reference).expired(check.now)
    except ReferenceUnavailableError as error:
        return Reason(error.reason)
    return Reason.REFERENCE_EXPIRED if expired else None
