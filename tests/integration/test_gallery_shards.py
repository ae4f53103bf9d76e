"""A gallery over two worker processes of Dask answers as one gallery does."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from biotrail.errors import DuplicateReferenceError, MatcherError, UnknownReferenceError
from biotrail.matchers import EmbeddingMatcher, Gallery, Reference
from biotrail.matchers.gallery.shards import ShardedGallery
from tests._components import reason_for_absence

pytestmark = pytest.mark.component("distributed")

if reason_for_absence("distributed") is None:
    import numpy as np

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=32)


@contextmanager
def two_workers() -> Iterator[Any]:
    """A client of a cluster of two worker processes on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import distributed

        untyped: Any = distributed
        with (
            untyped.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            untyped.Client(cluster) as made,
        ):
            yield made


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A cluster for most of the tests."""
    with two_workers() as made:
        yield made


def features(count: int, seed: int = 1) -> list[Any]:
    """Random features."""
    rows = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    return [MATCHER.features(row) for row in rows]


def test_two_workers_answer_as_one_gallery(client: Any) -> None:
    """Ids, scores and order are those of one gallery, with ties and several samples, both ways."""
    made = features(600)
    shards = ShardedGallery(client, MATCHER.card)
    whole = Gallery(MATCHER.card)
    ids = shards.add_many(made)
    for one, name in zip(made, ids, strict=True):
        whole.add(one, reference=name)
    for gallery in (shards, whole):
        gallery.add(made[7], reference="twin")
        gallery.add(Reference.from_samples(made[8:10], id="two samples"))
        gallery.remove(ids[20])
    assert shards.shards == 2
    assert all(size > 200 for _, size, _ in shards._states())
    assert (len(shards), shards.samples) == (len(whole), whole.samples)
    probes = made[5:10] + features(3, seed=2)
    for question in ({"top": 1}, {"top": 7}, {"threshold": 0.2}, {"top": 3, "threshold": 0.3}):
        found = shards.identify_many(probes, **question)
        expected = whole.identify_many(probes, **question)
        assert [one.candidates for one in found] == [one.candidates for one in expected]
        assert {one.size for one in found} == {len(whole)}
    assert shards.identify(made[7], top=1).decide(0.9).gallery_size == len(whole)


def test_duplicates_are_refused_in_whichever_shard(client: Any) -> None:
    """Who is enrolled in one shard is not enrolled again in another, and both answers agree."""
    shards = ShardedGallery(client, MATCHER.card)
    whole = Gallery(MATCHER.card)
    made = features(40)
    for number, one in enumerate(made):
        shards.add(one, reference=f"r{number}", refuse_duplicates=0.999)
        whole.add(one, reference=f"r{number}")
    for number, one in enumerate(made):
        with pytest.raises(DuplicateReferenceError) as caught:
            shards.add(one, refuse_duplicates=0.999)
        assert [found.reference for found in caught.value.candidates] == [f"r{number}"]
    assert len(shards) == 40
    both = Reference.from_samples(made[:2], id="r0")
    assert shards.duplicates(both, threshold=0.3) == whole.duplicates(both, threshold=0.3)
    shards.add(made[0], reference="r0", refuse_duplicates=0.999)  # another sample of the same
    assert (len(shards), shards.samples) == (40, 41)
    with pytest.raises(MatcherError, match="threshold"):
        shards.duplicates(both, threshold=float("nan"))


def test_of_two_threads_one_enrols_a_person(client: Any) -> None:
    """Two threads that enrol one person at once, refusing duplicates, enrol one reference."""
    shards = ShardedGallery(client, MATCHER.card)
    outcomes: list[str] = []

    def enrol(one: Any) -> None:
        try:
            shards.add(one, refuse_duplicates=0.999)
            outcomes.append("enrolled")
        except DuplicateReferenceError:
            outcomes.append("refused")

    for person in features(10, seed=3):
        threads = [threading.Thread(target=enrol, args=(person,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["enrolled"] * 10 + ["refused"] * 10
    assert len(shards) == 10


def test_shards_find_nobody_whose_time_is_over(client: Any) -> None:
    """Each shard knows the ends of its references, and fills their places with others."""
    shards = ShardedGallery(client, MATCHER.card)
    made = features(20)
    over = datetime(2020, 1, 1, tzinfo=UTC)
    for number, one in enumerate(made):
        end = None if number % 4 else over
        shards.add(Reference.from_features(one, id=f"r{number}", expires=end))
    valid = {f"r{number}" for number in range(20) if number % 4}
    for one in made[:5]:
        assert {found.reference for found in shards.identify(one, top=15).candidates} == valid
    assert shards.duplicates(made[4], threshold=0.999) == ()


def test_the_shards_are_in_other_processes(client: Any) -> None:
    """Each of the two shards lives in a worker process of its own."""
    shards = ShardedGallery(client, MATCHER.card)
    processes = client.run(os.getpid)
    assert {one._address for one in shards._shards} == set(processes)
    assert len({os.getpid(), *processes.values()}) == 3


def test_versions_rise_and_unknown_ids_are_refused(client: Any) -> None:
    """Every change raises the version; a removed reference is unknown; bad input stays here."""
    shards = ShardedGallery(client, MATCHER.card, shards=3)
    (one,) = features(1)
    name = shards.add(one)
    assert (shards.version, len(shards)) == (1, 1)
    shards.remove(name)
    assert (shards.version, len(shards)) == (2, 0)
    with pytest.raises(UnknownReferenceError):
        shards.remove(name)
    assert shards.identify(one, top=3).candidates == ()
    foreign = EmbeddingMatcher(model="other", version="1", dimension=32).features([1.0] * 32)
    for act in (shards.add, lambda probe: shards.identify(probe, top=1)):
        with pytest.raises(MatcherError, match="another model"):
            act(foreign)
    with pytest.raises(MatcherError, match="at least one"):
        ShardedGallery(client, MATCHER.card, shards=0)


@pytest.mark.filterwarnings("ignore")
def test_a_lost_worker_is_an_error_and_not_a_smaller_answer() -> None:
    """When a worker dies its references are not silently left out: searches raise."""
    import dask

    quickly = {"distributed.comm.timeouts.connect": "1s", "distributed.comm.retry.count": 0}
    with dask.config.set(quickly), two_workers() as client:
        shards = ShardedGallery(client, MATCHER.card)
        made = features(50)
        shards.add_many(made)
        os.kill(client.run(os.getpid)[shards._shards[0]._address], signal.SIGKILL)
        with pytest.raises(MatcherError, match="does not answer"):
            shards.identify(made[0], top=3)
