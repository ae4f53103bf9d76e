"""The body of a request, read whole before the handler runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from biotrail.middleware.answers import Refused

__all__ = ["read_body"]


async def read_body(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], limit: int, seconds: float | None
) -> bytes | Refused:
    """The body, or why it was not taken.

    Args:
        receive: The server's.
        limit: Most bytes.
        seconds: In which all of it has to arrive; None for any time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return Refused.DISCONNECTED
                body += message.get("body", b"")
                if len(body) > limit:
                    return Refused.BODY_TOO_LARGE
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return Refused.TOO_SLOW
