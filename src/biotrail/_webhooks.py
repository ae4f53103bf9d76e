"""What is posted over HTTPS to an address of the host's, and how it shows who sends it.

Below the rooms, since records that are forwarded and findings of detection are both sent so.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Protocol

from biotrail._deadlines import ended_after
from biotrail._endpoints import parse_endpoint
from biotrail._version import __version__
from biotrail.errors import ForwardingError, SinkRefusedError, SinkUnavailableError

__all__ = [
    "Authentication",
    "Bearer",
    "Signed",
    "Webhook",
    "check_context",
    "printable_reason",
    "tls_context",
]

_LARGEST_ANSWER = 65_536
_LONGEST_REASON = 300
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


class Webhook:
    """Posts to one address; any answer of 2xx says that what was posted was taken.

    Redirects are not followed. 400, 413 and 422 refuse it for good; anything else (401, 403, 404,
    429, 5xx, no answer) means that the same is to be posted again later.
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
            timeout: Seconds for each step of a request; all of it may take twice as long.

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

    def post(self, identity: str, body: bytes, *, content_type: str, what: str) -> None:
        """Post a body; returns once the receiver has taken it.

        Args:
            identity: The same whenever the same is posted.
            body: What is posted.
            content_type: Its media type.
            what: What it is, for the message of an error.

        Raises:
            SinkUnavailableError: No answer, or one that does not take it.
            SinkRefusedError: The receiver says that it will not do.
        """
        headers = {
            "Content-Type": content_type,
            "User-Agent": f"biotrail/{__version__}",
            "Connection": "close",
        }
        if self._authentication is not None:
            headers.update(self._authentication.headers(identity, body))
        try:
            status, after, reason = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            kind = type(error).__name__
            told = f"{kind}: {error}" if str(error) else kind
        else:
            _judge(status, after, reason, what)
            return
        # Not within the handler: the frames of what was caught hold what was sent, and the token.
        raise SinkUnavailableError(f"{self._endpoint.host} cannot be reached: {told}")

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
            connection.connect()
            # Who answers byte by byte keeps each step within its time, and would go on for days.
            with ended_after(connection.sock, self._timeout):
                connection.request("POST", where.path or "/", body, dict(headers))
                response = connection.getresponse()
                answer = response.read(_LARGEST_ANSWER)
                after = response.getheader("Retry-After")
                return response.status, after, answer.decode("utf-8", "replace")
        finally:
            connection.close()


def tls_context(
    *,
    ca_file: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
) -> ssl.SSLContext:
    """A context for connections of TLS 1.3 and newer to receivers whose certificate is verified.

    Args:
        ca_file: The authorities that are trusted, in PEM; those of the system if None.
        certificate: A client certificate with its chain, in PEM, if the receiver asks for one.
        key: Its private key, in PEM; taken from the certificate's file if None.

    Raises:
        ForwardingError: A file cannot be read, or holds something else.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ForwardingError(f"certificates for TLS cannot be used: {error}") from error
    return context


def check_context(context: ssl.SSLContext) -> ssl.SSLContext:
    """See that a context that was given is no weaker than `tls_context`.

    Raises:
        ForwardingError: It allows an older TLS, or does not verify the receiver.
    """
    if context.minimum_version < ssl.TLSVersion.TLSv1_3:
        raise ForwardingError("records are forwarded over TLS 1.3 or newer: see tls_context")
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ForwardingError("the receiver's certificate and name must be verified")
    return context


def printable_reason(text: str) -> str:
    """What a receiver said, in short, and without what could steer a terminal or a log."""
    return "".join(one if one.isprintable() else " " for one in text)[:_LONGEST_REASON].strip()


def _judge(status: int, after: str | None, answer: str, sent: str) -> None:
    if 200 <= status < 300:
        return
    reason = printable_reason(answer) or "no reason given"
    what = f"the receiver answered {status} to {sent}: {reason}"
    if status in _REFUSED:
        raise SinkRefusedError(what)
    raise SinkUnavailableError(what, after=_seconds(after))


def _seconds(after: str | None) -> float | None:
    """Seconds to wait, within bounds; a date, which needs trust in two clocks, is not read."""
    if after is None or not after.isascii() or not after.isdigit() or len(after) > 9:
        return None
    return min(float(after), _LONGEST_WAIT)
