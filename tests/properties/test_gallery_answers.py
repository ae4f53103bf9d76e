"""A gallery answers what comparing with every reference answers: ids, scores, order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests._components import reason_for_absence

np = pytest.importorskip("numpy", reason="component numpy: not installed (extra: embedding)")

from biotrail.matchers import EmbeddingMatcher, Features  # noqa: E402
from biotrail.matchers.gallery import Gallery  # noqa: E402
from biotrail.matchers.measures import MEASURES  # noqa: E402
from biotrail.matchers.search.codes import EightBitKernel, FourBitKernel  # noqa: E402
from biotrail.matchers.search.kernels import FloatKernel, Kernel  # noqa: E402
from tests.reference import brute_force  # noqa: E402

KERNELS: list[type[Kernel]] = [FloatKernel, FourBitKernel]
if reason_for_absence("numkong") is None:
    KERNELS.append(EightBitKernel)

KINDS = st.sampled_from(
    ["normal", "heavy tails", "near ties", "duplicates", "lengths", "denormal", "few values"]
)


@st.composite
def rows(draw: st.DrawFn, dimension: int) -> Any:
    """Rows that are made to be hard to tell apart, or hard to code."""
    kind = draw(KINDS)
    count = draw(st.integers(1, 30))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = random.normal(size=(count, dimension))
    if kind == "heavy tails":
        made = random.standard_t(1, (count, dimension))
    elif kind == "near ties":
        made = made[:1] + made * 10.0 ** draw(st.integers(-9, -4))
    elif kind == "duplicates":
        made = made[random.integers(0, min(3, count), count)]
    elif kind == "lengths":
        made = made * 10.0 ** random.uniform(-15, 3, (count, 1))
    elif kind == "denormal":
        made = made * 10.0 ** random.uniform(-44, -36, (count, 1))
    elif kind == "few values":
        made = random.integers(-1, 2, (count, dimension)).astype(float)
    return made.astype(np.float32)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Gallery, list[str], list[Features], dict[str, Any]]:
    """A gallery, its ids, probes, and a question whose threshold lies on a score or beside it."""
    dimension = draw(st.sampled_from([1, 2, 3, 17, 64]))
    metric: Any = draw(st.sampled_from(list(MEASURES)))
    matcher = EmbeddingMatcher(model="m", version="1", dimension=dimension, metric=metric)
    gallery = Gallery(matcher.card, kernels=[draw(st.sampled_from(KERNELS))()])
    made = draw(rows(dimension))
    if metric == "cosine":
        made = made[made.any(axis=1)]
        if not len(made):
            made = np.ones((1, dimension), np.float32)
    people = draw(st.integers(1, len(made) + 1))
    ids = [
        gallery.add(matcher.features(row), reference=f"p{n % people}") for n, row in enumerate(made)
    ]
    for name in draw(st.lists(st.sampled_from(ids), max_size=2, unique=True)):
        if len(set(ids)) > 1:
            gallery.remove(name)
            ids = [one for one in ids if one != name]
    assume(np.abs(made).max() < 1e4)  # so that no score is beyond what an event can record
    length = 10.0 ** draw(st.integers(-4, 2))
    vectors = [made[0].astype(np.float64), made[-1] * length, made[0] + 1e-4 * made[-1]]
    probes = [matcher.features(one) for one in vectors if metric != "cosine" or one.any()]
    some = gallery.reference(draw(st.sampled_from(ids))).samples[0]
    exact = MEASURES[metric][0](some.values, probes[0].values)
    question: dict[str, Any] = {}
    if draw(st.booleans()):
        question["top"] = draw(st.integers(1, 8))
    if not question or draw(st.booleans()):
        question["threshold"] = exact + draw(st.sampled_from([0.0, 5e-7, -5e-7, 1e-6, -1e-6]))
    return gallery, ids, probes, question


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_answers_equal_brute_force(case: Any) -> None:
    """One by one and in a batch, with each kernel: the candidates that brute force comes to."""
    gallery, ids, probes, question = case
    expected = [brute_force.identify(gallery, ids, probe, **question) for probe in probes]
    together = gallery.identify_many(probes, **question)
    assert [brute_force.found(answer) for answer in together] == expected
    alone = [gallery.identify(probe, **question) for probe in probes]
    assert [brute_force.found(answer) for answer in alone] == expected


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_many_rows_are_scored_as_one_is(data: st.DataObject) -> None:
    """The scores of many rows at once have the bits that each measure gives for one row."""
    from biotrail.matchers.search.scores import defined_scores

    metric = data.draw(st.sampled_from(list(MEASURES)))
    made = data.draw(rows(data.draw(st.sampled_from([1, 7, 128, 513]))))
    made = made[made.any(axis=1)] if metric == "cosine" else made
    probe = np.random.default_rng(1).normal(size=made.shape[1])
    scores = defined_scores(metric, made, probe)
    alone = [MEASURES[metric][0](row.astype(np.float64), probe) for row in made]
    assert scores.tolist() == alone
