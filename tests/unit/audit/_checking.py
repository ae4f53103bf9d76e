"""A log, a matcher that can fail in every way, and calibrations, to check attempts with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from biotrail import AuditLogger
from biotrail.canonical import decode_entry
from biotrail.canonical.payload import decode_payload
from biotrail.errors import ImageError
from biotrail.matchers import EmbeddingMatcher, FailureToAcquire, Reference
from biotrail.matchers.gallery import Gallery
from biotrail.matchers.pad import PadResult
from biotrail.matchers.quality import Quality
from biotrail.matchers.rates.calibration import Calibration
from biotrail.signing import Ed25519Signer
from biotrail.stores import MemoryStore
from tests.unit.audit._logs import ORIGIN

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENROLLED, ALIKE, OTHER = [1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]
NO_IMAGE = "no image"
DARK = "dark"


class Camera(EmbeddingMatcher):
    """Takes vectors for faces; some words stand for what goes wrong."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**{"model": "acme", "version": "1", "dimension": 3, **changes})

    def capture(self, image: object, /) -> Any:
        """A sample, a failure to acquire, or an error."""
        if image == NO_IMAGE:
            raise ImageError("not an image that can be read")
        if image == DARK:
            return FailureToAcquire("too_dark")
        return super().capture(image)

    def quality(self, sample: object, /) -> Quality:
        """Always the same."""
        return Quality(sharpness=0.5, brightness=90.0)


class Detector:
    """Answers with one word, and keeps what it was shown."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.shown: tuple[object, ...] = ()

    def assess(self, frames: Sequence[object], /) -> PadResult:
        """The word."""
        self.shown = tuple(frames)
        return PadResult(decision=self.word, detector="example 1", score=0.25)


class Trail:
    """A log in memory, and what its last entry says."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.log = AuditLogger(self.store, Ed25519Signer.generate(ORIGIN))

    def last(self) -> dict[str, Any]:
        """What the last entry says."""
        *_, last = self.store.entries(0, 10_000)
        return dict(decode_entry(last.entry).content)

    def personal(self) -> dict[str, Any]:
        """What the payload of the last entry says."""
        *_, (_, payload) = self.store.payloads(0, 10_000)
        return dict(decode_payload(payload).fields)


def reference(*vectors: Any, id: str = "ref-1", **options: Any) -> Reference:
    """A reference of the camera's."""
    samples = [Camera().features(vector) for vector in vectors or (ENROLLED,)]
    return Reference.from_samples(samples, id=id, **options)


def gallery(*references: Reference) -> Gallery:
    """A gallery that holds these."""
    made = Gallery(Camera().card, name="main-door")
    for one in references:
        made.add(one)
    return made


def calibration(threshold: float = 0.7, **changes: Any) -> Calibration:
    """A calibration of the camera's; its figures are made up."""
    values: dict[str, Any] = {
        "threshold": threshold,
        "higher_is_better": True,
        "metric": "cosine",
        "target_fmr": 0.01,
        "place": "point",
        "confidence": 0.95,
        "fmr": 0.009,
        "fmr_upper": 0.02,
        "fnmr": 0.03,
        "fnmr_lower": 0.02,
        "fnmr_upper": 0.05,
        "others": 40,
        "people": 40,
        "mated_people": 40,
        "people_pairs": 780,
        "non_mated": 78_000,
        "mated": 1_800,
        "method": "made up for a test",
        "resamples": 1_000,
        "seed": 1,
        "cohort": "vectors",
        "data_digest": "00" * 32,
        "card_digest": Camera().card.digest.hex(),
        "created": NOW,
    }
    return Calibration(**{**values, **changes})
