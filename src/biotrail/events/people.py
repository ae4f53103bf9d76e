"""Who acts, and whose biometric it is."""

from __future__ import annotations

from enum import StrEnum

import attrs

from biotrail.errors import EventError
from biotrail.events import _rules as rules

__all__ = ["Actor", "ActorKind", "Subject"]


class ActorKind(StrEnum):
    """What kind of party acts."""

    USER = "user"
    SERVICE = "service"
    DEVICE = "device"
    UNKNOWN = "unknown"


def _kind(value: ActorKind | str) -> ActorKind:
    return rules.member("Actor.kind", value, ActorKind)


@attrs.frozen(kw_only=True)
class Actor:
    """Who initiates the attempt. Personal: kept in the payload, never in the entry.

    Attributes:
        id: The host's identifier, 1 to 256 characters.
        kind: User, service, device or unknown.
        name: A name to show, up to 256 characters.
    """

    id: str = attrs.field(validator=rules.text(maximum=256))
    kind: ActorKind = attrs.field(default=ActorKind.USER, converter=_kind)
    name: str | None = attrs.field(default=None, validator=rules.text(maximum=256, optional=True))


@attrs.frozen(kw_only=True)
class Subject:
    """Whose biometric is compared. Personal; the entry bears only a random reference.

    Attributes:
        id: The host's identifier of the person, 1 to 256 characters.
        name: A name to show, up to 256 characters.
    """

    id: str = attrs.field(validator=rules.text(maximum=256))
    name: str | None = attrs.field(default=None, validator=rules.text(maximum=256, optional=True))


def as_actor(value: object) -> Actor | None:
    """Accept an actor or just its identifier."""
    if value is None or isinstance(value, Actor):
        return value
    if isinstance(value, str):
        return Actor(id=value)
    rules.refuse_biometrics("Event.actor", value)
    raise EventError("Event.actor", value, "must be an Actor or its identifier as text")


def as_subject(value: object) -> Subject | None:
    """Accept a subject or just its identifier."""
    if value is None or isinstance(value, Subject):
        return value
    if isinstance(value, str):
        return Subject(id=value)
    rules.refuse_biometrics("Event.subject", value)
    raise EventError("Event.subject", value, "must be a Subject or its identifier as text")
