"""A gallery is emptied like any other place, and a renewable gallery is searched."""

from __future__ import annotations

from typing import Any

import pytest

from biotrail.errors import MatcherError, UnknownReferenceError
from biotrail.matchers import EmbeddingMatcher, ProjectionKey, Reference, RenewableMatcher
from biotrail.matchers.deletion import delete_references
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.gallery_place import GalleryPlace
from tests.unit.matchers._keeping import matcher, reference
from tests.vectors.make_reference_vectors import embedding

pytestmark = pytest.mark.component("numpy")


def test_references_are_removed_and_counted() -> None:
    """Rows and bytes are counted before and after; what was not there is no error."""
    gallery = Gallery(matcher().card, name="main-door")
    for number in range(5):
        gallery.add(reference(number))
    ids = ["reference-of-person-0001", "reference-of-person-0003", "unknown"]
    report = delete_references(ids, [GalleryPlace(gallery)])
    (place,) = report.places
    assert (place.name, place.rows_before, place.bytes_before) == (
        "gallery main-door",
        2,
        2 * 2 * 128 * 4,
    )
    assert report.complete
    assert len(gallery) == 3
    with pytest.raises(UnknownReferenceError):
        gallery.reference(ids[0])


@pytest.mark.parametrize("id", ["", "x" * 129, "\ud800", 5, None])
def test_ids_that_no_reference_can_have_are_refused(id: Any) -> None:
    """Among good ids a bad one is refused, and nothing is removed."""
    gallery = Gallery(matcher().card)
    gallery.add(reference(1))
    with pytest.raises(MatcherError, match="1 to 128 bytes in UTF-8"):
        GalleryPlace(gallery).delete_references(["reference-of-person-0001", id])
    assert len(gallery) == 1


def test_an_id_named_twice_counts_once() -> None:
    """Each reference is counted once, however often it is named."""
    gallery = Gallery(matcher().card)
    gallery.add(reference(1))
    report = GalleryPlace(gallery).delete_references(["reference-of-person-0001"] * 2)
    assert (report.rows_before, report.rows_after) == (1, 0)


def test_what_another_thread_removes_meanwhile_is_no_error() -> None:
    """A reference that goes between the look and the removal is gone all the same."""

    class Racing(Gallery):
        def remove(self, reference: str) -> int:
            super().remove(reference)  # the other thread's
            return super().remove(reference)

    gallery = Racing(matcher().card)
    gallery.add(reference(1))
    report = GalleryPlace(gallery).delete_references(["reference-of-person-0001"])
    assert (report.rows_before, report.empty) == (1, True)


def test_a_gallery_of_renewable_references_is_searched() -> None:
    """With the cosine as its score a renewable matcher's references are found in a gallery."""
    plain = EmbeddingMatcher(model="acme", version="1", dimension=128)
    renewable = RenewableMatcher(plain, ProjectionKey(bytes(32)), metric="cosine")
    gallery = Gallery(renewable.card)
    for number in range(30):
        bits = renewable.project(plain.features(embedding(128, number)))
        gallery.add(Reference.from_features(bits, id=f"ref-{number}"))
    near = embedding(128, 7)
    probe = renewable.project(plain.features([near[0] + 0.3, *near[1:]]))
    best = gallery.identify(probe, top=1).best
    assert best is not None
    assert best.reference == "ref-7"
    assert best.score == renewable.compare(gallery.reference("ref-7"), probe)
