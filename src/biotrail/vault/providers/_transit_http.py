"""JSON over HTTP to a Transit secrets engine: connections that are kept, and bounds on all."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from biotrail._bounded import within
from biotrail._endpoints import parse_endpoint
from biotrail.errors import KeyProviderError

__all__ = ["TransitHttp", "TransitRefusal"]

_MAX_ANSWER = 1_000_000
_MAX_IDLE = 8


class TransitRefusal(KeyProviderError):
    """The server refused, and said why.

    Attributes:
        status: The status of its answer.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the Transit server refused ({status}): {reason}")
        self.status = status


class TransitHttp:
    """Requests to one server, from any thread, each answered or refused within a time."""

    def __init__(
        self,
        address: str,
        *,
        headers: Callable[[], Mapping[str, str]],
        tls: ssl.SSLContext | None,
        timeout: float,
    ) -> None:
        """Name the server; nothing is sent yet.

        Args:
            address: ``https://host:8200``; ``http://`` for loopback addresses only.
            headers: Gives the headers that authenticate, asked for each request.
            tls: Which certificates are trusted and shown; Python's default if None.
            timeout: Seconds within which a request must be answered.
        """
        if not 0 < timeout <= 300:
            raise KeyProviderError("a time-out is up to 300 s")
        try:
            self._endpoint = parse_endpoint(address)
        except ValueError as error:
            raise KeyProviderError(f"address of the server: {error}") from None
        self._headers, self._timeout = headers, timeout
        self._tls = tls
        self._idle: deque[tuple[int, http.client.HTTPConnection]] = deque()
        self._closed = False

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the ``data`` of the server's answer.

        Raises:
            KeyProviderError: No answer in time, a refusal, or an answer that is none. What the
                server says is told, since it says nothing of keys.
        """
        try:
            status, answer = within(self._timeout, lambda: self._exchange(method, path, body))
        except (OSError, http.client.HTTPException) as error:  # a time-out is an OSError, too
            kind = type(error).__name__
        else:
            return self._data(status, answer)
        # Not within the handler: the frames of what was caught hold what was sent, and the token.
        raise KeyProviderError(f"the Transit server cannot be reached: {kind}")

    def _data(self, status: int, answer: bytes) -> dict[str, Any]:
        if status not in (200, 204):
            raise TransitRefusal(status, _reason(answer))
        return _data(answer)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].close()

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        """Send on a kept connection; if the server has closed that meanwhile, on a new one."""
        sent = None if body is None else json.dumps(body).encode()
        target = f"{self._endpoint.path}/v1/{path}"
        kept = self._kept()
        if kept is not None:
            try:
                return self._on(kept, method, target, sent)
            except (ConnectionError, http.client.BadStatusLine):
                pass  # to wrap or unwrap twice does no harm
        return self._on(self._connection(), method, target, sent)

    def _on(
        self, connection: http.client.HTTPConnection, method: str, target: str, sent: bytes | None
    ) -> tuple[int, bytes]:
        try:
            headers = {"Content-Type": "application/json", "X-Vault-Request": "true"}
            connection.request(method, target, sent, {**headers, **self._headers()})
            response = connection.getresponse()
            answer = response.read(_MAX_ANSWER)
            whole = response.isclosed()
        except BaseException:
            connection.close()
            raise
        if whole and not response.will_close and len(self._idle) < _MAX_IDLE:
            self._idle.append((os.getpid(), connection))
        else:
            connection.close()
        if self._closed:  # an answer that came too late must leave nothing open
            self.close()
        return response.status, answer

    def _kept(self) -> http.client.HTTPConnection | None:
        """A connection of this process: a child after a fork must not share its parent's TLS."""
        while True:
            try:
                process, connection = self._idle.pop()
            except IndexError:
                return None
            if process == os.getpid():
                return connection
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        where = self._endpoint
        if not where.secure:
            return http.client.HTTPConnection(where.host, where.port, timeout=self._timeout)
        tls = self._tls or ssl.create_default_context()
        return http.client.HTTPSConnection(
            where.host, where.port, timeout=self._timeout, context=tls
        )


def _reason(answer: bytes) -> str:
    """What a refusal says, in short."""
    try:
        errors = json.loads(answer)["errors"]
        told = "; ".join(str(one) for one in errors)
    except (ValueError, KeyError, TypeError):
        return "no reason given"
    return "".join(one if one.isprintable() else " " for one in told)[:300] or "no reason given"


def _data(answer: bytes) -> dict[str, Any]:
    try:
        data = json.loads(answer)["data"]
    except (ValueError, KeyError, TypeError):
        data = None
    if not isinstance(data, dict):
        raise KeyProviderError("the Transit server's answer is not what it should be")
    return data
