"""A calibration: a threshold, what is known of its error rates, and on what grounds."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import attrs

from biotrail.errors import CalibrationError
from biotrail.events import Comparison
from biotrail.matchers.decision import ComparisonScore
from biotrail.matchers.rates import _calibration_fields as fields

__all__ = ["Calibration", "Placement"]

_DOMAIN = b"biotrail/calibration/1\n"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Placement(StrEnum):
    """Where the threshold stands, seen from the target."""

    POINT = "point"
    """The FMR seen in the data is the target; the bound for other people lies above it."""
    BOUND = "bound"
    """The bound for other people is at most the target; the FMR seen lies below it."""


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
        threshold: In the score's own unit; a score equal to it is a match. Real numbers of other
            types than Python's own, such as ``numpy.float32``, are rounded to six decimals.
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

    threshold: float = attrs.field(converter=fields.plain_score, validator=fields.score)
    higher_is_better: bool = attrs.field(validator=fields.flag)
    metric: str = attrs.field(validator=fields.text)
    target_fmr: float = attrs.field(converter=fields.plain, validator=fields.inside)
    place: Placement = attrs.field(converter=_placement)
    confidence: float = attrs.field(converter=fields.plain, validator=fields.inside)
    fmr: float = attrs.field(converter=fields.plain, validator=fields.rate)
    fmr_upper: float = attrs.field(converter=fields.plain, validator=fields.rate)
    fnmr: float = attrs.field(converter=fields.plain, validator=fields.rate)
    fnmr_lower: float = attrs.field(converter=fields.plain, validator=fields.rate)
    fnmr_upper: float = attrs.field(converter=fields.plain, validator=fields.rate)
    others: int = attrs.field(converter=fields.plain, validator=fields.count)
    people: int = attrs.field(converter=fields.plain, validator=fields.count)
    mated_people: int = attrs.field(converter=fields.plain, validator=fields.count)
    people_pairs: int = attrs.field(converter=fields.plain, validator=fields.count)
    non_mated: int = attrs.field(converter=fields.plain, validator=fields.count)
    mated: int = attrs.field(converter=fields.plain, validator=fields.count)
    method: str = attrs.field(validator=fields.text)
    resamples: int = attrs.field(converter=fields.plain, validator=fields.count)
    seed: int = attrs.field(converter=fields.plain, validator=fields.seed)
    cohort: str = attrs.field(validator=fields.text)
    data_digest: str = attrs.field(validator=fields.hex_digest)
    card_digest: str = attrs.field(validator=fields.hex_digest)
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
