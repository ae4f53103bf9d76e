"""Renewable references: the matcher around an embedding, its keys, and what they keep apart."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from biotrail.errors import MatcherError, ModelError
from biotrail.matchers import EmbeddingMatcher, Features, Reference, Sample
from biotrail.matchers import renewable as module
from biotrail.matchers.projection import ProjectionKey, SignProjection
from biotrail.matchers.renewable import RenewableMatcher, centre_of
from tests.vectors.make_reference_vectors import embedding

pytestmark = pytest.mark.component("numpy")

KEY, OTHER_KEY = ProjectionKey(bytes(range(32))), ProjectionKey(b"\xff" * 32)
VECTOR = embedding(32, 1)
NEAR = [VECTOR[0] + 0.2, *VECTOR[1:]]


def inner(**changes: Any) -> EmbeddingMatcher:
    """A matcher of vectors of 32 values."""
    return EmbeddingMatcher(**{"model": "acme", "version": "2.1", "dimension": 32, **changes})


def renewable(key: ProjectionKey = KEY, **changes: Any) -> RenewableMatcher:
    """A renewable matcher around it."""
    return RenewableMatcher(inner(**changes), key)


def features(matcher: RenewableMatcher, vector: Any) -> Any:
    """Capture and extract."""
    sample = matcher.capture(vector)
    return matcher.extract(sample)  # type: ignore[arg-type]


def test_the_card_names_the_key_and_the_wrapped_card() -> None:
    """Id, version with the key's id, metric, dimension, and the wrapped card's digest."""
    card = renewable().card
    assert (card.id, card.version) == ("acme/sign-projection", f"2.1+key.{KEY.id}")
    assert (card.metric, card.higher_is_better, card.dimension) == ("hamming", False, 512)
    assert card.files[-1].sha256 == inner().card.digest.hex()
    assert bytes(range(32)).hex() not in card.to_json().decode()


def test_another_key_or_model_is_another_card() -> None:
    """Cards differ by key, by wrapped model and by the number of bits."""
    cards = [renewable(), renewable(OTHER_KEY), renewable(version="2.2")]
    cards.append(RenewableMatcher(inner(), KEY, bits=256))
    assert len({one.card.digest for one in cards}) == 4


def test_score_is_the_share_of_bits_that_differ() -> None:
    """The same vector scores 0, its opposite 1, and others between, alike in both directions."""
    matcher = renewable()
    one, opposite = features(matcher, VECTOR), features(matcher, [-value for value in VECTOR])
    near = features(matcher, NEAR)
    assert matcher.compare(one, one).value == 0
    assert matcher.compare(one, opposite).value == 1
    assert 0 < matcher.compare(one, near).value == matcher.compare(near, one).value < 0.1


def test_the_cosine_for_galleries_says_the_same() -> None:
    """The other score is one less twice the distance, and is of a card of its own."""
    distance, similarity = renewable(), RenewableMatcher(inner(), KEY, metric="cosine")
    scores = [
        matcher.compare(features(matcher, VECTOR), features(matcher, NEAR)).value
        for matcher in (distance, similarity)
    ]
    assert scores[1] == pytest.approx(1 - 2 * scores[0], abs=2e-6)
    assert similarity.card.higher_is_better
    assert similarity.card.digest != distance.card.digest
    with pytest.raises(MatcherError, match="hamming, cosine"):
        RenewableMatcher(inner(), KEY, metric="euclidean")  # type: ignore[arg-type]


def test_quality_is_that_of_the_wrapped_matcher() -> None:
    """What the wrapped matcher says of a sample is passed on; other samples are refused."""
    matcher, plain = renewable(), inner()
    sample = matcher.capture(VECTOR)
    assert isinstance(sample, Sample)
    assert matcher.quality(sample) == plain.quality(plain.capture(VECTOR))
    with pytest.raises(MatcherError, match="another model"):
        matcher.quality(plain.capture(VECTOR))


def test_length_does_not_count() -> None:
    """An embedding ten times, or a power of two, as long gives the same bits."""
    matcher = renewable()
    for factor in (2.0**-9, 10, 2.0**40):
        longer = features(matcher, [factor * value for value in VECTOR])
        assert matcher.compare(features(matcher, VECTOR), longer).value == 0


def test_bits_of_two_keys_are_unrelated() -> None:
    """One vector under two keys differs in half of the bits, give or take six deviations."""
    one, other = features(renewable(), VECTOR), features(renewable(OTHER_KEY), VECTOR)
    assert abs((one.values != other.values).mean() - 0.5) < 6 * 0.5 / 512**0.5


def test_references_of_another_key_are_refused() -> None:
    """Under a new key, old references are refused by name: the old key is revoked."""
    old = Reference.from_features(features(renewable(), VECTOR), id="ref-1")
    matcher = renewable(OTHER_KEY)
    with pytest.raises(MatcherError, match="another model") as caught:
        matcher.compare(old, features(matcher, VECTOR))
    assert OTHER_KEY.id in str(caught.value)


def test_samples_and_features_of_the_wrapped_matcher_are_refused() -> None:
    """Embeddings are not compared with bits, nor taken for a sample of this matcher."""
    plain, matcher = inner(), renewable()
    with pytest.raises(MatcherError, match="another model"):
        matcher.compare(plain.features(VECTOR), features(matcher, VECTOR))
    with pytest.raises(MatcherError, match="another model"):
        matcher.extract(plain.capture(VECTOR))
    with pytest.raises(MatcherError, match="another model"):
        matcher.project(features(matcher, VECTOR))


def test_a_kept_embedding_is_renewed_under_another_key() -> None:
    """From kept embeddings a reference under a new key is made, of all samples, with a new id."""
    plain, begin = inner(), datetime(2026, 11, 23, tzinfo=UTC)
    kept = Reference.from_samples([plain.features(VECTOR), plain.features(NEAR)], id="a")
    matcher = RenewableMatcher(plain, OTHER_KEY)
    renewed = matcher.renew(kept, id="b", created=begin)
    assert (renewed.id, renewed.created, renewed.values.shape) == ("b", begin, (2, 512))
    assert matcher.compare(renewed.samples[0], features(matcher, VECTOR)).value == 0
    assert len(renewed.to_bytes()) < 250
    with pytest.raises(MatcherError, match="new id"):
        matcher.renew(kept, id="a")


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_what_has_no_direction_is_refused(value: float) -> None:
    """A zero embedding, and values that are not finite, are refused by the projection."""
    import numpy

    projection = SignProjection(KEY, context=bytes(32), dimension=4)
    with pytest.raises(MatcherError, match="finite, and not zero"):
        projection.project(numpy.full(4, value))
    with pytest.raises(MatcherError, match="shape"):
        projection.project(numpy.ones(5))


@pytest.mark.parametrize("bits", [0, 56, 63, 65, 4104, -8])
def test_numbers_of_bits(bits: int) -> None:
    """Bits come in whole bytes, from 64 to 4,096."""
    with pytest.raises(MatcherError, match="multiple of 8"):
        RenewableMatcher(inner(), KEY, bits=bits)


def test_a_centre_tells_people_apart() -> None:
    """Vectors that share a large part hardly differ in bits, and differ in half seen from it."""
    shared = [10 * value for value in embedding(32, 9)]
    people = [[a + b for a, b in zip(shared, embedding(32, n), strict=True)] for n in (1, 2)]
    plain = inner()
    centre = centre_of(plain.features(one) for one in (shared, shared))
    assert list(centre) == shared
    near, apart = RenewableMatcher(plain, KEY), RenewableMatcher(plain, KEY, centre=centre)
    scores = [
        matcher.compare(*(features(matcher, one) for one in people)).value
        for matcher in (near, apart)
    ]
    assert scores[0] < 0.1
    assert abs(scores[1] - 0.5) < 0.2
    assert near.card.digest != apart.card.digest
    with pytest.raises(MatcherError, match="seen from the centre"):
        features(apart, shared)


@pytest.mark.parametrize("centre", [[0.0], [0.0] * 33, [float("nan")] * 32])
def test_other_centres_are_refused(centre: list[float]) -> None:
    """A centre has as many values as an embedding, all finite; it is of one model."""
    with pytest.raises(MatcherError, match="32 finite values"):
        RenewableMatcher(inner(), KEY, centre=centre)
    other = inner(version="2.2").features(VECTOR)
    for of in ([], [inner().features(VECTOR), other]):
        with pytest.raises(MatcherError, match="one model"):
            centre_of(of)


def test_other_arguments_out_of_range() -> None:
    """A huge dimension, a context that is no digest, and a long version are refused."""
    changed: list[dict[str, Any]] = [{"dimension": 8_193}, {"dimension": 0}, {"context": b"short"}]
    for changes in changed:
        with pytest.raises(MatcherError, match=r"dimension|digest"):
            SignProjection(KEY, **{"context": bytes(32), "dimension": 4, **changes})
    with pytest.raises(MatcherError, match="too long"):
        renewable(version="1" * 44)
    assert len(renewable(version="1" * 43).card.version) == 64


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33), "0" * 32, None])
def test_keys_are_32_bytes(secret: Any) -> None:
    """Anything else is no key, and is not repeated."""
    with pytest.raises(MatcherError, match="32 bytes"):
        ProjectionKey(secret)


def test_keys_do_not_show_themselves() -> None:
    """A key shows its id only, and two new ones differ."""
    assert repr(KEY) == f"ProjectionKey(id='{KEY.id}')"
    assert ProjectionKey(KEY.to_bytes()).id == KEY.id
    assert ProjectionKey.generate().id != ProjectionKey.generate().id


def test_keys_are_not_pickled_by_accident() -> None:
    """A key is not written into a pickle with whatever holds it."""
    with pytest.raises(TypeError, match="key store"):
        pickle.dumps(KEY)


def test_features_that_are_no_embeddings_are_refused() -> None:
    """Where the wrapped matcher's features have a measure of their own, nothing is projected."""
    matcher = renewable()
    with pytest.raises(MatcherError, match="hamming"):
        RenewableMatcher(matcher, OTHER_KEY)
    with pytest.raises(MatcherError, match="cosine"):
        RenewableMatcher(RenewableMatcher(inner(), KEY, metric="cosine"), OTHER_KEY)


def test_self_test_finds_another_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the projection comes to other bits is refused."""
    matcher = renewable()
    matcher.self_test()
    monkeypatch.setattr(module, "_KNOWN", "ddf82d75ca9bb1b7")
    for refused in (matcher.self_test, renewable):
        with pytest.raises(ModelError, match="known answer"):
            refused()


def test_the_wrapped_matcher_stays_open() -> None:
    """Closing ends this matcher's captures, and leaves the shared one as it is."""
    plain = inner()
    with RenewableMatcher(plain, KEY) as matcher:
        assert features(matcher, VECTOR).values.shape == (512,)
    with pytest.raises(MatcherError, match="closed"):
        matcher.capture(VECTOR)
    assert plain.features(VECTOR).values.shape == (32,)


def test_features_without_an_array_are_refused() -> None:
    """A list in the place of an array is told by name, where bits and where a centre are made."""
    values: Any = [0.5] * 32
    odd = Features(card_digest=inner().card.digest, values=values)
    asked: list[Callable[[], object]] = [
        lambda: RenewableMatcher(inner(), KEY).project(odd),
        lambda: centre_of([odd]),
    ]
    for ask in asked:
        with pytest.raises(MatcherError, match="real numbers, not list"):
            ask()
