"""The policy: what is granted, what is denied, for which reason, and how often one may try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from biotrail.errors import CalibrationError, MatcherError
from biotrail.events import Comparison, Event, Reason
from biotrail.matchers import (
    AttemptHistory,
    AttemptLimits,
    CaptureFailure,
    DecisionPolicy,
    FailureToAcquire,
    PadResult,
)
from tests.unit.matchers.rates.test_calibration import calibration, score

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NEW = AttemptHistory()
BONA_FIDE = PadResult(decision="bona_fide", detector="d 1")
ATTACK = PadResult(decision="attack", detector="d 1")
UNDETERMINED = PadResult(decision="undetermined", detector="d 1")
MATCH, NON_MATCH = score(0.5), score(0.7)
FUSED = Comparison(matcher="fusion-and", version="1", decision="match", digest=b"f" * 32)


def policy(**options: Any) -> DecisionPolicy:
    """A policy with a calibration."""
    return DecisionPolicy(**{"calibration": calibration(), **options})


@pytest.mark.parametrize(
    ("found", "options", "given", "reason", "failures"),
    [
        (MATCH, {}, {}, "match", 0),
        (NON_MATCH, {}, {}, "non_match", 3),
        (MATCH, {"calibration": None}, {}, "undetermined", 2),
        (MATCH, {}, {"pad": ATTACK}, "presentation_attack", 3),
        (NON_MATCH, {}, {"pad": ATTACK}, "presentation_attack", 3),
        (MATCH, {}, {"pad": UNDETERMINED}, "match", 0),
        (MATCH, {"require_pad": True}, {}, "pad_undetermined", 3),
        (MATCH, {"require_pad": True}, {"pad": UNDETERMINED}, "pad_undetermined", 3),
        (MATCH, {"require_pad": True}, {"pad": BONA_FIDE}, "match", 0),
        (MATCH, {"minimum_quality": 0.5}, {"quality": 0.5}, "match", 0),
        (MATCH, {"minimum_quality": 0.5}, {"quality": 0.49}, "low_quality", 2),
        (MATCH, {"minimum_quality": 0.5}, {}, "low_quality", 2),
        (FailureToAcquire(CaptureFailure.BLUR), {}, {}, "blur", 2),
        (FailureToAcquire(CaptureFailure.TOO_BRIGHT), {}, {}, "low_quality", 2),
        (FUSED, {"calibration": None, "fusion": FUSED.digest}, {}, "match", 0),
        (calibration().decide(MATCH), {}, {}, "match", 0),
        (Comparison(matcher="f", version="1", decision="undetermined"), {}, {}, "undetermined", 2),
    ],
)
def test_each_reason(
    found: Any, options: dict[str, Any], given: dict[str, Any], reason: str, failures: int
) -> None:
    """Only a match that nothing speaks against is granted; what helps an impostor counts."""
    before = AttemptHistory(failures=2, last_failure=NOW - SECOND)
    decided = policy(**options).decide(found, history=before, now=NOW, **given)
    assert decided.reason == reason
    assert decided.granted is (reason == "match")
    assert decided.history.failures == failures
    assert isinstance(decided.reason, Reason)


def test_the_comparison_is_what_an_event_records() -> None:
    """Quality and PAD stand in the comparison beside threshold and calibration."""
    decided = policy().decide(MATCH, history=NEW, now=NOW, quality=0.75, pad=BONA_FIDE)
    event = Event(
        action="door.open",
        target="lab",
        decision=decided.decision,
        reason=decided.reason,
        comparison=decided.comparison,
        occurred=NOW,
        modality="face",
    )
    assert event.comparison is not None
    assert event.comparison.calibration == calibration().id
    assert (event.comparison.quality, event.comparison.presentation_attack) == (0.75, "bona_fide")
    assert event.comparison.threshold == 0.58


@pytest.mark.parametrize(("pad", "delayed", "disabled"), [(False, 5, 50), (True, 10, 100)])
def test_limits_of_nist(pad: bool, delayed: int, disabled: int) -> None:
    """Delays begin after 5 failures and attempts end after 50; with PAD after 10 and 100."""
    judge = policy(limits=AttemptLimits.nist(pad=pad))
    history, now, waited = NEW, NOW, []
    for failure in range(1, disabled + 1):
        away = judge.turned_away(history, now=now)
        if away is not None:
            assert away.reason == "attempt_limit"
            assert away.retry_at == now + 30 * SECOND
            waited.append(failure)
            now += 30 * SECOND
        decided = judge.decide(NON_MATCH, history=history, now=now)
        assert decided.reason == "non_match"
        history = decided.history
    assert waited == list(range(delayed + 1, disabled + 1))
    away = judge.turned_away(history, now=now + timedelta(days=365))
    assert away is not None
    assert (away.reason, away.retry_at) == ("locked_out", None)


def test_a_match_does_not_pass_the_limit() -> None:
    """During a delay even the right person is turned away, unseen, and it does not count."""
    history = AttemptHistory(failures=5, last_failure=NOW)
    early = policy().decide(MATCH, history=history, now=NOW + 29 * SECOND)
    assert (early.reason, early.comparison, early.history) == ("attempt_limit", None, history)
    assert early.retry_at == NOW + 30 * SECOND
    late = policy().decide(MATCH, history=history, now=NOW + 30 * SECOND)
    assert late.granted
    assert late.history == NEW


def test_a_clock_set_back_shortens_no_delay() -> None:
    """With the clock before the last failure the attempt waits for the same moment."""
    history = AttemptHistory(failures=5, last_failure=NOW)
    away = policy().turned_away(history, now=NOW - timedelta(days=1))
    assert away is not None
    assert away.retry_at == NOW + 30 * SECOND


def test_the_last_failure_says_when_to_come_back() -> None:
    """The failure that reaches the limit names the time of the next attempt."""
    history = AttemptHistory(failures=4, last_failure=NOW - SECOND)
    decided = policy().decide(NON_MATCH, history=history, now=NOW)
    assert decided.retry_at == NOW + 30 * SECOND


def test_another_matcher_s_score_is_no_decision() -> None:
    """A score that was not calibrated raises, even where the attempt would be turned away."""
    locked = AttemptHistory(failures=50, last_failure=NOW)
    with pytest.raises(CalibrationError):
        policy().decide(score(digest=bytes(32)), history=locked, now=NOW)


@pytest.mark.parametrize(
    "limits",
    [{"delay_after": 0}, {"disable_after": 4}, {"delay": -SECOND}, {"delay_after": True}],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any]) -> None:
    """Limits are whole numbers from 1, in order, with a delay that is not negative."""
    with pytest.raises(MatcherError):
        AttemptLimits(**limits)


def test_times_have_a_zone() -> None:
    """A time without a zone could be any of many, and is refused."""
    naive = datetime(2026, 11, 23)
    with pytest.raises(MatcherError, match="zone"):
        policy().decide(MATCH, history=NEW, now=naive)
    with pytest.raises(MatcherError, match="zone"):
        AttemptHistory(failures=1, last_failure=naive)


@pytest.mark.parametrize(
    "found",
    [
        FUSED,
        score(0.5).decide(0.6),
        score(0.5).decide(0.6, calibration="cal-of-somebody"),
        attrs.evolve(calibration().decide(MATCH), digest=b"o" * 32),
        attrs.evolve(calibration().decide(NON_MATCH), calibration=None),
        Comparison(matcher="m", version="1", decision="match"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"calibration": None}, {"fusion": b"x" * 32}])
def test_decisions_of_others_are_refused(found: Comparison, options: dict[str, Any]) -> None:
    """A comparison that this policy's calibration or fusion did not decide grants nothing."""
    with pytest.raises(CalibrationError, match="which the policy does not name"):
        policy(**options).decide(found, history=NEW, now=NOW)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), True, "0.5"])
def test_the_lowest_quality_is_a_number(wrong: Any) -> None:
    """NaN would refuse everybody without a word; it is refused itself, as whatever is no number."""
    with pytest.raises(MatcherError, match="minimum quality must be a finite number"):
        policy(minimum_quality=wrong)
