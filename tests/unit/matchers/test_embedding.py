"""Vectors from the host: checked at the door, compared in one order of additions."""

from __future__ import annotations

import math
from typing import Any

import pytest

from biotrail.errors import MatcherError
from biotrail.matchers import EmbeddingMatcher, FailureToAcquire, MatcherBackend, Reference

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

METRICS: Any = ["cosine", "inner_product", "euclidean"]


def matcher(dimension: int = 3, **arguments: Any) -> EmbeddingMatcher:
    """A matcher for vectors of three numbers."""
    return EmbeddingMatcher(model="m", version="1", dimension=dimension, **arguments)


def test_it_is_a_backend() -> None:
    """The matcher has all that the protocol asks for, and is a context manager."""
    with matcher() as backend:
        assert isinstance(backend, MatcherBackend)
        backend.self_test()


@pytest.mark.parametrize(
    ("metric", "expected"), [("cosine", 0.6), ("inner_product", 3.0), ("euclidean", math.sqrt(20))]
)
def test_known_answers(metric: Any, expected: float) -> None:
    """Each measure gives what it gives on paper."""
    backend = matcher(2, metric=metric)
    value = backend.compare(backend.features([1, 0]), backend.features([3, 4])).value
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_scores_are_those_of_a_plain_loop(metric: Any) -> None:
    """A loop over Python floats, first to last, gives the very same score."""
    from biotrail.matchers.measures import MEASURES

    values = np.random.default_rng(5).normal(size=(2, 512)).astype(np.float32)
    left, right = values.astype(np.float64)
    measure, _ = MEASURES[metric]

    def dot(a: Any, b: Any) -> float:
        total = 0.0
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            total += x * y
        return total

    difference = left - right
    plain = {
        "cosine": dot(left, right) / (math.sqrt(dot(left, left)) * math.sqrt(dot(right, right))),
        "inner_product": dot(left, right),
        "euclidean": math.sqrt(dot(difference, difference)),
    }
    assert measure(left, right) == plain[metric]


def test_cosine_stays_within_its_range() -> None:
    """Rounding never lifts the cosine of a vector with itself over 1."""
    backend = matcher(7)
    for seed in range(50):
        features = backend.features(np.random.default_rng(seed).normal(size=7))
        assert backend.compare(features, features).value == 1.0


@pytest.mark.parametrize(
    ("vector", "rule"),
    [
        ([1.0, math.nan, 0.0], "NaN"),
        ([1.0, math.inf, 0.0], "infinity"),
        ([1.0, 2.0], "shape"),
        ([[1.0, 2.0, 3.0]], "shape"),
        ([0.0, 0.0, 0.0], "zero"),
        ([1e-170, 0.0, 0.0], "zero"),
        (["a", "b", "c"], "real numbers"),
        ([1j, 0, 0], "real numbers"),
        ([True, False, True], "real numbers"),
        ([[1.0], [1.0, 2.0]], "vector"),
        (None, "real numbers"),
        ([1e200, 0.0, 0.0], "1e100"),
    ],
)
def test_bad_vectors_are_refused(vector: object, rule: str) -> None:
    """What is not a vector of finite numbers of the right length is refused by its rule."""
    with pytest.raises(MatcherError, match=rule):
        matcher().capture(vector)


def test_a_zero_vector_is_fine_where_no_direction_is_needed() -> None:
    """Only the cosine needs a direction."""
    backend = matcher(metric="euclidean")
    zero = backend.features([0, 0, 0])
    assert backend.compare(zero, zero).value == 0.0


def test_other_models_are_not_compared() -> None:
    """References of another model, version or metric are refused, with advice."""
    backend, other = matcher(), matcher(metric="euclidean")
    with pytest.raises(MatcherError, match="enrol again"):
        backend.compare(other.features([1, 2, 3]), backend.features([1, 2, 3]))
    with pytest.raises(MatcherError, match="another model"):
        backend.extract(other.capture([1, 2, 3]))


def test_the_callers_array_is_copied() -> None:
    """Changing the array after capture changes no sample, and features cannot be written to."""
    backend, vector = matcher(), np.array([1.0, 2.0, 3.0])
    features = backend.features(vector)
    vector[0] = 9
    assert features.values[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        features.values[0] = 5


def test_values_are_never_shown() -> None:
    """No repr and no message of a refusal has a vector's values in it."""
    backend = matcher()
    sample = backend.capture([0.12345, 2, 3])
    features = backend.extract(sample)
    reference = Reference.from_features(features, id="r1")
    assert not any("0.12345" in repr(thing) for thing in (sample, features, reference))
    with pytest.raises(MatcherError) as caught:
        backend.capture([0.12345, math.nan, 1])
    assert "0.12345" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"metric": "hamming"}, {"dimension": 0}])
def test_wrong_settings_are_refused(arguments: dict[str, Any]) -> None:
    """An unknown metric and a dimension below one are refused."""
    with pytest.raises(MatcherError):
        matcher(**{"dimension": 3, **arguments})


def test_reference_bytes_round_trip() -> None:
    """A reference read from its bytes is the same reference, with and without an id."""
    backend = matcher()
    for identifier in ("rëf", None):
        reference = Reference.from_features(backend.features([1, 2, 3]), id=identifier)
        again = Reference.from_bytes(reference.to_bytes())
        assert again.id == identifier
        assert again.card_digest == reference.card_digest
        assert again.values.tolist() == [1, 2, 3]
        assert backend.compare(again, backend.features([1, 2, 3])).reference == identifier


def test_broken_reference_bytes_are_refused() -> None:
    """Every truncation, a byte too many, and NaN among the values are refused."""
    data = Reference.from_features(matcher().features([1, 2, 3]), id="r").to_bytes()
    broken = [data[:length] for length in range(len(data))]
    broken += [data + b"\0", data[:-8] + np.array([math.nan]).tobytes(), b"x" + data[1:]]
    for bad in broken:
        with pytest.raises(MatcherError, match="not a reference"):
            Reference.from_bytes(bad)


def test_a_reference_of_a_wrong_length_is_refused() -> None:
    """A reference whose number of values was changed is refused before it is compared."""
    backend = matcher()
    probe = backend.features([1, 2, 3])
    short = Reference(card_digest=probe.card_digest, values=probe.values[:2])
    with pytest.raises(MatcherError, match="3 values"):
        backend.compare(short, probe)


@pytest.mark.parametrize("identifier", ["", "x" * 129])
def test_reference_ids_are_short_texts(identifier: str) -> None:
    """The id of a reference has 1 to 128 bytes."""
    with pytest.raises(MatcherError, match="128"):
        Reference.from_features(matcher().features([1, 2, 3]), id=identifier)


def test_a_failure_to_acquire_is_data() -> None:
    """A failure to acquire is a value with a known reason, and nothing else is accepted."""
    assert FailureToAcquire("no_face").reason == "no_face"
    with pytest.raises(ValueError, match="nonsense"):
        FailureToAcquire("nonsense")


@pytest.mark.parametrize("dimension", [0, -1, 3.5, 3.0, "3", None, True])
def test_dimensions_are_whole_numbers_from_one(dimension: Any) -> None:
    """A dimension that counts nothing is refused; a whole number of NumPy's is as good as any."""
    with pytest.raises(MatcherError, match="whole number from 1"):
        matcher(dimension)
    assert matcher(np.int64(3)).card == matcher(3).card
