"""The body of a WSGI request, read whole before the handler runs."""

from __future__ import annotations

import io
from typing import Any

from biotrail.middleware._held import is_at_hand, read_body
from biotrail.middleware.answers import Refused
from biotrail.middleware.guard import Guard

__all__ = ["take_body"]


def take_body(
    guard: Guard, environ: dict[str, Any], headers: list[tuple[str, str]]
) -> Refused | None:
    """Read the body, and put what was read in its place.

    Args:
        guard: Its limits.
        environ: The request's; the handler finds the whole body in ``wsgi.input``.
        headers: Its header lines.

    Returns:
        Why it was not taken; None where it was.
    """
    body = _body(guard, environ, headers)
    if isinstance(body, Refused):
        return body
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return None


def _body(guard: Guard, environ: dict[str, Any], headers: list[tuple[str, str]]) -> bytes | Refused:
    text = environ.get("CONTENT_LENGTH") or None
    refused = guard.refused_head(headers, text)
    if refused is not None:
        return refused
    ended = bool(environ.get("wsgi.input_terminated"))
    if text is None and environ.get("HTTP_TRANSFER_ENCODING") and not ended:
        return Refused.LENGTH_REQUIRED
    if text is not None and not (text.isascii() and text.isdigit()):
        return Refused.LENGTH_REQUIRED
    length = int(text) if text is not None else None if ended else 0
    stream = environ["wsgi.input"]
    return read_body(stream.read, length, guard.limits, patient=is_at_hand(stream))
