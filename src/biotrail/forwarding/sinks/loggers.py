"""Bridges to the standard library's logging and to structlog. No handler is ever installed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.base import Sink

__all__ = ["LoggingSink", "StructlogSink"]

_LEVELS = {6: logging.INFO, 5: logging.WARNING, 4: logging.WARNING, 2: logging.CRITICAL}


class LoggingSink(Sink):
    """Hands records to a `logging.Logger`; what becomes of them is its handlers' part.

    The message is the record's line; ``biotrail`` of each `logging.LogRecord` is the record as a
    mapping (None in CEF), ``biotrail_index`` its index. Handlers report no failure, so that a
    record that a handler drops counts as delivered.
    """

    def __init__(self, logger: logging.Logger | str = "biotrail.records") -> None:
        """Name a logger, or hand one in."""
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Log the records: granted as INFO, denied as WARNING, what is grave as CRITICAL."""
        for one in messages:
            extra = {"biotrail": one.document, "biotrail_index": one.index}
            self._logger.log(_LEVELS[one.severity], "%s", one.line, extra=extra)

    def close(self) -> None:
        """Handlers belong to the host."""


class StructlogSink(Sink):
    """Hands records to a structlog logger (or any other with its ``log`` method).

    The event is a short sentence without anything personal; ``biotrail`` is the record as a
    mapping, or its line in CEF.
    """

    def __init__(self, logger: Any) -> None:
        """Take a logger, e.g. ``structlog.get_logger()``."""
        self._logger = logger

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Log the records, at the levels of `LoggingSink`."""
        for one in messages:
            record = one.line if one.document is None else one.document
            level = _LEVELS[one.severity]
            self._logger.log(level, one.summary, index=one.index, biotrail=record)

    def close(self) -> None:
        """The logger belongs to the host."""
