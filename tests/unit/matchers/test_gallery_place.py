"""A gallery is emptied like any other place, and a renewable gallery is searched."""

from __future__ import annotations

import pytest

from biotrail.errors import UnknownReferenceError
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
