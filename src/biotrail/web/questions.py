"""The form of what may be asked over HTTP: as parameters of a URL, or as the body of a request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request

from biotrail.web.asked import Asked
from biotrail.web.shapes import REVEALABLE_WORDS

__all__ = [
    "CheckpointsQuestion",
    "CountQuestion",
    "CountSearch",
    "FacetsQuestion",
    "FacetsSearch",
    "Question",
    "RecordQuestion",
    "RecordsQuestion",
    "RecordsSearch",
    "RevealingQuestion",
    "TimelineQuestion",
    "TimelineSearch",
    "asked_by",
    "reason_of",
]

PURPOSE_HEADER = "biotrail-purpose"
REASON_HEADER = "biotrail-reveal-reason"
_LARGEST = 2**63 - 1
_LONGEST_TEXT = 8_192
_LONGEST_CONDITION = 4_096

Where = Annotated[
    str | None,
    Field(
        max_length=_LONGEST_CONDITION,
        description="The condition in the query syntax, e.g. `outcome = failure and recorded >= "
        "2026-11-01`. By personal fields only in the body of a POST: URLs end up in logs.",
    ),
]
AsOf = Annotated[
    str | None,
    Field(
        max_length=_LONGEST_TEXT,
        description="The log as it once stood: the size of a checkpoint that it keeps, or a signed "
        "checkpoint as text.",
    ),
]
Revealable = Annotated[str, Field(json_schema_extra={"enum": [*REVEALABLE_WORDS]})]
Reveal = Annotated[
    list[Revealable],
    Field(
        max_length=32,
        description="Personal fields to show, e.g. `subject`, `ip`, `score`: needs the scope "
        "`reveal`, and a reason in the header `Biotrail-Reveal-Reason`.",
    ),
]
Names = Annotated[list[str], Field(min_length=1, max_length=16)]


class Question(BaseModel):
    """A question; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class CountQuestion(Question):
    """Which records are counted."""

    where: Where = None
    as_of: AsOf = None


class RevealingQuestion(Question):
    """A question whose answer may show personal fields."""

    reveal: Reveal = []


class RecordQuestion(RevealingQuestion):
    """What of one record is shown."""

    as_of: AsOf = None


class RecordsQuestion(Question):
    """Which records are shown."""

    where: Where = None
    sort: Literal["-index", "index", "-occurred", "occurred"] = Field(
        "-index", description="The order: `-index` begins with the newest."
    )
    limit: int | None = Field(None, ge=1, le=1_000, description="How many records a page has.")
    cursor: str | None = Field(None, max_length=256, description="`next` of the page before.")
    as_of: AsOf = None
    reveal: Reveal = []


class FacetsQuestion(CountQuestion):
    """Which records are counted, and by what."""

    by: Names = Field(
        ["action", "outcome", "decision", "modality", "reason", "matcher"],
        description="Names of the fields.",
    )
    most: int = Field(20, ge=1, le=1_000, description="How many values of each.")


class TimelineQuestion(CountQuestion):
    """Which records are counted, and in which stretches of time."""

    bucket: Literal["minute", "hour", "day", "week"] = Field(
        "hour", description="How long a stretch is; in UTC, weeks from Monday."
    )
    by: str | None = Field(
        None, max_length=64, description="Count the values of this field in each besides."
    )
    since: AwareDatetime | None = Field(None, description="Recorded at this time or later.")
    until: AwareDatetime | None = Field(None, description="Recorded before this time.")


Reason = Annotated[
    str | None,
    Field(
        max_length=512,
        description="Why personal fields are shown or asked by; recorded. Instead of the header.",
    ),
]


class RecordsSearch(RecordsQuestion):
    """Which records are shown, and why."""

    reason: Reason = None


class CountSearch(CountQuestion):
    """Which records are counted, and why."""

    reason: Reason = None


class FacetsSearch(FacetsQuestion):
    """Which records are counted by what, and why."""

    reason: Reason = None


class TimelineSearch(TimelineQuestion):
    """Which records are counted in which stretches of time, and why."""

    reason: Reason = None


class CheckpointsQuestion(Question):
    """Which checkpoints are shown."""

    before: int | None = Field(
        None, ge=1, le=_LARGEST, description="Only those of a smaller size; `before` of the answer."
    )
    limit: int | None = Field(None, ge=1, le=1_000, description="How many.")


def asked_by(request: Request, question: Question | None = None) -> Asked:
    """What a request asks, with the purpose and the reason that its headers name."""
    fields: dict[str, Any] = {}
    if question is not None:
        fields = {
            name: getattr(question, name)
            for name in ("where", "sort", "limit", "cursor", "reveal")
            if hasattr(question, name)
        }
        fields["as_of"] = _as_of(getattr(question, "as_of", None))
    purpose = request.headers.get(PURPOSE_HEADER)
    reason = reason_of(request) or getattr(question, "reason", None)
    return Asked(purpose=purpose, reason=reason, **fields)


def reason_of(request: Request) -> str | None:
    """The reason that a request gives for revealing personal fields."""
    text = request.headers.get(REASON_HEADER)
    if text is None:
        return None
    try:
        return text.encode("latin-1").decode("utf-8")  # what most clients mean
    except UnicodeDecodeError:
        return text


def _as_of(text: str | None) -> str | int | None:
    if text is None or not text.isdecimal() or not text.isascii():
        return text
    return min(int(text[:20]), _LARGEST)
