"""The destruction clock of enrolled references: purpose satisfied, or years without an event.

The Illinois Biometric Information Privacy Act, 740 ILCS 14/15(a), has biometric identifiers
destroyed when the purpose for which they were collected is satisfied, or within three years of the
person's last interaction, whichever comes first. When that was, the log knows: it is the last event
of the person, or, of a person who is erased already, of the reference.

Purpose and permission are the host's to judge; this destroys what is due, and records it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from biotrail.audit.changes import deletion_event
from biotrail.canonical import Entry, decode_entry
from biotrail.errors import CanonicalError, DeletionIncompleteError, EventError
from biotrail.events import Action, Reason
from biotrail.stores import StoreReader

if TYPE_CHECKING:
    from biotrail.audit.logger import AuditLogger
    from biotrail.audit.receipt import Receipt
    from biotrail.matchers.deletion import DeletionReport, ReferencePlace

__all__ = ["ReferenceRetention", "ReferenceRetentionRun", "apply_reference_retention"]

_THREE_YEARS = timedelta(days=3 * 365)
_ENROLMENTS = frozenset({Action.ENROL.value, Action.RE_ENROL.value})


class EnrolledReferences(Protocol):
    """What holds enrolled references and can name them, as `biotrail.matchers.ReferenceStore`."""

    def ids(self, *, revoked: bool = False) -> Sequence[str]:
        """Identifiers of the references that are kept."""
        ...


def _as_set(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(ids)


@attrs.frozen(kw_only=True)
class ReferenceRetention:
    """When enrolled references are destroyed.

    Attributes:
        inactive: After this long without an event of the person; three years unless given.
        satisfied: Identifiers of references whose purpose is satisfied: they go at once.
    """

    inactive: timedelta = _THREE_YEARS
    satisfied: frozenset[str] = attrs.field(factory=frozenset, converter=_as_set)

    def __attrs_post_init__(self) -> None:
        """Refuse a duration that is none."""
        inactive: object = self.inactive
        if not isinstance(inactive, timedelta) or inactive <= timedelta():
            raise EventError("inactive", inactive, "must be a duration above 0")


@attrs.frozen(kw_only=True)
class ReferenceRetentionRun:
    """What was destroyed, or would be.

    Attributes:
        due: Identifiers of the references that were due, in ascending order.
        unknown: Identifiers of references of which the log knows nothing: it cannot tell when
            their time is over, so they are left. Name them as satisfied, or record their enrolment.
        report: What every place held and holds; None for a dry run, or where nothing was due.
        receipt: Of the event that records the deletion; None as the report.
    """

    due: tuple[str, ...]
    unknown: tuple[str, ...]
    report: DeletionReport | None = None
    receipt: Receipt | None = None


def apply_reference_retention(
    log: AuditLogger,
    policy: ReferenceRetention,
    references: EnrolledReferences,
    places: Iterable[ReferencePlace],
    *,
    now: datetime,
    dry_run: bool = False,
) -> ReferenceRetentionRun:
    """Destroy enrolled references whose time is over, everywhere, and record that.

    The log must say in the clear which reference was enrolled and compared: that is how it is
    unless the host's policy seals the comparison's reference and the labels.

    Args:
        log: The log; an event with the action ``reference.delete`` is recorded in it.
        policy: When they are due.
        references: What names the references, e.g. the reference store.
        places: Everything that holds something of them: stores, galleries, folders.
        now: The present time, aware.
        dry_run: Only say what would be destroyed.

    Raises:
        DeletionIncompleteError: Something remains somewhere; that is recorded too.
        NotRecordedError: It was destroyed, and could not be recorded; the cause is chained.
        EventError: The time is not aware.
    """
    if now.tzinfo is None:
        raise EventError("now", now, "must be an aware time")
    kept = sorted(references.ids(revoked=True))
    last = _last_events(log._store, frozenset(kept))
    unknown = [one for one in kept if one not in last and one not in policy.satisfied]
    due = [
        one
        for one in kept
        if one in policy.satisfied or (one in last and last[one] <= now - policy.inactive)
    ]
    run = ReferenceRetentionRun(due=tuple(due), unknown=tuple(unknown))
    if dry_run or not due:
        return run
    # Loaded here: most logs are of hosts who keep no references with biotrail.
    from biotrail.matchers.deletion import delete_references

    try:
        report = delete_references(due, places)
    except DeletionIncompleteError as error:
        failed: Any = error.report
        log.record(_event(failed))
        raise
    return attrs.evolve(run, report=report, receipt=log.record(_event(report)))


def _event(report: DeletionReport) -> Any:
    return deletion_event(report, reason=Reason.POLICY, labels={"rule": "retention"})


def _last_events(store: StoreReader, ids: frozenset[str]) -> dict[str, datetime]:
    """When the last event of each reference was, or of the person whom it was enrolled for."""
    owners: dict[str, bytes] = {}
    seen: dict[str | bytes, datetime] = {}
    head = store.head()
    for _, data, _ in store.raw_entries(0, 0 if head is None else head.size):
        entry = _event_of(data)
        if entry is None:
            continue
        subject: Any = entry.content.get("subject")
        named = _reference_in(entry.content)
        if subject is not None:
            seen[subject] = entry.recorded
        if named in ids:
            assert named is not None
            seen[named] = entry.recorded
            if subject is not None:
                owners[named] = subject
    found = {}
    for one in ids:
        times = [seen[name] for name in (one, owners.get(one)) if name in seen]
        if times:
            found[one] = max(times)
    return found


def _reference_in(content: dict[str, Any]) -> str | None:
    comparison = content.get("comparison")
    if isinstance(comparison, dict) and isinstance(comparison.get("reference"), str):
        return str(comparison["reference"])
    labels = content.get("labels")
    if content["action"] in _ENROLMENTS and isinstance(labels, dict):
        named = labels.get("reference")
        return named if isinstance(named, str) else None
    return None


def _event_of(data: bytes) -> Entry | None:
    try:
        entry = decode_entry(data)
    except CanonicalError:
        return None
    return entry if entry.kind == "event" else None
