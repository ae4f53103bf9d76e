"""A calibration: a threshold, what is known of its error rates, and on what grounds."""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import attrs

from biotrail.errors import CalibrationError
from biotrail.events import Comparison
from biotrail.matchers.decision import ComparisonScore

__all__ = ["Calibration", "Placement"]

_DOMAIN = b"biotrail/calibration/1\n"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Placement(StrEnum):
    """Where the threshold stands, seen from the target."""

    POINT = "point"
    """The FMR seen in the data is the target; the bound for other people lies above it."""
    BOUND = "bound"
    """The bound for other people is at most the target; the FMR seen lies below it."""


def _fault(attribute: attrs.Attribute[Any], rule: str) -> CalibrationError:
    return CalibrationError(f"calibration: {attribute.name} {rule}")


def _is_number(value: object) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value)  # type: ignore[arg-type]


def _rate(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        raise _fault(attribute, "must lie between 0 and 1")


def _inside(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not _is_number(value) or not 0 < value < 1:
        raise _fault(attribute, "must lie between 0 and 1, and be neither")


def _score(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    # Beyond, a float does not hold every millionth, and decisions could not be repeated.
    if not _is_number(value) or abs(value) > 1e12 or round(value * 1_000_000) / 1_000_000 != value:
        raise _fault(attribute, "must be a number within ±1e12 with at most six decimals")


def _count(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _fault(attribute, "must be a whole number from 1")


def _seed(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise _fault(attribute, "must be a whole number from 0 to 2**32 - 1")


def _text(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise _fault(attribute, "must be text, not empty")


def _hex_digest(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise _fault(attribute, "must be a SHA-256: 64 lower-case hexadecimal digits")


def _flag(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise _fault(attribute, "must be true or false")


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise CalibrationError("calibration: created must be a time with its zone")
        return value.astimezone(UTC).strftime(_TIME)
    try:
        if datetime.strptime(value, _TIME).strftime(_TIME) == value:
            return str(value)
    except (TypeError, ValueError):
        pass
    raise CalibrationError("calibration: created must be UTC with six decimals of the second")


def _placement(value: Any) -> Placement:
    try:
        return Placement(value)
    except ValueError:
        words = " or ".join(Placement)
        raise CalibrationError(f"calibration: place must be {words}") from None


@attrs.frozen(kw_only=True)
class Calibration:
    """A threshold and its error rates. Made by `calibrate`, kept as JSON, loaded strictly.

    Attributes:
        threshold: In the score's own unit; a score equal to it is a match.
        higher_is_better: Whether a higher score speaks for the same person.
        metric: Name of the score, e.g. ``"cosine"``.
        target_fmr: The false match rate that was asked for.
        place: Whether the FMR seen or its bound meets the target.
        confidence: Confidence of bound and interval.
        fmr: False match rate seen at the threshold.
        fmr_upper: Upper bound of the FMR for other people like these.
        fnmr: False non-match rate seen at the threshold.
        fnmr_lower: Lower end of its two-sided interval.
        fnmr_upper: Upper end.
        others: How many other people bound and interval speak of.
        people: People in non-mated comparisons.
        mated_people: People in mated comparisons.
        people_pairs: How many times two people were compared with each other at all.
        non_mated: Number of non-mated comparisons.
        mated: Number of mated comparisons.
        method: How bound and interval come about, in words.
        resamples: How many times people were drawn.
        seed: What the draws began with.
        cohort: Who was measured, and how: people, cameras, light, in a sentence.
        data_digest: SHA-256 of the scores (`ScoreTable.digest`), hexadecimal.
        card_digest: SHA-256 of the matcher's model card, hexadecimal.
        created: When, in UTC: ``2026-11-23T12:00:00.000000Z``. A datetime is taken too.

    Raises:
        CalibrationError: A value is out of range, or two contradict each other.
    """

    threshold: float = attrs.field(validator=_score)
    higher_is_better: bool = attrs.field(validator=_flag)
    metric: str = attrs.field(validator=_text)
    target_fmr: float = attrs.field(validator=_inside)
    place: Placement = attrs.field(converter=_placement)
    confidence: float = attrs.field(validator=_inside)
    fmr: float = attrs.field(validator=_rate)
    fmr_upper: float = attrs.field(validator=_rate)
    fnmr: float = attrs.field(validator=_rate)
    fnmr_lower: float = attrs.field(validator=_rate)
    fnmr_upper: float = attrs.field(validator=_rate)
    others: int = attrs.field(validator=_count)
    people: int = attrs.field(validator=_count)
    mated_people: int = attrs.field(validator=_count)
    people_pairs: int = attrs.field(validator=_count)
    non_mated: int = attrs.field(validator=_count)
    mated: int = attrs.field(validator=_count)
    method: str = attrs.field(validator=_text)
    resamples: int = attrs.field(validator=_count)
    seed: int = attrs.field(validator=_seed)
    cohort: str = attrs.field(validator=_text)
    data_digest: str = attrs.field(validator=_hex_digest)
    card_digest: str = attrs.field(validator=_hex_digest)
    created: str = attrs.field(converter=_moment)

    def __attrs_post_init__(self) -> None:
        held = self.fmr if self.place is Placement.POINT else self.fmr_upper
        if held > self.target_fmr * (1 + 1e-9):
            raise CalibrationError("calibration: the target is not met at this threshold")
        if self.fmr_upper < self.fmr or self.fnmr_upper < self.fnmr_lower:
            raise CalibrationError("calibration: a bound lies on the wrong side")

    @property
    def id(self) -> str:
        """Identifier, from everything that the calibration says: ``cal-`` and 32 digits.

        SHA-256 over ``biotrail/calibration/1``, a line feed, and the calibration as JSON without
        its id, with sorted keys and no spaces. So an id recorded in a log entry names one threshold
        with its grounds, and no other.
        """
        text = json.dumps(self._values(), sort_keys=True, separators=(",", ":"))
        return f"cal-{hashlib.sha256(_DOMAIN + text.encode()).hexdigest()[:32]}"

    def decide(self, score: ComparisonScore) -> Comparison:
        """Hold a score against the threshold, as the comparison that an event records.

        Raises:
            CalibrationError: The score is of another matcher than was calibrated.
        """
        self.require(score)
        return score.decide(self.threshold, calibration=self.id)

    def require(self, score: ComparisonScore) -> None:
        """Refuse a score that this calibration says nothing about.

        Raises:
            CalibrationError: Another card, metric or direction.
        """
        if score.digest.hex() != self.card_digest:
            raise CalibrationError(
                f"{self.id} was made for the model card {self.card_digest[:16]}, and this score is "
                f"of {score.digest.hex()[:16]}: calibrate {score.matcher} {score.version} itself"
            )
        if (score.metric, score.higher_is_better) != (self.metric, self.higher_is_better):
            raise CalibrationError(
                f"{self.id} was made for the score {self.metric!r}, not for {score.metric!r}"
            )

    def to_json(self) -> str:
        """The calibration as JSON: what `from_json` reads, and nothing else that it would."""
        document = {"format": "biotrail/calibration/1", "id": self.id, **self._values()}
        return json.dumps(document, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Calibration:
        """Read what `to_json` wrote, to the letter.

        Raises:
            CalibrationError: It is something else: a field too many or too few, another id, a
                value changed.
        """
        try:
            written = text.decode() if isinstance(text, bytes) else text
            document = json.loads(written)
            stated = document.pop("id")
            form = document.pop("format")
            read = cls(**document)
        except CalibrationError:
            raise
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise CalibrationError("this is not the JSON of a calibration") from error
        if form != "biotrail/calibration/1":
            raise CalibrationError("this is another format than biotrail/calibration/1")
        if read.id != stated:
            raise CalibrationError(
                f"the calibration's values are those of {read.id}, but it says {str(stated)[:40]}: "
                "somebody changed it"
            )
        if read.to_json() != written:
            raise CalibrationError("this calibration was not written by biotrail: it reads alike")
        return read

    def _values(self) -> dict[str, Any]:
        return attrs.asdict(self)
