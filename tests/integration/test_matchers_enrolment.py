"""Photographs from the package index: enrolled, verified, replaced, revoked, deleted, logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail.audit.changes import deletion_event, enrolment_event, revocation_event
from biotrail.events import Reason
from biotrail.matchers import (
    Enrolment,
    FailureToAcquire,
    FailureToEnrol,
    Features,
    OnnxFaceEmbedder,
    ProjectionKey,
    ReferenceStore,
    RenewableMatcher,
    SignProjection,
    centre_of,
    delete_references,
    enrol,
)
from biotrail.matchers.gallery import Gallery
from tests.integration.matchers_photographs import embedding_model, photographs
from tests.unit.audit._checking import Trail
from tests.unit.audit._logs import verified

pytestmark = [pytest.mark.component(name) for name in ("mediapipe", "onnx")]

THRESHOLD = 0.6
"""The network's customary one, of Euclidean distance. Good enough for five photographs."""
ENROLLED = ("enrolled", "granted")
KEY, OTHER_KEY = ProjectionKey(bytes(range(32))), ProjectionKey(bytes(range(1, 33)))


@pytest.fixture(scope="module")
def matcher() -> Iterator[OnnxFaceEmbedder]:
    """The embedding network."""
    photographs()
    with OnnxFaceEmbedder(embedding_model()) as made:
        yield made


def path(*parts: str) -> list[Path]:
    """Photographs by their parts."""
    return [photographs()[part] for part in parts]


def features(matcher: Any, part: str) -> Features:
    """What a matcher extracts from one photograph."""
    sample = matcher.capture(photographs()[part])
    assert not isinstance(sample, FailureToAcquire)
    return matcher.extract(sample)  # type: ignore[no-any-return]


def enrolled(matcher: Any, *parts: str, **options: Any) -> Enrolment:
    """An enrolment that succeeds."""
    found = enrol(matcher, path(*parts), **{"consistency": THRESHOLD, **options})
    assert isinstance(found, Enrolment)
    return found


def test_two_people_are_not_enrolled_as_one(matcher: OnnxFaceEmbedder) -> None:
    """Photographs of two people fail as inconsistent, and one without a face by its reason."""
    found = enrol(matcher, path("enrolled", "denied"), consistency=THRESHOLD)
    assert isinstance(found, FailureToEnrol)
    assert found.reason is Reason.INCONSISTENT_SAMPLES
    found = enrol(matcher, path("enrolled", "no_face"), consistency=THRESHOLD)
    assert isinstance(found, FailureToEnrol)
    assert found.reason is Reason.NO_FACE


def test_who_is_in_the_gallery_is_not_enrolled_twice(matcher: OnnxFaceEmbedder) -> None:
    """A search of the gallery finds that the person is enrolled already."""
    gallery = Gallery(matcher.card)
    gallery.add(enrolled(matcher, "enrolled", id="ref-1").reference)

    def search(probe: Features) -> list[str]:
        return [one.reference for one in gallery.duplicates(probe, threshold=THRESHOLD)]

    found = enrol(matcher, path("granted"), consistency=None, duplicates=search)
    assert isinstance(found, FailureToEnrol)
    assert found.duplicates == ("ref-1",)
    assert isinstance(
        enrol(matcher, path("denied"), consistency=None, duplicates=search), Enrolment
    )


def test_the_life_of_a_reference(matcher: OnnxFaceEmbedder, tmp_path: Path) -> None:
    """Enrolled, verified, replaced, deleted: each in the log, and nothing of it left in the end."""
    trail = Trail()
    log = trail.log
    with ReferenceStore(tmp_path / "references.db", bytes(32)) as store:
        first = enrolled(matcher, *ENROLLED)
        store.add(first.reference, subject="person-1")
        log.record(enrolment_event(first, subject="person-1", modality="face"))
        name = str(first.reference.id)

        def attempt(part: str, reference: str) -> tuple[bool, str]:
            with log.attempt(action="door.open", modality="face") as one:
                image = photographs()[part]
                options: Any = {"references": store, "threshold": THRESHOLD}
                check = one.verify(matcher, reference, image, **options)
                if check.matched:
                    one.grant()
                elif check.denied is None:
                    one.deny("non_match")
            return one.granted, str(trail.last()["reason"])

        assert attempt("false_non_match", name) == (True, "match")
        assert attempt("denied", name) == (False, "non_match")
        assert attempt("several_faces", name) == (False, "multiple_faces")

        again = enrolled(matcher, "false_non_match", "granted", replaces=name)
        store.replace(name, again.reference)
        log.record(enrolment_event(again, subject="person-1"))
        log.record(revocation_event(name, reason="re_enrolled", subject="person-1"))
        assert attempt("enrolled", name) == (False, "reference_revoked")
        assert attempt("enrolled", str(again.reference.id)) == (True, "match")

        ids = store.ids(subject="person-1", revoked=True)
        report = delete_references(ids, [store])
        log.record(deletion_event(report, reason="subject_request", subject="person-1"))
        assert (len(ids), report.complete) == (2, True)
        assert attempt("enrolled", str(again.reference.id)) == (False, "not_enrolled")
    verified(trail.store, log.verifier_key)
    log.close()


def test_renewable_references_of_photographs(matcher: OnnxFaceEmbedder) -> None:
    """Under one key the person is nearest; under two keys the same photographs look unrelated."""
    centre = centre_of(features(matcher, part) for part in ("denied", "other_person", "enrolled"))
    first = RenewableMatcher(matcher, KEY, centre=centre)
    second = RenewableMatcher(matcher, OTHER_KEY, centre=centre)
    reference = features(first, "enrolled")
    mated = [first.compare(reference, features(first, part)).value for part in ENROLLED[1:]]
    non_mated = [
        first.compare(reference, features(first, part)).value for part in ("denied", "other_person")
    ]
    assert max(mated) + 0.1 < min(non_mated)
    for part in ("enrolled", "granted", "denied"):
        other = features(second, part)
        assert abs((reference.values != other.values).mean() - 0.5) < 6 * 0.5 / 512**0.5


def test_a_leaked_key_gives_the_embedding_away(matcher: OnnxFaceEmbedder) -> None:
    """With key and bits an embedding close to the original is calculated; without the key, none."""
    import numpy

    plain, centre = features(matcher, "enrolled"), centre_of([features(matcher, "denied")])
    bits = RenewableMatcher(matcher, KEY, centre=centre).project(plain).values

    def recovered(key: ProjectionKey) -> float:
        rows = SignProjection(key, context=matcher.card.digest, dimension=128).rows
        guess = numpy.linalg.lstsq(rows, bits, rcond=None)[0]
        seen = plain.values - numpy.array(centre)
        return float(guess @ seen / numpy.linalg.norm(guess) / numpy.linalg.norm(seen))

    assert recovered(KEY) > 0.85
    assert abs(recovered(OTHER_KEY)) < 0.5
