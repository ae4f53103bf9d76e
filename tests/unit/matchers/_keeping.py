"""Reference stores and references to try them with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from biotrail.matchers import EmbeddingMatcher, Reference
from biotrail.matchers.reference_store import ReferenceStore
from tests.vectors.make_reference_vectors import embedding

KEY = bytes(range(32))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIMENSION = 128


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The time that was set."""
        return self.now

    def pass_by(self, **parts: float) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)


def matcher(version: str = "1") -> EmbeddingMatcher:
    """A matcher of vectors of 128 values."""
    return EmbeddingMatcher(model="acme", version=version, dimension=DIMENSION)


def reference(number: int, *, version: str = "1", **options: Any) -> Reference:
    """A reference with two samples; its id is long enough to be sought in a file."""
    made = matcher(version)
    samples = [made.features(embedding(DIMENSION, 2 * number + n)) for n in range(2)]
    id = options.pop("id", f"reference-of-person-{number:04}")
    return Reference.from_samples(samples, id=id, **options)


def store(folder: Path, clock: Clock | None = None, *, key: bytes = KEY) -> ReferenceStore:
    """A store in a folder."""
    return ReferenceStore(folder / "references.db", key, clock=clock or Clock())
