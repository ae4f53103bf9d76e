"""The room of a gallery: memory that is there before it is needed, and turns at the lock."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from biotrail.matchers import EmbeddingMatcher

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.gallery._turns import Turns  # noqa: E402
from biotrail.matchers.search.block import ROWS  # noqa: E402
from biotrail.matchers.search.memory import reserved  # noqa: E402

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=16)


def features(count: int) -> list[Any]:
    """Random features."""
    rows = np.random.default_rng(1).normal(size=(count, 16))
    return [MATCHER.features(row) for row in rows]


def test_reserved_memory_is_zero_and_can_be_written() -> None:
    """Small or large, it is an array of zeros that keeps what is written into it."""
    for rows in (3, 1 << 18):
        made = reserved(rows, 5, np.int8)
        assert made.shape == (rows, 5)
        assert not made.any()
        made[rows - 1, 4] = 7
        assert made.sum() == 7


def test_rows_are_written_only_where_memory_is_ready() -> None:
    """Added one by one or together, rows stay below what is ready, and that is little beyond."""
    gallery = Gallery(MATCHER.card)
    made = features(2_500)
    for one in made[:1_100]:
        gallery.add(one)
    gallery.add_many(made[1_100:])
    (block,) = gallery._table._blocks
    assert block.count == 2_500 <= block.ready < 2_500 + 1_024
    found = gallery.identify(made[1_099], top=1).best
    assert found is not None
    assert found.score.value == 1.0


def test_two_threads_that_fill_a_gallery_leave_nothing_out() -> None:
    """Room that one thread makes may be taken by another; every row is there once all the same."""
    gallery = Gallery(MATCHER.card)
    made = features(1_500)
    threads = [threading.Thread(target=gallery.add_many, args=(made,)) for _ in range(3)]
    threads += [threading.Thread(target=lambda: [gallery.add(one) for one in made])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gallery) == gallery.samples == 6_000
    assert gallery._table._blocks[0].count == 6_000 < ROWS
    answer = gallery.identify(made[7], threshold=0.999999)
    assert len(answer.candidates) == 4


def test_what_was_removed_during_a_search_is_wiped_together_at_its_end() -> None:
    """Values, names and remembered ids of all of them are gone, and their places are used again."""
    gallery = Gallery(MATCHER.card)
    made = features(400)
    for number, one in enumerate(made):
        gallery.add(one, reference=f"person {number}")
    table = gallery._table
    with table.look(table.kernels[0]):
        for number in range(300):
            gallery.remove(f"person {number}")
        assert table._blocks[0].vectors[:300].any(axis=1).all()
    block = table._blocks[0]
    assert not block.vectors[:300].any()
    assert not block.names[:300].any()
    assert block.vectors[300:400].any(axis=1).all()
    assert len(table.names.known()) == 100
    for one in made[:300]:
        gallery.add(one)
    assert block.count == 400


def test_who_waits_for_the_lock_has_it_before_one_who_asks_again() -> None:
    """A thread that gives the lock back and asks at once comes after the one that waited."""
    turns = Turns()
    order: list[str] = []

    def wait() -> None:
        with turns:
            order.append("who waited")

    waiting = threading.Thread(target=wait)
    with turns:
        waiting.start()
        while not turns._gate.locked():
            pass
    with turns:
        order.append("who asked again")
    waiting.join()
    assert order == ["who waited", "who asked again"]
