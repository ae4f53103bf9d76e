"""Searches, additions and removals at the same time: every search sees one version, whole."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from biotrail.errors import DuplicateReferenceError
from biotrail.matchers import EmbeddingMatcher

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.gallery._readers import Readers  # noqa: E402
from biotrail.matchers.search.finish import every_slot  # noqa: E402

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=16)


def features(count: int, seed: int) -> list[Any]:
    """Random features."""
    rows = np.random.default_rng(seed).normal(size=(count, 16))
    return [MATCHER.features(row) for row in rows]


def test_a_search_sees_the_version_in_which_it_began() -> None:
    """What is removed or added after the beginning changes nothing; the next search sees it."""
    gallery = Gallery(MATCHER.card)
    made = features(10, 1)
    ids = [gallery.add(one) for one in made]
    table = gallery._table
    with table.look(table.kernels[0]) as before:
        gallery.remove(ids[3])
        with table.look(table.kernels[0]) as between:
            gallery.add(made[3], reference="later")
            seen = [
                table.identifiers(one.view, every_slot(one.view).tolist())
                for one in (before, between)
            ]
            values = before.view.take(every_slot(before.view))
    assert sorted(seen[0]) == sorted(ids)
    assert sorted(seen[1]) == sorted(set(ids) - {ids[3]})
    assert values[3].tolist() == made[3].values.astype(np.float32).tolist()
    assert (before.version, between.version, gallery.version) == (10, 11, 12)
    assert not table._readers.pending
    with table.look(table.kernels[0]) as after:
        now = table.identifiers(after.view, every_slot(after.view).tolist())
    assert sorted(now) == sorted((set(ids) - {ids[3]}) | {"later"})


def test_a_place_that_is_used_again_is_not_seen_by_older_searches() -> None:
    """A search that began before a place was taken again sees neither its old nor its new row."""
    gallery = Gallery(MATCHER.card)
    made = features(10, 1)
    ids = [gallery.add(one) for one in made]
    gallery.remove(ids[3])
    table = gallery._table
    with table.look(table.kernels[0]) as moment:
        gallery.add(made[3])
        assert table._blocks[0].count == 10
        seen = table.identifiers(moment.view, every_slot(moment.view).tolist())
    assert sorted(seen) == sorted(set(ids) - {ids[3]})


def test_a_removed_row_is_wiped_once_nobody_sees_it() -> None:
    """While a search that began before is running the row stays; at its end it is overwritten."""
    gallery = Gallery(MATCHER.card)
    (one,) = features(1, 1)
    identifier = gallery.add(one)
    table = gallery._table
    with table.look(table.kernels[0]):
        gallery.remove(identifier)
        assert table._blocks[0].vectors[0].any()
    assert not table._blocks[0].vectors[0].any()


def test_readers_forget_what_nobody_needs() -> None:
    """Under ever-overlapping searches the lists of changes stay short."""
    readers = Readers()
    previous = readers.begin()
    for slot in range(1_000):
        following = readers.begin()
        readers.born(slot)
        readers.died(slot)
        readers.end(previous)
        readers.to_wipe(10)
        previous = following
    assert len(readers._died) < 10
    assert len(readers._born) < 10
    readers.end(previous)
    readers.to_wipe(10)
    later = readers.begin()
    readers.end(later)
    assert (readers._born, readers._died, readers.pending) == ({}, {}, False)


def _run(acts: list[Any]) -> list[BaseException]:
    """Run the acts in threads of their own until all have ended; answers what they raised."""
    failures: list[BaseException] = []

    def guarded(act: Any) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return failures


def test_searches_stay_right_while_others_add_and_remove() -> None:
    """Those who stay are always found, with their scores; whoever is found has a true score."""
    gallery = Gallery(MATCHER.card)
    gallery.plain_up_to = 0
    staying = features(400, 1)
    ids = gallery.add_many(staying)
    coming = features(200, 2)
    stop = threading.Event()
    searches = 0

    def search() -> None:
        nonlocal searches
        while not stop.is_set():
            for place in range(0, 400, 37):
                found = gallery.identify_many(staying[place : place + 2], threshold=0.4)
                for answer, probe, name in zip(found, staying[place:], ids[place:], strict=False):
                    assert answer.candidates[0].reference == name
                    assert answer.candidates[0].score.value == 1.0
                    assert 400 <= answer.size <= 800
                    scores = {one.reference: one.score for one in answer.candidates}
                    for reference in set(scores) & set(ids):
                        again = MATCHER.compare(gallery.reference(reference), probe)
                        assert scores[reference] == again
                searches += 1

    def change() -> None:
        for _ in range(15):
            names = [gallery.add(one) for one in coming[:100]] + gallery.add_many(coming[100:])
            for name in names:
                gallery.remove(name)

    def changes() -> None:
        try:
            assert _run([change, change]) == []
        finally:
            stop.set()

    assert _run([search, search, changes]) == []
    assert searches > 0
    assert (len(gallery), gallery.samples) == (400, 400)
    assert gallery.version == 400 + 2 * 15 * 400
    assert sorted(
        one.reference for one in gallery.identify(staying[0], threshold=-1.0).candidates
    ) == sorted(ids)


def test_one_person_cannot_be_enrolled_twice_at_once() -> None:
    """Of many threads that enrol the same person with duplicates refused, one succeeds."""
    gallery = Gallery(MATCHER.card)
    (person,) = features(1, 3)
    refused: list[DuplicateReferenceError] = []

    def enrol() -> None:
        try:
            gallery.add(person, refuse_duplicates=0.9)
        except DuplicateReferenceError as error:
            refused.append(error)

    assert _run([enrol] * 8) == []
    assert (len(gallery), len(refused)) == (1, 7)
