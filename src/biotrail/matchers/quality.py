"""Quality of a sample: measured figures, of which gates and policies make what they will."""

from __future__ import annotations

import attrs

__all__ = ["Quality"]


@attrs.frozen(kw_only=True)
class Quality:
    """What was measured of one sample. A figure that was not measured is None.

    The figures describe the capture, not the person; they may be logged.

    Attributes:
        yaw_degrees: Turn of the head; positive to the subject's own left.
        pitch_degrees: Nod of the head; positive upwards.
        roll_degrees: Lean of the head; positive to the subject's own left.
        eye_distance: Distance of the pupils in the image, in pixels.
        sharpness: Root of the mean squared Laplacian over the face at 112 x 112 pixels, as a share
            of its contrast (see `biotrail.matchers.faces.measured.face_light`).
        brightness: Mean grey level of the face, from 0 to 255.
        visible: Share of the face's points that lie within the image, from 0 to 1.
        neutrality: From 0 for a full expression to 1 for a face at rest.
    """

    yaw_degrees: float | None = None
    pitch_degrees: float | None = None
    roll_degrees: float | None = None
    eye_distance: float | None = None
    sharpness: float | None = None
    brightness: float | None = None
    visible: float | None = None
    neutrality: float | None = None
