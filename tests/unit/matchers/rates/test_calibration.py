"""A calibration as a value: what it holds, its file, and the scores that it decides on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import attrs
import pytest

from biotrail.errors import CalibrationError
from biotrail.matchers import ComparisonScore
from biotrail.matchers.rates import Calibration
from tests.unit.matchers.rates._made import CARD

VALUES: dict[str, Any] = {
    "threshold": 0.58,
    "higher_is_better": False,
    "metric": "euclidean",
    "target_fmr": 0.01,
    "place": "point",
    "confidence": 0.95,
    "fmr": 0.0099,
    "fmr_upper": 0.023,
    "fnmr": 0.001,
    "fnmr_lower": 0.0,
    "fnmr_upper": 0.07,
    "others": 40,
    "people": 40,
    "mated_people": 40,
    "people_pairs": 780,
    "non_mated": 77220,
    "mated": 1783,
    "method": "made up",
    "resamples": 2000,
    "seed": 0,
    "cohort": "forty people, one camera",
    "data_digest": "ab" * 32,
    "card_digest": CARD.hex(),
    "created": "2026-11-23T12:00:00.000000Z",
}


def calibration(**changes: Any) -> Calibration:
    """A calibration like any other."""
    return Calibration(**{**VALUES, **changes})


def score(value: float = 0.5, **changes: Any) -> ComparisonScore:
    """A score of the calibrated matcher."""
    fields: dict[str, Any] = {
        "value": value,
        "metric": "euclidean",
        "higher_is_better": False,
        "matcher": "m",
        "version": "1",
        "digest": CARD,
    }
    return ComparisonScore(**{**fields, **changes})


@pytest.mark.parametrize(
    ("value", "decision"), [(0.5, "match"), (0.58, "match"), (0.580001, "non_match")]
)
def test_it_decides_as_an_event_records(value: float, decision: str) -> None:
    """The comparison carries threshold and id, and a score equal to the threshold is a match."""
    comparison = calibration().decide(score(value))
    assert comparison.decision == decision
    assert (comparison.threshold, comparison.calibration) == (0.58, calibration().id)


@pytest.mark.parametrize(
    "changes", [{"digest": bytes(32)}, {"metric": "cosine"}, {"higher_is_better": True}]
)
def test_scores_of_another_matcher_are_refused(changes: dict[str, Any]) -> None:
    """Another card, metric or direction has no calibration here."""
    with pytest.raises(CalibrationError, match=calibration().id):
        calibration().decide(score(**changes))


def test_what_is_written_is_read() -> None:
    """The file of a calibration gives it back, as text and as bytes."""
    one = calibration()
    assert Calibration.from_json(one.to_json()) == one
    assert Calibration.from_json(one.to_json().encode()) == one


def test_the_id_stands_for_every_value() -> None:
    """Whatever value changes, the id does."""
    one = calibration()
    others = {
        attrs.evolve(one, threshold=0.57),
        attrs.evolve(one, fmr_upper=0.024),
        attrs.evolve(one, cohort="other people"),
        attrs.evolve(one, created="2026-11-23T12:00:00.000001Z"),
    }
    assert len({one.id, *(other.id for other in others)}) == 5
    assert len(one.id) == 36


def changed(**changes: Any) -> str:
    """The file with values changed, and None taking a value out."""
    document = {**json.loads(calibration().to_json()), **changes}
    kept = {name: value for name, value in document.items() if value is not None}
    return json.dumps(kept, indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (changed(threshold=0.59), "somebody changed it"),
        (changed(id="cal-0"), "somebody changed it"),
        (changed(fmr_upper=0.0001), "wrong side"),
        (changed(extra=1), "not the JSON"),
        (changed(cohort=None), "not the JSON"),
        (changed(format="biotrail/calibration/2"), "another format"),
        (changed(fmr=0.02), "target is not met"),
        (changed(people=40.0), "whole number"),
        (changed(people=True), "whole number"),
        (changed(threshold="0.58"), "six decimals"),
        (changed(threshold=0.1234567), "six decimals"),
        (changed(confidence=1), "be neither"),
        (changed(fnmr=-0.1), "between 0 and 1"),
        (changed(card_digest="AB" * 32), "SHA-256"),
        (changed(metric=""), "text, not empty"),
        (changed(higher_is_better=0), "true or false"),
        (changed(seed=-1), "whole number"),
        (changed(place="middle"), "point or bound"),
        (changed(created="2026-11-23"), "UTC"),
        (changed(created=5), "UTC"),
        (calibration().to_json().replace("0.58", "NaN"), "six decimals"),
        (calibration().to_json().replace("0.58", "0.580"), "reads alike"),
        (calibration().to_json().replace("\n", " "), "reads alike"),
        (calibration().to_json() + "\n", "reads alike"),
        (calibration().to_json()[:-4], "not the JSON"),
        ("[]", "not the JSON"),
        ("null", "not the JSON"),
        ("[" * 100_000, "not the JSON"),
        ("", "not the JSON"),
    ],
)
def test_any_other_file_is_refused(text: str, says: str) -> None:
    """A file that biotrail did not write so, or that was changed, is refused by name."""
    with pytest.raises(CalibrationError, match=says):
        Calibration.from_json(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    """A file in no encoding is no calibration."""
    with pytest.raises(CalibrationError, match="not the JSON"):
        Calibration.from_json(b"\xff\xfe")


def test_created_is_kept_in_utc() -> None:
    """A time in any zone is kept as the same moment in UTC; one without a zone is refused."""
    east = datetime(2026, 11, 23, 13, tzinfo=timezone(timedelta(hours=1)))
    assert calibration(created=east) == calibration()
    assert calibration(created=datetime(2026, 11, 23, 12, tzinfo=UTC)) == calibration()
    with pytest.raises(CalibrationError, match="zone"):
        calibration(created=datetime(2026, 11, 23))


def test_it_cannot_be_changed() -> None:
    """A calibration is frozen."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        calibration().threshold = 1.0  # type: ignore[misc]


@pytest.mark.component("numpy")
def test_other_real_numbers_become_pythons_own() -> None:
    """Numbers of NumPy's make the same calibration, with the same id, as Python's own."""
    import numpy

    same = calibration(
        threshold=numpy.float32(0.58),
        fnmr=Fraction(1, 1000),
        confidence=numpy.float64(VALUES["confidence"]),
        people=numpy.int64(40),
        seed=numpy.uint8(0),
    )
    assert same == calibration()
    assert (same.id, type(same.threshold), type(same.people)) == (calibration().id, float, int)
    assert Calibration.from_json(same.to_json()) == same


@pytest.mark.component("numpy")
@pytest.mark.parametrize("name", ["threshold", "target_fmr", "confidence", "fmr", "fnmr_upper"])
@pytest.mark.parametrize("wrong", ["nan", "inf", "flag", "vast", "vast fraction", "array"])
def test_what_is_no_number_is_refused_of_any_type(name: str, wrong: str) -> None:
    """NaN, infinity, flags, arrays and numbers beyond every float are refused by name."""
    import numpy

    values: dict[str, Any] = {
        "nan": numpy.float32("nan"),
        "inf": numpy.float16("inf"),
        "flag": numpy.True_,
        "vast": 10**400,
        "vast fraction": Fraction(10**400),
        "array": numpy.array([0.5, 0.5]),
    }
    with pytest.raises(CalibrationError, match=name):
        calibration(**{name: values[wrong]})
