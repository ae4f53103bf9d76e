"""The auditor's page over a log in memory, and a client that keeps cookies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
from fastapi import FastAPI

import biotrail
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from biotrail.web.app import create_app
from biotrail.web.settings import WebSettings
from biotrail.web.tokens import TokenBook
from tests.unit.query._logs import START, event, open_log
from tests.unit.vault._providers import CountingProvider

OWN = {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1"}
EVERY = ("read", "reveal", "report")


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = START + timedelta(hours=6)

    def __call__(self) -> Any:
        return self.now


class Client:
    """A client with cookies, whose requests are answered in one event loop."""

    def __init__(self, app: FastAPI, base: str) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=base)
        self.cookies = self._client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request."""
        return self._runner.run(self._client.request(method, path, **options))

    def run(self, waited: Any) -> Any:
        """Wait for something in the same event loop."""
        return self._runner.run(waited)

    def close(self) -> None:
        """End what is under way."""
        self._runner.run(self._client.aclose())
        self._runner.close()


@attrs.define
class PageSite:
    """The page, and what stands behind it."""

    log: biotrail.AuditLogger
    tokens: TokenBook
    time: Time
    app: FastAPI
    client: Client

    def token(self, *scopes: str, **changes: Any) -> str:
        """The text of a new token."""
        fields = {
            "scopes": scopes or EVERY,
            "purposes": ["review"],
            "expires": self.time.now + timedelta(hours=2),
            **changes,
        }
        return self.tokens.create(**fields)[0]

    def post(self, path: str, data: dict[str, Any], **headers: str) -> httpx.Response:
        """Send a form from a page of the site."""
        return self.client.request(
            "POST", path, data=data, headers=OWN | headers, follow_redirects=False
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page."""
        return self.client.request("GET", path, headers=headers, follow_redirects=False)

    def log_in(self, token: str | None = None, **form: str) -> httpx.Response:
        """Log in."""
        return self.post("/login", {"token": self.token() if token is None else token, **form})

    def form_token(self) -> str:
        """What the forms of this session carry."""
        text = self.get("/search").text
        return text.partition('name="form_token" value="')[2].partition('"')[0]


@contextmanager
def page_site(
    folder: Path, *events: biotrail.Event, base: str = "http://127.0.0.1", **options: Any
) -> Iterator[PageSite]:
    """The page over a log with these events, or five others; the first is at index 2."""
    time = Time()
    tokens = TokenBook(folder / "tokens.json", clock=time)
    with open_log(MemoryStore(), Vault(CountingProvider())) as log:
        for one in events or [event(number) for number in range(5)]:
            log.record(one)
        app = create_app(
            log,
            tokens=tokens,
            clock=time,
            settings=options.pop("settings", WebSettings(session_minutes=60)),
            **options,
        )
        client = Client(app, base)
        try:
            yield PageSite(log, tokens, time, app, client)
        finally:
            client.close()
