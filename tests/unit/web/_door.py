"""An application over a log in memory, and tokens, for tests of what the door does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import attrs
import httpx

import biotrail
from biotrail.vault import Vault
from biotrail.web.app import create_app
from biotrail.web.settings import WebSettings
from biotrail.web.tokens import Token, TokenBook
from tests.unit.query._logs import event, open_log
from tests.unit.vault._providers import CountingProvider

_Found = TypeVar("_Found")
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
EVERY = ("read", "reveal", "export", "report", "admin")


def new_log(events: int = 0, **changes: Any) -> biotrail.AuditLogger:
    """An open log in memory, with a vault and so many events, recorded a minute apart."""
    from biotrail.stores import MemoryStore

    log = open_log(MemoryStore(), Vault(CountingProvider()))
    for number in range(events):
        log.record(event(number, **changes))
    return log


@attrs.define
class Door:
    """An open log, tokens, and the application over both."""

    log: biotrail.AuditLogger
    book: TokenBook
    settings: WebSettings | None = None
    now: datetime = NOW

    @property
    def app(self) -> Any:
        """The application."""
        return create_app(
            self.log, tokens=self.book, settings=self.settings, clock=lambda: self.now
        )

    def token(self, *scopes: str, **limits: Any) -> tuple[str, Token]:
        """A token with these scopes."""
        given = {"purposes": ["review"], "expires": self.now + timedelta(days=1), **limits}
        return self.book.create(scopes=scopes or EVERY, **given)

    def ask(
        self, ask: Callable[[httpx.AsyncClient], Coroutine[Any, Any, _Found]], text: str
    ) -> _Found:
        """Ask by a client that bears a token."""

        async def asked() -> _Found:
            transport = httpx.ASGITransport(self.app)
            options: Any = {"transport": transport, "base_url": "http://door"}
            async with httpx.AsyncClient(**options, headers=bearing(text)) as client:
                return await ask(client)

        return asyncio.run(asked())

    def request(self, text: str, method: str, path: str, **options: Any) -> httpx.Response:
        """One request of who bears a token."""
        return self.ask(lambda client: client.request(method, path, **options), text)

    def reads(self) -> list[dict[str, Any]]:
        """What the log says of reads, in order."""
        found = self.log.search("kind = log_read", sort="index")
        return [dict(one.record.content) for one in found]


def bearing(text: str) -> dict[str, str]:
    """The header of who bears a token."""
    return {"authorization": f"Bearer {text}"}


def new_door(folder: Path, events: int = 0, **options: Any) -> Door:
    """A log of so many events, and no tokens yet."""
    book = TokenBook(folder / "tokens.json", clock=lambda: NOW)
    return Door(new_log(events), book, **options)
