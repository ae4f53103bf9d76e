"""From an event to a sealed record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import cbor2

from biotrail.canonical import event_content, move, personal_fields
from biotrail.canonical.payload import SALT_SIZE
from biotrail.canonical.sealed import (
    ACTOR,
    NOBODY,
    NONCE_SIZE,
    SUBJECT,
    SealedPart,
    associated_data,
    encode_part,
    encode_sealed,
    sealed_root,
)
from biotrail.events import Event
from biotrail.sealing.people import People, Person
from biotrail.stores.sealed import SealedPayload
from biotrail.vault import PersonalFields

__all__ = ["Sealed", "Sealer"]

Fields = Sequence[tuple[str, Any]]


class Sealed(NamedTuple):
    """An event, sealed.

    Attributes:
        body: Body of the entry.
        payload: What lies beside it, or None where nothing is personal.
        subject: Reference of the subject, if the event has one.
        target: The target, unless that is sealed.
        people: Those concerned.
    """

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
        self._origin = origin
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
        subject = None if event.subject is None else self._person(tenant, event.subject.id)
        actor = self._actor(event, tenant, subject)
        content = event_content(
            event,
            subject=None if subject is None else subject.reference,
            actor=None if actor is None else actor.reference,
            root=bytes(32),
        )
        fields: Fields = personal_fields(event)
        if self._moves:
            policy = self._policy
            content, fields = move(content, fields, seal=policy.seal, clear=policy.clear)
        parts = self._parts(event.id.bytes, tenant, fields, subject, actor)
        people = tuple(person for person, _ in parts)
        if not parts:
            del content["payload"]
            body = cbor2.dumps({"event": content})
            return Sealed(body, None, None, event.target, people)
        sealed = [part for _, part in parts]
        content["payload"] = sealed_root(sealed)
        payload = self._with_tags(event, tenant, encode_sealed(sealed), subject, actor)
        body = cbor2.dumps({"event": content})
        return Sealed(body, payload, payload.subject, content.get("target"), people)  # type: ignore[arg-type] # text, as the event's

    def is_at_hand(self, event: Event) -> bool:
        """Whether sealing it asks neither the store nor the key provider, and so does not wait."""
        tenant = event.tenant or ""
        ids = [one.id for one in (event.subject, event.actor) if one is not None]
        return all(self.people.is_at_hand(("person", tenant, one)) for one in ids)

    def _person(self, tenant: str, identity: str) -> Person:
        return self.people.find(("person", tenant, identity))

    def _actor(self, event: Event, tenant: str, subject: Person | None) -> Person | None:
        if event.actor is None:
            return None
        if event.subject is not None and event.actor.id == event.subject.id:
            return subject
        return self._person(tenant, event.actor.id)

    def _parts(
        self,
        event_id: bytes,
        tenant: str,
        fields: Fields,
        subject: Person | None,
        actor: Person | None,
    ) -> list[tuple[Person, SealedPart]]:
        """The fields, each with whom it concerns."""
        if not fields:
            return []
        if subject is None:
            owner, person = (NOBODY, self._nobody(tenant)) if actor is None else (ACTOR, actor)
            return [self._part(event_id, owner, person, fields)]
        if actor is None or actor is subject:
            return [self._part(event_id, SUBJECT, subject, fields)]
        # The actor's identity is theirs; all else is about the one whose biometric it is.
        theirs = [field for field in fields if field[0] == "actor"]
        rest = [field for field in fields if field[0] != "actor"]
        return [
            self._part(event_id, SUBJECT, subject, rest),
            self._part(event_id, ACTOR, actor, theirs),
        ]

    def _part(
        self, event_id: bytes, owner: int, person: Person, fields: Fields
    ) -> tuple[Person, SealedPart]:
        random = self._draw(SALT_SIZE + NONCE_SIZE)
        salt, nonce = random[:SALT_SIZE], random[SALT_SIZE:]
        plaintext, fields_root = encode_part(event_id, fields, salt)
        reference = person.reference
        bound = associated_data(event_id, owner, reference, self._origin)
        ciphertext = person.key.seal(plaintext, bound, nonce)
        return person, SealedPart(owner, reference, nonce, fields_root, ciphertext)

    def _nobody(self, tenant: str) -> Person:
        """What stands for a person where none is known: the month, so that retention ends it."""
        return self.people.find(("period", tenant, self._clock().strftime("%Y-%m")))

    def _with_tags(
        self,
        event: Event,
        tenant: str,
        payload: bytes,
        subject: Person | None,
        actor: Person | None,
    ) -> SealedPayload:
        tags, context = self.people.tags, event.context
        return SealedPayload(
            payload,
            None if subject is None else subject.reference,
            None if actor is None or actor is subject else actor.reference,
            None if context.device_id is None else tags.device(tenant, context.device_id),
            None if context.ip is None else tags.address(tenant, context.ip),
        )
