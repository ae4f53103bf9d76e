"""A gallery takes references, finds whom a probe may be of, and refuses what it cannot compare."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from biotrail.errors import DuplicateReferenceError, MatcherError, UnknownReferenceError
from biotrail.events import ComparisonDecision, ComparisonType
from biotrail.matchers import EmbeddingMatcher, Features, Reference

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.search.block import ROWS  # noqa: E402
from biotrail.matchers.search.kernels import FloatKernel  # noqa: E402
from tests.reference import brute_force  # noqa: E402

METRICS: Any = ["cosine", "inner_product", "euclidean"]


def matcher(dimension: int = 4, **arguments: Any) -> EmbeddingMatcher:
    """A matcher for short vectors."""
    return EmbeddingMatcher(model="m", version="1", dimension=dimension, **arguments)


def vectors(count: int, dimension: int = 4, seed: int = 1) -> Any:
    """Random vectors."""
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def filled(count: int, dimension: int = 4, **arguments: Any) -> tuple[Gallery, list[str], Any]:
    """A gallery with so many references, their ids, and their features."""
    backend = matcher(dimension)
    features = [backend.features(row) for row in vectors(count, dimension)]
    gallery = Gallery(backend.card, **arguments)
    return gallery, [gallery.add(one) for one in features], features


def test_an_enrolled_person_is_found() -> None:
    """The reference that a probe was enrolled as is the best candidate, with the highest cosine."""
    gallery, ids, features = filled(20)
    answer = gallery.identify(features[7], top=3)
    assert answer.best is not None
    assert (answer.best.reference, answer.best.score.value) == (ids[7], 1.0)
    assert len(answer.candidates) == 3
    assert (answer.gallery, answer.version, answer.size) == ("gallery", 20, 20)


def test_scores_are_those_of_the_matcher() -> None:
    """Comparing the stored reference with the probe by the matcher gives the candidate's score."""
    gallery, _, features = filled(20)
    for candidate in gallery.identify(features[3], threshold=-1.0).candidates:
        again = matcher().compare(gallery.reference(candidate.reference), features[3])
        assert again == candidate.score


def test_ids_are_random_unless_given() -> None:
    """An id is made where none is given; features' own and given ones are kept."""
    backend = matcher()
    gallery = Gallery(backend.card)
    features = backend.features(vectors(1)[0])
    assert gallery.add(features).startswith("ref-")
    assert gallery.add(Reference.from_features(features, id="mine")) == "mine"
    assert gallery.add(features, reference="given") == "given"
    assert len(gallery) == 3
    assert {one.reference for one in gallery.identify(features, top=3).candidates} >= {
        "mine",
        "given",
    }


@pytest.mark.parametrize("metric", METRICS)
def test_the_best_of_several_samples_counts(metric: Any) -> None:
    """A reference with several samples is one candidate, with the best of its scores."""
    backend = matcher(metric=metric)
    made = [backend.features(row) for row in vectors(6)]
    gallery = Gallery(backend.card)
    gallery.add(Reference.from_samples(made[:3], id="three"))
    gallery.add(made[3], reference="three")
    gallery.add(made[4], reference="one")
    assert (len(gallery), gallery.samples) == (2, 5)
    assert gallery.reference("three").values.shape == (4, 4)
    answer = gallery.identify(made[5], top=5)
    ids = ["three", "one"]
    assert brute_force.found(answer) == brute_force.identify(gallery, ids, made[5])


def test_ten_thousand_samples_of_one_person() -> None:
    """They are one candidate, leave room for the others among the best, and can be removed."""
    backend = matcher(8)
    gallery = Gallery(backend.card)
    face = vectors(1, 8)[0]
    many = face + 1e-3 * vectors(10_000, 8, seed=2)
    digest = backend.card.digest
    gallery.add(Reference(card_digest=digest, values=many.astype(float), id="one person"))
    others = gallery.add_many(backend.features(row) for row in vectors(30, 8, seed=3))
    probe = backend.features(face)
    ids = ["one person", *others]
    for top in (1, 5, 31):
        answer = gallery.identify(probe, top=top)
        assert brute_force.found(answer) == brute_force.identify(gallery, ids, probe, top=top)
    assert gallery.remove("one person") == 10_000
    assert (len(gallery), gallery.samples) == (30, 30)
    assert brute_force.found(gallery.identify(probe, top=9)) == brute_force.identify(
        gallery, others, probe, top=9
    )


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    """Of references with the same score the lower id comes first, and is kept when cut off."""
    backend = matcher()
    gallery = Gallery(backend.card)
    features = backend.features(vectors(1)[0])
    for name in ("d", "b", "e", "a", "c"):
        gallery.add(features, reference=name)
    found = gallery.identify(features, top=3).candidates
    assert [one.reference for one in found] == ["a", "b", "c"]


def test_the_threshold_is_that_of_a_decision() -> None:
    """A reference is a candidate exactly if `decide` calls its score a match."""
    gallery, ids, features = filled(50)
    scores = [one.score for one in gallery.identify(features[0], threshold=-1.0).candidates]
    assert len(scores) == len(ids)
    for score in scores:
        for threshold in (score.value, score.value + 1e-6, score.value - 1e-6):
            found = gallery.identify(features[0], threshold=threshold).candidates
            matches = [s for s in scores if s.decide(threshold).decision == "match"]
            assert [one.score for one in found] == matches


def test_removed_references_are_gone() -> None:
    """A removed reference is found no more, is unknown, and its values are overwritten."""
    gallery, ids, features = filled(5)
    assert gallery.remove(ids[2]) == 1
    assert ids[2] not in gallery
    assert len(gallery) == 4
    for question in ({"top": 9}, {"threshold": -1.0}, {"threshold": -1.0, "top": 9}):
        for answer in [
            gallery.identify(features[2], **question),
            *gallery.identify_many(features[:2], **question),
        ]:
            assert {one.reference for one in answer.candidates} == {*ids} - {ids[2]}
    block = gallery._table._blocks[0]
    assert not block.vectors[2].any()
    assert not block.names[2].any()
    for act in (gallery.remove, gallery.reference):
        with pytest.raises(UnknownReferenceError):
            act(ids[2])


def test_places_are_used_again() -> None:
    """The place of a removed reference is taken by the next one."""
    gallery, ids, features = filled(5)
    gallery.remove(ids[2])
    again = gallery.add(features[2])
    assert gallery._table._blocks[0].count == 5
    best = gallery.identify(features[2], top=1).best
    assert best is not None
    assert best.reference == again


def test_the_version_rises_with_each_change() -> None:
    """Adding, adding a sample, and removing each raise the version by one."""
    gallery, ids, features = filled(3)
    assert gallery.version == 3
    gallery.add(features[0], reference=ids[1])
    assert gallery.version == 4
    gallery.remove(ids[0])
    assert gallery.version == 5
    gallery.add_many(features)
    assert gallery.version == 8


def test_many_blocks() -> None:
    """References spread over several blocks are searched, removed and added like others."""
    backend = matcher(6)
    features = [backend.features(row) for row in vectors(2 * ROWS + 100, 6)]
    gallery = Gallery(backend.card)
    ids = gallery.add_many(features)
    assert len(gallery._table._blocks) == 3
    for place in (0, ROWS - 1, ROWS, 2 * ROWS + 99):
        best = gallery.identify(features[place], top=1).best
        assert best is not None
        assert best.reference == ids[place]
    answers = gallery.identify_many(features[::ROWS], top=2)
    assert [one.candidates[0].reference for one in answers] == ids[::ROWS]
    gallery.remove(ids[ROWS])
    assert ids[ROWS] not in gallery


def test_without_numkong_the_answers_are_the_same() -> None:
    """NumPy alone and what is chosen by default come to the same answers."""
    chosen, ids, features = filled(3_000, 32)
    plain = Gallery(chosen.card, kernels=[FloatKernel()])
    for identifier, one in zip(ids, features, strict=True):
        plain.add(one, reference=identifier)
    chosen.plain_up_to = 0
    assert plain.kernel == "numpy-float32"
    some = features[:40]
    assert plain.identify_many(some, threshold=0.5) == chosen.identify_many(some, threshold=0.5)
    assert plain.identify_many(some, top=7) == chosen.identify_many(some, top=7)


@pytest.mark.component("numkong")
def test_the_size_decides_which_kernel_serves() -> None:
    """Small galleries are searched by NumPy, larger ones by the eight-bit kernel."""
    gallery, _, _ = filled(3)
    assert gallery.kernel == "numpy-float32"
    gallery.plain_up_to = 2
    assert gallery.kernel == "numkong-int8"


def test_duplicates_are_found_at_enrolment() -> None:
    """Who reaches the threshold already is refused with the candidates; further samples are not."""
    gallery, ids, features = filled(20, 32)
    with pytest.raises(DuplicateReferenceError) as caught:
        gallery.add(features[4], refuse_duplicates=0.9)
    assert [one.reference for one in caught.value.candidates] == [ids[4]]
    assert len(gallery) == 20
    assert gallery.add(features[4], reference=ids[4], refuse_duplicates=0.9) == ids[4]
    stranger = matcher(32).features(vectors(1, 32, seed=9)[0])
    assert gallery.add(stranger, refuse_duplicates=0.9) in gallery
    both = Reference.from_samples([features[1], features[2]])
    assert {one.reference for one in gallery.duplicates(both, threshold=0.99)} == {ids[1], ids[2]}


def test_the_answer_becomes_an_event_s_comparison() -> None:
    """The best candidate held against a threshold names gallery, version, size and reference."""
    gallery, ids, features = filled(4, name="doors")
    comparison = gallery.identify(features[1], top=1).decide(0.9, calibration="c-1")
    assert comparison.decision is ComparisonDecision.MATCH
    assert comparison.type is ComparisonType.IDENTIFICATION
    assert (comparison.gallery, comparison.gallery_size) == ("doors@4", 4)
    assert (comparison.reference, comparison.calibration) == (ids[1], "c-1")


def test_nobody_found_is_a_non_match() -> None:
    """Without a candidate the decision is a non-match without a score, and says which gallery."""
    gallery, _, features = filled(4)
    for one in range(4):
        gallery.remove(gallery.identify(features[one], top=1).candidates[0].reference)
    answer = gallery.identify(features[1], threshold=0.5)
    assert answer.best is None
    comparison = answer.decide(0.5)
    assert comparison.decision is ComparisonDecision.NON_MATCH
    assert (comparison.score, comparison.reference, comparison.gallery_size) == (None, None, 0)
    assert answer.decide(None).decision is ComparisonDecision.UNDETERMINED


def test_a_stricter_search_cannot_answer_for_a_looser_threshold() -> None:
    """Who searched above 0.99 and found nobody may not say that nobody reaches 0.5."""
    gallery, _, _ = filled(4, 32)
    stranger = matcher(32).features(vectors(1, 32, seed=9)[0])
    answer = gallery.identify(stranger, threshold=0.99)
    with pytest.raises(MatcherError, match="search again"):
        answer.decide(0.5)
    assert answer.decide(0.995).decision is ComparisonDecision.NON_MATCH


# --- what is refused -------------------------------------------------------------------------


def features_with(values: Any, digest: bytes | None = None) -> Features:
    """Features that no matcher has checked."""
    return Features(card_digest=digest or matcher().card.digest, values=np.array(values, float))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.nan, 0, 0, 1], "finite"),
        ([np.inf, 0, 0, 1], "finite"),
        ([1e19, 0, 0, 1], "1e18"),
        ([1, 2, 3], "must hold 4 values"),
        ([[[1, 2, 3, 4]]], "must hold 4 values"),
        ([0, 0, 0, 0], "direction"),
        ([1e-60, 0, 0, 0], "direction"),
    ],
)
def test_what_cannot_be_compared_is_not_enrolled(values: Any, said: str) -> None:
    """NaN, infinity, huge values, wrong dimensions and zero vectors are refused, none added."""
    gallery, _, _ = filled(2)
    with pytest.raises(MatcherError, match=said):
        gallery.add(features_with(values))
    with pytest.raises(MatcherError, match=said):
        gallery.add_many([features_with(values)])
    assert (len(gallery), gallery.version) == (2, 2)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.nan, 0, 0, 1], "finite"),
        ([np.inf, 0, 0, 1], "finite"),
        ([1e120, 0, 0, 1], "1e100"),
        ([1, 2, 3], "must hold 4 values"),
        ([[1, 2, 3, 4]], "must hold 4 values"),
        ([0, 0, 0, 0], "direction"),
    ],
)
def test_what_cannot_be_compared_is_no_probe(values: Any, said: str) -> None:
    """Probes of the wrong kind are refused, also where the gallery is empty."""
    for gallery in (filled(2)[0], Gallery(matcher().card)):
        with pytest.raises(MatcherError, match=said):
            gallery.identify(features_with(values), top=1)


def test_another_model_is_refused() -> None:
    """Features of another card are neither enrolled nor searched for."""
    gallery, _, _ = filled(2)
    foreign = features_with([1, 2, 3, 4], digest=bytes(32))
    for act in (gallery.add, lambda one: gallery.identify(one, top=1)):
        with pytest.raises(MatcherError, match="another model"):
            act(foreign)


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_gallery_answers_nobody(metric: Any) -> None:
    """An empty gallery has no candidates, alone or in a batch, and says that it is empty."""
    backend = matcher(metric=metric)
    gallery = Gallery(backend.card)
    probe = backend.features([1, 2, 3, 4])
    for answer in [gallery.identify(probe, top=3), *gallery.identify_many([probe] * 3, top=3)]:
        assert (answer.candidates, answer.size) == ((), 0)
    assert gallery.identify_many([], top=1) == []


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"top": 0},
        {"top": True},
        {"top": 1.5},
        {"threshold": float("nan")},
        {"threshold": "high"},
        {"threshold": 1e13},
    ],
)
def test_senseless_questions_are_refused(question: Any) -> None:
    """Without an end, with zero candidates, or with no real threshold, nothing is searched."""
    gallery, _, features = filled(2)
    with pytest.raises(MatcherError):
        gallery.identify(features[0], **question)


@pytest.mark.parametrize(
    "change", [{"metric": "hamming"}, {"metric": "euclidean", "higher_is_better": True}]
)
def test_cards_that_a_gallery_cannot_serve_are_refused(change: Any) -> None:
    """A metric that is none of the three, or has the wrong direction, is refused by name."""
    with pytest.raises(MatcherError):
        Gallery(attrs.evolve(matcher().card, **change))


@pytest.mark.parametrize("name", ["", "n" * 97])
def test_names_that_an_event_cannot_hold_are_refused(name: str) -> None:
    """The gallery's name and version must fit an event's field."""
    with pytest.raises(MatcherError, match="name of a gallery"):
        Gallery(matcher().card, name=name)


def test_zero_and_denormal_probes_under_an_inner_product() -> None:
    """A probe without length, or almost without, is compared with every reference exactly."""
    backend = matcher(metric="inner_product")
    features = [backend.features(row) for row in vectors(10)]
    gallery = Gallery(backend.card)
    ids = [gallery.add(one) for one in features]
    for probe in (backend.features([0, 0, 0, 0]), backend.features([5e-324, 0, 0, 0])):
        for question in ({"top": 3}, {"threshold": 0.0}):
            expected = brute_force.identify(gallery, ids, probe, **question)
            assert brute_force.found(gallery.identify(probe, **question)) == expected
