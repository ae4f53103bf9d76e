"""What most rules have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_network
from typing import Any

import attrs

from biotrail.detection.finding import Finding, Severity
from biotrail.detection.rule import Past, Step, a_whole
from biotrail.detection.seen import Seen
from biotrail.events import Event

__all__ = ["KeyedRule", "network_of"]

_IPV6_NETWORK = 64


@attrs.frozen(kw_only=True)
class KeyedRule(ABC):
    """A rule whose memory lies under many keys, and is made again from the log after a restart."""

    name: str
    most_keys: int = attrs.field(default=10_000, validator=a_whole(1, 1_000_000))

    @property
    def kept(self) -> bool:
        """Whether its memory is kept in the detector's file: no, since it may be personal."""
        return False

    @property
    @abstractmethod
    def memory(self) -> timedelta | None:
        """For how long it remembers."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """Personal fields that it looks at."""

    @abstractmethod
    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """Whose memory a record concerns."""

    @abstractmethod
    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """What follows from one record."""

    def silence(self, key: Hashable, past: Past, now: datetime) -> Finding | None:
        """Nothing follows from nothing having come."""
        return None

    def _finding(
        self,
        seen: Seen,
        past: Past,
        reason: str,
        *,
        severity: Severity,
        count: int,
        details: dict[str, Any] | None = None,
        of_person: bool = False,
    ) -> Finding:
        """A finding from what is remembered and the record that brought it."""
        event = seen.event
        subject = None if event is None or not of_person else event.subject
        return Finding(
            rule=self.name,
            severity=severity,
            reason=reason,
            indices=(*(one.index for one in past), seen.index),
            when=seen.occurred,
            count=count,
            details=details or {},
            subject=None if subject is None else subject.id,
            tenant=seen.tenant or None,
        )


def network_of(event: Event) -> str | None:
    """The address of an attempt: of IPv4 itself, of IPv6 the network of 64 bits that one line has.

    As attempt limits count (RFC 6177: a site is given at least one such network).
    """
    address = event.context.ip
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, _IPV6_NETWORK), strict=False))
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped)
    return None if address is None else str(address)


HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
