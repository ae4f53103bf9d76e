"""Records over HTTPS: one POST a batch, with a bearer token or signed."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from hashlib import sha256

from biotrail._webhooks import Authentication, Bearer, Signed, Webhook
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.base import Sink

__all__ = ["Authentication", "Bearer", "HttpsSink", "Signed", "batch_id"]


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
        self._webhook = Webhook(address, authentication=authentication, tls=tls, timeout=timeout)

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Post the records in one request.

        Raises:
            SinkUnavailableError: No answer, or one that does not take them.
            SinkRefusedError: The receiver says that they will not do.
        """
        lines = [one.line for one in messages]
        text = f"[{','.join(lines)}]" if how.array else "".join(f"{one}\n" for one in lines)
        body = text.encode()
        self._webhook.post(
            batch_id(messages),
            body,
            content_type=how.content_type,
            what=f"{len(messages)} records",
        )

    def close(self) -> None:
        """Nothing is kept open."""


def batch_id(messages: Sequence[Message]) -> str:
    """An id for some records that is the same whenever the same records are sent."""
    digest = sha256(messages[0].origin.encode())
    for one in messages:
        digest.update(f"\n{one.index} {one.leaf_hash}".encode())
    return f"biotrail_{digest.hexdigest()[:32]}"
