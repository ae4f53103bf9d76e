"""What joins a record with other logs: the request's id and the trace's."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["parse_request_id", "parse_traceparent"]

_REQUEST_ID = re.compile(r"[0-9A-Za-z._:/+=@-]{1,128}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def parse_request_id(lines: Sequence[str]) -> str | None:
    """The id of an ``X-Request-ID`` header, if it is given once and is a plain word.

    Args:
        lines: The values of the header's lines.

    Returns:
        1 to 128 letters, digits and ``. _ : / + = @ -``; None for anything else, so that no id can
        break a line or a field of another log.
    """
    if len(lines) != 1 or not _REQUEST_ID.fullmatch(lines[0]):
        return None
    return lines[0]


def parse_traceparent(lines: Sequence[str]) -> str | None:
    """The trace id of a ``traceparent`` header (W3C Trace Context, section 3.2).

    Args:
        lines: The values of the header's lines.

    Returns:
        32 lower-case hexadecimal digits; None where the header is absent, given twice or not valid.
    """
    found = _TRACEPARENT.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None:
        return None
    version, trace, span, _flags, more = found.groups()
    if version == "ff" or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    # Version 00 ends with its flags; later ones may go on.
    return None if version == "00" and more is not None else trace
