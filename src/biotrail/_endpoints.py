"""Addresses of services that see keys: over TLS, or on this machine."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Endpoint", "parse_endpoint"]


class Endpoint(NamedTuple):
    """Where a service is.

    Attributes:
        secure: Whether it is reached over TLS.
        host: Host name or address, without brackets.
        port: Port.
        path: Path without a slash at its end; empty for none.
    """

    secure: bool
    host: str
    port: int
    path: str


def parse_endpoint(address: str) -> Endpoint:
    """Return the parts of a service's address.

    Args:
        address: ``https://...``; ``http://...`` for a loopback address only, where no one but this
            machine's administrator can listen in.

    Raises:
        ValueError: It is no such address, or names a user, a query or a fragment.
    """
    parts = urlsplit(address)
    port = parts.port  # raises ValueError if it is no number
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address starts with https:// and names a host")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("an address of a service has no user, query or fragment")
    secure = parts.scheme == "https"
    if not secure and not _is_loopback(parts.hostname):
        raise ValueError("http:// is taken for loopback addresses only; use https://")
    return Endpoint(secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
