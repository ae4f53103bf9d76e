"""OCSF's objects: user, actor, endpoint, factors."""

from __future__ import annotations

from typing import Any

from biotrail.events import Actor, ActorKind, Context, Event, Factor, Modality, Subject
from biotrail.forwarding.view import without_nothing

__all__ = [
    "account",
    "actor",
    "auth_factors",
    "is_multi_factor",
    "observables",
    "session",
    "source_endpoint",
]

_FACTORS: dict[Factor, tuple[int, str]] = {
    Factor.SMS: (1, "SMS"),
    Factor.KNOWLEDGE: (2, "Security Question"),
    Factor.PHONE_CALL: (3, "Phone Call"),
    Factor.PUSH: (5, "Push Notification"),
    Factor.HARDWARE_TOKEN: (6, "Hardware Token"),
    Factor.SMART_CARD: (6, "Hardware Token"),
    Factor.BADGE: (6, "Hardware Token"),
    Factor.ONE_TIME_PASSWORD: (7, "OTP"),
    Factor.EMAIL: (8, "Email"),
    Factor.PASSKEY: (10, "WebAuthn"),
    Factor.PASSWORD: (11, "Password"),
}
_KNOWN = frozenset({Factor.PASSWORD, Factor.PIN, Factor.KNOWLEDGE})
# A place is no authentication factor, and of "other" nobody knows what it is.
_NO_FACTOR = frozenset({Factor.LOCATION, Factor.OTHER})
_SYSTEMS = {
    "windows": 100,
    "linux": 200,
    "android": 201,
    "macos": 300,
    "ios": 301,
    "ipados": 302,
}
_USER_TYPES = {
    ActorKind.USER: (1, "User"),
    ActorKind.SERVICE: (4, "Service"),
    ActorKind.DEVICE: (99, "Device"),
    ActorKind.UNKNOWN: (0, "Unknown"),
}


def account(person: Subject | None, reference: str | None) -> dict[str, Any]:
    """The subject as a user object, which has to name somebody.

    Who is sealed or erased is named by the random reference in the entry, as ``reference:<hex>``;
    where the event concerns nobody known, the name is ``Unknown`` and the type 0.
    """
    if person is not None:
        return _person(person.id, person.name, reference, (1, "User"))
    if reference is not None:
        return {"uid": f"reference:{reference}", "type_id": 0, "type": "Unknown"}
    return {"name": "Unknown", "type_id": 0, "type": "Unknown"}


def actor(event: Event, reference: str | None) -> dict[str, Any] | None:
    """Who acted, or the reference that stands for them; None where the event names nobody."""
    one: Actor | None = event.actor
    if one is not None:
        return {"user": _person(one.id, one.name, reference, _USER_TYPES[one.kind])}
    return None if reference is None else {"user": account(None, reference)}


def _person(
    identity: str, name: str | None, reference: str | None, kind: tuple[int, str]
) -> dict[str, Any]:
    type_id, caption = kind
    found = {"uid": identity, "name": name, "uid_alt": reference}
    return {**without_nothing(found), "type_id": type_id, "type": caption}


def auth_factors(event: Event) -> list[dict[str, Any]]:
    """The biometric with its matcher, then the factors beside it."""
    found: list[dict[str, Any]] = []
    if event.modality is not Modality.NONE:
        provider = None if event.comparison is None else event.comparison.matcher
        found.append(
            without_nothing({"factor_type_id": 4, "factor_type": "Biometric", "provider": provider})
        )
    for one in event.factors:
        type_id, caption = _FACTORS.get(one, (99, str(one)))
        found.append({"factor_type_id": type_id, "factor_type": caption})
    return found


def is_multi_factor(event: Event) -> bool | None:
    """Whether two kinds of factors were used: known, held, biometric; None where none is named."""
    kinds = {"known" if one in _KNOWN else "held" for one in event.factors if one not in _NO_FACTOR}
    if event.modality is not Modality.NONE:
        kinds.add("biometric")
    return len(kinds) > 1 if kinds else None


def session(event: Event) -> dict[str, Any] | None:
    """The session, where it is open."""
    uid = event.context.session_id
    return None if uid is None else {"uid": uid}


def source_endpoint(context: Context) -> dict[str, Any] | None:
    """From where: address, device, place and system; None where neither of the first two is."""
    if context.ip is None and context.device_id is None:
        return None
    return without_nothing(
        {
            "ip": None if context.ip is None else str(context.ip),
            "uid": context.device_id,
            "location": _location(context),
            "os": None if context.os is None else _system(context.os),
        }
    )


def _location(context: Context) -> dict[str, Any] | None:
    """A place that has a name; OCSF has none for coordinates alone."""
    place = context.location
    if place is None or (place.city, place.region, place.country) == (None, None, None):
        return None
    return without_nothing(
        {
            "lat": float(place.latitude),
            "long": float(place.longitude),
            "city": place.city,
            "region": place.region,
            "country": place.country,
        }
    )


def _system(name: str) -> dict[str, Any]:
    first = name.split()[0].lower() if name.split() else ""
    type_id = _SYSTEMS.get(first, 99)
    return {"name": name, "type_id": type_id, **({"type": name} if type_id == 99 else {})}


def observables(context: Context) -> list[dict[str, Any]]:
    """What is worth looking for in other events: the address."""
    if context.ip is None:
        return []
    address = str(context.ip)
    return [{"name": "src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": address}]
