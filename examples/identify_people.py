"""A door with a gallery: enrol, identify, forget somebody, and keep the gallery encrypted."""

# needs: numpy

from __future__ import annotations

import random
import secrets
import tempfile
from pathlib import Path

import biotrail
from biotrail.errors import DuplicateReferenceError
from biotrail.matchers import EmbeddingMatcher, Features
from biotrail.matchers.gallery import Gallery

THRESHOLD = 0.6
"""Made up: yours comes from `biotrail calibrate`, for a gallery of this size."""

MATCHER = EmbeddingMatcher(model="example-embedding", version="1", dimension=64)


def capture(person: str, occasion: int) -> Features:
    """Stands for camera and network: the same direction for a person, with some noise."""
    face, noise = random.Random(person), random.Random(f"{person} {occasion}")
    return MATCHER.features([face.gauss(0, 1) + noise.gauss(0, 0.4) for _ in range(64)])


def enrolled_as(gallery: Gallery, features: Features) -> str:
    """Enrol, unless that person is enrolled already; either way, the reference's id."""
    try:
        return gallery.add(features, refuse_duplicates=THRESHOLD)
    except DuplicateReferenceError as error:
        candidate: str = error.candidates[0].reference
        return candidate


def enter(log: biotrail.AuditLogger, gallery: Gallery, person: str) -> bool:
    """Let in whoever is in the gallery; true only once the record that says so is durable."""
    with log.attempt(action="door.open", target="main-door", modality="face") as attempt:
        answer = gallery.identify(capture(person, 2), threshold=THRESHOLD, top=1)
        comparison = answer.decide(THRESHOLD)
        attempt.compared(comparison)
        if comparison.decision is biotrail.ComparisonDecision.MATCH:
            attempt.grant()
        else:
            attempt.deny(biotrail.Reason.NON_MATCH)
    return attempt.granted


def main() -> None:
    """Three people are enrolled, one is forgotten, and the gallery survives a restart."""
    gallery = Gallery(MATCHER.card, name="main-door")
    known = {name: gallery.add(capture(name, 1)) for name in ("ada", "bob", "cyd")}
    assert enrolled_as(gallery, capture("ada", 3)) == known["ada"]
    with tempfile.TemporaryDirectory() as folder:
        place, key = Path(folder), secrets.token_bytes(32)
        with biotrail.open(place / "t.db", origin="example.com/door", passphrase="example") as log:
            assert enter(log, gallery, "ada")
            assert not enter(log, gallery, "eve")
            gallery.remove(known["ada"])
            assert not enter(log, gallery, "ada")
            gallery.save(place / "main-door.gallery", key=key)
            restarted = Gallery.load(place / "main-door.gallery", MATCHER.card, key=key)
            assert enter(log, restarted, "bob")
            found = biotrail.verify_log(place / "t.db", log.verifier_key)
    print(f"{found.events} attempts at a door with {len(restarted)} people in its gallery")


if __name__ == "__main__":
    main()
