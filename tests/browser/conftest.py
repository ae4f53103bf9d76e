"""A browser, the page, and somebody who is logged in; what a page must never do is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests._components import chromium_program
from tests.browser._site import Site, site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Opened = Callable[..., "Page"]


# Of a module, not of the session: Playwright keeps an event loop running meanwhile, and other
# modules' tests begin loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium_program(), args=["--no-sandbox"]
        )
        try:
            yield started
        finally:
            started.close()


@pytest.fixture(scope="module")
def page_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over a log of one day."""
    with site(tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest.fixture(scope="module")
def cookie(page_site: Site) -> str:
    """The cookie of a session."""
    return logged_in(page_site, page_site.token)


def logged_in(served: Site, token: str) -> str:
    """Log in with a token, and return the cookie."""
    headers = {"sec-fetch-site": "same-origin"}
    answer = httpx.post(f"{served.url}/login", data={"token": token}, headers=headers)
    assert answer.status_code == 303, answer.text
    return answer.cookies["biotrail-session"]


@pytest.fixture
def opened(browser: Browser, page_site: Site, cookie: str) -> Iterator[Opened]:
    """Return a function that opens a page of the site, by default for who is logged in.

    Whatever a page does, in the end there was no request to elsewhere, no breach of the content
    security policy, no error in the console (but those of refused requests that a test expects),
    and no error of a program.
    """
    contexts, faults = [], []

    def open_page(
        path: str = "/", *, session: str | None = cookie, refused: bool = False, **options: object
    ) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type] # handed on
        contexts.append(context)
        if session is not None:
            context.add_cookies(
                [{"name": "biotrail-session", "value": session, "url": page_site.url}]
            )
        page = context.new_page()
        page.set_default_timeout(10_000)
        own = urlsplit(page_site.url).netloc

        def hear(kind: str, text: str) -> None:
            if kind == "error" and not (refused and "Failed to load resource" in text):
                faults.append(text)

        def see(url: str) -> None:
            if urlsplit(url).netloc != own:
                faults.append(f"a request to {url}")

        page.on("console", lambda said: hear(said.type, said.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda asked: see(asked.url))
        page.on("dialog", lambda dialog: faults.append(f"a dialog: {dialog.message}"))
        page.goto(page_site.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
