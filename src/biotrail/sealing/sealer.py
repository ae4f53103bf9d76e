"""From an event to a sealed record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import cbor2

from biotrail.canonical import event_content, move, personal_fields
from biotrail.canonical.sealed import ACTOR, NOBODY, SUBJECT
from biotrail.canonical.sealed_form import (
    SEALING_RANDOMNESS,
    WrittenPart,
    write_part,
    write_payload,
)
from biotrail.events import Event
from biotrail.sealing.people import People, Person
from biotrail.stores.sealed import SealedPayload
from biotrail.vault import PersonalFields

__all__ = ["Sealed", "Sealer"]

Fields = Sequence[tuple[str, Any]]
_NO_ROOT = bytes(32)


class Sealed(NamedTuple):
    """An event, sealed.

    Attributes:
        event_id: The event's id, 16 bytes.
        body: Body of the entry.
        payload: What lies beside it, or None where nothing is personal.
        subject: Reference of the subject, if the event has one.
        target: The target, unless that is sealed.
        people: Those concerned.
    """

    event_id: bytes
    body: bytes
    payload: SealedPayload | None
    subject: bytes | None
    target: str | None
    people: tuple[Person, ...]


class Sealer:
    """Seals events of one log.

    Attributes:
        people: Those whom the log knows.
    """

    def __init__(
        self,
        people: People,
        *,
        origin: str,
        policy: PersonalFields,
        draw: Callable[[int], bytes],
        clock: Callable[[], datetime],
    ) -> None:
        """Seal for one log.

        Args:
            people: Finds references and keys.
            origin: The log's origin.
            policy: What is personal.
            draw: Returns so many random bytes: nonces and salts.
            clock: Returns the present time, aware.
        """
        self.people = people
        self._origin = origin.encode()
        self._policy = policy
        self._moves = not policy.is_default
        self._draw = draw
        self._clock = clock

    def seal(self, event: Event) -> Sealed:
        """Seal an event.

        Raises:
            VaultError: A key cannot be had.
            StoreError: The store cannot be read.
            EventError: The event has more than a payload holds.
        """
        tenant = event.tenant or ""
        who, acting = event.subject, event.actor
        find = self.people.find
        subject = None if who is None else find(("person", tenant, who.id))
        if acting is None:
            actor = None
        elif who is not None and acting.id == who.id:
            actor = subject
        else:
            actor = find(("person", tenant, acting.id))
        reference = None if subject is None else subject.reference
        event_id = event.id.bytes
        content = event_content(
            event,
            subject=reference,
            actor=None if actor is None else actor.reference,
            root=_NO_ROOT,
            event_id=event_id,
        )
        fields: Fields = personal_fields(event)
        packed = fields[0][1] if fields and fields[0][0] == "ip" else None  # it comes first
        if self._moves:
            policy = self._policy
            content, fields = move(content, fields, seal=policy.seal, clear=policy.clear)
        target: Any = content.get("target")
        if not fields:
            del content["payload"]
            return Sealed(event_id, cbor2.dumps({"event": content}), None, reference, target, ())
        people, parts = self._parts(event_id, tenant, fields, subject, actor)
        payload, content["payload"] = write_payload(parts)
        other = None if actor is None or actor is subject else actor.reference
        device, ip = self.people.tags.places(tenant, event.context.device_id, packed)
        return Sealed(
            event_id,
            cbor2.dumps({"event": content}),
            SealedPayload(payload, reference, other, device, ip),
            reference,
            target,
            people,
        )

    def is_at_hand(self, event: Event) -> bool:
        """Whether sealing it asks neither the store nor the key provider, and so does not wait."""
        tenant = event.tenant or ""
        ids = [one.id for one in (event.subject, event.actor) if one is not None]
        return all(self.people.is_at_hand(("person", tenant, one)) for one in ids)

    def _parts(
        self,
        event_id: bytes,
        tenant: str,
        fields: Fields,
        subject: Person | None,
        actor: Person | None,
    ) -> tuple[tuple[Person, ...], list[WrittenPart]]:
        """The fields, sealed for each whom they concern."""
        if subject is None:
            owner, person = (NOBODY, self._nobody(tenant)) if actor is None else (ACTOR, actor)
            return person.alone, [self._part(event_id, owner, person, fields)]
        if actor is None or actor is subject:
            return subject.alone, [self._part(event_id, SUBJECT, subject, fields)]
        # The actor's identity is theirs; all else is about the one whose biometric it is.
        theirs = [field for field in fields if field[0] == "actor"]
        rest = [field for field in fields if field[0] != "actor"]
        return (subject, actor), [
            self._part(event_id, SUBJECT, subject, rest),
            self._part(event_id, ACTOR, actor, theirs),
        ]

    def _part(self, event_id: bytes, owner: int, person: Person, fields: Fields) -> WrittenPart:
        return write_part(
            event_id,
            owner,
            person.reference,
            fields,
            random=self._draw(SEALING_RANDOMNESS),
            encrypt=person.key.seal,
            origin=self._origin,
        )

    def _nobody(self, tenant: str) -> Person:
        """What stands for a person where none is known: the month, so that retention ends it."""
        return self.people.find(("period", tenant, self._clock().strftime("%Y-%m")))
