"""The contract of a sink."""

from __future__ import annotations

import ssl
from abc import abstractmethod
from collections.abc import Sequence

from biotrail._closing import Closing
from biotrail.errors import ForwardingError
from biotrail.forwarding.formats import Format, Message

__all__ = ["Sink", "printable_reason", "tls_context"]

_LONGEST_REASON = 300


class Sink(Closing):
    """Takes records to where they are to go. For one thread at a time."""

    @abstractmethod
    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Deliver some records, in order; returns once the receiver has taken them all.

        Args:
            messages: At least one.
            how: The format that they are in.

        Raises:
            SinkUnavailableError: It is not known that they were taken; some may have been. The
                same records are delivered again later.
            SinkRefusedError: The receiver refuses some of them for good. Where there are several,
                the forwarder tries fewer, until it knows which.
        """


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
