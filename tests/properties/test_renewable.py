"""Renewable references and references' bytes, on random data."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.errors import MatcherError
from biotrail.matchers import EmbeddingMatcher, Reference
from biotrail.matchers.projection import ProjectionKey, SignProjection, whole_numbers
from biotrail.matchers.renewable import RenewableMatcher
from tests.reference import sign_projection

pytestmark = pytest.mark.component("numpy")

KEYS = st.binary(min_size=32, max_size=32)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
VECTORS = st.lists(FINITE, min_size=1, max_size=12).filter(any)
TIMES = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1))


def projection(key: bytes, dimension: int, bits: int = 512) -> SignProjection:
    """A projection of one key."""
    return SignProjection(ProjectionKey(key), context=bytes(32), dimension=dimension, bits=bits)


def cloud(seed: int, people: int, samples: int) -> Any:
    """Synthetic embeddings: people in a narrow cone, as faces are, and samples around each."""
    import numpy

    source = numpy.random.default_rng(seed)
    common = 3 * source.normal(size=128)
    each = common + 1.5 * source.normal(size=(people, 1, 128))
    return common, each + 0.6 * source.normal(size=(people, samples, 128))


@given(KEYS, VECTORS, st.sampled_from([64, 72, 128]))
def test_bits_are_those_of_the_slow_copy(key: bytes, vector: list[float], bits: int) -> None:
    """Code and specification come to the same numbers and bits, whatever the magnitudes."""
    import numpy

    values = numpy.array(vector)
    assert whole_numbers(values).tolist() == sign_projection.whole_numbers(vector)
    packed = numpy.packbits(
        projection(key, len(vector), bits).project(values) > 0, bitorder="little"
    )
    assert packed.tobytes() == sign_projection.project(key, bytes(32), vector, bits)


@given(KEYS, st.integers(0, 2**32), st.floats(0.05, 3.0))
@settings(max_examples=40, deadline=None)
def test_distance_is_the_angle(key: bytes, seed: int, angle: float) -> None:
    """The share of bits that differ is the angle over pi, within six standard deviations."""
    import numpy

    source = numpy.random.default_rng(seed)
    one, across = source.normal(size=(2, 256))
    one /= numpy.linalg.norm(one)
    across -= (across @ one) * one
    across /= numpy.linalg.norm(across)
    other = math.cos(angle) * one + math.sin(angle) * across
    made = projection(key, 256)
    share = float((made.project(one) != made.project(other)).mean())
    expected = angle / math.pi
    assert abs(share - expected) < 6 * math.sqrt(expected * (1 - expected) / 512) + 0.01


@given(KEYS, KEYS, st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_two_keys_are_unrelated(first: bytes, second: bytes, seed: int) -> None:
    """One embedding under two keys differs in half of the bits, within six deviations."""
    import numpy

    if first == second:
        return
    values = numpy.random.default_rng(seed).normal(size=128)
    share = (
        projection(first, 128).project(values) != projection(second, 128).project(values)
    ).mean()
    assert abs(share - 0.5) < 6 * 0.5 / math.sqrt(512)


@given(KEYS, st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_people_are_told_apart_from_a_centre(key: bytes, seed: int) -> None:
    """Seen from the centre, samples are nearer to their own person than to anybody else."""
    common, samples = cloud(seed, people=8, samples=3)
    plain = EmbeddingMatcher(model="acme", version="1", dimension=128)
    matcher = RenewableMatcher(plain, ProjectionKey(key), centre=common.tolist())
    made = [[matcher.project(plain.features(one)) for one in person] for person in samples]
    mated = [matcher.compare(one[0], one[n]).value for one in made for n in (1, 2)]
    non_mated = [
        matcher.compare(one[0], other[1]).value
        for one in made
        for other in made
        if one is not other
    ]
    assert max(mated) + 0.05 < min(non_mated)


@given(
    st.lists(st.lists(FINITE, min_size=3, max_size=3), min_size=1, max_size=5),
    st.none() | st.text(min_size=1, max_size=32),
    st.none() | TIMES,
    st.none() | TIMES,
)
def test_bytes_bring_references_back(
    rows: Any, id: str | None, created: datetime | None, expires: datetime | None
) -> None:
    """Whatever a reference holds, its bytes bring it back, and are the only form of it."""
    import numpy

    if created is not None and expires is not None and expires <= created:
        created, expires = None, created
    values = numpy.array(rows[0] if len(rows) == 1 else rows)
    try:
        reference = Reference(
            card_digest=bytes(32), values=values, id=id, created=created, expires=expires
        )
    except MatcherError:
        assert id is not None
        return
    again = Reference.from_bytes(reference.to_bytes())
    assert again.to_bytes() == reference.to_bytes()
    assert (again.values == values).all()
    assert (again.id, again.created, again.expires) == (id, created, expires)


@given(st.binary(max_size=200), st.booleans())
def test_other_bytes_are_refused_by_name(data: bytes, second: bool) -> None:
    """Random bytes are refused as what they are, or are a reference in its one form."""
    head = b"biotrail/reference/2\n" if second else b"biotrail/reference/1\n"
    for given_bytes in (data, head + data):
        try:
            reference = Reference.from_bytes(given_bytes)
        except MatcherError:
            continue
        assert Reference.from_bytes(reference.to_bytes()).to_bytes() == reference.to_bytes()
