"""The circumstances of a request, captured once: from its headers and its peer's address.

Pure but for the database of places. Nothing that a client sends makes it raise, and every field
says who vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from uuid import uuid4

import attrs

from biotrail.events import Context, Provenance
from biotrail.middleware.forwarding_headers import IPAddress, parse_address
from biotrail.middleware.geolocation import Geolocation
from biotrail.middleware.proxies import ForwardingHeader, TrustedProxies
from biotrail.middleware.tracing import parse_request_id, parse_traceparent
from biotrail.middleware.user_agents import ParsedUserAgent, user_agent_parser

__all__ = ["Captured", "ContextCapture", "Headers"]

Headers: TypeAlias = Iterable[tuple[str | bytes, str | bytes]]
"""Names and values of header lines, as text or as bytes (read as Latin-1, RFC 9110 section 5.5)."""

_REQUEST_ID, _TRACE, _AGENT = "x-request-id", "traceparent", "user-agent"
_READ = frozenset({*ForwardingHeader, _REQUEST_ID, _TRACE, _AGENT})
_LONGEST_AGENT = 1_024
_CLAIMED = Provenance.CLIENT_CLAIMED


@attrs.frozen
class Captured:
    """What was captured.

    Attributes:
        context: The circumstances, each with its provenance.
        labels: What an auditor should know of how they were captured: ``forwarding_refused`` (see
            `HeaderRefusal`), ``user_agent_cut``.
    """

    context: Context
    labels: Mapping[str, str | bool]


def _new_request_id() -> str:
    return uuid4().hex


class ContextCapture:
    """Captures the context of requests. Shared freely among threads and tasks."""

    def __init__(
        self,
        *,
        proxies: TrustedProxies | None = None,
        geolocation: Geolocation | None = None,
        parse_user_agents: bool = True,
        new_request_id: Callable[[], str] = _new_request_id,
    ) -> None:
        """Say what to believe and what to look up.

        Args:
            proxies: The proxies in front of this host; None for no proxies.
            geolocation: Where to look up places; None for nowhere.
            parse_user_agents: Whether to parse operating system and device out of user agents.
            new_request_id: Makes an id for a request that brings none.

        Raises:
            MissingDependencyError: A package for one of these is not installed.
        """
        self._proxies = TrustedProxies() if proxies is None else proxies
        self._geolocation = geolocation
        self._parse_user_agent = user_agent_parser() if parse_user_agents else _unparsed
        self._new_request_id = new_request_id

    def capture(self, headers: Headers, peer: str | None) -> Captured:
        """The circumstances of one request.

        Args:
            headers: All its header lines, in their order.
            peer: Address of the other end of the connection; None for a Unix socket.
        """
        lines = _lines(headers)
        address = None if peer is None else parse_address(peer.partition("%")[0])
        values: dict[str, object] = {}
        provenance: dict[str, Provenance] = {}
        labels: dict[str, str | bool] = {}
        self._put_client(address, lines, values, provenance, labels)
        believed = Provenance.PROXY_ASSERTED if self._proxies.trusts(address) else _CLAIMED
        given = parse_request_id(lines.get(_REQUEST_ID, ()))
        values["request_id"] = given or self._new_request_id()
        provenance["request_id"] = believed if given else Provenance.OBSERVED
        if trace := parse_traceparent(lines.get(_TRACE, ())):
            values["trace_id"], provenance["trace_id"] = trace, believed
        self._put_user_agent(lines, values, labels)
        return Captured(Context(**values, provenance=provenance), labels)  # type: ignore[arg-type]

    def _put_client(
        self,
        address: IPAddress | None,
        lines: Mapping[str, list[str]],
        values: dict[str, object],
        provenance: dict[str, Provenance],
        labels: dict[str, str | bool],
    ) -> None:
        client = self._proxies.client(address, lines)
        if client.refused is not None:
            labels["forwarding_refused"] = client.refused.value
        if client.address is None:
            return
        values["ip"], provenance["ip"] = client.address, client.provenance
        place = self._geolocation and self._geolocation.locate(client.address)
        if place is not None:
            # As good as the address that it was looked up by, at the best.
            values["location"], provenance["location"] = place, client.provenance

    def _put_user_agent(
        self,
        lines: Mapping[str, list[str]],
        values: dict[str, object],
        labels: dict[str, str | bool],
    ) -> None:
        text = ", ".join(lines.get(_AGENT, ()))
        if len(text) > _LONGEST_AGENT:
            text = text[:_LONGEST_AGENT]
            labels["user_agent_cut"] = True
        if text:
            values["user_agent"] = text
            values["os"], values["device_model"] = self._parse_user_agent(text)


def _unparsed(_text: str) -> ParsedUserAgent:
    return ParsedUserAgent(None, None)


def _lines(headers: Headers) -> dict[str, list[str]]:
    """The lines that are read here, by their lower-case names."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        word = (name.decode("latin-1") if isinstance(name, bytes) else name).lower()
        if word in _READ:
            raw = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
            found.setdefault(word, []).append(raw.decode("latin-1"))
    return found
