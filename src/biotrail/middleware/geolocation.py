"""Places of addresses, from a database in MaxMind's format (GeoLite2 City and its like)."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path
from typing import Any

from biotrail._closing import Closing
from biotrail.errors import EventError, MiddlewareError, MissingDependencyError
from biotrail.events import Location
from biotrail.middleware.forwarding_headers import IPAddress

__all__ = ["Geolocation"]

_LOG = logging.getLogger(__name__)
_LONGEST_NAME = 128


class Geolocation(Closing):
    """Looks up where an address is said to be.

    Shared freely among threads. The file is mapped into memory: to use a newer one, replace the
    file by renaming and open it anew.
    """

    def __init__(self, path: str | os.PathLike[str], *, language: str = "en") -> None:
        """Open a database.

        Args:
            path: A ``.mmdb`` file whose records have coordinates, such as GeoLite2 City.
            language: The language of the names of cities and regions.

        Raises:
            MissingDependencyError: ``maxminddb`` is not installed.
            MiddlewareError: There is no such file, it is no such database, or it has no places.
        """
        try:
            import maxminddb
        except ImportError:
            raise MissingDependencyError(
                "geolocation needs the package maxminddb: pip install 'biotrail[middleware]'"
            ) from None
        self._language = language
        self._broken = maxminddb.InvalidDatabaseError
        try:
            self._reader = maxminddb.open_database(Path(path))
            kind = self._reader.metadata().database_type
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise MiddlewareError(f"geolocation: {path} cannot be read: {error}") from error
        if any(word in kind for word in ("Country", "ASN", "ISP", "Domain", "Connection-Type")):
            self._reader.close()
            raise MiddlewareError(
                f"geolocation: {path} is of type {kind}, which has no coordinates; "
                "a City or Enterprise database has"
            )

    def close(self) -> None:
        """Let the file go. May be called twice."""
        self._reader.close()

    def locate(self, address: IPAddress) -> Location | None:
        """Where the address is said to be; None where the database does not know.

        A damaged database is told to the log ``biotrail.middleware.geolocation``, and locates
        nothing: it keeps nobody out.
        """
        try:
            found = self._reader.get(address)
        except (self._broken, ValueError) as error:  # ValueError: IPv6 in a database of IPv4
            _LOG.warning("no place: %s", error)
            return None
        return self._location(found) if isinstance(found, dict) else None

    def _location(self, found: dict[str, Any]) -> Location | None:
        place = _mapping(found.get("location"))
        regions = found.get("subdivisions")
        region = regions[0] if isinstance(regions, list) and regions else None
        try:
            return Location(
                latitude=place["latitude"],
                longitude=place["longitude"],
                accuracy_m=_metres(place.get("accuracy_radius")),
                country=_country(_mapping(found.get("country")).get("iso_code")),
                region=self._name(region),
                city=self._name(found.get("city")),
            )
        except (KeyError, EventError):
            return None

    def _name(self, found: object) -> str | None:
        name = _mapping(_mapping(found).get("names")).get(self._language)
        return name[:_LONGEST_NAME] if isinstance(name, str) and name else None


def _mapping(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _metres(kilometres: object) -> int | None:
    if isinstance(kilometres, (int, float)) and math.isfinite(kilometres):
        return min(max(round(kilometres * 1_000), 0), 40_000_000)
    return None


def _country(code: object) -> str | None:
    if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha():
        return code.upper()
    return None
