"""The form of what the API answers, for its OpenAPI document; answers are written without them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "CheckpointModel",
    "CheckpointsModel",
    "CountModel",
    "FacetsModel",
    "KeysModel",
    "PageModel",
    "ProblemModel",
    "RecordModel",
    "ShownRecordModel",
    "StatusModel",
    "TimelineModel",
]

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256, in hexadecimal.")]
Index = Annotated[int, Field(ge=0, description="Index in the log, from 0.")]
Number = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProblemModel(BaseModel):
    """What is wrong, as RFC 9457 says it. Some problems say more."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: Literal["about:blank"]
    title: str = Field(description="What kind of problem it is.")
    status: int = Field(ge=400, le=599, description="The HTTP status.")
    detail: str | None = Field(None, description="What it is this time, and what to do.")
    position: int | None = Field(
        None, description="Where a condition cannot be read, in characters from 0."
    )
    hint: str | None = Field(None, description="What may have been meant there.")
    verdict: str | None = Field(
        None, description="Where the log does not check out: the verdict, e.g. `altered`."
    )
    index: int | None = Field(None, description="The entry that it is about.")


class CheckpointModel(_Model):
    """A signed checkpoint, verified."""

    model_config = ConfigDict(extra="forbid", title="Checkpoint")

    size: int = Field(ge=1, description="How many entries the tree has.")
    root: Digest
    note: str = Field(description="The signed note (C2SP tlog-checkpoint), as text.")


class PartModel(_Model):
    """What became of the personal fields of one person in a record."""

    model_config = ConfigDict(extra="forbid", title="Part")

    state: Literal["sealed", "erased", "missing"] = Field(
        description="`sealed`: they are there, and shown only where they are revealed. `erased`: "
        "an entry says why they are gone. `missing`: nothing says why."
    )
    how: Literal["erased", "retained", "being erased"] | None = None
    index: int | None = Field(None, description="The entry that says so.")
    recorded: datetime | None = Field(None, description="When that was recorded.")
    reason: str | None = None
    legal_basis: str | None = None


class PersonalModel(_Model):
    """A personal field that was to be revealed."""

    model_config = ConfigDict(extra="forbid", title="Personal")

    state: Literal["shown", "none", "sealed", "erased", "missing"]
    value: Any = Field(None, description="Its value, where it is shown.")
    reason: str | None = Field(None, description="Why it is not shown.")


class RecordModel(_Model):
    """A record, proven to be in the log."""

    model_config = ConfigDict(extra="forbid", title="Record")

    index: Index
    kind: str = Field(description="Kind of the entry: `event`, or another.")
    recorded: datetime = Field(description="When it was recorded, in UTC.")
    leaf_hash: Digest
    prev: Digest
    content: dict[str, Any] = Field(
        description="What the entry says, in the words and units of its specification: whole "
        "millionths stay whole, bytes are in hexadecimal."
    )
    payload: dict[Literal["subject", "actor", "nobody"], PartModel] = Field(
        description="What became of the personal fields, by whom they concern."
    )
    personal: dict[str, PersonalModel] = Field(description="The fields that were to be revealed.")


class ShownRecordModel(RecordModel):
    """A record, and the checkpoint that it is proven against."""

    model_config = ConfigDict(extra="forbid", title="ShownRecord")

    checkpoint: CheckpointModel


class PageModel(_Model):
    """One page of records, each proven against the same checkpoint."""

    model_config = ConfigDict(extra="forbid", title="Page")

    records: list[RecordModel]
    next: str | None = Field(description="The cursor of the next page; null after the last one.")
    misleading: Number = Field(
        description="To how many entries columns beside the log led that are no answer. If there "
        "are any, somebody has changed the store: verify the log."
    )
    checkpoint: CheckpointModel


class FacetValueModel(_Model):
    """A value, and how many records have it."""

    model_config = ConfigDict(extra="forbid", title="FacetValue")

    value: str
    count: Number


class FacetsModel(_Model):
    """For each field its most frequent values."""

    model_config = ConfigDict(extra="forbid", title="Facets")

    facets: dict[str, list[FacetValueModel]]


class BucketModel(_Model):
    """A stretch of time, and how many records were recorded in it."""

    model_config = ConfigDict(extra="forbid", title="Bucket")

    start: datetime
    count: Number
    by: dict[str, Number] = Field(description="How many of them have each value of the field.")


class TimelineModel(_Model):
    """How many records were recorded when; empty stretches are left out."""

    model_config = ConfigDict(extra="forbid", title="Timeline")

    timeline: list[BucketModel]


class CountModel(_Model):
    """How many records there are."""

    model_config = ConfigDict(extra="forbid", title="Count")

    count: Number


class CheckpointsModel(_Model):
    """Checkpoints, the newest first."""

    model_config = ConfigDict(extra="forbid", title="Checkpoints")

    checkpoints: list[CheckpointModel]
    before: int | None = Field(
        description="To go on, ask for those before this size; null where there are no more."
    )


class KeyModel(_Model):
    """A key of the log, and which checkpoints it may sign."""

    model_config = ConfigDict(extra="forbid", title="Key")

    verifier_key: str = Field(description="As C2SP signed-note writes it.")
    key_id: str = Field(pattern="^[0-9a-f]{8}$")
    purpose: Literal["genesis", "rotation", "writer"]
    added: Index
    after: int | None = Field(description="It may sign checkpoints of more entries than this.")
    retired: int | None = Field(description="Index of the entry that ended it.")
    until: int | None = Field(description="Size of the last checkpoint that it may sign.")


class KeysModel(_Model):
    """The keys of the log, in the order in which it admitted them."""

    model_config = ConfigDict(extra="forbid", title="Keys")

    origin: str
    keys: list[KeyModel]


class StatusModel(_Model):
    """What the log is at the moment."""

    model_config = ConfigDict(extra="forbid", title="Status")

    origin: str = Field(description="Its name.")
    size: int = Field(ge=1, description="How many entries it has.")
    time: datetime = Field(description="The time of the application's clock.")
    verifier_key: str = Field(description="The key that the log began with.")
    checkpoint: CheckpointModel
