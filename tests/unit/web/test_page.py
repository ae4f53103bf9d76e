"""The auditor's page as a whole: verdicts that say of when they are, purposes, hosts, mounting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from biotrail import Ed25519Signer
from biotrail.errors import StoreFullError, StoreUnavailableError
from biotrail.stores import MemoryStore
from tests._components import reason_for_absence
from tests.unit.query._logs import ORIGIN, event, sealed_log

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from fastapi import FastAPI
    from starlette.requests import Request

    from biotrail.web import Access, create_app
    from biotrail.web.page.integrity import Integrity
    from tests.unit.web._page import PageSite, Time, page_site
    from tests.unit.web._reading import READERS, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PageSite]:
    """The page over five events; nobody is logged in."""
    with page_site(tmp_path) as made:
        yield made


def integrity(log: Any, **options: Any) -> Integrity:
    """What verifies a log."""
    return Integrity(log, clock=Time(), **({"trusted": ()} | options))


def test_a_verdict_says_when_and_against_what(site: PageSite) -> None:
    """It names its time, its keys and its size, and the next one continues it."""
    judge = integrity(site.log)
    assert judge.verdict is None
    assert judge.is_due()
    first = judge.check()
    assert first is not None
    assert first.state == "holds"
    assert first.trusted == (site.log.verifier_key,)
    assert first.verification is not None
    assert first.verification.size == site.log.checkpoint().size
    assert first.kept == ()
    assert not judge.is_due()
    site.log.record(event(50))
    second = judge.check()
    assert second is not None
    assert second.kept == (first.verification.size,)


def test_a_log_that_does_not_hold_is_named_with_its_index(site: PageSite) -> None:
    """A key that is not the log's, and a checkpoint of another log, are told as what they are."""
    other = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
    verdict = integrity(site.log, trusted=[str(other.verifier_key)]).check()
    assert verdict is not None
    assert verdict.state == "broken"
    assert verdict.problem
    store, _ = sealed_log([event(9)])
    fork = store.checkpoint_from(3)
    verdict = integrity(site.log, kept=[fork[1]]).check()
    assert verdict is not None
    assert (verdict.state, verdict.kind) == ("broken", "forked")


def test_a_log_that_cannot_be_read_is_not_said_to_be_broken(
    site: PageSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is no verdict: neither good nor bad is said."""

    def fail(*_: object) -> None:
        raise StoreUnavailableError("the disk is gone")

    judge = integrity(site.log)
    monkeypatch.setattr(judge, "_verify_store", fail)
    verdict = judge.check()
    assert verdict is not None
    assert (verdict.state, verdict.verification) == ("unknown", None)


def test_a_verification_that_is_broken_off_says_nothing(site: PageSite) -> None:
    """When the application ends, what is under way ends, and leaves no verdict."""
    judge = integrity(site.log)
    judge.end()
    assert judge.check() is None
    judge.begin()
    assert judge.running_since is None
    assert judge.verdict is None


def test_an_old_verdict_is_never_shown_without_saying_so(site: PageSite) -> None:
    """How much was recorded since is said; after an hour the log is verified again."""
    site.log_in()
    until(site, "The log holds")
    for number in range(3):
        site.log.record(event(60 + number))
    site.time.now += timedelta(minutes=30)
    size, text = site.log.checkpoint().size, site.get("/").text
    since = size - int(text.partition("at <strong>")[2].partition("<")[0])
    # The three are after the verdict; whether the page's own reads are depends on its timing.
    assert since >= 3
    assert f"<strong>{since} entries were recorded since</strong>, and are not covered" in text
    site.time.now += timedelta(minutes=31)
    site.log_in()
    site.get("/")
    assert "checkpoints of" in until(site, "checkpoints of")


def until(site: PageSite, words: str) -> str:
    """The first page, once it has some words."""
    for _ in range(200):
        text = site.get("/").text
        if words in text:
            return text
        site.client.run(asyncio.sleep(0.01))
    raise AssertionError(f"never: {words}")


def test_who_has_several_purposes_chooses_one(site: PageSite) -> None:
    """Until one is chosen nothing is shown, a made-up one is refused, and it is recorded."""
    site.log_in(site.token(purposes=["review", "dispute"]))
    size = site.log.checkpoint().size
    page = site.get("/search?where=outcome+%3D+success")
    assert "What do you read for?" in page.text
    assert site.log.checkpoint().size == size
    form_token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    data = {"form_token": form_token, "next": "/search?where=outcome+%3D+success"}
    assert site.post("/purpose", {**data, "purpose": "curiosity"}).status_code == 403
    answer = site.post("/purpose", {**data, "purpose": "dispute"})
    assert answer.headers["location"] == "/search?where=outcome+%3D+success"
    assert site.get("/search").status_code == 200
    read = site.log.query("kind = log_read", limit=1).records[0]
    assert read.record.content["purpose"] == "dispute"
    site.client.cookies.set("biotrail-purpose", "curiosity")
    assert "What do you read for?" in site.get("/search").text


def test_the_host_may_say_who_looks() -> None:
    """Where the host authenticates there is no log-in, forms work, and strangers see nothing."""
    web = new_web()
    with web.log:
        assert web.ask("GET", "/", None).status_code == 401
        assert web.ask("GET", "/login", None).status_code == 404
        page = web.ask("GET", "/records/2", "reveal")
        assert page.status_code == 200
        form_token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        own = {"sec-fetch-site": "same-origin"}
        data = {"form_token": form_token, "reveal": "subject", "reason": "a complaint"}
        shown = web.ask("POST", "/records/2", "reveal", data=data, headers=own)
        assert shown.status_code == 200
        assert "person-" in shown.text
        assert web.ask("POST", "/records/2", "read", data=data, headers=own).status_code == 403
        assert web.ask("GET", "/search", "over").status_code == 401


def test_what_cannot_be_recorded_is_not_shown() -> None:
    """If the read cannot be recorded, a page says so and shows no record."""
    web = new_web()
    with web.log:
        assert "door.open" in web.ask("GET", "/search").text
        web.store.fail("append", StoreFullError("/var/log/door.db is full"), times=100)
        for path in ("/", "/search", "/live", "/timeline", "/records/2", "/records/2/entry"):
            answer = web.ask("GET", path)
            assert answer.status_code == 503
            assert "door.open" not in answer.text
            assert "door.db" not in answer.text
        web.store.heal()


def test_it_can_be_mounted(tmp_path: Path) -> None:
    """Below a path of the host's, every link and every file is below that path."""
    store, vault = sealed_log([event(number) for number in range(3)], store=MemoryStore())

    async def known(_: Request) -> Access:
        return READERS["read"]

    async def ask(host: FastAPI) -> list[httpx.Response]:
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://log") as client:
            return [await client.get(one) for one in PATHS]

    from tests.unit.query._logs import open_log

    with open_log(store, vault) as log:
        host = FastAPI()
        host.mount("/audit", create_app(log, authenticate=known, clock=Time()))
        answers = asyncio.run(ask(host))
    for path, answer in zip(PATHS, answers, strict=True):
        assert answer.status_code == 200, path
        links = [part.partition('"')[0] for part in answer.text.split('href="')[1:]]
        assert all(one.startswith(("/audit/", "#")) for one in links)


PATHS = (
    "/audit/",
    "/audit/search",
    "/audit/timeline",
    "/audit/records/2",
    "/audit/static/page.css",
)
