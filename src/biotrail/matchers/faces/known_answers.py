"""Known answers of a face model: what it says to two drawn faces, so that a wrong one is found.

The hash of a file says that it is the right file. It does not say that it is fed rightly: red and
blue swapped, another scale, a chip cut elsewhere or mirrored, or a runtime that computes nonsense
all give features that look like any others. The answers to two drawn faces, one of them in colours
that run across it, tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from biotrail.errors import ModelError
from biotrail.matchers._self_test import drawn_face
from biotrail.matchers.faces.alignment import FivePoints
from biotrail.matchers.faces.presets import KNOWN_MODELS

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector
    from biotrail.matchers.images import Pixels

__all__ = ["KnownAnswers", "answers_of"]

_STORED = Path(__file__).with_name("answers")
_DIGITS = 6

_POINTS = {
    FivePoints.EYE_CORNERS_AND_NOSE_BASE: (
        (0.645, 0.46), (0.545, 0.46), (0.355, 0.46), (0.455, 0.46), (0.5, 0.615),
    ),
    FivePoints.EYES_NOSE_AND_MOUTH: (
        (0.405, 0.46), (0.595, 0.46), (0.5, 0.59), (0.415, 0.69), (0.585, 0.69),
    ),
}  # fmt: skip
"""Where they are in the drawn face, in units of its side."""

Extract = Callable[["Pixels", "Vector"], "Vector"]


@attrs.frozen(eq=False, kw_only=True)
class KnownAnswers:
    """Answers of a model to the drawn faces.

    Attributes:
        vectors: One for each drawn face, rounded to six decimals.
        tolerance: How far an answer may be off: Euclidean, as a share of the known answer's length.
    """

    vectors: tuple[tuple[float, ...], ...] = attrs.field(repr=False)
    tolerance: float = 0.005

    def check(self, found: KnownAnswers) -> None:
        """Refuse a model whose answers are others.

        Raises:
            ModelError: An answer is farther off than the tolerance.
        """
        import numpy

        for number, (known, answer) in enumerate(zip(self.vectors, found.vectors, strict=True), 1):
            expected, given = numpy.array(known), numpy.array(answer)
            if expected.shape != given.shape:
                raise ModelError(
                    f"self-test: {given.size} values, not the {expected.size} that are known"
                )
            off = float(numpy.linalg.norm(expected - given) / numpy.linalg.norm(expected))
            if not off <= self.tolerance:
                raise ModelError(
                    f"self-test: the answer to drawn face {number} is {off:.3f} of its length away "
                    f"from the known one (at most {self.tolerance:g}): a wrong file, or it is fed "
                    "with a wrong scale, colour order or alignment"
                )

    def to_json(self) -> str:
        """For keeping them in a file."""
        rows = [list(vector) for vector in self.vectors]
        return json.dumps({"tolerance": self.tolerance, "vectors": rows}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> KnownAnswers:
        """Read what `to_json` wrote.

        Raises:
            ModelError: It is something else.
        """
        try:
            read = json.loads(text)
            vectors = tuple(tuple(float(value) for value in row) for row in read["vectors"])
            tolerance = float(read["tolerance"])
        except (ValueError, TypeError, KeyError) as error:
            raise ModelError("these are not known answers") from error
        if len(vectors) != 2 or not all(any(vector) for vector in vectors):
            raise ModelError("known answers hold two vectors, neither of them zero")
        return cls(vectors=vectors, tolerance=tolerance)

    @classmethod
    def stored(cls, sha256: str) -> KnownAnswers | None:
        """Those that come with biotrail for a model file, or None.

        They are found by the file and not by a preset's id: else a known file under another id
        would be held to nothing.

        Args:
            sha256: SHA-256 of the file, 64 hexadecimal digits.
        """
        for preset in KNOWN_MODELS:
            path = _STORED / f"{preset.id}.json"
            if sha256 in preset.sha256 and path.exists():
                return cls.from_json(path.read_text())
        return None


def answers_of(extract: Extract, kind: FivePoints) -> KnownAnswers:
    """Ask a model for its answers.

    Args:
        extract: Gives the features of a face in an image, by its five points.
        kind: Which five points it wants.
    """
    import numpy

    plain = drawn_face().pixels
    points = numpy.array(_POINTS[kind]) * plain.shape[0]
    vectors = [extract(pixels, points) for pixels in (plain, _coloured(plain))]
    return KnownAnswers(
        vectors=tuple(tuple(round(float(value), _DIGITS) for value in vector) for vector in vectors)
    )


def _coloured(pixels: Pixels) -> Pixels:
    """The same with red fading to the right and blue to the left: no longer its mirror image."""
    import numpy

    across = numpy.linspace(0.0, 1.0, pixels.shape[1])[None, :, None]
    share = numpy.concatenate([1 - 0.6 * across, numpy.ones_like(across), 0.4 + 0.6 * across], 2)
    coloured: Pixels = (pixels * share).astype(numpy.uint8)
    return coloured
