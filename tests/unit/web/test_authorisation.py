"""Every route, and what each scope may do there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from biotrail.canonical import format_time
from biotrail.web import Scope, TokenBook
from tests.unit.web._reading import API, NOW, REASON, Web, access, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]

READS = {Scope.READ}
COUNTS = {Scope.READ, Scope.REPORT}


class Row(NamedTuple):
    """A route: who may use it, a request that is answered, and its status.

    Answers that are ``endless`` go on until the reader does not. ``{token}`` in a path stands for
    the id of a token that is made for the request.
    """

    scopes: set[Scope]
    path: str = ""
    body: Any = None
    status: int = 200
    endless: bool = False


TOKEN = {
    "scopes": ["read"],
    "purposes": ["review"],
    "expires": format_time(NOW + timedelta(hours=1)),
}


TABLE: dict[str, Row] = {
    "GET /status": Row(COUNTS),
    "GET /records": Row(READS),
    "POST /records/search": Row(READS, body={}),
    "GET /records/{index}": Row(READS, "/records/3"),
    "GET /records/{index}/proof": Row(READS, "/records/3/proof"),
    "GET /records/{index}/entry": Row(READS, "/records/3/entry"),
    "GET /count": Row(COUNTS),
    "POST /count": Row(COUNTS, body={}),
    "GET /facets": Row(COUNTS),
    "POST /facets": Row(COUNTS, body={}),
    "GET /timeline": Row(COUNTS),
    "POST /timeline": Row(COUNTS, body={}),
    "GET /checkpoints": Row(READS),
    "GET /checkpoints/{size}": Row(READS, "/checkpoints/3"),
    "GET /keys": Row(READS),
    "GET /tail": Row(READS, endless=True),
    "GET /export": Row({Scope.EXPORT}),
    "GET /tokens": Row({Scope.ADMIN}),
    "POST /tokens": Row({Scope.ADMIN}, body=TOKEN, status=201),
    "DELETE /tokens/{token}": Row({Scope.ADMIN}),
}
REVEALING: dict[str, Row] = {
    "GET /records?reveal=ip": Row({Scope.READ}),
    "GET /records?where=subject%3Danna": Row({Scope.READ}),
    "POST /records/search": Row({Scope.READ}, body={"where": "score > 0.5"}),
    "GET /tail?reveal=ip": Row({Scope.READ}, endless=True),
    "GET /tail?where=score%20exists": Row({Scope.READ}, endless=True),
    "GET /export?reveal=ip": Row({Scope.EXPORT}),
    "GET /export?where=subject%20exists": Row({Scope.EXPORT}),
    "GET /records/3?reveal=subject": Row({Scope.READ}),
    "GET /records/3/proof?reveal=ip": Row({Scope.READ}),
    "GET /count?where=ip%20in%20192.0.0.0%2F8": Row(COUNTS),
    "POST /count": Row(COUNTS, body={"where": "not subject exists"}),
    "GET /facets?by=device": Row(COUNTS),
    "POST /facets": Row(COUNTS, body={"by": ["attribute.x"]}),
    "GET /timeline?by=country": Row(COUNTS),
    "POST /timeline": Row(COUNTS, body={"where": 'session = "1"'}),
}
OPEN = {"GET /api/v1/openapi.json"}
EVERYBODY = set(Scope)  # a form that asks the log for nothing
PAGES: dict[str, Row] = {
    "GET /": Row(COUNTS),
    "GET /search": Row(READS),
    "GET /timeline": Row(COUNTS),
    "GET /scores": Row(EVERYBODY),
    "GET /live": Row(READS),
    "GET /live/stream": Row(READS, endless=True),
    "GET /records/{index}": Row(READS, "/records/3"),
    "GET /records/{index}/proof": Row(READS, "/records/3/proof"),
    "GET /records/{index}/entry": Row(READS, "/records/3/entry"),
    "GET /purpose": Row(EVERYBODY),
}
FORMS = {
    "POST /verify": "/verify",
    "POST /search": "/search",
    "POST /timeline": "/timeline",
    "POST /scores": "/scores",
    "POST /records/{index}": "/records/3",
    "POST /purpose": "/purpose",
    "POST /logout": "/logout",
}
LOGIN = {"GET /login", "POST /login", "GET /static/{name}"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One log for all of it."""
    book = TokenBook(tmp_path_factory.mktemp("tokens") / "tokens.json", clock=lambda: NOW)
    web = new_web(tokens=book)
    web.readers = {one.value: access(one, number=10 + at) for at, one in enumerate(Scope)}
    web.readers |= {
        f"{one.value} reveal": access(one, Scope.REVEAL, number=20 + at)
        for at, one in enumerate(Scope)
    }
    with web.log:
        yield web


def _routes(routes: Any) -> Iterator[str]:
    """Every route of an application, whether its document tells of it or not."""
    for one in routes:
        if hasattr(one, "original_router"):
            yield from _routes(one.original_router.routes)  # as later versions of FastAPI keep it
            continue
        for method in one.methods - {"HEAD"}:
            yield f"{method} {one.path}"


def test_every_route_stands_in_the_table(web: Web) -> None:
    """A route that nobody has thought of is not let in unseen."""
    found = {one for one in _routes(web.app.routes) if f" {API}/" in one}
    assert found == {one.replace(" ", f" {API}") for one in TABLE} | OPEN
    told = web.app.openapi()["paths"]
    document = {f"{method.upper()} {path}" for path in told for method in told[path]}
    assert document | OPEN == found


def test_every_page_stands_in_the_table(web: Web) -> None:
    """The same for what browsers are shown."""
    found = {one for one in _routes(web.app.routes) if f" {API}/" not in one}
    assert found == set(PAGES) | set(FORMS) | LOGIN


def _is_sent_to_log_in(answer: Any) -> bool:
    sent = answer.status_code == 303 and answer.headers["location"].startswith("/login")
    return bool(sent) and not answer.content


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("route", PAGES)
def test_page_by_scope(web: Web, route: str, scope: Scope) -> None:
    """Whom the host knows is shown a page where its scope lets it, and nobody else is."""
    row = PAGES[route]
    path = row.path or route.split(" ")[1]
    assert _is_sent_to_log_in(web.ask("GET", path, None))
    if row.endless and scope in row.scopes:
        assert web.begun(path, scope.value, {})[0] == 200
        return
    status = 200 if scope in row.scopes else 403
    assert web.ask("GET", path, scope.value).status_code == status


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("route", FORMS)
def test_forms_of_other_sites(web: Web, route: str, scope: Scope) -> None:
    """A form that was not given out here does nothing, whoever's browser sends it."""
    size = web.size
    assert _is_sent_to_log_in(web.ask("POST", FORMS[route], None))
    assert web.ask("POST", FORMS[route], scope.value).status_code in (400, 403)
    assert web.size == size


def test_every_route_asks_who_reads(web: Web) -> None:
    """Each operation of the document names the security scheme."""
    document = web.app.openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("route", TABLE)
def test_route_by_scope(web: Web, route: str, scope: Scope) -> None:
    """A reader with one scope is answered where the table says so, and nowhere else."""
    row = TABLE[route]
    _check(web, route, row, scope.value, allowed=scope in row.scopes)


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("route", REVEALING)
def test_revealing_needs_its_scope(web: Web, route: str, scope: Scope) -> None:
    """Where personal fields are shown or asked by, the scope `reveal` is needed besides."""
    row = REVEALING[route]
    _check(web, route, row, scope.value, allowed=False)
    _check(web, route, row, f"{scope.value} reveal", allowed=scope in row.scopes)


@pytest.mark.parametrize("route", REVEALING)
def test_revealing_needs_a_reason(web: Web, route: str) -> None:
    """Without a reason, or with one that says nothing, nothing is revealed."""
    method, path = route.split(" ")
    for reason in ({}, {"biotrail-reveal-reason": "  "}):
        row = REVEALING[route]
        reader = f"{min(row.scopes, key=[*Scope].index).value} reveal"
        answer = web.ask(method, API + path, reader, json=row.body, headers=reason)
        assert answer.status_code == 403
        assert "say why" in answer.json()["detail"]


@pytest.mark.parametrize("route", TABLE)
def test_nobody_reads(web: Web, route: str) -> None:
    """Without a token, and with one that is not known, nothing is answered and nothing recorded."""
    size = web.size
    method, path = route.split(" ")
    for reader in (None, "", "stranger"):
        row = TABLE[route]
        answer = web.ask(method, _path(web, row.path or path), reader, json=row.body)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert web.size == size


def _check(web: Web, route: str, row: Row, reader: str, *, allowed: bool) -> None:
    method, path = route.split(" ")
    path, size = _path(web, row.path or path), web.size
    if allowed and row.endless:
        assert web.begun(path, reader, REASON)[0] == row.status
        assert web.size > size
        return
    answer = web.ask(method, path, reader, json=row.body, headers=REASON)
    if allowed:
        assert answer.status_code == row.status, answer.text
        assert web.size > size
    else:
        assert answer.status_code == 403, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert web.size == size


def _path(web: Web, path: str) -> str:
    if "{token}" in path:
        assert web.tokens is not None
        until = NOW + timedelta(hours=1)
        _, token = web.tokens.create(scopes=["read"], purposes=["review"], expires=until)
        path = path.replace("{token}", str(token.id))
    return API + path
