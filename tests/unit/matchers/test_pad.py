"""Presentation attack detection: the protocol, and the form of its result."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers.pad import PadBackend, PadResult


class Detector:
    """Takes a single frame for a replayed one, and cannot tell of none."""

    def assess(self, frames: Sequence[object], /) -> PadResult:
        """Attack for one frame."""
        words = ["undetermined", "attack", "bona_fide"]
        word: Any = words[min(len(frames), 2)]
        return PadResult(decision=word, detector="example 1", score=len(frames) / 10)


def test_a_detector_needs_one_method() -> None:
    """Anything with `assess` is a detector; a matcher is not."""
    assert isinstance(Detector(), PadBackend)
    assert not isinstance(object(), PadBackend)


@pytest.mark.parametrize("count", range(3))
def test_a_result_is_a_word_of_three(count: int) -> None:
    """A result says bona fide, attack or undetermined, and does not show its score."""
    found = Detector().assess([None] * count)
    assert found.decision in ("undetermined", "attack", "bona_fide")
    assert f"{count / 10}" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"decision": "live"}, "bona_fide, attack, undetermined"),
        ({"score": float("nan")}, "finite"),
        ({"score": float("inf")}, "finite"),
        ({"score": True}, "finite"),
        ({"score": "0.5"}, "finite"),
        ({"score": 1e13}, "within"),
        ({"detector": " "}, "name"),
    ],
    ids=lambda one: str(one),
)
def test_other_results_are_refused(changes: Any, told: str) -> None:
    """Another word, a score that is no number, and no name are refused."""
    with pytest.raises(MatcherError, match=told):
        PadResult(**{"decision": "attack", "detector": "example 1", **changes})


@pytest.mark.component("numpy")
def test_any_real_number_is_a_score() -> None:
    """Detectors answer with NumPy's numbers as a rule; a result holds a float."""
    import numpy

    for given in (numpy.float32(0.25), numpy.float16(0.25), Fraction(1, 4), 0.25):
        found = PadResult(decision="attack", detector="example 1", score=given)
        assert (found.score, type(found.score)) == (0.25, float)
    with pytest.raises(MatcherError, match="finite"):
        PadResult(decision="attack", detector="example 1", score=numpy.float32("nan"))
