"""From an event to what will be written: the part that runs in the caller's thread."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from biotrail.canonical import MAXIMUM_ENTRY_SIZE, encode_body, encode_event
from biotrail.canonical.cbor import CborValue
from biotrail.canonical.payload import SALT_SIZE
from biotrail.canonical.sealed_form import SEALING_RANDOMNESS
from biotrail.errors import EventError, NotRecordedError
from biotrail.events import Event
from biotrail.stores import Store, SubjectReference

if TYPE_CHECKING:
    from biotrail.sealing import Opener, Person, Sealed, Sealer

__all__ = ["Prepared", "Preparer", "microseconds", "prepare_other"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEAD_ROOM = 80
_SALTS_AT_ONCE = 64
_CACHED_REFERENCES = 65_536
REFERENCE_SIZE = 16


class Prepared(NamedTuple):
    """A record with everything but its place in the log.

    Attributes:
        kind: Kind of the body.
        body: Body of the entry.
        payload: Payload, or None.
        columns: Look-up columns after kind and time of recording.
        subject: A reference to be kept, where it is not known to be kept yet.
        event: The event, for answering a repeated id.
        sealed: How it is sealed, in a log with a vault.
        settled: Whether its decision was acted upon already, so that no limit overrules it.
    """

    kind: str
    body: bytes
    payload: bytes | None = None
    columns: tuple[Any, ...] = (None,)
    subject: SubjectReference | None = None
    event: Event | None = None
    sealed: Sealed | None = None
    settled: bool = False

    @property
    def event_id(self) -> bytes | None:
        """The event's id, 16 bytes."""
        first: bytes | None = self.columns[0]
        return first


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def prepare_other(kind: str, content: dict[str, CborValue]) -> Prepared:
    """Prepare an entry that is not an event."""
    return Prepared(kind, encode_body(kind, content))


class SystemSalts:
    """Salts from the system's source, drawn many at once.

    Asking the system lets go of the interpreter's lock, and getting it back under load takes longer
    than everything else about a record. Each salt is handed out once, to one thread.
    """

    def __init__(self, size: int = SALT_SIZE) -> None:
        self._size = size
        self._drawn: list[bytes] = []

    def take(self) -> bytes:
        """So many bytes that nobody else is given."""
        while True:
            try:
                return self._drawn.pop()  # atomic, unlike a look at its length first
            except IndexError:
                size = self._size
                many = os.urandom(size * _SALTS_AT_ONCE)
                self._drawn += [many[i : i + size] for i in range(0, len(many), size)]


class Preparer:
    """Encodes events; remembers which random reference stands for whom.

    A reference is written with the first record that bears it. Until that record is known to be
    durable, every record of the person carries it along, so that a failed commit loses nothing.
    """

    def __init__(self, store: Store, randomness: Callable[[int], bytes]) -> None:
        """Prepare for one store.

        Args:
            store: Where the references are kept.
            randomness: Returns so many random bytes, from a cryptographic source.
        """
        self.sealer: Sealer | None = None
        self.opener: Opener | None = None
        self.settings: dict[str, bytes] = {}
        self._store = store
        self._randomness = randomness
        self._salts = SystemSalts() if randomness is os.urandom else None
        self._sealing = SystemSalts(SEALING_RANDOMNESS) if randomness is os.urandom else None
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._proposed: dict[tuple[str, str], bytes] = {}

    def prepare(self, event: Event) -> Prepared:
        """Encode an event.

        Raises:
            EventError: Not an event, or one whose entry would be too large.
            NotRecordedError: The source of randomness failed.
            StoreError: The store could not be asked for the subject's reference.
        """
        if not isinstance(event, Event):
            raise EventError("event", event, "must be a biotrail.Event")
        if self.sealer is not None:
            return self._sealed(event, self.sealer)
        if self.settings:
            from biotrail.audit.vaulted import check_not_sealed

            check_not_sealed(self.settings)
        reference, to_keep = self._reference(event)
        salt = self.draw(SALT_SIZE) if self._salts is None else self._salts.take()
        encoded = encode_event(event, subject=reference, salt=salt)
        _check_size(event, encoded.body)
        columns = _columns(event, event.id.bytes, reference, event.target)
        return Prepared("event", encoded.body, encoded.payload, columns, to_keep, event)

    def is_at_hand(self, events: Sequence[object]) -> bool:
        """Whether preparing them waits for no key provider."""
        sealer = self.sealer
        return sealer is None or all(
            sealer.is_at_hand(event) for event in events if isinstance(event, Event)
        )

    def _sealed(self, event: Event, sealer: Sealer) -> Prepared:
        sealed = sealer.seal(event)
        _check_size(event, sealed.body)
        columns = _columns(event, sealed.event_id, sealed.subject, sealed.target)
        return Prepared("event", sealed.body, None, columns, None, event, sealed)

    def up_to_date(self, records: Sequence[Prepared]) -> tuple[Sequence[Prepared], int | None]:
        """Prepare anew what an erasure has overtaken since it was prepared.

        Returns:
            The records, and how many erasures they take into account; None without a vault.
        """
        if self.sealer is None:
            return records, None
        count, fenced = self.sealer.people.fenced
        if not fenced:
            return records, count
        return [
            self.prepare(record.event)._replace(settled=record.settled)
            if record.event is not None
            and record.sealed is not None
            and any(person.reference in fenced for person in record.sealed.people)
            else record
            for record in records
        ], count

    def check_sealed(self, records: Sequence[Prepared], settings: dict[str, bytes]) -> None:
        """Refuse events in the clear in a log that has got a vault since they were prepared.

        Raises:
            VaultError: There is one among them.
        """
        if self.sealer is None and any(record.kind == "event" for record in records):
            from biotrail.audit.vaulted import check_not_sealed

            check_not_sealed(settings)

    def take_fences(self) -> None:
        """Take note of erasures that were begun since."""
        assert self.sealer is not None
        self.sealer.people.take_fences()

    def begin_in_child(self) -> None:
        """Begin anew after a fork: a thread of the parent may have held the lock."""
        self._lock = threading.Lock()
        if self.sealer is not None:
            self.sealer.people.begin_in_child()
        if self._salts is not None:
            # The parent will use those that were drawn beforehand.
            self._salts, self._sealing = SystemSalts(), SystemSalts(SEALING_RANDOMNESS)

    def confirm(self, subject: SubjectReference) -> None:
        """Take note that a reference is durable."""
        key = subject.tenant, subject.identity
        with self._lock:
            if self._proposed.get(key) == subject.reference:
                del self._proposed[key]
            self._remember(key, subject.reference)

    def confirm_person(self, person: Person) -> None:
        """Take note that a person's reference and data key are durable."""
        assert self.sealer is not None
        self.sealer.people.confirm(person)

    def _reference(self, event: Event) -> tuple[bytes | None, SubjectReference | None]:
        if event.subject is None:
            return None, None
        key = event.tenant or "", event.subject.id
        kept = self._kept.get(key)
        if kept is not None:
            return kept, None
        with self._lock:
            # Read within the lock: what was proposed becomes durable, and is confirmed, meanwhile.
            stored = self._store.references(*key)
            if stored:
                self._remember(key, stored[0])
                return stored[0], None
            proposed = self._proposed.get(key)
            if proposed is None:
                proposed = self._proposed[key] = self.draw(REFERENCE_SIZE)
            return proposed, SubjectReference(*key, proposed)

    def random(self, size: int) -> bytes:
        """As `draw`, with what sealing a part needs drawn beforehand.

        Raises:
            NotRecordedError: The source of randomness failed.
        """
        if size == SEALING_RANDOMNESS and self._sealing is not None:
            return self._sealing.take()
        return self.draw(size)

    def draw(self, size: int) -> bytes:
        """Random bytes from the host's source, which may do anything.

        Raises:
            NotRecordedError: It fails, or returns something else.
        """
        try:
            drawn = self._randomness(size)
        except Exception as error:
            raise NotRecordedError(f"the source of randomness failed: {error!r}") from error
        if type(drawn) is not bytes or len(drawn) != size:
            raise NotRecordedError(f"the source of randomness did not return {size} bytes")
        return drawn

    def _remember(self, key: tuple[str, str], reference: bytes) -> None:
        self._kept[key] = reference
        if len(self._kept) > _CACHED_REFERENCES:
            self._kept.popitem(last=False)


def _check_size(event: Event, body: bytes) -> None:
    if len(body) > MAXIMUM_ENTRY_SIZE - _HEAD_ROOM:
        rule = f"its entry would exceed {MAXIMUM_ENTRY_SIZE} bytes: give shorter labels"
        raise EventError("event", event, rule)


def _columns(
    event: Event, event_id: bytes, reference: bytes | None, target: str | None
) -> tuple[Any, ...]:
    assert event.outcome is not None
    return (
        event_id,
        microseconds(event.occurred),
        event.action,
        target,
        event.modality,
        event.decision,
        event.outcome,
        event.reason,
        event.tenant,
        None if event.comparison is None else event.comparison.matcher,
        reference,
    )
