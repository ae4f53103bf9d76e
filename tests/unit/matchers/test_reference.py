"""References of one sample and of several: their bytes, their end, and how they are compared."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from biotrail.errors import ExpiredReferenceError, MatcherError
from biotrail.matchers import EmbeddingMatcher, Reference
from biotrail.matchers.backend import Features
from biotrail.matchers.several import SampleRule, compare_reference

pytestmark = pytest.mark.component("numpy")

BEGIN = datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
SAMPLES = ([1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 1.0, 0.0])


def matcher(**changes: Any) -> EmbeddingMatcher:
    """A matcher of vectors of three values."""
    return EmbeddingMatcher(**{"model": "acme", "version": "1", "dimension": 3, **changes})


def several(**changes: Any) -> Reference:
    """A reference of three samples."""
    features = [matcher().features(sample) for sample in SAMPLES]
    return Reference.from_samples(features, **{"id": "ref-1", **changes})


def test_one_sample_without_an_end_keeps_the_first_version() -> None:
    """What version 1 can say is written in version 1, to the byte."""
    reference = Reference.from_features(matcher().features([1, 2, 3]), id="é")
    head = b"biotrail/reference/1\n" + matcher().card.digest + b"\x02\x00" + "é".encode()
    assert reference.to_bytes() == head + b"\x03\x00\x00\x00" + struct.pack("<3d", 1, 2, 3)


def test_bytes_of_the_second_version() -> None:
    """Several samples and times are written in version 2, laid out as specified."""
    data = several(created=BEGIN, expires=END).to_bytes()
    begin = int(BEGIN.timestamp()) * 1_000_000 + 1
    expected = b"biotrail/reference/2\n" + matcher().card.digest + b"\x05\x00ref-1"
    expected += struct.pack("<qqHIB", begin, begin + 365 * 86_400 * 1_000_000, 3, 3, 0)
    assert data == expected + struct.pack("<9d", *(value for row in SAMPLES for value in row))


@pytest.mark.parametrize("times", [{}, {"created": BEGIN}, {"expires": END}], ids=str)
@pytest.mark.parametrize("name", [None, "r", "ü" * 64])
def test_bytes_bring_it_back(times: dict[str, Any], name: str | None) -> None:
    """Reading what was written gives the same reference."""
    written = several(id=name, **times)
    again = Reference.from_bytes(written.to_bytes())
    assert again.to_bytes() == written.to_bytes()
    assert (again.id, again.created, again.expires) == (name, written.created, written.expires)
    assert (again.values == written.values).all()


def test_signs_take_a_bit_each() -> None:
    """Values that are all 1 or -1 are written as bits, the first in the lowest place."""
    signs = matcher(dimension=16).features([1.0, -1, -1, 1] + [-1] * 11 + [1])
    data = Reference.from_features(signs, id="r").to_bytes()
    assert data.endswith(struct.pack("<HIB", 1, 16, 1) + bytes([0b1001, 0b10000000]))
    assert (Reference.from_bytes(data).values == signs.values).all()


def test_the_first_version_is_still_read() -> None:
    """Bytes of version 1 are read also where version 2 would be written today."""
    old = b"biotrail/reference/1\n" + bytes(32) + b"\x00\x00" + struct.pack("<I8d", 8, *[1.0] * 8)
    assert Reference.from_bytes(old).values.tolist() == [1.0] * 8


@pytest.mark.parametrize("times", [{}, {"created": BEGIN, "expires": END}], ids=("1", "2"))
def test_no_other_bytes_are_read(times: dict[str, Any]) -> None:
    """Bytes cut off or continued, and values that are not finite, are refused."""
    data = several(**times).to_bytes()
    for end in range(len(data)):
        with pytest.raises(MatcherError, match="not a reference"):
            Reference.from_bytes(data[:end])
    for bad in (data + b"\x00", data[:-8] + struct.pack("<d", float("nan"))):
        with pytest.raises(MatcherError, match="not a reference"):
            Reference.from_bytes(bad)


def test_a_form_that_is_not_the_one_is_refused() -> None:
    """Version 2 for what version 1 says, signs as numbers, and unknown forms are refused."""
    head = b"biotrail/reference/2\n" + bytes(32) + b"\x00\x00"
    none = -(2**63)
    for shape, values in (
        ((none, none, 1, 1, 0), struct.pack("<d", 2.0)),
        ((none, 5, 1, 8, 0), struct.pack("<8d", *[1.0] * 8)),
        ((none, 5, 1, 8, 2), b"\x00"),
        ((none, 5, 0, 8, 0), b""),
        ((none, 5, 1, 12, 1), b"\x00\x00"),
        ((5, 5, 1, 1, 0), struct.pack("<d", 2.0)),
        ((none, 2**62, 1, 1, 0), struct.pack("<d", 2.0)),
    ):
        with pytest.raises(MatcherError, match="not a reference"):
            Reference.from_bytes(head + struct.pack("<qqHIB", *shape) + values)


def test_when_it_has_expired() -> None:
    """It has expired from the very moment on, whichever time zone that is told in."""
    reference = several(expires=END)
    berlin = timezone(timedelta(hours=1))
    assert not reference.expired(END - timedelta(microseconds=1))
    assert reference.expired(END.astimezone(berlin))
    assert not several().expired(END + timedelta(days=10_000))


def test_times_must_be_aware_and_in_order() -> None:
    """A time without a zone, and an end before the beginning, are refused."""
    naive = datetime(2026, 1, 1)
    for times in ({"expires": naive}, {"created": naive}, {"created": END, "expires": BEGIN}):
        with pytest.raises(MatcherError, match=r"time zone|later than"):
            several(**times)
    with pytest.raises(MatcherError, match="time zone"):
        several(expires=END).expired(naive)


def test_samples_of_different_models_make_no_reference() -> None:
    """Samples of two models, and no sample at all, are refused."""
    other = matcher(version="2").features([1, 0, 0])
    for samples in ([], [matcher().features([1, 0, 0]), other]):
        with pytest.raises(MatcherError):
            Reference.from_samples(samples)


def test_a_backend_does_not_compare_several_at_once() -> None:
    """A backend refuses several samples, and says what compares them."""
    with pytest.raises(MatcherError, match="compare_reference"):
        matcher().compare(several(), matcher().features([1, 0, 0]))


@pytest.mark.parametrize(
    ("metric", "rule", "value", "name"),
    [
        ("cosine", SampleRule.BEST, 1.0, "cosine"),
        ("cosine", "mean", 0.6, "cosine, mean"),
        ("euclidean", "best", 0.0, "euclidean"),
        ("euclidean", "mean", round((0.632456 + 1.414214) / 3, 6), "euclidean, mean"),
    ],
)
def test_rules_for_several_samples(metric: Any, rule: Any, value: float, name: str) -> None:
    """The best is the highest similarity or the lowest distance; the mean says that it is one."""
    backend = matcher(metric=metric)
    reference = Reference.from_samples([backend.features(one) for one in SAMPLES], id="ref-1")
    score = compare_reference(backend, reference, backend.features([1, 0, 0]), rule=rule)
    assert (score.value, score.metric, score.reference) == (value, name, "ref-1")


def test_one_sample_is_compared_as_it_is() -> None:
    """For one sample, plain features too, every rule gives the matcher's own score."""
    backend, probe = matcher(), matcher().features([0.6, 0.8, 0])
    plain = backend.features([1, 0, 0])
    for reference in (plain, Reference.from_features(plain, id="r")):
        for rule in SampleRule:
            score = compare_reference(backend, reference, probe, rule=rule)
            assert score == backend.compare(reference, probe)


def test_a_mean_rounds_ties_to_even() -> None:
    """The mean of whole millionths is rounded to the nearest, ties to even."""
    backend = matcher(dimension=1, metric="inner_product")
    for millionths, expected in (((1, 2), 2), ((2, 3), 2), ((-1, -2), -2), ((1, 1, 2), 1)):
        samples = [backend.features([one / 1_000_000]) for one in millionths]
        reference = Reference.from_samples(samples)
        score = compare_reference(backend, reference, backend.features([1]), rule="mean")
        assert score.value == expected / 1_000_000


def test_an_expired_reference_is_not_compared() -> None:
    """With a time at hand an expired reference is refused, by an error that names the reason."""
    probe = matcher().features([1, 0, 0])
    assert compare_reference(matcher(), several(expires=END), probe, at=BEGIN).value == 1.0
    with pytest.raises(ExpiredReferenceError) as caught:
        compare_reference(matcher(), several(expires=END), probe, at=END)
    assert caught.value.reason == "reference_expired"


def test_an_unknown_rule_is_refused() -> None:
    """A rule that is none is refused, by name."""
    with pytest.raises(MatcherError, match="best, mean"):
        compare_reference(matcher(), several(), matcher().features([1, 0, 0]), rule="median")


def test_values_are_not_shown() -> None:
    """No value of a reference is in its representation."""
    features = Features(card_digest=bytes(32), values=several().values[1])
    assert "0.6" not in repr(several()) + repr(features)


@pytest.mark.parametrize("id", ["", "x" * 129, "é" * 65, "\ud800", 5, b"r"])
def test_ids_that_no_reference_can_have_are_refused(id: Any) -> None:
    """An id is a text of 1 to 128 bytes in UTF-8; all else is refused by that rule."""
    with pytest.raises(MatcherError, match="1 to 128 bytes in UTF-8"):
        Reference.from_features(matcher().features([1, 2, 3]), id=id)


@pytest.mark.parametrize("data", [None, 5, "biotrail/reference/1\n", [1, 2]])
def test_what_is_not_bytes_is_no_reference(data: Any) -> None:
    """Anything but bytes is refused as the wrong bytes are."""
    with pytest.raises(MatcherError, match="not a reference"):
        Reference.from_bytes(data)
    written = several().to_bytes()
    assert Reference.from_bytes(memoryview(bytearray(written))).to_bytes() == written  # type: ignore[arg-type]
