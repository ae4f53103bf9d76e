"""A gallery's doors: ids, features and thresholds of every kind are taken or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers import EmbeddingMatcher, Features, Reference

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.gallery import Gallery  # noqa: E402

MATCHER = EmbeddingMatcher(model="m", version="1", dimension=2)
FEATURES = MATCHER.features([1, 0])


@pytest.fixture
def gallery() -> Gallery:
    """A gallery with one reference."""
    made = Gallery(MATCHER.card)
    made.add(FEATURES, reference="first")
    return made


@pytest.mark.parametrize("id", ["", "x" * 129, "\ud800", 5, b"first"])
def test_ids_that_no_reference_can_have_are_refused(gallery: Gallery, id: Any) -> None:
    """Enrolling, removing, reading and asking for such an id are refused by the rule of ids."""
    asked: list[Callable[[], object]] = [
        lambda: gallery.add(FEATURES, reference=id),
        lambda: gallery.add(FEATURES, reference=id, refuse_duplicates=2.0),
        lambda: gallery.remove(id),
        lambda: gallery.reference(id),
        lambda: id in gallery,
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match="1 to 128 bytes in UTF-8"):
            ask()
    assert (len(gallery), gallery.version) == (1, 1)


@pytest.mark.parametrize("values", [[1.0, 0.0], None, np.array(["a", "b"]), np.array([1j, 0])])
def test_features_without_an_array_of_numbers_are_refused(gallery: Gallery, values: Any) -> None:
    """Lists, nothing, texts and complex numbers are neither enrolled nor searched for."""
    odd = Features(card_digest=MATCHER.card.digest, values=values)
    asked: list[Callable[[], object]] = [
        lambda: gallery.add(odd),
        lambda: gallery.add_many([odd]),
        lambda: gallery.identify(odd, top=1),
        lambda: gallery.duplicates(odd, threshold=0.5),
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match="NumPy array of real numbers"):
            ask()
    assert gallery.version == 1


def test_what_is_no_features_is_refused(gallery: Gallery) -> None:
    """A bare vector is refused by name, alone and among many."""
    bare: Any = np.array([1.0, 0.0])
    for ask in (gallery.add, lambda one: gallery.add_many([one])):
        with pytest.raises(MatcherError, match="not ndarray"):
            ask(bare)


def test_any_real_number_is_a_threshold(gallery: Gallery) -> None:
    """A threshold of NumPy's searches and decides as its float does, and is kept as a float."""
    for threshold in (np.float32(0.5), np.float64(0.5), np.int64(0)):
        answer = gallery.identify(FEATURES, threshold=threshold)
        assert answer == gallery.identify(FEATURES, threshold=float(threshold))
        assert type(answer.threshold) is float
        assert answer.decide(threshold) == answer.decide(float(threshold))
        assert len(gallery.duplicates(FEATURES, threshold=threshold)) == 1


def test_duplicates_come_in_the_order_of_identify() -> None:
    """Where rounded scores are equal, the better unrounded one comes first in both."""
    matcher = EmbeddingMatcher(model="m", version="1", dimension=2, metric="euclidean")
    gallery = Gallery(matcher.card)
    for id, value in (("a", 3 * 2.0**-30), ("b", 2.0**-30), ("c", 2.0**-30)):
        gallery.add(matcher.features([value, 0]), reference=id)
    probe = matcher.features([0, 0])
    found = gallery.identify(probe, threshold=0.1).candidates
    assert {one.score.value for one in found} == {0.0}
    assert [one.reference for one in found] == ["b", "c", "a"]
    assert gallery.duplicates(probe, threshold=0.1) == found
    both = Reference.from_samples([probe, matcher.features([3 * 2.0**-30, 0])])
    assert [one.reference for one in gallery.duplicates(both, threshold=0.1)] == ["a", "b", "c"]
