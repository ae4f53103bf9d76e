"""Records over HTTPS: one POST a batch, with a bearer token or signed."""

from __future__ import annotations

import base64
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from biotrail._endpoints import parse_endpoint
from biotrail._version import __version__
from biotrail.errors import ForwardingError, SinkRefusedError, SinkUnavailableError
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.base import Sink, check_context, printable_reason, tls_context

__all__ = ["Authentication", "Bearer", "HttpsSink", "Signed", "batch_id"]

_LARGEST_ANSWER = 65_536
_LONGEST_WAIT = 3_600.0
# Of the content, not of the configuration: another try would end in the same way.
_REFUSED = frozenset({400, 413, 422})
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Authentication(Protocol):
    """How a request shows who sends it."""

    def headers(self, identity: str, body: bytes) -> Mapping[str, str]:
        """The headers for a body; `identity` is the same when the same records are sent again."""


class Bearer:
    """A bearer token (RFC 6750 §2.1)."""

    def __init__(self, token: str) -> None:
        """Take a token.

        Raises:
            ForwardingError: It has characters that a bearer token cannot have.
        """
        if not _TOKEN.fullmatch(token):
            raise ForwardingError("a bearer token has letters, digits and -._~+/ alone (RFC 6750)")
        self._token = token

    def headers(self, identity: str, body: bytes) -> Mapping[str, str]:
        """The authorization header."""
        return {"Authorization": f"Bearer {self._token}"}

    def __repr__(self) -> str:
        return "<Bearer>"


class Signed:
    """HMAC-SHA256 over id, time and body, as Standard Webhooks 1.0 has it (``v1`` signatures)."""

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        """Take a secret.

        Args:
            secret: 24 to 64 bytes that the receiver has too.
            clock: Gives the Unix time in seconds.

        Raises:
            ForwardingError: It is shorter or longer.
        """
        if not 24 <= len(secret) <= 64:
            raise ForwardingError("a secret for signing has 24 to 64 bytes")
        self._secret, self._clock = secret, clock

    def headers(self, identity: str, body: bytes) -> Mapping[str, str]:
        """The three headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``."""
        stamp = str(int(self._clock()))
        signed = hmac.new(self._secret, f"{identity}.{stamp}.".encode() + body, sha256).digest()
        signature = f"v1,{base64.b64encode(signed).decode()}"
        return {
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": signature,
        }

    def __repr__(self) -> str:
        return "<Signed>"


class HttpsSink(Sink):
    """Posts records to an address; any answer of 2xx says that they were taken.

    Redirects are not followed. 400, 413 and 422 refuse the records for good; anything else (401,
    403, 404, 429, 5xx, no answer) means that the same records are sent again later.
    """

    def __init__(
        self,
        address: str,
        *,
        authentication: Authentication | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Name an address; nothing is sent yet.

        Args:
            address: ``https://...``; ``http://`` for a loopback address only.
            authentication: `Bearer` or `Signed`; nothing if None.
            tls: See `tls_context`; the authorities of the system if None.
            timeout: Seconds for each step of a request.

        Raises:
            ForwardingError: Address, context or time-out will not do.
        """
        try:
            self._endpoint = parse_endpoint(address)
        except ValueError as error:
            raise ForwardingError(f"{address!r} is no address to forward to: {error}") from None
        if not 0 < timeout <= 300:
            raise ForwardingError("a time-out is up to 300 s")
        self._tls = check_context(tls or tls_context()) if self._endpoint.secure else None
        self._authentication, self._timeout = authentication, timeout

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Post the records in one request.

        Raises:
            SinkUnavailableError: No answer, or one that does not take them.
            SinkRefusedError: The receiver says that they will not do.
        """
        lines = [one.line for one in messages]
        text = f"[{','.join(lines)}]" if how.array else "".join(f"{one}\n" for one in lines)
        body = text.encode()
        headers = {
            "Content-Type": how.content_type,
            "User-Agent": f"biotrail/{__version__}",
            "Connection": "close",
        }
        if self._authentication is not None:
            headers.update(self._authentication.headers(batch_id(messages), body))
        try:
            status, after, reason = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            kind = type(error).__name__
            told = f"{kind}: {error}" if str(error) else kind
        else:
            _judge(status, after, reason, len(messages))
            return
        # Not within the handler: the frames of what was caught hold what was sent, and the token.
        raise SinkUnavailableError(f"{self._endpoint.host} cannot be reached: {told}")

    def close(self) -> None:
        """Nothing is kept open."""

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str | None, str]:
        where = self._endpoint
        connection: http.client.HTTPConnection
        if self._tls is None:
            connection = http.client.HTTPConnection(where.host, where.port, timeout=self._timeout)
        else:
            connection = http.client.HTTPSConnection(
                where.host, where.port, timeout=self._timeout, context=self._tls
            )
        try:
            connection.request("POST", where.path or "/", body, dict(headers))
            response = connection.getresponse()
            answer = response.read(_LARGEST_ANSWER)
            after = response.getheader("Retry-After")
            return response.status, after, answer.decode("utf-8", "replace")
        finally:
            connection.close()


def batch_id(messages: Sequence[Message]) -> str:
    """An id for some records that is the same whenever the same records are sent."""
    digest = sha256(messages[0].origin.encode())
    for one in messages:
        digest.update(f"\n{one.index} {one.leaf_hash}".encode())
    return f"biotrail_{digest.hexdigest()[:32]}"


def _judge(status: int, after: str | None, answer: str, count: int) -> None:
    if 200 <= status < 300:
        return
    reason = printable_reason(answer) or "no reason given"
    what = f"the receiver answered {status} to {count} records: {reason}"
    if status in _REFUSED:
        raise SinkRefusedError(what)
    raise SinkUnavailableError(what, after=_seconds(after))


def _seconds(after: str | None) -> float | None:
    """Seconds to wait, within bounds; a date, which needs trust in two clocks, is not read."""
    if after is None or not after.isascii() or not after.isdigit() or len(after) > 9:
        return None
    return min(float(after), _LONGEST_WAIT)
