"""Blink and turn: challenges that a live person in front of the camera can follow.

A state machine over what was seen of each frame. It does no input or output and reads no clock:
the same observations give the same outcome, so a session can be recorded and judged again.

**This is not presentation attack detection.** A video of the person, a puppet of a drawn face, or a
photograph with holes for the eyes may pass (a test of ours passes with a drawing). It is one input
to a decision on liveness, next to a presentation attack detector that was tested as
ISO/IEC 30107-3 says. What it does refuse is a still photograph held up.

A challenge is passed in three steps, each seen in a frame of its own: at rest (facing the camera,
eyes open), the act, and at rest again. A session fails when a face is missing for too long, when
there are several, when frames lie too far apart, when the head jumps between two frames (another
picture was put in), or when the time is over.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.backend import CaptureFailure, FailureToAcquire
from biotrail.matchers.faces.face import Face
from biotrail.matchers.faces.measured import pose
from biotrail.matchers.faces.sample import FaceSample

__all__ = [
    "Challenge",
    "ChallengeLimits",
    "ChallengeOutcome",
    "ChallengeSession",
    "FrameSeen",
    "draw_challenges",
    "seen",
]


class Challenge(StrEnum):
    """What the person is asked to do. Left and right are their own."""

    BLINK = "blink"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"


class ChallengeOutcome(StrEnum):
    """How a session stands."""

    RUNNING = "running"
    PASSED = "passed"
    TOO_LATE = "too_late"
    FACE_LOST = "face_lost"
    MULTIPLE_FACES = "multiple_faces"
    FRAMES_TOO_FAR_APART = "frames_too_far_apart"
    JUMP = "jump"


@attrs.frozen(kw_only=True)
class FrameSeen:
    """What counts of one frame.

    Attributes:
        milliseconds: Time of the frame; rises from frame to frame.
        faces: How many faces there are: 0, 1, or 2 for several.
        yaw_degrees: Turn of the head, positive to the subject's own left; 0 without a face.
        left_eye_closed: From 0 for open to 1: MediaPipe's ``eyeBlinkLeft``.
        right_eye_closed: The same for the right eye.
    """

    milliseconds: int
    faces: int = 1
    yaw_degrees: float = 0.0
    left_eye_closed: float = 0.0
    right_eye_closed: float = 0.0


@attrs.frozen(kw_only=True)
class ChallengeLimits:
    """What is a blink, a turn, a rest. The defaults are measured (docs/explanation/face-landmarks).

    Attributes:
        open_at_most: Both eyes are open up to this value of ``eyeBlink``.
        closed_at_least: Both eyes are closed from this value on.
        longest_blink: Milliseconds from open to open; longer is not a blink.
        rest_yaw: At rest the head is turned by no more, in degrees.
        turn_yaw: A turn goes at least so far.
        largest_step: Degrees that the head may turn from one frame to the next.
        longest_gap: Milliseconds between two frames.
        longest_absence: Milliseconds without a face.
        time: Milliseconds for each challenge.
    """

    open_at_most: float = 0.38
    closed_at_least: float = 0.45
    longest_blink: int = 1_000
    rest_yaw: float = 12.0
    turn_yaw: float = 20.0
    largest_step: float = 25.0
    longest_gap: int = 400
    longest_absence: int = 600
    time: int = 8_000


def draw_challenges(number: int, *, source: random.Random | None = None) -> tuple[Challenge, ...]:
    """Draw challenges at random, no two alike in a row, so that a video cannot be prepared.

    Args:
        number: How many, from 1.
        source: Of the random choice; None takes the system's.

    Raises:
        MatcherError: The number is less than 1.
    """
    if number < 1:
        raise MatcherError("a session has at least one challenge")
    source = source or random.SystemRandom()
    drawn: list[Challenge] = []
    for _ in range(number):
        drawn.append(source.choice([one for one in Challenge if drawn[-1:] != [one]]))
    return tuple(drawn)


def seen(frame: Face | FaceSample | FailureToAcquire, milliseconds: int) -> FrameSeen:
    """What counts of a captured frame.

    Raises:
        MatcherError: The sample was captured without pose and blendshapes.
    """
    if isinstance(frame, FailureToAcquire):
        several = frame.reason is CaptureFailure.MULTIPLE_FACES
        return FrameSeen(milliseconds=milliseconds, faces=2 if several else 0)
    if frame.transformation is None or frame.blendshapes is None:
        raise MatcherError("this sample has neither pose nor blendshapes")
    return FrameSeen(
        milliseconds=milliseconds,
        yaw_degrees=pose(frame.transformation)[0],
        left_eye_closed=float(frame.blendshapes["eyeBlinkLeft"]),
        right_eye_closed=float(frame.blendshapes["eyeBlinkRight"]),
    )


class ChallengeSession:
    """Judges frames against a row of challenges. Not thread-safe.

    Args:
        challenges: What is asked, in this order.
        limits: What is a blink, a turn, a rest.

    Attributes:
        outcome: How the session stands; once it is not running, it stays.

    Raises:
        MatcherError: There is no challenge.
    """

    def __init__(
        self, challenges: Sequence[Challenge | str], *, limits: ChallengeLimits | None = None
    ) -> None:
        if not challenges:
            raise MatcherError("a session has at least one challenge")
        self._challenges = tuple(Challenge(one) for one in challenges)
        self._limits = limits or ChallengeLimits()
        self._passed = 0
        self._before: FrameSeen | None = None
        self._begun = self._last_face = 0
        self._rested: int | None = None
        self._acted = False
        self.outcome = ChallengeOutcome.RUNNING

    @property
    def current(self) -> Challenge | None:
        """What the person is to do now; None when the session is over."""
        running = self.outcome is ChallengeOutcome.RUNNING
        return self._challenges[self._passed] if running else None

    @property
    def passed(self) -> tuple[Challenge, ...]:
        """The challenges that were passed."""
        return self._challenges[: self._passed]

    def observe(self, frame: FrameSeen) -> ChallengeOutcome:
        """Take the next frame into account.

        Raises:
            MatcherError: Its time is not later than that of the frame before.
        """
        if self.outcome is not ChallengeOutcome.RUNNING:
            return self.outcome
        before = self._before or frame
        if self._before is None:
            self._begun = self._last_face = frame.milliseconds
        elif frame.milliseconds <= before.milliseconds:
            raise MatcherError("frames come in the order of their times")
        self._before = frame
        self.outcome = self._fault(frame, before) or ChallengeOutcome.RUNNING
        if self.outcome is ChallengeOutcome.RUNNING:
            self._judge(frame)
        return self.outcome

    def _fault(self, frame: FrameSeen, before: FrameSeen) -> ChallengeOutcome | None:
        limits, now = self._limits, frame.milliseconds
        if frame.faces > 1:
            return ChallengeOutcome.MULTIPLE_FACES
        if now - before.milliseconds > limits.longest_gap:
            return ChallengeOutcome.FRAMES_TOO_FAR_APART
        if now - self._begun > limits.time:
            return ChallengeOutcome.TOO_LATE
        if frame.faces == 0:
            absent = now - self._last_face > limits.longest_absence
            return ChallengeOutcome.FACE_LOST if absent else None
        step = abs(frame.yaw_degrees - before.yaw_degrees) if before.faces else 0.0
        return ChallengeOutcome.JUMP if step > limits.largest_step else None

    def _judge(self, frame: FrameSeen) -> None:
        if not frame.faces:
            self._rested, self._acted = None, False  # who comes back may be somebody else
            return
        self._last_face = frame.milliseconds
        if self._at_rest(frame):
            if self._acted:
                self._pass(frame)
            self._rested = frame.milliseconds
        elif self._rested is not None:
            self._acted = self._acted or self._acts(frame)
            closed = frame.milliseconds - self._rested
            if self.current is Challenge.BLINK and closed > self._limits.longest_blink:
                self._rested, self._acted = None, False

    def _pass(self, frame: FrameSeen) -> None:
        self._passed += 1
        self._acted = False
        self._begun = frame.milliseconds
        if self._passed == len(self._challenges):
            self.outcome = ChallengeOutcome.PASSED

    def _at_rest(self, frame: FrameSeen) -> bool:
        opened = max(frame.left_eye_closed, frame.right_eye_closed) <= self._limits.open_at_most
        return opened and abs(frame.yaw_degrees) <= self._limits.rest_yaw

    def _acts(self, frame: FrameSeen) -> bool:
        limits = self._limits
        if self.current is Challenge.BLINK:
            closed = min(frame.left_eye_closed, frame.right_eye_closed)
            return closed >= limits.closed_at_least and abs(frame.yaw_degrees) <= limits.turn_yaw
        turned = frame.yaw_degrees if self.current is Challenge.TURN_LEFT else -frame.yaw_degrees
        return turned >= limits.turn_yaw
