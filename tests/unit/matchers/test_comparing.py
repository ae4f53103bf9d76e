"""One comparison: the defined bits, cheap or not, and refusals of what cannot be compared."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MatcherError
from biotrail.matchers import (
    ComparisonScore,
    EmbeddingMatcher,
    Features,
    Reference,
    compare_reference,
)
from biotrail.matchers.comparing import comparison_by
from biotrail.matchers.decision import score_of, scorer
from biotrail.matchers.measures import MEASURES

pytestmark = pytest.mark.component("numpy")

Metric = Literal["cosine", "inner_product", "euclidean"]


def matcher(metric: Metric, dimension: int = 512) -> EmbeddingMatcher:
    """A matcher over vectors."""
    return EmbeddingMatcher(model="m", version="1", dimension=dimension, metric=metric)


def drawn(seed: int, dimension: int = 512) -> list[float]:
    """Values that Python's own generator gives alike everywhere."""
    source = random.Random(seed)
    return [source.uniform(-1, 1) for _ in range(dimension)]


@pytest.mark.parametrize("metric", ["cosine", "inner_product", "euclidean"])
def test_the_bits_are_those_of_a_plain_loop(metric: Metric) -> None:
    """Products are added from the first to the last, one by one, in binary64."""
    left, right = drawn(1), drawn(2)

    def running(values: list[float]) -> float:
        total = values[0]
        for value in values[1:]:
            total += value
        return total

    inner = running([a * b for a, b in zip(left, right, strict=True)])
    squares = [running([a * a for a in side]) for side in (left, right)]
    expected = {
        "inner_product": inner,
        "cosine": inner / (math.sqrt(squares[0]) * math.sqrt(squares[1])),
        "euclidean": math.sqrt(running([(a - b) ** 2 for a, b in zip(left, right, strict=True)])),
    }[metric]
    subject = matcher(metric)
    one, other = subject.features(left), subject.features(right)
    assert MEASURES[metric][0](one.values, other.values) == expected
    assert subject.compare(one, other).value == round(expected * 1_000_000) / 1_000_000


@pytest.mark.parametrize(
    ("metric", "golden"),
    [
        ("cosine", "-0x1.221d034f8190ap-7"),
        ("inner_product", "-0x1.84c4642f03722p+0"),
        ("euclidean", "0x1.29ae6e898d07fp+4"),
    ],
)
def test_the_bits_stay(metric: Metric, golden: str) -> None:
    """Golden values: the same vectors give the same bits on every machine, in every version."""
    subject = matcher(metric)
    one, other = subject.features(drawn(1)), subject.features(drawn(2))
    assert MEASURES[metric][0](one.values, other.values).hex() == golden


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.integers(0, 2**32))
def test_the_quick_way_is_the_defined_way(values: list[float], seed: int) -> None:
    """Whatever the vectors, the comparison has the bits of the measures."""
    for metric in MEASURES:
        subject = matcher(metric, 3)  # type: ignore[arg-type]
        try:
            left = subject.features(values)
        except MatcherError:
            continue
        right = subject.features(drawn(seed, 3))
        expected = MEASURES[metric][0](left.values, right.values)
        found = subject.compare(left, right)
        assert found == score_of(subject.card, expected)


def test_quick_scores_are_scores() -> None:
    """A score that is put together directly equals one of the class, cannot be changed, evolves."""
    card = matcher("cosine").card
    quick = scorer(card)(0.1234567, "ref")
    usual = ComparisonScore(
        value=0.1234567,
        metric="cosine",
        higher_is_better=True,
        matcher="m",
        version="1",
        digest=card.digest,
        reference="ref",
    )
    assert quick == usual
    assert hash(quick) == hash(usual)
    assert repr(quick) == repr(usual)
    assert attrs.evolve(quick, value=1.0).value == 1.0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        quick.value = 1.0  # type: ignore[misc]
    for wrong in (math.nan, math.inf, 1e13, True, "1"):
        with pytest.raises(MatcherError):
            scorer(card)(wrong, None)  # type: ignore[arg-type]
    assert scorer(card)(1, None).value == 1.0


def test_a_score_does_not_share_fields() -> None:
    """Two scores of one card are two values."""
    make = scorer(matcher("cosine").card)
    one, other = make(0.25, "a"), make(0.5, None)
    assert (one.value, one.reference) == (0.25, "a")
    assert (other.value, other.reference) == (0.5, None)


def test_what_cannot_be_compared_is_refused() -> None:
    """Other cards, other lengths, several samples in one, and vectors without direction."""
    import numpy

    subject, stranger = matcher("cosine", 4), matcher("inner_product", 4)
    good = subject.features([1, 2, 3, 4])
    rows = Reference(card_digest=subject.card.digest, values=numpy.ones((1, 4)))
    zero = Features(card_digest=subject.card.digest, values=numpy.zeros(4))
    short = Features(card_digest=subject.card.digest, values=numpy.ones(3))
    for bad in (stranger.features([1, 2, 3, 4]), rows, zero, short):
        for pair in ((good, bad), (bad, good)):
            with pytest.raises(MatcherError):
                subject.compare(*pair)
    with pytest.raises(MatcherError, match="metric"):
        comparison_by(attrs.evolve(subject.card, metric="hamming"))


def test_no_number_becomes_no_match() -> None:
    """Features that are no numbers are refused by every measure, never clamped into a match."""
    import numpy

    for metric in MEASURES:
        subject = matcher(metric, 2)  # type: ignore[arg-type]
        good = subject.features([1, 2])
        for value in (math.nan, math.inf):
            odd = Features(card_digest=subject.card.digest, values=numpy.array([value, 1.0]))
            for pair in ((good, odd), (odd, good), (odd, odd)):
                with numpy.errstate(invalid="ignore"), pytest.raises(MatcherError):
                    subject.compare(*pair)


ODD = [[1.0, 2.0], None, "12", b"12"]


@pytest.mark.parametrize("values", ODD, ids=repr)
@pytest.mark.parametrize("metric", MEASURES)
def test_values_that_are_no_array_are_refused(metric: Metric, values: Any) -> None:
    """A list, nothing, text and bytes are told by name wherever features enter."""
    subject = matcher(metric, 2)
    good = subject.features([1, 2])
    odd = Features(card_digest=subject.card.digest, values=values)
    held = Reference(card_digest=subject.card.digest, values=values)
    asked: list[Callable[[], object]] = [
        lambda: subject.compare(odd, good),
        lambda: subject.compare(good, odd),
        lambda: Reference.from_features(odd),
        lambda: Reference.from_samples([good, odd]),
        lambda: compare_reference(subject, held, good),
        lambda: held.to_bytes(),
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match=f"real numbers, not {type(values).__name__}"):
            ask()


@pytest.mark.parametrize("kind", ["U1", "bool", "complex128", "object"])
def test_arrays_of_other_things_are_refused(kind: str) -> None:
    """Text, flags, complex numbers and objects are no real numbers."""
    import numpy

    subject = matcher("inner_product", 2)
    good = subject.features([1, 2])
    odd = Features(card_digest=subject.card.digest, values=numpy.array([1, 0]).astype(kind))
    for ask in (lambda: subject.compare(good, odd), lambda: Reference.from_features(odd)):
        with pytest.raises(MatcherError, match="real numbers, not one of"):
            ask()


def test_what_is_no_features_is_refused() -> None:
    """A bare vector is told by its type, as a reference, as a probe and as a sample."""
    subject = matcher("cosine", 2)
    good, bare = subject.features([1, 2]), [1.0, 2.0]
    asked: list[Callable[[Any], object]] = [
        lambda one: subject.compare(one, good),
        lambda one: subject.compare(good, one),
        lambda one: Reference.from_samples([one]),
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match="features are compared, not list"):
            ask(bare)


@pytest.mark.parametrize("metric", MEASURES)
@pytest.mark.parametrize("kind", ["float32", "int8", ">f8"])
def test_other_real_numbers_are_compared_in_binary64(metric: Metric, kind: str) -> None:
    """Whatever type real numbers have, the score is that of their float64 values."""
    import numpy

    subject = matcher(metric, 64)
    source = random.Random(5)
    left, right = ([source.randint(-100, 100) for _ in range(64)] for _ in range(2))
    made = [
        Features(card_digest=subject.card.digest, values=numpy.array(one).astype(kind) / divisor)
        if kind == "float32"
        else Features(card_digest=subject.card.digest, values=numpy.array(one).astype(kind))
        for one, divisor in ((left, numpy.float32(7)), (right, numpy.float32(3)))
    ]
    expected = subject.compare(*(subject.features(one.values) for one in made))
    assert subject.compare(*made) == expected
    reference = Reference.from_features(made[0])
    assert reference.values.dtype == numpy.float64
    assert subject.compare(reference, made[1]) == expected
