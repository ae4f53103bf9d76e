"""Which captured faces are good enough: limits on what was measured, with measured defaults.

docs/explanation/face-landmarks.md has the figures behind the defaults. They are wide: they refuse
what error rates were not measured on. An enrolment, which is done once and with time, may well be
stricter.
"""

from __future__ import annotations

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.backend import CaptureFailure, FailureToAcquire, Sample
from biotrail.matchers.faces.sample import quality_of
from biotrail.matchers.quality import Quality

__all__ = ["CaptureGates"]

_NO_LIMIT = float("inf")


def _limit(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value >= 0:
        raise MatcherError(f"CaptureGates.{attribute.name} must be a number from 0")


@attrs.frozen(kw_only=True)
class CaptureGates:
    """Limits on the quality of a capture. A figure that was not measured passes.

    Attributes:
        minimum_eye_distance: Of the pupils, in pixels of the image; nearer is too small.
        maximum_yaw_degrees: Turn of the head to either side.
        maximum_pitch_degrees: Nod of the head, up or down.
        maximum_roll_degrees: Lean of the head to either side. The face is turned upright before it
            is compared, so this is wide.
        minimum_sharpness: As a share of contrast; less is blurred, or has too few pixels.
        minimum_brightness: Mean grey level; less is too dark.
        maximum_brightness: Mean grey level; more is too bright.
        minimum_visible: Share of the face's points within the image; less is a face that the edge
            of the picture cuts off.
        minimum_neutrality: 0 takes any expression.
    """

    minimum_eye_distance: float = attrs.field(default=32.0, validator=_limit)
    maximum_yaw_degrees: float = attrs.field(default=40.0, validator=_limit)
    maximum_pitch_degrees: float = attrs.field(default=35.0, validator=_limit)
    maximum_roll_degrees: float = attrs.field(default=60.0, validator=_limit)
    minimum_sharpness: float = attrs.field(default=0.065, validator=_limit)
    minimum_brightness: float = attrs.field(default=12.0, validator=_limit)
    maximum_brightness: float = attrs.field(default=235.0, validator=_limit)
    minimum_visible: float = attrs.field(default=0.75, validator=_limit)
    minimum_neutrality: float = attrs.field(default=0.0, validator=_limit)

    @classmethod
    def none(cls) -> CaptureGates:
        """Gates that let every face pass."""
        return cls(
            minimum_eye_distance=0,
            maximum_yaw_degrees=_NO_LIMIT,
            maximum_pitch_degrees=_NO_LIMIT,
            maximum_roll_degrees=_NO_LIMIT,
            minimum_sharpness=0,
            minimum_visible=0,
            minimum_brightness=0,
            maximum_brightness=_NO_LIMIT,
        )

    def check(self, quality: Quality) -> FailureToAcquire | None:
        """The first gate that the quality does not pass, as a failure; None where it passes all."""
        for reason, what, value, low, high in self._rows(quality):
            if value is not None and not low <= value <= high:
                limit = f"at least {low:g}" if value < low else f"at most {high:g}"
                return FailureToAcquire(reason, f"{what.format(value)}; {limit} is accepted")
        return None

    def check_sample(self, sample: Sample) -> FailureToAcquire | None:
        """The same for a sample: what an enrolment takes as its gate."""
        return self.check(quality_of(sample))

    def _rows(
        self, quality: Quality
    ) -> tuple[tuple[CaptureFailure, str, float | None, float, float], ...]:
        """Reason, sentence, value, and the limits that it must lie within."""
        yaw, pitch, roll = (
            None if angle is None else abs(angle)
            for angle in (quality.yaw_degrees, quality.pitch_degrees, quality.roll_degrees)
        )
        failure = CaptureFailure
        shown = "the pupils are {:.0f} pixels apart"
        dark, light = self.minimum_brightness, self.maximum_brightness
        bright = quality.brightness
        return (
            (
                failure.TOO_SMALL,
                shown,
                quality.eye_distance,
                self.minimum_eye_distance,
                _NO_LIMIT,
            ),
            (failure.POSE, "turned by {:.0f} degrees", yaw, 0, self.maximum_yaw_degrees),
            (failure.POSE, "nodding by {:.0f} degrees", pitch, 0, self.maximum_pitch_degrees),
            (failure.POSE, "leaning by {:.0f} degrees", roll, 0, self.maximum_roll_degrees),
            (failure.TOO_DARK, "mean grey level {:.0f}", bright, dark, _NO_LIMIT),
            (failure.TOO_BRIGHT, "mean grey level {:.0f}", bright, 0, light),
            (
                failure.BLUR,
                "sharpness {:.3f}",
                quality.sharpness,
                self.minimum_sharpness,
                _NO_LIMIT,
            ),
            (
                failure.LOW_QUALITY,
                "{:.0%} of the face is in the picture",
                quality.visible,
                self.minimum_visible,
                _NO_LIMIT,
            ),
            (
                failure.LOW_QUALITY,
                "neutrality {:.2f}",
                quality.neutrality,
                self.minimum_neutrality,
                _NO_LIMIT,
            ),
        )
