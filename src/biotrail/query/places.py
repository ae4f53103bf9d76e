"""Terms about where: a network, and the surroundings of a point."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from math import asin, cos, isfinite, radians, sin, sqrt
from typing import TypeAlias

import attrs

from biotrail.errors import QueryError
from biotrail.query.record import Record
from biotrail.query.terms import Term

__all__ = ["EARTH_RADIUS_KM", "Near", "Within", "kilometres_between"]

Network: TypeAlias = IPv4Network | IPv6Network

EARTH_RADIUS_KM = 6_371.0088
"""Mean radius of the Earth (IUGG); distances on the sphere are off by up to 0.6 %."""


def kilometres_between(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Length of the great circle between two places, by the haversine formula.

    Args:
        here: Latitude and longitude in degrees.
        there: The same.
    """
    (from_latitude, from_longitude), (to_latitude, to_longitude) = here, there
    north = sin(radians(to_latitude - from_latitude) / 2)
    east = sin(radians(to_longitude - from_longitude) / 2)
    square = north**2 + cos(radians(from_latitude)) * cos(radians(to_latitude)) * east**2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(square)))


@attrs.frozen
class Within(Term):
    """An address within a network.

    Attributes:
        network: The network; a single address is one too.
    """

    network: Network
    _is_of: tuple[int, int, int] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.of.kind != "address":
            raise QueryError(f"{self.field} is no address: only ip is within a network")
        try:
            network = ip_network(self.network)
        except (ValueError, TypeError):
            raise QueryError(
                f"{self.field} is within a network such as 192.0.2.0/24 or 2001:db8::/32, with no "
                "bits of a host"
            ) from None
        object.__setattr__(self, "network", network)
        bits = network.max_prefixlen
        shift = bits - network.prefixlen
        beginning = int(network.network_address) >> shift
        object.__setattr__(self, "_is_of", (bits // 8, shift, beginning))

    def admits(self, record: Record) -> bool:
        """Whether the record's address is in the network."""
        size, shift, beginning = self._is_of
        return any(
            len(one) == size and int.from_bytes(one, "big") >> shift == beginning
            for one in self.of.read(record)
        )

    def __str__(self) -> str:
        return f"{self.field} in {self.network}"


def _latitude(value: float) -> float:
    return _real(value, 90.0, "latitude")


def _longitude(value: float) -> float:
    return _real(value, 180.0, "longitude")


def _distance(value: float) -> float:
    return _real(value, 20_100.0, "distance in km")


def _real(value: object, limit: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise QueryError(f"a {what} is a number")
    found = float(value)
    if not isfinite(found) or abs(found) > limit:
        raise QueryError(f"a {what} is at most {limit:g}")
    return round(found, 6) + 0.0


@attrs.frozen
class Near(Term):
    """A place within a distance of a point, on a sphere of the Earth's mean radius.

    Attributes:
        latitude: Degrees north, -90 to 90.
        longitude: Degrees east, -180 to 180.
        km: The distance in kilometres, 0 to 20,100; a place that far away is still within.
    """

    latitude: float = attrs.field(converter=_latitude)
    longitude: float = attrs.field(converter=_longitude)
    km: float = attrs.field(converter=_distance)

    def __attrs_post_init__(self) -> None:
        if self.of.kind != "place":
            raise QueryError(f"{self.field} is no place: only location is near a point")
        if self.km < 0:
            raise QueryError("a distance is not negative")

    def admits(self, record: Record) -> bool:
        """Whether the record's place is that near."""
        here = self.latitude, self.longitude
        return any(kilometres_between(here, one) <= self.km for one in self.of.read(record))

    def __str__(self) -> str:
        point = f"{_real_text(self.latitude)},{_real_text(self.longitude)}"
        return f"{self.field} within {_real_text(self.km)} km of {point}"


def _real_text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
