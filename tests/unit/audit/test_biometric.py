"""Attempts that verify and identify: what they record, and who decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from biotrail.audit.biometric import BiometricCheck
from biotrail.errors import (
    CalibrationError,
    ExpiredReferenceError,
    MatcherError,
    RevokedReferenceError,
    UnknownReferenceError,
)
from biotrail.matchers import Reference
from biotrail.matchers.attempts import AttemptHistory
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.policy import DecisionPolicy
from tests.unit.audit._checking import (
    ALIKE,
    DARK,
    ENROLLED,
    NO_IMAGE,
    NOW,
    OTHER,
    Camera,
    Detector,
    Trail,
    calibration,
    gallery,
    reference,
)
from tests.unit.audit._logs import verified

pytestmark = pytest.mark.component("numpy")


@pytest.fixture
def trail() -> Iterator[Trail]:
    """A log in memory, verified in the end."""
    made = Trail()
    yield made
    verified(made.store, made.log.verifier_key)
    made.log.close()


def verify(trail: Trail, image: Any, given: Any = None, **options: Any) -> tuple[Any, bool]:
    """One attempt that verifies and decides nothing itself."""
    with trail.log.attempt(action="door.open", occurred=NOW) as attempt:
        check = attempt.verify(Camera(), given or reference(), image, **options)
    return check, attempt.granted


def identify(trail: Trail, image: Any, *held: Reference, **options: Any) -> tuple[Any, bool]:
    """One attempt that identifies in a gallery of these."""
    searched = gallery(*held)
    with trail.log.attempt(action="door.open", occurred=NOW) as attempt:
        check = attempt.identify(Camera(), searched, image, **options)
    return check, attempt.granted


CALIBRATED = {"threshold_micro": 700_000, "calibration": calibration().id}


def not_compared(**known: Any) -> dict[str, Any]:
    """What is recorded of a comparison that was not made."""
    return {
        "type": "verification",
        "matcher": "acme",
        "version": "1",
        "digest": Camera().card.digest,
        "metric": "cosine",
        "decision": "undetermined",
        **known,
    }


class Source:
    """Gives out references by id, or refuses them."""

    def __init__(self, **known: Reference | Exception) -> None:
        self.known = known

    def get(self, id: str, /) -> Reference:
        """The reference, or its error."""
        found = self.known.get(id, UnknownReferenceError("unknown"))
        if isinstance(found, Exception):
            raise found
        return found


# --- verification ----------------------------------------------------------------------------


def test_a_verification_records_the_whole_comparison(trail: Trail) -> None:
    """Card digest, calibration, score, threshold, quality, PAD, reference: all are recorded."""
    detector = Detector("bona_fide")
    check, granted = verify(trail, ALIKE, calibration=calibration(), pad=detector)
    recorded = trail.last()["comparison"]
    assert recorded == {
        "type": "verification",
        "matcher": "acme",
        "version": "1",
        "digest": Camera().card.digest,
        "metric": "cosine",
        "decision": "match",
        "threshold_micro": 700_000,
        "calibration": calibration().id,
        "quality_micro": 500_000,
        "pad": "bona_fide",
        "reference": "ref-1",
    }
    assert trail.personal() == {"score_micro": 800_000}
    assert (check.matched, granted, detector.shown) == (True, False, (ALIKE,))


def test_without_a_policy_the_host_decides(trail: Trail) -> None:
    """A match alone grants nothing; a host that says nothing is recorded as having denied."""
    _, granted = verify(trail, ENROLLED, threshold=0.7)
    assert (granted, trail.last()["reason"]) == (False, "no_decision")
    with trail.log.attempt(action="door.open") as attempt:
        if attempt.verify(Camera(), reference(), ENROLLED, threshold=0.7).matched:
            attempt.grant()
    assert attempt.granted


@pytest.mark.parametrize(
    ("word", "matched"), [("attack", False), ("undetermined", True), ("bona_fide", True)]
)
def test_an_attack_is_no_match_for_the_host(trail: Trail, word: str, matched: bool) -> None:
    """Without a policy too, a flagged attack does not read as a match; the score's word stays."""
    check, _ = verify(trail, ENROLLED, threshold=0.7, pad=Detector(word))
    assert check.matched == matched
    assert trail.last()["comparison"]["decision"] == "match"
    assert trail.last()["comparison"]["pad"] == word


def test_without_a_threshold_it_is_undetermined(trail: Trail) -> None:
    """Nobody set a threshold: the score is recorded, and no match."""
    check, _ = verify(trail, ENROLLED)
    assert trail.last()["comparison"]["decision"] == "undetermined"
    assert not check.matched


@pytest.mark.parametrize(
    ("image", "word", "granted", "reason"),
    [
        (ENROLLED, "bona_fide", True, "match"),
        (OTHER, "bona_fide", False, "non_match"),
        (ENROLLED, "attack", False, "presentation_attack"),
        (ENROLLED, "undetermined", False, "pad_undetermined"),
    ],
)
def test_a_policy_decides(trail: Trail, image: Any, word: str, granted: bool, reason: str) -> None:
    """A policy grants a match that nothing speaks against, and denies the rest with a reason."""
    policy = DecisionPolicy(calibration=calibration(), require_pad=True)
    check, was_granted = verify(trail, image, policy=policy, pad=Detector(word))
    last = trail.last()
    assert (was_granted, last["reason"], last["comparison"]["pad"]) == (granted, reason, word)
    assert check.decision.history.failures == (not granted)


def test_a_policy_counts_attempts(trail: Trail) -> None:
    """Failures are counted from one attempt to the next, and at the limit nothing is captured."""
    policy, history = DecisionPolicy(calibration=calibration()), AttemptHistory()
    for _ in range(5):
        check, _ = verify(trail, OTHER, policy=policy, history=history)
        history = check.decision.history
    assert history.failures == 5
    check, granted = verify(trail, NO_IMAGE, policy=policy, history=history)
    assert (granted, trail.last()["reason"]) == (False, "attempt_limit")
    assert trail.last()["comparison"] == not_compared(**CALIBRATED, reference="ref-1")
    assert check.decision.retry_at == NOW + timedelta(seconds=30)


def test_a_policy_holds_the_quality_against_its_minimum(trail: Trail) -> None:
    """The quality that is recorded is the one that the policy asks for; hosts choose which."""
    policy = DecisionPolicy(calibration=calibration(), minimum_quality=0.6)
    verify(trail, ENROLLED, policy=policy)
    assert (trail.last()["reason"], trail.last()["decision"]) == ("low_quality", "denied")
    _, granted = verify(
        trail, ENROLLED, policy=policy, quality=lambda one: (one.brightness or 0) / 100
    )
    assert granted
    assert trail.last()["comparison"]["quality_micro"] == 900_000


@pytest.mark.parametrize("policy", [None, DecisionPolicy(calibration=None)], ids=("none", "some"))
@pytest.mark.parametrize(("image", "reason"), [(DARK, "too_dark"), (NO_IMAGE, "bad_image")])
def test_nothing_captured_is_denied(trail: Trail, image: Any, reason: str, policy: Any) -> None:
    """A failure to acquire, and something that is no image, are denials with their reason."""
    check, granted = verify(trail, image, policy=policy, threshold=None)
    last = trail.last()
    assert (granted, last["reason"], last["decision"]) == (False, reason, "denied")
    assert last["comparison"] == not_compared(reference="ref-1")
    assert (check.failure is None) == (reason == "bad_image")


def test_several_samples_by_a_rule(trail: Trail) -> None:
    """The best of several samples counts, or their mean, which the metric says."""
    both = reference(ENROLLED, ALIKE)
    verify(trail, ENROLLED, both, threshold=0.7)
    assert trail.personal()["score_micro"] == 1_000_000
    verify(trail, ENROLLED, both, threshold=0.7, rule="mean")
    assert trail.personal()["score_micro"] == 900_000
    assert trail.last()["comparison"]["metric"] == "cosine, mean"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (UnknownReferenceError("unknown"), "not_enrolled"),
        (RevokedReferenceError("revoked"), "reference_revoked"),
        (ExpiredReferenceError("expired"), "reference_expired"),
        (reference(expires=NOW), "reference_expired"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_references_that_are_not_valid(trail: Trail, found: Any, reason: str) -> None:
    """A reference that is unknown, revoked or expired is a denial with that reason."""
    check, granted = verify(trail, ENROLLED, "ref_1", references=Source(ref_1=found), threshold=0.1)
    assert (granted, trail.last()["reason"]) == (False, reason)
    assert trail.last()["comparison"] == not_compared(threshold_micro=100_000, reference="ref_1")
    assert (check.denied, check.comparison.score, check.matched) == (reason, None, False)


def test_an_expired_reference_is_named(trail: Trail) -> None:
    """A reference that is handed in is named as well, unless it has no id."""
    verify(trail, ENROLLED, reference(expires=NOW), calibration=calibration())
    assert trail.last()["comparison"] == not_compared(**CALIBRATED, reference="ref-1")
    nameless = Reference.from_features(Camera().features(ENROLLED), expires=NOW)
    verify(trail, ENROLLED, nameless)
    assert trail.last()["comparison"] == not_compared()


def test_an_id_that_no_event_can_hold(trail: Trail) -> None:
    """Somebody types an id that cannot be recorded: a denial like any other, without the id."""
    _, granted = verify(trail, ENROLLED, "ref\n1", references=Source())
    assert (granted, trail.last()["reason"]) == (False, "not_enrolled")
    assert trail.last()["comparison"] == not_compared()


@pytest.mark.parametrize("way", [verify, identify])
def test_a_foreign_calibration_is_refused_before_a_capture(trail: Trail, way: Any) -> None:
    """No event names a matcher with another's calibration, not even where nothing is captured."""
    foreign = calibration(card_digest="11" * 32)
    with pytest.raises(CalibrationError, match="was made for the model card"):
        way(trail, DARK, reference(), calibration=foreign)
    assert "comparison" not in trail.last()


def test_references_are_looked_up(trail: Trail) -> None:
    """A reference named by its id is looked up; it expires by the attempt's own time."""
    source = Source(ref_1=reference(expires=NOW + timedelta(microseconds=1)))
    check, _ = verify(trail, ENROLLED, "ref_1", references=source, threshold=0.5)
    assert check.matched


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("ref-1", {}),
        (None, {"threshold": 0.5, "calibration": calibration()}),
        (None, {"threshold": 0.5, "policy": DecisionPolicy(calibration=None)}),
        (None, {"rule": "median"}),
        (None, {"calibration": calibration(card_digest="11" * 32)}),
        (None, {"threshold": float("nan")}),
    ],
    ids=str,
)
def test_what_cannot_be_asked(trail: Trail, given: Any, options: Any) -> None:
    """Contradicting or wrong options raise, and the attempt is recorded as an error."""
    with pytest.raises((MatcherError, CalibrationError)):
        verify(trail, ENROLLED, given, **options)
    assert trail.last()["reason"] == "error"


def test_another_model_is_an_error(trail: Trail) -> None:
    """A reference of another model raises; nothing is granted."""
    other = Camera(version="2").features(ENROLLED)
    with pytest.raises(MatcherError, match="another model"):
        verify(trail, ENROLLED, Reference.from_features(other, id="ref-1"), threshold=0.1)
    assert trail.last()["decision"] == "denied"


# --- identification --------------------------------------------------------------------------


def test_an_identification_records_gallery_version_and_size(trail: Trail) -> None:
    """The best candidate is recorded, with the gallery's name, version and size as searched."""
    held = reference(ENROLLED), reference(OTHER, id="ref-2"), reference([0, 1, 0], id="ref-3")
    detector = Detector("bona_fide")
    check, _ = identify(trail, ALIKE, *held, calibration=calibration(), pad=detector)
    recorded = trail.last()["comparison"]
    assert recorded["type"] == "identification"
    assert (recorded["gallery"], recorded["gallery_size"]) == ("main-door@3", 3)
    assert (recorded["reference"], recorded["decision"]) == ("ref-1", "match")
    assert (recorded["calibration"], recorded["threshold_micro"]) == (calibration().id, 700_000)
    assert (recorded["pad"], recorded["quality_micro"]) == ("bona_fide", 500_000)
    assert trail.personal() == {"score_micro": 800_000}
    assert check.comparison.reference == "ref-1"


def test_an_empty_gallery_matches_nobody(trail: Trail) -> None:
    """Nothing to compare with is a non-match without score and reference."""
    policy = DecisionPolicy(calibration=calibration())
    _, granted = identify(trail, ENROLLED, policy=policy)
    last = trail.last()
    assert (granted, last["reason"]) == (False, "non_match")
    assert last["comparison"]["gallery_size"] == 0
    assert "reference" not in last["comparison"]


def test_a_policy_decides_on_an_identification(trail: Trail) -> None:
    """A policy grants a match in the gallery, and denies the best of those that do not match."""
    policy = DecisionPolicy(calibration=calibration())
    assert identify(trail, ALIKE, reference(), policy=policy)[1]
    assert not identify(trail, OTHER, reference(), policy=policy)[1]
    assert trail.last()["comparison"]["reference"] == "ref-1"


@pytest.mark.parametrize("image", [DARK, NO_IMAGE])
def test_nothing_captured_identifies_nobody(trail: Trail, image: Any) -> None:
    """Failures to acquire are denied here too; the gallery that was to be searched is named."""
    assert not identify(trail, image, reference(), threshold=0.1)[1]
    assert trail.last()["reason"] in ("too_dark", "bad_image")
    assert trail.last()["comparison"] == not_compared(
        type="identification", gallery="main-door@1", gallery_size=1, threshold_micro=100_000
    )


@pytest.mark.parametrize("policy", [None, DecisionPolicy(calibration=calibration())])
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (RevokedReferenceError("revoked"), "reference_revoked"),
        (reference(expires=NOW), "reference_expired"),
    ],
    ids=("revoked", "expired"),
)
def test_who_is_identified_must_be_valid_still(
    trail: Trail, found: Any, reason: str, policy: Any
) -> None:
    """A match whose reference was revoked or has expired is denied; the comparison is recorded."""
    options = {"calibration": calibration()} if policy is None else {"policy": policy}
    held = reference(id="ref_1")
    check, granted = identify(trail, ALIKE, held, references=Source(ref_1=found), **options)
    last = trail.last()
    assert (granted, last["reason"]) == (False, reason)
    assert last["comparison"]["decision"] == "match"
    assert (check.denied, check.matched) == (reason, False)


def test_who_has_ended_in_a_gallery_is_not_identified(trail: Trail) -> None:
    """A gallery's reference whose time is over is no candidate: the next best is recorded."""
    times = [NOW]
    searched = Gallery(Camera().card, clock=lambda: times[0])
    searched.add(reference(ENROLLED, expires=NOW + timedelta(seconds=1)))
    searched.add(reference(OTHER, id="ref-2"))
    for now, name, matched in ((NOW, "ref-1", True), (NOW + timedelta(seconds=1), "ref-2", False)):
        times[0] = now
        with trail.log.attempt(action="door.open", occurred=now) as attempt:
            check = attempt.identify(Camera(), searched, ALIKE, threshold=0.7)
        assert check.matched == matched
        assert trail.last()["comparison"]["reference"] == name


def test_turned_away_before_a_search(trail: Trail) -> None:
    """At the attempt limit no gallery is searched."""
    history = AttemptHistory(failures=50, last_failure=NOW)
    policy = DecisionPolicy(calibration=calibration())
    check, granted = identify(trail, ENROLLED, reference(), policy=policy, history=history)
    assert (granted, check.matched, trail.last()["reason"]) == (False, False, "locked_out")
    assert trail.last()["comparison"] == not_compared(
        **CALIBRATED, type="identification", gallery="main-door@1", gallery_size=1
    )


def test_a_calibration_of_another_matcher_is_refused(trail: Trail) -> None:
    """A gallery's scores are not held against another matcher's threshold."""
    with pytest.raises(CalibrationError):
        identify(trail, ENROLLED, reference(), calibration=calibration(card_digest="11" * 32))


# --- in tasks --------------------------------------------------------------------------------


def test_checks_in_tasks_leave_the_loop_free(trail: Trail) -> None:
    """From a task the work is done in another thread, and recorded the same."""
    threads: list[int] = []

    class Slow(Camera):
        def capture(self, image: object, /) -> Any:
            threads.append(threading.get_ident())
            return super().capture(image)

    async def main() -> list[BiometricCheck]:
        async with trail.log.attempt(action="door.open") as first:
            one = await first.averify(Slow(), reference(), ALIKE, threshold=0.7)
        async with trail.log.attempt(action="door.open") as second:
            two = await second.aidentify(Slow(), gallery(reference()), ALIKE, threshold=0.7)
        return [one, two]

    found = asyncio.run(main())
    assert all(check.matched for check in found)
    assert threading.get_ident() not in threads
    assert trail.last()["comparison"]["type"] == "identification"


def test_no_feature_is_recorded(trail: Trail) -> None:
    """No value of a probe or reference is anywhere in the log, in any common number format."""
    import numpy

    vector = [0.123456, 0.654321, 0.777777]
    verify(trail, vector, reference(vector), threshold=0.7)
    identify(trail, vector, reference(vector), threshold=0.7)
    data = b"".join(stored.entry for stored in trail.store.entries(0, 10))
    data += b"".join(payload for _, payload in trail.store.payloads(0, 10))
    for kind in (">f4", "<f4", ">f8", "<f8", ">f2"):
        for value in numpy.array(vector, kind):
            assert value.tobytes() not in data or len(value.tobytes()) < 4
    for value in vector:
        assert str(round(value * 1_000_000)).encode() not in data


def test_an_empty_gallery_takes_no_foreign_calibration(trail: Trail) -> None:
    """Where there is no score to hold, a calibration of another card is refused all the same."""
    foreign = calibration(card_digest="11" * 32)
    with pytest.raises(CalibrationError, match="was made for the model card"):
        identify(trail, ALIKE, calibration=foreign)
    assert "comparison" not in trail.last()
