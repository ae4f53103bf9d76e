"""Enrolment: quality gate, agreement of the samples, duplicates, expiry, re-enrolment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.events import Reason
from biotrail.matchers import EmbeddingMatcher, FailureToAcquire, Sample
from biotrail.matchers.backend import Features
from biotrail.matchers.enrolment import Enrolment, FailureToEnrol, enrol, new_reference_id

pytestmark = pytest.mark.component("numpy")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALIKE = ([1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.96, 0.28, 0.0])
OTHER = [0.0, 0.0, 1.0]
DARK = [0.0, 0.1, 0.0]


class Camera(EmbeddingMatcher):
    """A matcher of vectors that takes short ones for dark pictures."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**{"model": "acme", "version": "1", "dimension": 3, **changes})

    def capture(self, image: object, /) -> Any:
        """A sample, or a failure to acquire."""
        sample = super().capture(image)
        short = abs(sample.values).max() < 0.5
        return FailureToAcquire("too_dark") if short else sample


def enrolled(*images: Any, **options: Any) -> Enrolment:
    """An enrolment that succeeds."""
    found = enrol(Camera(), images, **{"consistency": 0.7, "clock": lambda: NOW, **options})
    assert isinstance(found, Enrolment)
    return found


def failed(*images: Any, **options: Any) -> FailureToEnrol:
    """An enrolment that fails."""
    found = enrol(Camera(), images, **{"consistency": 0.7, "clock": lambda: NOW, **options})
    assert isinstance(found, FailureToEnrol)
    return found


def test_several_samples_make_one_reference() -> None:
    """All samples are in the reference, in their order, with card, time and the least agreement."""
    found = enrolled(*ALIKE)
    assert found.reference.values.tolist() == [list(one) for one in ALIKE]
    assert found.reference.card_digest == found.card.digest == Camera().card.digest
    assert (found.reference.created, found.reference.expires) == (NOW, None)
    assert found.agreement is not None
    assert (found.agreement.value, found.consistency, found.not_usable) == (0.8, 0.7, ())


def test_the_least_agreement_of_a_distance_is_the_greatest() -> None:
    """Where lower is better, the two samples that agree least are those farthest apart."""
    found = enrol(Camera(metric="euclidean"), ALIKE, consistency=0.7)
    assert isinstance(found, Enrolment)
    assert found.agreement is not None
    assert found.agreement.value == 0.632456
    assert isinstance(enrol(Camera(metric="euclidean"), ALIKE, consistency=0.6), FailureToEnrol)


def test_one_image_needs_no_consistency() -> None:
    """One sample agrees with itself; there is no score of agreement."""
    found = enrolled(ALIKE[0], consistency=None)
    assert (found.agreement, found.consistency) == (None, None)
    assert found.reference.values.shape == (3,)


@pytest.mark.parametrize("place", range(3))
def test_samples_that_disagree_are_refused(place: int) -> None:
    """One sample of somebody else, at whatever place, fails the whole enrolment."""
    images = list(ALIKE)
    images[place] = OTHER
    found = failed(*images)
    assert (found.reason, found.usable) == (Reason.INCONSISTENT_SAMPLES, 3)
    assert found.agreement is not None
    assert found.agreement.value == 0.0


def test_an_agreement_just_at_the_threshold_is_enough() -> None:
    """The threshold itself is met; a millionth more is not."""
    assert enrolled(*ALIKE, consistency=0.8).consistency == 0.8
    assert failed(*ALIKE, consistency=0.800001).reason is Reason.INCONSISTENT_SAMPLES


def test_a_capture_that_fails_fails_the_enrolment() -> None:
    """By default every capture must be usable; the reason is that of the first that is not."""
    found = failed(ALIKE[0], DARK, ALIKE[1])
    assert (found.reason, found.usable, len(found.not_usable)) == (Reason.TOO_DARK, 2, 1)
    assert found.reason.is_failure_to_acquire
    assert "2 of 3" in found.detail


def test_a_minimum_lets_captures_fail() -> None:
    """With a minimum, captures that fail are left out, and said to be."""
    found = enrolled(ALIKE[0], DARK, ALIKE[1], minimum=2)
    assert found.reference.values.shape == (2, 3)
    assert [one.reason for one in found.not_usable] == ["too_dark"]
    assert failed(ALIKE[0], DARK, DARK, minimum=2).usable == 1


def test_the_gate_is_asked_of_each_sample() -> None:
    """A sample that the quality gate refuses counts as not acquired, for its reason."""

    def gate(sample: Sample) -> FailureToAcquire | None:
        good = sample.values[0] > 0.9
        return None if good else FailureToAcquire("blur", "2 of 10")

    assert failed(*ALIKE, gate=gate).reason is Reason.BLUR
    found = enrolled(*ALIKE, gate=gate, minimum=2)
    assert [one.detail for one in found.not_usable] == ["2 of 10"]


def test_who_is_enrolled_already_is_found() -> None:
    """A match with another reference ends the enrolment, and names each such reference once."""

    def search(features: Features) -> Iterator[str]:
        yield "ref-old"
        if features.values[1] > 0.5:
            yield "ref-twin"

    found = failed(*ALIKE, duplicates=search)
    assert (found.reason, found.duplicates) == (Reason.ALREADY_ENROLLED, ("ref-old", "ref-twin"))
    assert failed(*ALIKE, duplicates=search, replaces="ref-old").duplicates == ("ref-twin",)


def test_re_enrolment_takes_a_new_id() -> None:
    """A re-enrolment names the reference whose place it takes, and has an id of its own."""
    first = enrolled(*ALIKE)
    again = enrolled(*ALIKE, replaces=first.reference.id, duplicates=lambda _: [first.reference.id])
    assert again.replaces == first.reference.id
    assert again.reference.id != first.reference.id
    with pytest.raises(MatcherError, match="new id"):
        enrolled(*ALIKE, replaces="ref-1", id="ref-1")


def test_a_reference_ends_when_its_time_is_over() -> None:
    """The end is counted from the clock that was handed in."""
    reference = enrolled(*ALIKE, valid_for=timedelta(days=30)).reference
    assert reference.expires == NOW + timedelta(days=30)


def test_ids_are_random() -> None:
    """Ids hold 128 random bits and nothing else."""
    assert new_reference_id(randomness=lambda count: bytes(range(count))) == (
        "ref-000102030405060708090a0b0c0d0e0f"
    )
    assert len({new_reference_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    ("images", "options", "told"),
    [
        ([], {}, "at least one image"),
        (ALIKE, {"consistency": None}, "consistency threshold"),
        (ALIKE, {"minimum": 4}, "between 1 and the 3"),
        (ALIKE, {"minimum": 0}, "between 1 and the 3"),
        (ALIKE, {"clock": lambda: datetime(2026, 1, 1)}, "time zone"),
        (ALIKE, {"consistency": float("nan")}, "finite"),
        ([[1.0, 2.0]], {}, "shape"),
        (ALIKE, {"valid_for": timedelta(0)}, "later than"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_cannot_be_asked_is_refused(images: Any, options: Any, told: str) -> None:
    """Bad arguments raise, and say what is wrong; they are not failures to enrol."""
    with pytest.raises(MatcherError, match=told):
        enrol(Camera(), images, **{"consistency": 0.7, **options})


def test_no_value_is_shown() -> None:
    """Neither an enrolment nor a failure shows a value or a score."""
    assert "0.8" not in repr(enrolled(*ALIKE, consistency=0.5))
    assert "0.96" not in repr(failed(*ALIKE, consistency=0.9))
