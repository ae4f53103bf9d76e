"""An application over a log in memory, and readers whom the host knows, for tests of reading."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import httpx
from fastapi import FastAPI, Request

import biotrail
from biotrail.stores import MemoryStore
from biotrail.testing import FaultyStore
from biotrail.vault import Vault
from biotrail.web import Access, TokenBook, WebSettings, create_app
from tests.unit.query._logs import START, event, open_log
from tests.unit.vault._providers import CountingProvider

NOW = START + timedelta(hours=6)
API = "/api/v1"
REASON = {"biotrail-reveal-reason": "a complaint"}


def access(*scopes: str, number: int = 1, **changes: Any) -> Access:
    """A reader with these scopes."""
    fields = {"reader": UUID(int=number, version=4), "purposes": ["review"], **changes}
    return Access(scopes=scopes or ("read",), **fields)


READERS = {
    "read": access("read"),
    "reveal": access("read", "reveal", number=2, name="Ann"),
    "report": access("report", number=3),
    "tenant": access("read", number=4, tenant="north"),
    "window": access(
        "read",
        number=5,
        since=START + timedelta(minutes=4),
        until=START + timedelta(minutes=8),
    ),
    "several": access("read", number=6, purposes=["review", "dispute"]),
    "over": access("read", number=7, expires=NOW),
    "nothing": access("admin", number=8),
    "tenant-reveal": access("read", "reveal", number=9, tenant="north"),
}


@attrs.define
class Web:
    """A log, and the application over it.

    Attributes:
        log: The log.
        store: Where it rests; fails when it is told to.
        settings: The limits of the application.
        readers: Who is known, by the token that it bears.
        tokens: The tokens that there are besides.
        seconds: The time by which requests are counted.
        app: The application.
    """

    log: biotrail.AuditLogger
    store: FaultyStore
    settings: WebSettings = attrs.field(factory=WebSettings)
    readers: dict[str, Access] = attrs.field(factory=lambda: dict(READERS))
    tokens: TokenBook | None = None
    seconds: float = 0.0
    app: FastAPI = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.app = create_app(
            self.log,
            tokens=self.tokens,
            authenticate=self._known,
            settings=self.settings,
            clock=lambda: NOW,
            ticking=lambda: self.seconds,
        )

    async def _known(self, request: Request) -> Access | None:
        return self.readers.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def ask(
        self, method: str, path: str, reader: str | None = "read", **options: Any
    ) -> httpx.Response:
        """One request; of nobody where no reader is named."""
        bearing = {} if reader is None else {"authorization": f"Bearer {reader}"}
        headers = {**bearing, **options.pop("headers", {})}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://log") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(asked())

    def begun(self, path: str, reader: str, headers: dict[str, str]) -> tuple[int, str]:
        """Status and media type of an answer that has no end; its reader goes when it begins."""
        bearing = {"authorization": f"Bearer {reader}", **headers}
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in bearing.items()],
            "scheme": "http",
            "server": ("log", 80),
        }

        async def asked() -> tuple[int, str]:
            begun: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
            sent = iter([{"type": "http.request"}])

            async def receive() -> Any:
                message = next(sent, None)
                if message is None:
                    await begun
                return message or {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    told = {name.decode(): value.decode() for name, value in message["headers"]}
                    begun.set_result((message["status"], told["content-type"]))

            await self.app(scope, receive, send)
            return await begun

        return asyncio.run(asked())

    def get(self, path: str, reader: str | None = "read", **options: Any) -> httpx.Response:
        """A GET of a route of the API."""
        return self.ask("GET", API + path, reader, **options)

    def post(self, path: str, body: Any, reader: str = "read", **options: Any) -> httpx.Response:
        """A POST of JSON to a route of the API."""
        return self.ask("POST", API + path, reader, json=body, **options)

    def reads(self) -> list[dict[str, Any]]:
        """What the log says of reads, in order."""
        found = self.log.search("kind = log_read", sort="index")
        return [dict(one.record.content) for one in found]

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self.log.checkpoint().size


def events(count: int = 10, **changes: Any) -> Iterable[biotrail.Event]:
    """Events of two tenants in turn, each third of which failed."""
    for number in range(count):
        fields = {
            "tenant": ("north", "south")[number % 2],
            "outcome": "success" if number % 3 else "failure",
            **changes,
        }
        yield event(number, **fields)


def new_web(*, sealed: bool = True, count: int = 10, **options: Any) -> Web:
    """An application over a log: a genesis, a policy where it is sealed, and events after it."""
    store = FaultyStore(MemoryStore())
    log = open_log(store, Vault(CountingProvider()) if sealed else None)
    for one in events(count):
        log.record(one)
    return Web(log, store, **options)
