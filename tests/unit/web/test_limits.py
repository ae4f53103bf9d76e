"""Bounds of the API: how much, how often, how long; and who may see which part of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from biotrail.errors import EventError, TooManyRequestsError
from biotrail.web import WebSettings, create_app
from biotrail.web.headers import Guard
from biotrail.web.limiting import Rates, Turns
from tests.unit.web._reading import API, REASON, Web, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture
def web() -> Iterator[Web]:
    """A sealed log of a genesis, a policy, and ten events, indices 2 to 11, of two tenants."""
    web = new_web()
    with web.log:
        yield web


def _indices(answer: Any) -> list[int]:
    return [one["index"] for one in answer.json()["records"] if one["index"] < 12]


@pytest.mark.parametrize(
    ("reader", "seen"),
    [("tenant", {2, 4, 6, 8, 10}), ("window", {4, 5, 6, 7}), ("read", set(range(12)))],
)
def test_a_reader_sees_its_part_of_the_log(web: Web, reader: str, seen: set[int]) -> None:
    """By pages, by index, by proof and by number it is held to its tenant and its window."""
    where = "index < 12"
    page = web.post("/records/search", {"where": where, "limit": 100}, reader)
    assert set(_indices(page)) == seen
    wide = {"where": f"({where}) and (tenant = south or tenant = north or recorded exists)"}
    assert set(_indices(web.post("/records/search", wide, reader))) <= seen
    for index in range(12):
        status = 200 if index in seen else 404
        for path in ("", "/proof", "/entry"):
            assert web.get(f"/records/{index}{path}", reader).status_code == status
    assert web.post("/count", {"where": where}, reader).json()["count"] == len(seen)
    for path, body in (("/facets", {"by": ["kind"]}), ("/timeline", {"by": "kind"})):
        answer = web.post(path, {"where": where, **body}, reader).json()
        found = answer.get("facets", {}).get("kind") or answer["timeline"]
        assert sum(one["count"] for one in found) == len(seen)


def test_what_is_not_there_and_what_is_not_ones_own_look_the_same(web: Web) -> None:
    """A reader cannot tell a record of another tenant from one that does not exist."""
    other, none = web.get("/records/3", "tenant"), web.get("/records/900", "tenant")
    assert other.status_code == none.status_code == 404
    assert other.text.replace("record 3", "record 900") == none.text


def test_a_cursor_is_of_one_reader(web: Web) -> None:
    """The cursor of a reader who may see more is refused from one who may see less."""
    cursor = web.get("/records?limit=2").json()["next"]
    for reader in ("tenant", "window"):
        answer = web.get(f"/records?limit=2&cursor={cursor}", reader)
        assert answer.status_code == 400
        assert "another condition" in answer.json()["detail"]


def test_revealing_stays_within_the_tenant(web: Web) -> None:
    """Who may reveal may do so for its own tenant only."""
    body = {"where": "subject = person-1", "reveal": ["subject"], "reason": "a complaint"}
    everyone = _indices(web.post("/records/search", body, "reveal"))
    own = _indices(web.post("/records/search", body, "tenant-reveal"))
    assert own == [one for one in everyone if one % 2 == 0]
    assert 0 < len(own) < len(everyone)
    path = "/records/3/proof?reveal=ip"
    assert web.get(path, "tenant-reveal", headers=REASON).status_code == 404


def test_a_token_whose_time_is_over(web: Web) -> None:
    """Whatever the host says, a reader whose access has expired is not let in."""
    assert web.get("/status", "over").status_code == 401


def test_one_of_several_purposes_is_named(web: Web) -> None:
    """Who has several purposes names one in each request, and that one is recorded."""
    assert web.get("/keys", "several").status_code == 403
    header = {"biotrail-purpose": "curiosity"}
    assert web.get("/keys", "several", headers=header).status_code == 403
    assert web.reads() == []
    header = {"biotrail-purpose": "dispute"}
    assert web.get("/keys", "several", headers=header).status_code == 200
    assert web.reads()[0]["purpose"] == "dispute"


def test_requests_of_a_reader_are_counted() -> None:
    """So many in a minute, and then 429 with the time to wait; others are not held up."""
    web = new_web(settings=WebSettings(requests_per_minute=3))
    with web.log:
        assert [web.get("/keys").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = web.get("/keys")
        assert refused.headers["retry-after"] == "20"
        assert web.get("/keys", "reveal").status_code == 200
        web.seconds += 20
        assert web.get("/keys").status_code == 200
        assert web.get("/keys").status_code == 429


def test_requests_of_an_address_are_counted() -> None:
    """Also those of nobody: tokens cannot be guessed fast."""
    web = new_web(settings=WebSettings(requests_per_minute_and_address=2))
    with web.log:
        statuses = [web.get("/keys", "guess").status_code for _ in range(3)]
        assert statuses == [401, 401, 429]
        assert web.get("/keys").status_code == 429


def test_rates_forget_who_has_not_asked_for_longest() -> None:
    """The table is bounded, however many addresses ask."""
    rates = Rates(per_minute=1, most_known=3, clock=lambda: 0.0, who="reader")
    for one in range(100):
        rates.take(one)
    assert len(rates) == 3
    with pytest.raises(TooManyRequestsError):
        rates.take(99)


def test_turns_are_bounded() -> None:
    """While all turns are taken the next is refused; one that ends, however, makes room."""
    turns = Turns(1)
    with turns.taken(), pytest.raises(TooManyRequestsError), turns.taken():
        raise AssertionError("not reached")
    with pytest.raises(ValueError, match="within"), turns.taken():
        raise ValueError("within")
    assert turns.taken_now == 0


def test_too_many_questions_at_once() -> None:
    """Questions beyond the bound are answered by 429 while others are worked on."""
    web = new_web(settings=WebSettings(most_at_once=1))
    with web.log:
        reader = web.app.state.biotrail.reader
        with reader._turns.taken():
            assert web.get("/keys").status_code == 429
        assert web.get("/keys").status_code == 200


@pytest.mark.parametrize(
    "setting",
    [
        {"page_limit": 0},
        {"most_on_page": 1_001},
        {"page_limit": 20, "most_on_page": 10},
        {"body_bytes": 1},
        {"requests_per_minute": True},
        {"title": "two\nlines"},
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, Any]) -> None:
    """A limit out of bounds is refused when the application is made."""
    with pytest.raises(EventError):
        WebSettings(**setting)


def test_somebody_must_be_known(web: Web) -> None:
    """An application that could let nobody in is not made."""
    with pytest.raises(EventError, match="TokenBook"):
        create_app(web.log)


def test_a_body_that_does_not_end() -> None:
    """A body that says no length is cut off at the bound, and one that is too slow in time."""

    async def answered(body: list[bytes] | None) -> int:
        statuses: list[int] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            from starlette.requests import Request

            await Request(scope, receive).body()

        async def receive() -> Any:
            if body is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"x" * 600, "more_body": True}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        from starlette.middleware.exceptions import ExceptionMiddleware

        guard = Guard(ExceptionMiddleware(application), body_bytes=1_000, body_seconds=0.01)
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "scheme": "http"}
        await guard(scope, receive, send)
        return statuses[0]

    assert asyncio.run(answered([b""])) == 413
    assert asyncio.run(answered(None)) == 408


def test_headers_of_every_answer(web: Web) -> None:
    """Whatever is answered, browsers are told to be careful with it, and to keep nothing."""
    answers = [web.get("/keys"), web.get("/nothing"), web.get("/keys", None)]
    answers.append(web.ask("POST", API + "/count", content=b"x" * 70_000))
    assert [one.status_code for one in answers] == [200, 404, 401, 413]
    for one in answers:
        assert one.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in one.headers["content-security-policy"]
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["cross-origin-resource-policy"] == "same-origin"
        assert one.headers["cache-control"] in ("no-store", "private, no-cache")
        assert "set-cookie" not in one.headers
        assert "strict-transport-security" not in one.headers
    secure = web.ask("GET", "https://log" + API + "/keys")
    assert secure.headers["strict-transport-security"] == "max-age=63072000"
