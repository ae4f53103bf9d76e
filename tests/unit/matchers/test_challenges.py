"""Challenges: a session passes what was asked, in its order, and nothing else."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MatcherError
from biotrail.matchers import CaptureFailure, FailureToAcquire
from biotrail.matchers.faces.challenges import (
    Challenge,
    ChallengeLimits,
    ChallengeOutcome,
    ChallengeSession,
    FrameSeen,
    draw_challenges,
    seen,
)
from biotrail.matchers.faces.sample import FaceSample

REST, BLINK = (0.0, 0.1), (0.0, 0.6)
BLINKING = (REST, BLINK, BLINK, REST)
LEFT = (REST, (10.0, 0.1), (24.0, 0.3), (10.0, 0.1))
RIGHT = tuple((-yaw, closed) for yaw, closed in LEFT)
Row = Sequence[tuple[float, float] | int]


def frames(row: Row, *, step: int = 40, start: int = 0) -> Iterable[FrameSeen]:
    """Frames from pairs of yaw and closed eyes; a whole number is a count of faces, not one."""
    for number, one in enumerate(row):
        time = start + number * step
        if isinstance(one, int):
            yield FrameSeen(milliseconds=time, faces=one)
        else:
            yield FrameSeen(
                milliseconds=time,
                yaw_degrees=one[0],
                left_eye_closed=one[1],
                right_eye_closed=one[1],
            )


def judged(challenges: Sequence[str], row: Row, *, step: int = 40) -> ChallengeSession:
    """A session that has seen these frames."""
    session = ChallengeSession([Challenge(one) for one in challenges])
    for frame in frames(row, step=step):
        session.observe(frame)
    return session


@pytest.mark.parametrize(
    ("challenges", "row"),
    [
        (["blink"], BLINKING),
        (["turn_left"], LEFT),
        (["turn_right"], RIGHT),
        (["blink", "turn_left"], (*BLINKING, *LEFT)),
        (["turn_right", "blink", "turn_left"], (*RIGHT, *BLINKING, *LEFT)),
    ],
)
def test_what_was_asked_passes(challenges: list[str], row: Row) -> None:
    """Rest, act, rest: in the order that was asked, everything passes."""
    session = judged(challenges, (*row, REST))
    assert session.outcome is ChallengeOutcome.PASSED
    assert [str(one) for one in session.passed] == challenges
    assert session.current is None


@pytest.mark.parametrize(
    ("challenges", "row"),
    [
        (["blink"], [REST] * 40),
        (["blink"], [BLINK] * 40),
        (["blink"], [BLINK, REST] + [REST] * 9),
        (["blink"], [REST, BLINK]),
        (["blink"], [REST] + [BLINK] * 30 + [REST] * 2),
        (["blink"], LEFT),
        (["turn_left"], RIGHT),
        (["turn_left"], BLINKING),
        (["turn_left"], [(10.0, 0.1), (24.0, 0.1), (24.0, 0.1)]),
        (["turn_left", "blink"], (*BLINKING, *LEFT)),
        (["blink"], [REST, BLINK, 0, REST]),
    ],
)
def test_anything_else_does_not_pass(challenges: list[str], row: Row) -> None:
    """Still photographs, half an act, another act, another order, another face: not passed."""
    session = judged(challenges, row)
    assert session.outcome is ChallengeOutcome.RUNNING
    assert session.current is not None


@pytest.mark.parametrize(
    ("row", "step", "outcome"),
    [
        ([REST, 2, REST], 40, "multiple_faces"),
        ([2], 40, "multiple_faces"),
        ([REST, REST], 401, "frames_too_far_apart"),
        ([REST, *[0] * 20], 40, "face_lost"),
        ([0] * 20, 40, "face_lost"),
        ([REST, (26.0, 0.1)], 40, "jump"),
        ([REST] * 300, 40, "too_late"),
    ],
)
def test_sessions_fail_by_name(row: Row, step: int, outcome: str) -> None:
    """Several faces, gaps, absence, a jump, and time that ran out end a session for good."""
    session = judged(["blink"], row, step=step)
    assert session.outcome == outcome
    later = 100_000
    for frame in frames((*BLINKING, REST), start=later):
        assert session.observe(frame) == outcome
    assert session.passed == ()


def test_a_face_may_be_missed_for_a_moment() -> None:
    """A frame or two without a face begin the challenge again, and do not end the session."""
    session = judged(["blink"], (REST, 0, 0, (40.0, 0.1), (20.0, 0.1), *BLINKING))
    assert session.outcome is ChallengeOutcome.PASSED


def test_limits_can_be_set() -> None:
    """A host may ask for another turn."""
    session = ChallengeSession([Challenge.TURN_LEFT], limits=ChallengeLimits(turn_yaw=30.0))
    for frame in frames((*LEFT, REST)):
        session.observe(frame)
    assert session.outcome is ChallengeOutcome.RUNNING


@given(
    st.lists(st.tuples(st.floats(-60, 60), st.floats(0, 1), st.integers(0, 2)), max_size=60),
    st.lists(st.sampled_from(Challenge), min_size=1, max_size=3),
)
def test_sessions_are_deterministic(
    row: list[tuple[float, float, int]], challenges: list[Challenge]
) -> None:
    """The same frames give the same outcome, and no more is passed than was asked."""
    sessions = [ChallengeSession(challenges) for _ in range(2)]
    for number, (yaw, closed, faces) in enumerate(row):
        frame = FrameSeen(
            milliseconds=40 * number,
            faces=faces,
            yaw_degrees=yaw,
            left_eye_closed=closed,
            right_eye_closed=closed,
        )
        first, second = (session.observe(frame) for session in sessions)
        assert first is second
    assert sessions[0].passed == tuple(challenges)[: len(sessions[0].passed)]


def test_times_rise() -> None:
    """A frame that is not later than the one before is refused."""
    session = judged(["blink"], [REST])
    with pytest.raises(MatcherError, match="order"):
        session.observe(FrameSeen(milliseconds=0))


def test_a_session_asks_something() -> None:
    """A session without a challenge, and no challenges drawn, are refused."""
    with pytest.raises(MatcherError, match="at least one"):
        ChallengeSession([])
    with pytest.raises(MatcherError, match="at least one"):
        draw_challenges(0)


def test_challenges_are_drawn_at_random() -> None:
    """All of them come up, no two alike follow each other, and a source makes them repeatable."""
    drawn = draw_challenges(200)
    assert set(drawn) == set(Challenge)
    assert all(one != other for one, other in itertools.pairwise(drawn))
    assert draw_challenges(9, source=random.Random(5)) == draw_challenges(
        9, source=random.Random(5)
    )


def test_failures_to_acquire_are_frames() -> None:
    """A frame without a face, and one with several, count as such."""
    assert seen(FailureToAcquire(CaptureFailure.NO_FACE), 7) == FrameSeen(milliseconds=7, faces=0)
    assert seen(FailureToAcquire(CaptureFailure.MULTIPLE_FACES), 7).faces == 2


@pytest.mark.component("numpy")
def test_samples_are_frames() -> None:
    """Of a sample, the turn of the head and the eyes count; without them it is refused."""
    import numpy

    turned = numpy.eye(4)
    turned[:3, 2] = (numpy.sin(0.5), 0, numpy.cos(0.5))
    sample = FaceSample(
        card_digest=b"d" * 32,
        values=numpy.zeros(1),
        blendshapes={"eyeBlinkLeft": 0.25, "eyeBlinkRight": 0.5},
        transformation=turned,
    )
    frame = seen(sample, 3)
    assert frame.yaw_degrees == pytest.approx(28.6479, abs=1e-3)
    assert (frame.left_eye_closed, frame.right_eye_closed) == (0.25, 0.5)
    with pytest.raises(MatcherError, match="neither pose"):
        seen(FaceSample(card_digest=b"d" * 32, values=numpy.zeros(1)), 3)


def test_limits_are_where_they_are_said_to_be() -> None:
    """At a limit a session goes on, one beyond it ends; eyes and turns count from their values."""
    at, beyond = (judged(["blink"], [REST, REST], step=step) for step in (400, 401))
    assert (at.outcome, beyond.outcome) == ("running", "frames_too_far_apart")
    at, beyond = (judged(["blink"], [REST, 0, 0, 0], step=step) for step in (200, 201))
    assert (at.outcome, beyond.outcome) == ("running", "face_lost")
    at, beyond = (judged(["blink"], [REST] * 26, step=step) for step in (320, 321))
    assert (at.outcome, beyond.outcome) == ("running", "too_late")
    at, beyond = (judged(["blink"], [REST, (yaw, 0.1)]) for yaw in (25.0, 25.1))
    assert (at.outcome, beyond.outcome) == ("running", "jump")
    for row, passes in (
        ([(12.0, 0.38), (20.0, 0.45), (-12.0 + 12.0, 0.38)], True),
        ([(12.1, 0.38), (20.0, 0.45), (12.1, 0.38)], False),
        ([(0.0, 0.39), (0.0, 0.45), (0.0, 0.39)], False),
        ([REST, (0.0, 0.44), REST], False),
        ([REST, (20.1, 0.45), REST], False),
    ):
        assert (judged(["blink"], row).outcome == "passed") is passes, row
    for yaw, passes in ((20.0, True), (19.9, False)):
        turn = (REST, (yaw, 0.1), REST)
        assert (judged(["turn_left"], turn).outcome == "passed") is passes


def test_a_blink_needs_both_eyes() -> None:
    """A wink is no blink: each eye on its own is not enough."""
    for left, right in ((0.9, 0.1), (0.1, 0.9)):
        session = ChallengeSession([Challenge.BLINK])
        wink = FrameSeen(milliseconds=40, left_eye_closed=left, right_eye_closed=right)
        for frame in (FrameSeen(milliseconds=0), wink, FrameSeen(milliseconds=80)):
            session.observe(frame)
        assert session.outcome == "running"


def test_time_counts_from_the_first_frame_and_for_each_challenge() -> None:
    """A session that begins late in a video has its whole time, and again for each challenge."""
    session = ChallengeSession([Challenge.TURN_LEFT, Challenge.BLINK])
    rest = [REST] * 180
    for frame in frames((*rest, *LEFT, REST, *rest, *BLINKING), start=1_000_000):
        session.observe(frame)
    assert session.outcome == "passed"


def test_one_challenge_can_be_drawn() -> None:
    """A session of one challenge is the shortest there is."""
    assert len(draw_challenges(1)) == 1
