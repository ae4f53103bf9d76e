"""A TLS connection whose end tells whether the other side agreed to it.

Closing a connection by `ssl.SSLSocket.unwrap` takes a fatal alert that comes meanwhile for the
other side's consent: OpenSSL marks both in the same way (``SSL_shutdown``). In TLS 1.3 a server
refuses a client's certificate after the client's handshake is over, so what was sent to it would
count as taken. Here OpenSSL is given what arrives only when it is asked to read, and reading tells
an alert from an end.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

__all__ = ["TlsStream"]

_PIECE = 65_536
_Done = TypeVar("_Done")


class TlsStream:
    """The client's side of a connection, over a socket whose time-out is that of each step."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, name: str) -> None:
        """Shake hands.

        Args:
            plain: The connection; closed with this, also where this raises.
            context: What is asked of the other side.
            name: The name that its certificate must bear.

        Raises:
            OSError: No such connection can be made, for whatever reason (`ssl.SSLError` is one).
        """
        self._plain, self._ended = plain, False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
            self._drive(self._tls.do_handshake)
        except BaseException:
            plain.close()
            raise

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: It cannot be sent.
        """
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            while piece:
                piece = piece[self._drive(partial(self._tls.write, piece)) :]

    def is_open(self) -> bool:
        """Whether the other side has said nothing; TLS 1.3's session tickets are read away."""
        try:
            while not self._says_something():
                if not select.select([self._plain], [], [], 0)[0]:
                    return True
                self._take_in()
        except OSError:
            pass
        return False

    def _says_something(self) -> bool:
        """Whether what has arrived is more than TLS's own business."""
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return False
        return True  # also where it is nothing: that is an end

    def end(self) -> None:
        """Say that no more follows, and wait until the other side has said the same; close.

        Raises:
            OSError: It said anything else, or nothing in time.
        """
        try:
            if not self.is_open():
                raise ConnectionAbortedError("the other side ended first")
            with suppress(ssl.SSLWantReadError):
                self._tls.unwrap()  # says it; what comes is for the reading below
            with suppress(ssl.SSLZeroReturnError):
                while self._drive(lambda: self._tls.read(_PIECE)):
                    pass  # whatever was on its way
        finally:
            self._plain.close()

    def close(self, seconds: float) -> None:
        """End it, if that can be done in so many seconds for each step; close in any case."""
        with suppress(OSError, ValueError):
            self._plain.settimeout(seconds)
            self.end()
        self._plain.close()

    def let_go(self) -> None:
        """Close without a word: it is another process's."""
        self._plain.close()

    def _drive(self, step: Callable[[], _Done]) -> _Done:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._send_out()
                self._take_in()
            finally:
                self._send_out()

    def _send_out(self) -> None:
        if data := self._outgoing.read():
            self._plain.sendall(data)

    def _take_in(self) -> None:
        if data := self._plain.recv(_PIECE):
            self._incoming.write(data)
        elif self._ended:
            raise ConnectionResetError("the other side closed the connection")
        else:
            self._ended = True
            self._incoming.write_eof()
