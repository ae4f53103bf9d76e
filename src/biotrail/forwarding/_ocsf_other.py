"""Entries that are no attempts, in OCSF's nearest classes.

The log itself is an application whose life is told (Application Lifecycle, 6002); what is kept in
it is managed (Entity Management, 3004). Reading is an entity read too: Datastore Activity (6005)
would demand an endpoint, which an entry does not name. A kind that is unknown here is a Base Event.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from biotrail._version import __version__
from biotrail.forwarding.view import RecordView, plain, without_nothing

__all__ = ["OTHER_KINDS", "OtherKind", "other_kind"]

_LIFECYCLE = (6002, "Application Lifecycle")
_ENTITY = (3004, "Entity Management")


class OtherKind(NamedTuple):
    """How a kind of entry is told.

    Attributes:
        activity: OCSF's activity_id.
        caption: Its name; our own words for activity 99.
        entity: Type of the managed entity, or None where it is the log's own life.
        named_by: Which value of the entry names the entity.
    """

    activity: int
    caption: str
    entity: str | None = None
    named_by: str | None = None

    @property
    def class_uid(self) -> int:
        """OCSF's class_uid."""
        return _LIFECYCLE[0] if self.entity is None else _ENTITY[0]


OTHER_KINDS: dict[str, OtherKind] = {
    "genesis": OtherKind(1, "Install"),
    "log_started": OtherKind(3, "Start"),
    "log_stopped": OtherKind(4, "Stop"),
    "log_gap": OtherKind(99, "Gap"),
    "key_added": OtherKind(1, "Create", "Verifier key", "key"),
    "key_retired": OtherKind(11, "Deactivate", "Verifier key", "key"),
    "key_compromised": OtherKind(9, "Disable", "Verifier key", "key"),
    "configuration_changed": OtherKind(3, "Update", "Setting", "setting"),
    "subject_erased": OtherKind(4, "Delete", "Personal data", "id"),
    "retention_applied": OtherKind(4, "Delete", "Personal data", "id"),
    "hold_placed": OtherKind(99, "Hold", "Legal hold", "id"),
    "hold_released": OtherKind(99, "Release", "Legal hold", "id"),
    "log_read": OtherKind(2, "Read", "Log"),
}
"""Every kind of entry beside ``event``."""
_BASE: tuple[int, str, int, str] = (0, "Base Event", 99, "Other")
_FAILURES = frozenset({"log_gap"})


def other_kind(view: RecordView) -> dict[str, Any]:
    """The parts of an OCSF event that depend on the kind of the entry."""
    told = OTHER_KINDS.get(view.kind)
    if told is None:
        return {"classified": _BASE}
    name = _LIFECYCLE[1] if told.entity is None else _ENTITY[1]
    parts: dict[str, Any] = {"classified": (told.class_uid, name, told.activity, told.caption)}
    parts.update(_about_log(view) if told.entity is None else _about_entity(view, told))
    failed = view.kind in _FAILURES
    parts.update(
        {
            "status_id": 2 if failed else 1,
            "status": "Failure" if failed else "Success",
            "status_code": view.content.get("reason", view.kind),
        }
    )
    return parts


def _about_log(view: RecordView) -> dict[str, Any]:
    app = {"name": "biotrail", "uid": view.place.origin, "vendor_name": "biotrail"}
    return {"app": {**app, "version": str(view.content.get("software", __version__))}}


def _about_entity(view: RecordView, told: OtherKind) -> dict[str, Any]:
    value = view.content.get(told.named_by) if told.named_by else None
    name = view.place.origin if value is None else str(plain(value))
    comment = view.content.get("legal_basis")
    entity = {"name": name, "uid": name, "type_id": 99, "type": told.entity}
    return without_nothing({"entity": entity, "comment": comment})
