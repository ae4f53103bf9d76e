"""Every error is a problem document that says what to do, and nothing of the program."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from biotrail import errors
from biotrail.web.problems import problem_of
from tests.unit.web._reading import API, REASON, Web, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture
def web() -> Iterator[Web]:
    """A sealed log of a genesis, a policy, and ten events, indices 2 to 11."""
    web = new_web()
    with web.log:
        yield web


def _is_problem(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["type"], document["status"]) == ("about:blank", status)
    assert document["title"]
    for word in ("Traceback", "site-packages", ".py"):
        assert word not in answer.text
    return document


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/records?limit=0", "query.limit"),
        ("/records?limit=1001", "query.limit"),
        ("/records?limit=many", "query.limit"),
        ("/records?sort=score", "query.sort"),
        ("/records?wher=x", "query.wher"),
        ("/records?where=outcme%3Dfailure", "did you mean 'outcome'"),
        ("/records?where=score%20%3C", "character 8"),
        ("/records?cursor=nonsense", "this is no cursor"),
        ("/records?as_of=99999999999999999999", "the log keeps no checkpoint"),
        ("/records?as_of=nonsense", "does not fit this log"),
        ("/records?reveal=everything", "no personal field"),
        ("/records/-1", "path.index"),
        ("/records/9223372036854775808", "path.index"),
        ("/records/one", "path.index"),
        ("/facets?by=colour", "there is no field"),
        ("/facets?by=id", "hardly two have the same"),
        ("/facets?most=0", "query.most"),
        ("/facets?" + "&".join(["by=action"] * 17), "query.by"),
        ("/timeline?bucket=second", "query.bucket"),
        ("/timeline?since=yesterday", "query.since"),
        ("/timeline?since=2026-11-23T12:00:00", "timezone"),
        ("/checkpoints?before=0", "query.before"),
        ("/checkpoints/0", "path.size"),
    ],
)
def test_a_question_that_makes_no_sense(web: Web, path: str, words: str) -> None:
    """Each is a 400 that says what is wrong and where; nothing was read, so nothing is recorded."""
    size = web.size
    document = _is_problem(web.get(path, "reveal", headers=REASON), 400)
    assert words in document["detail"]
    assert web.size == size


def test_a_condition_that_cannot_be_read_says_where(web: Web) -> None:
    """The problem has the position, and a hint."""
    document = _is_problem(web.get("/records?where=action%3Da%20adn%20outcome%3Db"), 400)
    assert document["position"] == 9
    assert document["hint"]


def test_what_is_not_there(web: Web) -> None:
    """Unknown paths and methods are problems too, and name the methods that are allowed."""
    for path in ("/", "/api", API, API + "/nothing", API + "/records/3/", "/docs", "/redoc"):
        assert web.ask("GET", path).status_code in (200, 404)
        assert web.ask("PUT", path).status_code in (404, 405)
    _is_problem(web.get("/nothing"), 404)
    for method in ("DELETE", "PUT", "PATCH", "TRACE", "OPTIONS"):
        answer = web.ask(method, API + "/records")
        _is_problem(answer, 405)
        assert answer.headers["allow"] == "GET"
    _is_problem(web.get("/checkpoints/9000"), 404)
    _is_problem(web.get("/records/9000"), 404)


def test_bodies_that_are_none(web: Web) -> None:
    """A body that is no JSON, or of another type, or unknown in part, is refused."""
    path = API + "/records/search"
    _is_problem(web.ask("POST", path, content=b"{}"), 415)
    _is_problem(web.ask("POST", path, data={"where": "x"}), 415)
    typed = {"content-type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b'{"where": 3}', b'{"other": 1}', b"\xff\xfe"):
        _is_problem(web.ask("POST", path, content=body, headers=typed), 400)
    _is_problem(web.ask("POST", path, content=b'{"where":"' + b"x" * 66_000 + b'"}'), 413)


def test_what_nobody_thought_of(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """An error in the program is a 500 without its text; the log of the host has kind and place."""
    web.store.fail("head", RuntimeError("the secret of person-1"), times=100)
    with caplog.at_level(logging.ERROR, logger="biotrail.web"):
        document = _is_problem(web.get("/status"), 500)
    assert document["title"] == "Something went wrong"
    assert "secret" not in str(document)
    (record,) = [one for one in caplog.records if one.name == "biotrail.web"]
    assert record.getMessage().startswith("RuntimeError at ")
    assert "secret" not in caplog.text


def test_a_log_that_does_not_check_out(web: Web) -> None:
    """Where an entry was changed the answer is a verdict with its index, and no record."""
    assert web.get("/keys").status_code == 200
    rows: Any = web.store.store
    row = rows._entries[5]
    rows._entries[5] = row._replace(entry=row.entry.replace(b"door.open", b"door.shut"))
    document = _is_problem(web.get("/records/5"), 500)
    assert document["title"] == "The log does not check out here"
    assert (document["verdict"], document["index"]) == ("altered", 5)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.QueryError("x"), 400),
        (errors.QuerySyntaxError("x", "y", 0), 400),
        (errors.EventError("purpose", 1, "x"), 400),
        (errors.UnauthorizedError("x"), 401),
        (errors.ForbiddenError("x"), 403),
        (errors.NoSuchRecordError("x"), 404),
        (errors.SealedError("x"), 409),
        (errors.ErasedError("x"), 410),
        (errors.TooManyRequestsError("x", retry_after=0.2), 429),
        (errors.NotRecordedError("x"), 503),
        (errors.OverloadedError("x"), 503),
        (errors.UnknownOutcomeError("x"), 503),
        (errors.ClosedError("x"), 503),
        (errors.StoreBusyError("x"), 503),
        (errors.KeyProviderError("x"), 503),
        (errors.AlteredError("x", index=3), 500),
        (errors.SignatureError("x"), 500),
        (errors.MatcherError("x"), 500),
    ],
)
def test_the_status_of_each_error(error: errors.BiotrailError, status: int) -> None:
    """Each error of the library has its status; what may tell of the host is withheld."""
    answer = problem_of(error)
    assert answer.status_code == status
    assert (b'"detail":"x' in bytes(answer.body)) == (
        status not in (503,) and not isinstance(error, (errors.MatcherError, errors.EventError))
    )
    if status == 429:
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("host", ["fastapi", "starlette"])
def test_mounted_in_another_application(web: Web, host: str) -> None:
    """Below a path of the host's it answers as by itself, and its document says where it is."""
    outer: Any = Starlette(routes=[Mount("/audit", web.app)])
    if host == "fastapi":
        outer = FastAPI()
        outer.mount("/audit", web.app)
    inner, web.app = web.app, outer
    assert web.ask("GET", "/audit" + API + "/records/3").json()["index"] == 3
    assert web.reads()[0]["route"] == f"GET {API}/records/{{index}}"
    _is_problem(web.ask("GET", "/audit/nothing"), 404)
    _is_problem(web.ask("GET", "/audit" + API + "/keys", None), 401)
    document = web.ask("GET", "/audit" + API + "/openapi.json").json()
    assert document["servers"] == [{"url": "/audit"}]
    assert document["openapi"] == "3.1.0"
    assert inner is not outer


def test_a_closed_log() -> None:
    """When the log was closed below it, the application says so."""
    web = new_web()
    web.log.close()
    document = _is_problem(web.get("/keys"), 503)
    assert document["title"] == "The log is closed"
