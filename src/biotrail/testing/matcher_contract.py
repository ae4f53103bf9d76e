"""The contract of a matcher as tests: subclass, say how it is made and what to show it, run pytest.

For example::

    class TestAcmeMatcher(MatcherContract):
        def open_matcher(self):
            return AcmeFaceMatcher("model.bin")

        def mated(self):
            return "anna_1.jpg", "anna_2.jpg"

        def non_mated(self):
            return "bert.jpg"

        def not_acquirable(self):
            return ["empty_room.jpg"]
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import attrs
import pytest

from biotrail.errors import MatcherError
from biotrail.events import ComparisonDecision, Reason
from biotrail.matchers import (
    ComparisonScore,
    FailureToAcquire,
    Features,
    MatcherBackend,
    Quality,
    Reference,
    Sample,
)

__all__ = ["MatcherContract"]


class MatcherContract:
    """Every case that any matcher has to pass.

    Override `open_matcher`, `mated` and `non_mated`; the other two where they apply.
    """

    def open_matcher(self) -> MatcherBackend:
        """Make the matcher under test."""
        raise NotImplementedError("override open_matcher, and return a matcher")

    def mated(self) -> tuple[object, object]:
        """Two different captures of one person, from which samples can be acquired."""
        raise NotImplementedError("override mated, and return two images of one person")

    def non_mated(self) -> object:
        """A capture of another person."""
        raise NotImplementedError("override non_mated, and return an image of another person")

    def not_acquirable(self) -> Sequence[object]:
        """Captures that are readable, and from which no sample can be acquired; none by default."""
        return ()

    def not_readable(self) -> Sequence[object]:
        """What is no capture at all."""
        return (None, object(), b"", b"not an image", "/no/such/file")

    @pytest.fixture
    def matcher(self) -> Iterator[MatcherBackend]:
        """The matcher under test; closed afterwards."""
        with self.open_matcher() as opened:
            yield opened

    def acquired(self, matcher: MatcherBackend, image: object) -> Sample:
        """The sample of a capture that can be acquired."""
        sample = matcher.capture(image)
        assert isinstance(sample, Sample), sample
        return sample

    def features(self, matcher: MatcherBackend, image: object) -> Features:
        """The features of a capture that can be acquired."""
        return matcher.extract(self.acquired(matcher, image))

    def test_it_has_every_method(self, matcher: MatcherBackend) -> None:
        """It is what the protocol describes."""
        assert isinstance(matcher, MatcherBackend)

    def test_its_known_answers_are_right(self, matcher: MatcherBackend) -> None:
        """The self-test passes, as often as it is asked."""
        matcher.self_test()
        matcher.self_test()

    def test_its_card_is_the_same_each_time(self, matcher: MatcherBackend) -> None:
        """A card says what the scores depend on, so it does not change between two openings."""
        with self.open_matcher() as again:
            assert again.card == matcher.card
            assert again.card.digest == matcher.card.digest
        assert len(matcher.card.digest) == 32
        assert all(file.licence for file in matcher.card.files)

    def test_samples_and_features_bear_its_card(self, matcher: MatcherBackend) -> None:
        """What it made can be told from what another matcher made."""
        sample = self.acquired(matcher, self.mated()[0])
        features = matcher.extract(sample)
        assert sample.card_digest == features.card_digest == matcher.card.digest
        assert features.values.shape == (matcher.card.dimension,)
        assert features.values.dtype == "float64"
        assert all(math.isfinite(value) for value in features.values.tolist())

    def test_quality_is_told(self, matcher: MatcherBackend) -> None:
        """What was measured of a sample is a `Quality`, whose figures are finite or absent."""
        quality = matcher.quality(self.acquired(matcher, self.mated()[0]))
        assert isinstance(quality, Quality)
        values = attrs.astuple(quality)
        assert all(value is None or math.isfinite(value) for value in values)

    def test_the_same_capture_gives_the_same_score(self, matcher: MatcherBackend) -> None:
        """Capturing, extracting and comparing again gives the same score."""
        reference, probe = self.mated()
        first, second = (
            matcher.compare(self.features(matcher, reference), self.features(matcher, probe))
            for _ in range(2)
        )
        assert first == second

    def test_a_score_is_no_decision(self, matcher: MatcherBackend) -> None:
        """The answer is a number with its meaning; without a threshold nothing is decided."""
        reference, probe = (self.features(matcher, image) for image in self.mated())
        score = matcher.compare(Reference.from_features(reference, id="ref-1"), probe)
        assert isinstance(score, ComparisonScore)
        assert math.isfinite(score.value)
        card = matcher.card
        assert (score.metric, score.higher_is_better) == (card.metric, card.higher_is_better)
        assert (score.matcher, score.version, score.digest) == (card.id, card.version, card.digest)
        assert score.reference == "ref-1"
        assert score.decide(None).decision is ComparisonDecision.UNDETERMINED

    def test_its_direction_is_as_it_says(self, matcher: MatcherBackend) -> None:
        """A person is more like themself than like another, in the direction of the card."""
        first, second = (self.features(matcher, image) for image in self.mated())
        other = self.features(matcher, self.non_mated())
        same, mated, non_mated = (
            matcher.compare(first, probe).value for probe in (first, second, other)
        )
        sign = 1 if matcher.card.higher_is_better else -1
        assert sign * same >= sign * mated > sign * non_mated

    def test_kept_references_score_alike(self, matcher: MatcherBackend) -> None:
        """A reference that was written and read again gives the same score."""
        first, second = (self.features(matcher, image) for image in self.mated())
        reference = Reference.from_features(first, id="ref-1")
        again = Reference.from_bytes(reference.to_bytes())
        assert matcher.compare(again, second) == matcher.compare(reference, second)

    def test_other_cards_are_refused(self, matcher: MatcherBackend) -> None:
        """Samples and features of another card are refused at every door."""
        sample = self.acquired(matcher, self.mated()[0])
        features = matcher.extract(sample)
        other = bytes(byte ^ 0xFF for byte in matcher.card.digest)
        strange_sample = attrs.evolve(sample, card_digest=other)
        strange = attrs.evolve(features, card_digest=other)
        for door in (matcher.extract, matcher.quality):
            with pytest.raises(MatcherError):
                door(strange_sample)
        for pair in ((strange, features), (features, strange), (strange, strange)):
            with pytest.raises(MatcherError):
                matcher.compare(*pair)

    def test_odd_features_are_refused(self, matcher: MatcherBackend) -> None:
        """Features of another length, and with values that are no numbers, are refused."""
        features = self.features(matcher, self.mated()[0])
        longer = attrs.evolve(features, values=features.values.repeat(2))
        unreal = attrs.evolve(features, values=features.values * math.nan)
        for odd in (longer, unreal):
            for pair in ((odd, features), (features, odd)):
                with pytest.raises(MatcherError):
                    matcher.compare(*pair)

    def test_failures_to_acquire_are_answers(self, matcher: MatcherBackend) -> None:
        """A capture without a usable sample is answered with a reason that events know."""
        for image in self.not_acquirable():
            failure = matcher.capture(image)
            assert isinstance(failure, FailureToAcquire)
            assert failure.reason.event_reason in Reason

    def test_what_is_no_capture_is_an_error(self, matcher: MatcherBackend) -> None:
        """What cannot be read at all raises, and the matcher goes on."""
        for nothing in self.not_readable():
            with pytest.raises(MatcherError):
                matcher.capture(nothing)
        self.acquired(matcher, self.mated()[0])

    def test_biometric_data_is_not_shown(self, matcher: MatcherBackend) -> None:
        """No value of a sample or of features stands in what is printed of them."""
        sample = self.acquired(matcher, self.mated()[0])
        features = matcher.extract(sample)
        shown = repr(sample) + repr(features) + repr(Reference.from_features(features))
        assert "array" not in shown
        for value in features.values[:20].tolist():
            assert value in (0.0, 1.0) or repr(value) not in shown

    def test_closing_twice_is_closing(self) -> None:
        """Closing again does nothing."""
        opened = self.open_matcher()
        opened.close()
        opened.close()
