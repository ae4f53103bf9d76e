"""Connections of those who are slow, or many, under bounds of a fraction of a second."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from biotrail.web.connections import ServeLimits, bounded_protocol

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
LIMITS = ServeLimits(head_seconds=0.2, stalled_seconds=0.2, most_of_one=6)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers /flood with more than any buffer holds, everything else with two letters."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/flood":
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def server(limits: ServeLimits = LIMITS) -> AsyncIterator[int]:
    """A server in this loop; its port."""
    config = uvicorn.Config(
        app,
        http=bounded_protocol(limits),
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    made = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        serving = asyncio.create_task(made._serve([listening]))
        while not made.started:
            await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
        made.should_exit = True
        await serving


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client with a small buffer, that reads nothing until it is told to."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=client, limit=1_024)


async def is_cut_off(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends within two seconds, whatever comes before."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(2):
            while await reader.read(65_536):
                pass
    return True


async def close(*writers: asyncio.StreamWriter) -> None:
    """Close connections that may be gone already."""
    for one in writers:
        one.close()
        with contextlib.suppress(ConnectionError):
            await one.wait_closed()


async def answered(port: int) -> bytes:
    """What a client that is quick is answered."""
    answer = b""
    reader, writer = await connect(port)
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
    await close(writer)
    return answer


def test_who_does_not_finish_a_head_is_cut_off() -> None:
    """A first request and a later one that do not come to their end are cut off in time."""

    async def run() -> None:
        async with server() as port:
            silent, _one = await connect(port)
            reader, writer = await connect(port)
            later, third = await connect(port)
            writer.write(HEAD + b"X-Slow: ")
            third.write(HEAD + b"\r\n")
            await later.readuntil(b"ok")
            third.write(HEAD[:9])
            dripping = asyncio.create_task(_drip(writer))
            assert await is_cut_off(silent)
            assert await is_cut_off(reader)
            assert await is_cut_off(later)
            assert (await answered(port)).endswith(b"ok\r\n0\r\n\r\n")
            dripping.cancel()
            await close(_one, writer, third)

    asyncio.run(run())


async def _drip(writer: asyncio.StreamWriter) -> None:
    """A letter now and then does not buy more time."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        writer.write(b"x")


def test_who_takes_nothing_is_cut_off() -> None:
    """A reader that stops reading an answer is cut off, and another is served meanwhile."""

    async def run() -> None:
        async with server() as port:
            reader, writer = await connect(port)
            writer.write(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readexactly(16)
            assert (await answered(port)).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)
            taken = 0
            with contextlib.suppress(ConnectionResetError, asyncio.IncompleteReadError):
                while some := await reader.read(65_536):
                    taken += len(some)
            assert taken < 1_000 * 65_536
            await close(writer)

    asyncio.run(run())


def test_one_address_has_no_more_than_its_share() -> None:
    """Of many connections of one address those beyond the bound are ended, until others end."""

    async def run() -> None:
        async with server(ServeLimits(head_seconds=30, most_of_one=3)) as port:
            held = [await connect(port) for _ in range(3)]
            reader, writer = await connect(port)
            assert await is_cut_off(reader)
            await close(held.pop()[1], writer)
            async with asyncio.timeout(2):
                while not (await answered(port)).startswith(b"HTTP/1.1 200"):
                    await asyncio.sleep(0.01)
            await close(*(one for _, one in held))

    asyncio.run(run())
