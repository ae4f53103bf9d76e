"""Connections of those who are slow, or of whom there are many: none holds up the others.

uvicorn waits without end for the head of a request, and for a reader that does not read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import attrs
import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ServeLimits", "bounded_protocol"]


@attrs.frozen(kw_only=True)
class ServeLimits:
    """Bounds on connections.

    Attributes:
        handshake_seconds: In how many seconds TLS has to be agreed on.
        head_seconds: In how many seconds the head of a request has to come.
        stalled_seconds: After how many seconds a reader that takes nothing is cut off.
        idle_seconds: How long a connection is kept between requests.
        grace_seconds: How long answers under way may take when the server is to end.
        head_bytes: How many bytes the head of a request may have.
        most: How many connections there may be; who comes then is answered by 503.
        most_of_one: How many of them one address may have; None for no such bound, as where all
            come by way of a proxy.
    """

    handshake_seconds: float = 10.0
    head_seconds: float = 10.0
    stalled_seconds: float = 30.0
    idle_seconds: int = 5
    grace_seconds: int = 5
    head_bytes: int = 16_384
    most: int = 512
    most_of_one: int | None = 64


def bounded_protocol(limits: ServeLimits) -> type[asyncio.Protocol]:
    """The protocol of connections under these limits, for one server."""
    counted: Counter[str] = Counter()

    class Bounded(_BoundedProtocol):
        bounds = limits
        addresses = counted

    return Bounded


class _BoundedProtocol(H11Protocol):
    """One connection."""

    bounds: ServeLimits
    addresses: Counter[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Somebody has come."""
        super().connection_made(transport)
        self._address = "" if self.client is None else self.client[0]
        self.addresses[self._address] += 1
        most = self.bounds.most_of_one
        if most is not None and self.addresses[self._address] > most:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        _cancel(self._head)
        self._head = None
        _cancel(self._stalled)
        self._stalled = None
        if self._address is not None:
            self.addresses[self._address] -= 1
            if self.addresses[self._address] <= 0:
                del self.addresses[self._address]
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come: all of a head, or a part of it."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._await_head()
        else:
            _cancel(self._head)
            self._head = None

    def pause_writing(self) -> None:
        """They do not take what they are sent."""
        super().pause_writing()
        if self._stalled is None:
            seconds = self.bounds.stalled_seconds
            self._stalled = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """They do again."""
        _cancel(self._stalled)
        self._stalled = None
        super().resume_writing()

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.bounds.head_seconds, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
