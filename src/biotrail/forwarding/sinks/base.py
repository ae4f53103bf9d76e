"""The contract of a sink."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from biotrail._closing import Closing
from biotrail._webhooks import check_context, printable_reason, tls_context
from biotrail.forwarding.formats import Format, Message

__all__ = ["Sink", "check_context", "printable_reason", "tls_context"]


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
