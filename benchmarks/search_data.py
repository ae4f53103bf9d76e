"""Galleries and probes for the benchmarks of search, and the peers over the same rows.

Rows are people with five samples each: a random direction and noise, so that two samples of one
person have a cosine of about 0.65 and those of two people one near 0. Every other probe is of a
person in the gallery.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from biotrail.matchers import EmbeddingMatcher, Features
from biotrail.matchers.gallery import Gallery

DIMENSION = 512
THRESHOLD = 0.36
_SAMPLES = 5
_TOGETHER = 16_384 // _SAMPLES


def matcher() -> EmbeddingMatcher:
    """The embeddings' matcher."""
    return EmbeddingMatcher(model="bench", version="1", dimension=DIMENSION)


def _unit(rows: Any) -> Any:
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def blocks(size: int, seed: int = 1) -> Iterator[tuple[Any, Any]]:
    """Rows (float32), block by block, each with the directions of its people."""
    random = numpy.random.default_rng(seed)
    done = 0
    while done < size:
        people = min(_TOGETHER, -(-(size - done) // _SAMPLES))
        centres = _unit(random.standard_normal((people, DIMENSION), dtype=numpy.float32))
        noise = _unit(random.standard_normal((people * _SAMPLES, DIMENSION), dtype=numpy.float32))
        spread = random.uniform(0.6, 0.87, (people * _SAMPLES, 1)).astype(numpy.float32)
        rows = _unit(numpy.repeat(centres, _SAMPLES, axis=0) + spread * noise)[: size - done]
        done += len(rows)
        yield rows, centres


def probes_of(centres: Any, count: int) -> Any:
    """Probes, float32, every other of a person in the gallery."""
    random = numpy.random.default_rng(2)
    some = _unit(random.standard_normal((count, DIMENSION), dtype=numpy.float32))
    chosen = centres[: (count + 1) // 2]
    some[: 2 * len(chosen) : 2] = _unit(chosen + 0.73 * some[: 2 * len(chosen) : 2])
    return some.astype(numpy.float32)


def features(card_digest: bytes, rows: Any) -> list[Features]:
    """Rows as features."""
    return [Features(card_digest=card_digest, values=row) for row in rows.astype(numpy.float64)]


def tuned_faiss() -> Any:
    """FAISS with the kernels that the processor has; its own choice can be eleven times slower.

    NumPy must have been imported before, so that its own choice is not touched.
    """
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if "avx512f" in flags:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    import faiss

    os.environ.pop("OPENBLAS_CORETYPE", None)
    faiss.omp_set_num_threads(1)
    return faiss


class Sides:
    """One gallery and its peers, over the same rows.

    Attributes:
        rows: The rows themselves, as FAISS holds them.
        probes: Probes, float32.
        asked: The same as features.
        numbers: The row of each reference id.
    """

    def __init__(self, size: int, probes: int) -> None:
        self.faiss = tuned_faiss()
        self._default = self.faiss.cvar.distance_compute_blas_threshold
        self.index = self.faiss.IndexFlatIP(DIMENSION)
        self.gallery = Gallery(matcher().card)
        digest = self.gallery.card.digest
        ids: list[str] = []
        first: Any = None
        for rows, centres in blocks(size):
            first = centres if first is None else first
            self.index.add(rows)
            ids += self.gallery.add_many(features(digest, rows))
        self.numbers = {name: number for number, name in enumerate(ids)}
        self.probes = probes_of(first, probes)
        self.asked = features(digest, self.probes)
        flat = self.faiss.rev_swig_ptr(self.index.get_xb(), size * DIMENSION)
        self.rows = flat.reshape(size, DIMENSION)

    def matrix_products(self, on: bool) -> None:
        """Let FAISS take batches through its matrix product, or row by row (faster for one)."""
        self.faiss.cvar.distance_compute_blas_threshold = 0 if on else self._default

    def numpy_alone(self, on: bool) -> None:
        """Let the gallery do without the package of the extra ``search``, or with it."""
        self.gallery.plain_up_to = 1 << 60 if on else 512
