"""What the matcher said: a score, a threshold, and the decision that follows from the two."""

from __future__ import annotations

import re

import attrs

from biotrail.errors import EventError
from biotrail.events import _rules as rules
from biotrail.events.vocabulary import (
    ComparisonDecision,
    ComparisonType,
    PresentationAttackDecision,
)

__all__ = ["Comparison"]

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


def _decision(value: ComparisonDecision | str) -> ComparisonDecision:
    return rules.member("Comparison.decision", value, ComparisonDecision)


def _type(value: ComparisonType | str | None) -> ComparisonType | None:
    return None if value is None else rules.member("Comparison.type", value, ComparisonType)


def _attack(
    value: PresentationAttackDecision | str | None,
) -> PresentationAttackDecision | None:
    if value is None:
        return None
    return rules.member("Comparison.presentation_attack", value, PresentationAttackDecision)


def _digest(value: bytes | str | None) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bytes) and len(value) == 32:
        return value
    if isinstance(value, str) and _HEX_DIGEST.fullmatch(value):
        return bytes.fromhex(value)
    rule = "must be a SHA-256 digest: 32 bytes, or 64 lowercase hexadecimal digits"
    raise EventError("Comparison.digest", value, rule)


@attrs.frozen(kw_only=True)
class Comparison:
    """One comparison of a probe with a reference, or with a gallery.

    Real numbers are recorded as whole millionths and are rounded to six decimals on entry.

    Attributes:
        matcher: Identifier of the matcher, up to 128 characters.
        version: Version of the matcher, up to 64 characters.
        decision: Match, non-match or undetermined.
        score: Comparison score; personal, kept in the payload.
        threshold: The threshold that the score was held against.
        digest: SHA-256 of the matcher's model card, as 32 bytes or 64 hexadecimal digits.
        metric: How the score is to be read, e.g. ``"cosine"`` or ``"distance"``.
        type: Verification (1:1) or identification (1:N).
        calibration: Identifier of the calibration that the threshold comes from.
        quality: Quality of the sample, in the matcher's own scale.
        presentation_attack: What presentation attack detection said.
        reference: Identifier of the reference that was compared. Not a person's name: it is
            written into the entry and stays.
        gallery: Identifier and version of the gallery searched.
        gallery_size: How many references the gallery held.
    """

    matcher: str = attrs.field(validator=rules.text(maximum=128))
    version: str = attrs.field(validator=rules.text(maximum=64))
    decision: ComparisonDecision = attrs.field(converter=_decision)
    score: float | None = attrs.field(default=None, validator=rules.real())
    threshold: float | None = attrs.field(default=None, validator=rules.real())
    digest: bytes | None = attrs.field(default=None, converter=_digest)
    metric: str | None = attrs.field(default=None, validator=rules.text(maximum=64, optional=True))
    type: ComparisonType | None = attrs.field(default=None, converter=_type)
    calibration: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    quality: float | None = attrs.field(default=None, validator=rules.real())
    presentation_attack: PresentationAttackDecision | None = attrs.field(
        default=None, converter=_attack
    )
    reference: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    gallery: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    gallery_size: int | None = attrs.field(default=None, validator=rules.whole())
