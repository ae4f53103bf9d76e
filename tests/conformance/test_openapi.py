"""The OpenAPI document and the application say the same, as schemathesis finds by asking both.

Requests that the document allows and requests that it does not are made of its schemas: every
answer is one that the document tells of, in its status, its media type and its form; what fits is
answered, and what does not fit is refused; nothing is an error of the server's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from biotrail.canonical import format_time
from biotrail.web import TokenBook, WebSettings
from tests.unit.web._reading import NOW, REASON, Web, access, new_web

pytestmark = [
    pytest.mark.component("schemathesis"),
    pytest.mark.component("web"),
    pytest.mark.component("http"),
]

_EXAMPLES = 25
_ENDLESS = "/api/v1/tail"
_HEADERS = {
    "Authorization": "Bearer everything",
    "Biotrail-Purpose": "review",
    "Biotrail-Reveal-Reason": REASON["biotrail-reveal-reason"],
}
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
)
# What a schema cannot say: the syntax of conditions, names of fields, cursors, what prints.
_FIELDS = st.sampled_from(("action", "outcome", "tenant", "subject", "ip", "label.x", "score"))
_WORDS = {
    "where": st.sampled_from(
        (None, "outcome = failure", "not action = door.open", "subject = anna", "index in (1, 2)")
    ),
    "as_of": st.sampled_from((None, "3", "6")),
    "cursor": st.none(),
    "by": _FIELDS,
    "name": st.sampled_from((None, "anna")),
    "tenant": st.sampled_from((None, "north")),
    "purposes": st.just("review"),
    "until": st.none(),  # which has to come after another
    "expires": st.just(format_time(NOW + timedelta(hours=1))),
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A log, and a reader who may do all of it as often as it likes."""
    many = WebSettings(requests_per_minute=1_000_000, requests_per_minute_and_address=1_000_000)
    book = TokenBook(tmp_path_factory.mktemp("tokens") / "tokens.json", clock=lambda: NOW)
    web = new_web(settings=many, tokens=book)
    web.readers["everything"] = access("read", "reveal", "export", "report", "admin")
    with web.log:
        yield web


@cache
def _checks() -> list[Any]:
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    return [CHECKS.get_one(name) for name in _CHECKS]


def _operations(web: Web) -> list[Any]:
    import schemathesis

    schema: Any = schemathesis.openapi.from_dict(web.app.openapi())
    schema.app = web.app
    return [one.ok() for one in schema.get_all_operations() if one.ok().path != _ENDLESS]


def _sensible(case: Any, draw: Any) -> None:
    """Put words that mean something where a schema can only say that there are some."""
    for place in (case.query, case.body):
        if not isinstance(place, dict):
            continue
        for name in [name for name in _WORDS if name in place]:
            word = draw(_WORDS[name])
            if word is None:
                del place[name]
            else:
                place[name] = [word] if isinstance(place[name], list) else word


def _ask(web: Web, mode: str, *, sensible: bool) -> dict[str, set[int]]:
    from schemathesis import GenerationMode

    statuses: dict[str, set[int]] = {}
    for operation in _operations(web):
        strategy = operation.as_strategy(generation_mode=GenerationMode(mode))
        answered = statuses[f"{operation.method} {operation.path}"] = set()
        _ask_one(strategy, answered, sensible=sensible)
    return statuses


def _ask_one(strategy: Any, answered: set[int], *, sensible: bool) -> None:
    @seed(20_261_124)
    @settings(
        max_examples=_EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, data=st.data())
    def ask(case: Any, data: Any) -> None:
        if sensible:
            _sensible(case, data.draw)
        answer = case.call(headers=_HEADERS)
        answered.add(answer.status_code)
        case.validate_response(answer, checks=_checks())

    ask()


def test_requests_that_the_document_allows(web: Web) -> None:
    """Each is answered, and every operation is at some time; or what it asks for is not there."""
    statuses = _ask(web, "positive", sensible=True)
    assert len(statuses) > 15
    for operation, answered in statuses.items():
        if operation != "delete /api/v1/tokens/{token}":  # nobody guesses the id of one
            assert answered & {200, 201}, operation


def test_requests_that_the_document_does_not_allow(web: Web) -> None:
    """Each is refused by a problem document, whatever in it does not fit."""
    statuses = _ask(web, "negative", sensible=False)
    assert all(
        one <= {200, 201, 304, 400, 401, 403, 404, 409, 413, 415} for one in statuses.values()
    )
    assert all(one & {400, 401, 404} for one in statuses.values())
