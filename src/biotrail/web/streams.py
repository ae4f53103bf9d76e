"""Answers without a known end: sent piece by piece, and ended when the reader is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Stream"]


class Stream(Response):
    """Sends the pieces of an iterator as they come; one waits until the reader has taken the last.

    ``ended`` is awaited in the end, whatever that was: all sent, the reader gone, the server
    stopped.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        *,
        ended: Callable[[], Awaitable[None]],
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send pieces.

        Args:
            pieces: The pieces.
            ended: Awaited once nothing is sent any more.
            media_type: Their media type.
            headers: Further headers.
        """
        self.status_code = 200
        self.background = None
        self.media_type = media_type
        self._pieces = pieces
        self._ended = ended
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            sending.cancel()
            results = await asyncio.gather(sending, gone, return_exceptions=True)
            await self._ended()
        if isinstance(results[0], Exception):
            raise results[0]

    async def _send(self, send: Send) -> None:
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
