"""Syslog over TLS (RFC 5425)."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence

from biotrail.errors import ForwardingError, SinkRefusedError, SinkUnavailableError
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks._tls_stream import TlsStream
from biotrail.forwarding.sinks.base import Sink, check_context, tls_context
from biotrail.forwarding.syslog import SyslogHeader, frame, syslog_message

__all__ = ["SYSLOG_PORT", "SyslogTlsSink"]

SYSLOG_PORT = 6514
"""The port of syslog over TLS (RFC 5425 §4.1)."""


class SyslogTlsSink(Sink):
    """Sends records to a syslog receiver over TLS 1.3, which must show a certificate.

    Syslog has no acknowledgement. With `confirm`, each delivery is ended by closing TLS, and the
    receiver's own closing alert is waited for: a receiver that breaks off before has confirmed
    nothing, and gets the records again. What it does with what it has read, syslog cannot tell;
    where that matters, take `HttpsSink`.
    """

    def __init__(
        self,
        host: str,
        port: int = SYSLOG_PORT,
        *,
        tls: ssl.SSLContext | None = None,
        header: SyslogHeader | None = None,
        confirm: bool = True,
        maximum_bytes: int = 8_192,
        timeout: float = 10.0,
    ) -> None:
        """Name a receiver; nothing is sent yet.

        Args:
            host: Its name or address, which its certificate must bear.
            port: Its port.
            tls: See `tls_context`; the authorities of the system if None.
            header: Who speaks.
            confirm: Whether each delivery waits for the receiver to close TLS. Without it the
                connection is kept, and what was on its way when it broke is lost unnoticed.
            maximum_bytes: Longest message; longer ones are refused. RFC 5425 §4.3.1 asks receivers
                for 8,192 bytes.
            timeout: Seconds for each step: connecting, sending, closing.

        Raises:
            ForwardingError: The context allows less than TLS 1.3 or no verification, or a bound is
                out of range.
        """
        if not 0 < timeout <= 300 or not 480 <= maximum_bytes <= 1_000_000:
            raise ForwardingError("a time-out is up to 300 s, a message 480 to 1,000,000 bytes")
        if not 0 < port < 65_536:
            raise ForwardingError(f"a port is 1 to 65535, not {port}")
        self._address = host, port
        self._tls = check_context(tls or tls_context())
        self._header = header or SyslogHeader()
        self._confirm, self._maximum, self._timeout = confirm, maximum_bytes, timeout
        self._connection: tuple[int, TlsStream] | None = None

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Send the records and, with `confirm`, wait until the receiver has closed.

        Raises:
            SinkUnavailableError: It cannot be reached, or broke off.
            SinkRefusedError: A message would be longer than `maximum_bytes`.
        """
        data = b"".join(frame(self._message(one)) for one in messages)
        try:
            connection = self._connected()
            connection.send(data)
            if self._confirm:
                self._connection = None
                connection.end()
        except OSError as error:  # ssl.SSLError, a time-out and a failed look-up are, too
            self.close()
            host, port = self._address
            raise SinkUnavailableError(
                f"the syslog receiver {host}:{port} did not take the records: {error}"
            ) from error

    def close(self) -> None:
        """Close the connection, if one is open."""
        kept, self._connection = self._connection, None
        if kept is None:
            return
        process, connection = kept
        if process == os.getpid():
            connection.close(min(self._timeout, 1.0))
        else:
            connection.let_go()

    def _message(self, one: Message) -> bytes:
        proof: dict[str, object] = {
            "origin": one.origin,
            "index": one.index,
            "leafHash": one.leaf_hash,
            "checkpointSize": one.checkpoint_size,
        }
        message = syslog_message(
            self._header,
            one.line,
            severity=one.severity,
            moment=one.recorded,
            kind=one.kind,
            index=one.index,
            proof=proof,
        )
        if len(message) > self._maximum:
            raise SinkRefusedError(
                f"entry {one.index} would be a syslog message of {len(message)} bytes; at most "
                f"{self._maximum} are sent"
            )
        return message

    def _connected(self) -> TlsStream:
        """The connection of this process, if it still stands; else a new one."""
        if self._connection is not None:
            process, connection = self._connection
            if process == os.getpid() and connection.is_open():
                return connection
            self.close()  # a receiver says nothing but that it closes
        plain = socket.create_connection(self._address, timeout=self._timeout)
        connection = TlsStream(plain, self._tls, self._address[0])
        self._connection = os.getpid(), connection
        return connection
