"""From where: network, device, place, session, and who vouches for each of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

import attrs

from biotrail.errors import EventError
from biotrail.events import _rules as rules
from biotrail.events._frozen import FrozenMapping
from biotrail.events.vocabulary import Provenance

__all__ = ["Context", "Location"]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@attrs.frozen(kw_only=True)
class Location:
    """A place on Earth (WGS 84). Personal.

    Attributes:
        latitude: Degrees north, -90 to 90, rounded to millionths (about 11 cm).
        longitude: Degrees east, -180 to 180, rounded to millionths.
        accuracy_m: Radius of uncertainty in metres.
        country: ISO 3166-1 alpha-2 code, upper case.
        region: Region, up to 128 characters.
        city: City, up to 128 characters.
    """

    latitude: float = attrs.field(validator=rules.real(limit=90))
    longitude: float = attrs.field(validator=rules.real(limit=180))
    accuracy_m: int | None = attrs.field(default=None, validator=rules.whole(maximum=40_000_000))
    country: str | None = attrs.field(default=None, validator=rules.text(maximum=2, optional=True))
    region: str | None = attrs.field(default=None, validator=rules.text(maximum=128, optional=True))
    city: str | None = attrs.field(default=None, validator=rules.text(maximum=128, optional=True))

    def __attrs_post_init__(self) -> None:
        for name in ("latitude", "longitude"):
            if getattr(self, name) is None:
                raise EventError(f"Location.{name}", None, "must be given")
        country = self.country
        if country is not None and not (
            len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
        ):
            rule = "must be an ISO 3166-1 alpha-2 code such as 'CH'"
            raise EventError("Location.country", country, rule)


def _ip(value: IPAddress | str | None) -> IPAddress | None:
    if value is None or isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return _without_zone(value)
    if not isinstance(value, str):
        raise EventError("Context.ip", value, "must be an IPv4 or IPv6 address")
    try:
        return _without_zone(ipaddress.ip_address(value))
    except ValueError:
        raise EventError("Context.ip", value, "must be an IPv4 or IPv6 address") from None


def _without_zone(address: IPAddress | None) -> IPAddress | None:
    # A zone ("%eth0") names an interface of one machine: it is no part of the address.
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return ipaddress.IPv6Address(address.packed)
    return address


_NOTHING: Mapping[str, Provenance] = FrozenMapping({})


def _provenance(value: Mapping[str, Provenance | str]) -> Mapping[str, Provenance]:
    if value is _NOTHING:
        return _NOTHING
    if not isinstance(value, Mapping):
        raise EventError("Context.provenance", value, "must be a mapping of field to provenance")
    for field in value:
        if field not in CONTEXT_FIELDS:
            raise EventError("Context.provenance", field, "must name fields of the context")
    words = {
        field: rules.member(f"Context.provenance[{field}]", word, Provenance)
        for field, word in value.items()
    }
    return FrozenMapping(words)


@attrs.frozen(kw_only=True)
class Context:
    """Circumstances of an attempt, every field optional.

    Attributes:
        ip: Address of the client (personal).
        device_id: Identifier of the device (personal).
        device_model: Model of the device.
        os: Operating system of the device.
        user_agent: User agent as sent (personal).
        location: Place (personal).
        session_id: Session (personal).
        request_id: Request, for joining with other logs.
        trace_id: Trace, for joining with other logs.
        provenance: Who vouches for a field: a mapping from the names above to `Provenance`.
            Fields that are set and not named count as claimed by the client.
    """

    ip: IPAddress | None = attrs.field(default=None, converter=_ip)
    device_id: str | None = attrs.field(
        default=None, validator=rules.text(maximum=256, optional=True)
    )
    device_model: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    os: str | None = attrs.field(default=None, validator=rules.text(maximum=128, optional=True))
    user_agent: str | None = attrs.field(
        default=None, validator=rules.text(maximum=1024, optional=True, controls=True)
    )
    location: Location | None = attrs.field(default=None, validator=rules.instance_of(Location))
    session_id: str | None = attrs.field(
        default=None, validator=rules.text(maximum=256, optional=True)
    )
    request_id: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    trace_id: str | None = attrs.field(
        default=None, validator=rules.text(maximum=128, optional=True)
    )
    provenance: Mapping[str, Provenance] = attrs.field(
        default=_NOTHING, converter=_provenance, hash=False
    )

    def __attrs_post_init__(self) -> None:
        full = {}
        for name in CONTEXT_FIELDS:
            if getattr(self, name) is not None:
                full[name] = self.provenance.get(name, Provenance.CLIENT_CLAIMED)
        for name in self.provenance:
            if name not in full:
                rule = "must name a field of the context that is set"
                raise EventError(f"Context.provenance[{name}]", name, rule)
        if full:
            object.__setattr__(self, "provenance", FrozenMapping(full))


CONTEXT_FIELDS: tuple[str, ...] = tuple(
    sorted(
        (field.name for field in attrs.fields(Context) if field.name != "provenance"),
        key=lambda name: (len(name), name),
    )
)
"""Shortest first, then by the alphabet: the order in which they are encoded."""


def as_context(value: Context | None) -> Context:
    """Accept a context, or None for an empty one."""
    if value is None:
        return _EMPTY
    if isinstance(value, Context):
        return value
    raise EventError("Event.context", value, "must be a Context")


_EMPTY = Context()
