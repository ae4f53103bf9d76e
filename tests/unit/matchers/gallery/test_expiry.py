"""References that end: not found from that moment on, by any question, at no cost to the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from biotrail.errors import (  # noqa: E402
    DuplicateReferenceError,
    MatcherError,
    UnknownReferenceError,
)
from biotrail.matchers import EmbeddingMatcher, Features, Reference  # noqa: E402
from biotrail.matchers.deletion import delete_references  # noqa: E402
from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.gallery_place import GalleryPlace  # noqa: E402
from biotrail.matchers.search.finish import Found  # noqa: E402

pytestmark = pytest.mark.component("numpy")

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=8)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


@pytest.fixture
def gallery(clock: Clock) -> Gallery:
    """An empty gallery under that clock."""
    return Gallery(MATCHER.card, name="door", clock=clock)


def features(number: int) -> Features:
    """The face of somebody."""
    return MATCHER.features(np.random.default_rng(number).normal(size=8).astype(np.float32))


def reference(number: int, id: str | None = None, *, end: datetime | None = None) -> Reference:
    """The reference of somebody."""
    return Reference.from_features(features(number), id=id or f"r{number}", expires=end)


def names(gallery: Gallery, probe: Features, **question: Any) -> list[str]:
    """Who is found."""
    return [one.reference for one in gallery.identify(probe, **question).candidates]


def test_from_its_end_on_a_reference_is_not_found(gallery: Gallery, clock: Clock) -> None:
    """A moment before the end it is found, at the end and after it is not, by any question."""
    gallery.add(reference(1, end=NOW + SECOND))
    gallery.add(reference(2))
    probe = features(1)
    clock.now = NOW + SECOND - timedelta(microseconds=1)
    assert names(gallery, probe, top=1) == ["r1"]
    assert gallery.duplicates(probe, threshold=0.999)[0].reference == "r1"
    for clock.now in (NOW + SECOND, NOW + timedelta(days=9_000)):
        assert names(gallery, probe, top=1) == ["r2"]
        assert names(gallery, probe, top=5) == ["r2"]
        assert names(gallery, probe, threshold=-1.0) == ["r2"]
        assert names(gallery, probe, threshold=0.999, top=1) == []
        assert gallery.identify_many([probe, features(2)], top=1)[1].best is not None
        assert gallery.duplicates(probe, threshold=0.999) == ()
        answer = gallery.identify(probe, top=1)
        assert (answer.size, answer.version, answer.top) == (2, 2, 1)


def test_who_has_ended_may_be_enrolled_anew(gallery: Gallery, clock: Clock) -> None:
    """A reference that has ended is no duplicate; one that has not is."""
    gallery.add(reference(1, end=NOW + SECOND), refuse_duplicates=0.9)
    with pytest.raises(DuplicateReferenceError):
        gallery.add(reference(1, "again", end=NOW + 2 * SECOND), refuse_duplicates=0.9)
    assert gallery.expiries() == {"r1": NOW + SECOND}
    clock.now += SECOND
    gallery.add(reference(1, "again"), refuse_duplicates=0.9)
    assert names(gallery, features(1), top=2) == ["again"]


@pytest.mark.parametrize("many", [False, True])
def test_expired_names_what_is_to_be_removed(gallery: Gallery, clock: Clock, many: bool) -> None:
    """Ended references stay until they are removed; removed, nothing of their end is left."""
    made = [reference(n, end=None if n == 3 else NOW + n * SECOND) for n in range(1, 6)]
    if many:
        assert gallery.add_many(iter(made)) == ["r1", "r2", "r3", "r4", "r5"]
    else:
        for one in made:
            gallery.add(one)
    assert gallery.expired() == []
    clock.now += 2 * SECOND
    assert gallery.expired() == ["r1", "r2"]
    assert len(gallery) == 5
    assert gallery.reference("r1").expires == NOW + SECOND
    report = delete_references(gallery.expired(), [GalleryPlace(gallery)])
    assert report.rows_before == 2
    assert (len(gallery), gallery.expired()) == (3, [])
    assert set(gallery.expiries()) == {"r4", "r5"}
    gallery.add(reference(1))  # under the same id, without an end
    assert names(gallery, features(1), top=1) == ["r1"]


def test_the_earliest_end_of_several_samples_counts(gallery: Gallery, clock: Clock) -> None:
    """A further sample never lengthens the life of a reference."""
    gallery.add(reference(1, end=NOW + 2 * SECOND))
    gallery.add(reference(2, "r1", end=NOW + 9 * SECOND))
    gallery.add(reference(3, "r1"))
    assert gallery.expiries() == {"r1": NOW + 2 * SECOND}
    gallery.add(reference(4, "r1", end=NOW + SECOND))
    clock.now += SECOND
    assert [names(gallery, features(n), top=1) for n in range(1, 5)] == [[]] * 4


def test_a_failed_enrolment_leaves_no_end(gallery: Gallery) -> None:
    """What could not be added ends nothing that is there."""
    gallery.add(reference(1))
    wrong: list[Callable[[Any], object]] = [gallery.add, lambda one: gallery.add_many([one])]
    for values in (np.zeros(8), np.ones(7)):
        odd = Reference(card_digest=MATCHER.card.digest, values=values, id="new", expires=NOW)
        for add in wrong:
            with pytest.raises(MatcherError):
                add(odd)
    assert gallery.expiries() == {}
    zero = Reference(card_digest=MATCHER.card.digest, values=np.zeros(8), expires=NOW)
    with pytest.raises(MatcherError):
        gallery.add(zero, reference="r1")
    assert gallery.expiries() == {}
    with pytest.raises(UnknownReferenceError):
        gallery.remove("new")


def test_references_without_an_id_end_as_well(gallery: Gallery) -> None:
    """A random id is drawn for them, alone and among many."""
    nameless = Reference.from_features(features(1), expires=NOW)
    ids = [gallery.add(nameless), *gallery.add_many([nameless, features(2)])]
    assert gallery.expired() == sorted(ids[:2])
    assert names(gallery, features(1), top=3) == ids[2:]


def test_ends_are_handed_in_where_a_file_is_loaded(
    gallery: Gallery, clock: Clock, tmp_path: Path
) -> None:
    """A gallery's file does not say when references end; whoever loads it does."""
    gallery.add_many([reference(1, end=NOW + SECOND), reference(2)])
    gallery.save(tmp_path / "g")
    ends = gallery.expiries()
    clock.now += SECOND
    for mapped in (False, True):
        loaded = Gallery.load(
            tmp_path / "g", MATCHER.card, memory_mapped=mapped, expiries=ends, clock=clock
        )
        assert type(loaded) is Gallery
        assert names(loaded, features(1), top=1) == ["r2"]
    without = Gallery.load(tmp_path / "g", MATCHER.card, clock=clock)
    assert names(without, features(1), top=1) == ["r1"]
    for wrong in ({"r1": datetime(2026, 11, 23)}, {"": NOW}, {"r1": None}):
        given: Any = wrong
        with pytest.raises(MatcherError):
            Gallery.load(tmp_path / "g", MATCHER.card, expiries=given)


def test_a_clock_without_a_zone_is_refused() -> None:
    """A naive time would be off by hours, without a word."""
    gallery = Gallery(MATCHER.card, clock=lambda: datetime(2026, 11, 23))
    gallery.add(reference(1, end=NOW))
    with pytest.raises(MatcherError, match="time zone"):
        gallery.identify(features(1), top=1)


@given(
    order=st.permutations(range(40)),
    over=st.sets(st.integers(0, 29)),
    top=st.none() | st.integers(1, 45),
    threshold=st.none() | st.floats(-1, 1),
)
def test_answers_are_those_of_a_gallery_without_them(
    order: list[int], over: set[int], top: int | None, threshold: float | None
) -> None:
    """Whatever ends, candidates, scores and order are as if it had never been enrolled."""
    if top is None and threshold is None:
        top = 1
    watched, without = Gallery(MATCHER.card, clock=lambda: NOW), Gallery(MATCHER.card)
    for number in order:
        # Few faces for many references, so that there are ties, and some of several samples.
        face, id = number % 7, number % 30
        watched.add(reference(face, f"r{id}", end=NOW if id in over else None))
        if id not in over:
            without.add(reference(face, f"r{id}"))
    probes = [features(number) for number in (0, 3, 50)]
    found = watched.identify_many(probes, threshold=threshold, top=top)
    expected = without.identify_many(probes, threshold=threshold, top=top)
    assert [one.candidates for one in found] == [one.candidates for one in expected]


def test_nobody_is_asked_for_more_where_nothing_ended(gallery: Gallery, clock: Clock) -> None:
    """Only ended references among the best make a search look further, by doubling."""
    asked: list[int | None] = []

    class Counting(Gallery):
        def _ranked(self, moment: Any, found: Found, top: int | None) -> Any:
            asked.append(top)
            return super()._ranked(moment, found, top)

    counting = Counting(MATCHER.card, clock=clock)
    counting.add_many([reference(n, end=NOW + SECOND if n < 3 else None) for n in range(20)])
    counting.identify(features(1), top=2)
    assert asked == [2]
    clock.now += SECOND
    asked.clear()
    counting.identify(features(15), threshold=0.999)
    assert asked == [None]
    asked.clear()
    best = counting.identify(features(1), top=1).best
    assert best is not None
    assert best.reference not in ("r0", "r1", "r2")
    assert asked[0] == 1
    assert asked == [2**step for step in range(len(asked))]


def test_threads_that_enrol_and_remove_leave_no_end_behind() -> None:
    """Whatever the order in which threads add and remove one id, its end goes with it."""
    gallery = Gallery(MATCHER.card, clock=lambda: NOW)
    one = reference(1, end=NOW)

    def work() -> None:
        for _ in range(200):
            gallery.add(one)
            with suppress(UnknownReferenceError):
                gallery.remove("r1")
            assert names(gallery, features(1), top=1) == []

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(gallery.expiries()) == ({"r1"} if "r1" in gallery else set())
