"""Requests that are made to break in, to see more, or to bring the application down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

import biotrail
from biotrail.stores import MemoryStore
from biotrail.web import WebSettings
from tests.unit.query._logs import open_log
from tests.unit.web._reading import API, REASON, Web, new_web

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A sealed log of a genesis, a policy, and ten events, indices 2 to 11."""
    web = new_web()
    with web.log:
        yield web


INJECTIONS = (
    "' or 1=1 --",
    '" or "1"="1',
    "x'; drop table entries; --",
    "outcome = failure; select * from payloads",
    "outcome = failure union select 1",
    "tenant = (select tenant)",
    "action = 'a' || 'b'",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_conditions_that_are_none(web: Web, text: str) -> None:
    """What is no condition is refused as such, wherever it stands; nothing is read."""
    size = web.size
    for answer in (
        web.get(f"/records?where={quote(text)}"),
        web.post("/records/search", {"where": text}),
        web.post("/count", {"where": text}),
        web.post("/facets", {"by": [text]}),
        web.get(f"/records?cursor={quote(text)}"),
        web.get(f"/records?reveal={quote(text)}"),
    ):
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    assert web.get(f"/records/{quote(text, safe='')}").status_code in (400, 404)
    assert web.size == size


@pytest.mark.parametrize("text", [*INJECTIONS, "a\x00b", "a%00", "\u202e", "\u0130"])
def test_values_that_would_be_code_are_values(web: Web, text: str) -> None:
    """In quotes they are texts that no record has: nothing is found, and nothing is run."""
    where = f"action = {json.dumps(text)}"
    answer = web.post("/records/search", {"where": where})
    assert answer.status_code == 200
    assert answer.json()["records"] == []
    assert web.reads()[-1]["rows"] == 0


def test_a_condition_cannot_widen_what_a_reader_sees(web: Web) -> None:
    """Brackets that close what was not opened do not get out of the reader's own part."""
    for text in (
        "index >= 0) or (index >= 0",
        ") or (tenant = south",
        "tenant = south or index>=0",
    ):
        answer = web.post("/records/search", {"where": text, "limit": 1_000}, "tenant")
        if answer.status_code == 200:
            tenants = {one["content"].get("tenant") for one in answer.json()["records"]}
            assert tenants <= {"north"}
        else:
            assert answer.status_code == 400


def test_deep_nesting_and_long_conditions(web: Web) -> None:
    """Neither brackets, nor nots, nor terms, nor JSON without end bring it down."""
    deep = "(index = 1 and (index = 2 or " * 100 + "index = 3" + "))" * 100
    for text in (deep, " or ".join(["index=1"] * 400), "index = 1 and " * 250, "x" * 4_097):
        assert web.post("/records/search", {"where": text}).status_code == 400
        assert web.post("/count", {"where": text}).status_code == 400
    brackets = web.post("/records/search", {"where": "(" * 2_000 + "index = 1" + ")" * 2_000})
    assert [one["index"] for one in brackets.json()["records"]] == [1]
    nots = web.post("/records/search", {"where": "not " * 1_000 + "index = 1"})
    assert nots.status_code in (200, 400), nots.text
    typed = {"content-type": "application/json"}
    for opening in (b"[", b'{"where":', b'{"a":[' * 3):
        body = opening * (60_000 // len(opening))
        answer = web.ask("POST", API + "/records/search", content=body, headers=typed)
        assert answer.status_code == 400
    number = b'{"limit": ' + b"9" * 50_000 + b"}"
    answer = web.ask("POST", API + "/records/search", content=number, headers=typed)
    assert answer.status_code == 400


def test_headers_that_would_be_two(web: Web) -> None:
    """A reason or purpose with line ends goes into no header, and is recorded on one line."""
    body = {"reveal": ["ip"], "reason": "one\r\nSet-Cookie: a=b\r\n\r\n<html>"}
    answer = web.post("/records/search", {**body, "limit": 1}, "reveal")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    event = web.log.query("action = log.read", limit=1).records[0].event
    assert event is not None
    assert event.attributes["reveal_reason"] == "one\\r\\nSet-Cookie: a=b\\r\\n\\r\\n<html>"
    for purpose in ("review\x7f", "REVIEW", "review,dispute", "*"):
        assert web.get("/keys", headers={"biotrail-purpose": purpose}).status_code == 403


def test_reasons_in_other_letters_and_too_long(web: Web) -> None:
    """A reason in UTF-8 is recorded as it was meant; one that is too long is refused."""
    header = {"biotrail-reveal-reason": "Beschwerde über Tür 3".encode().decode("latin-1")}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in header.items()]
    answer = web.ask("GET", API + "/records/3?reveal=ip", "reveal", headers=dict(raw))
    assert answer.status_code == 200
    event = web.log.query("action = log.read", limit=1).records[0].event
    assert event is not None
    assert event.attributes["reveal_reason"] == "Beschwerde über Tür 3"
    for length in (513, 5_000):
        long = {"biotrail-reveal-reason": "x" * length}
        assert web.get("/records/3?reveal=ip", "reveal", headers=long).status_code == 400


def test_cursors_that_are_not_ones_own(web: Web) -> None:
    """A cursor of another log, of another question, or altered by a letter is refused."""
    signer = biotrail.Ed25519Signer.from_seed("example.com/other", bytes(32))
    with biotrail.AuditLogger(MemoryStore(), signer) as other:
        for _ in range(5):
            other.record(biotrail.Event(action="door.open", decision="granted"))
        theirs = other.query(limit=1).next
    ours = web.get("/records?limit=1").json()["next"]
    with open_log(MemoryStore(), None) as same_name:
        for number in range(50):
            same_name.record(biotrail.Event(action=f"a.b{number}", decision="granted"))
        of_its_twin = same_name.query(limit=1).next
    altered = [ours[:at] + ("A" if ours[at] != "A" else "B") + ours[at + 1 :] for at in (3, 30, 50)]
    for cursor in (theirs, of_its_twin, *altered, ours + "=", "", "A" * 256):
        answer = web.get(f"/records?limit=1&cursor={cursor}")
        assert answer.status_code == 400, cursor
    assert web.get(f"/records?limit=1&sort=index&cursor={ours}").status_code == 400
    assert web.get(f"/records?limit=1&where=index%3C5&cursor={ours}").status_code == 400
    assert web.get(f"/records?limit=1&cursor={ours}").status_code == 200


def test_checkpoints_of_others(web: Web) -> None:
    """What claims to be the log as it once stood has to be signed by its key, and fit."""
    note = web.get("/checkpoints/6").text
    origin, size, root, *rest = note.split("\n")
    for lie in (
        "\n".join((origin, "7", root, *rest)),
        "\n".join(("example.com/other", size, root, *rest)),
        "\n".join((origin, "99999999", root, *rest)),
        note[:-10],
        "x" * 8_000,
    ):
        answer = web.post("/records/search", {"as_of": lie})
        assert answer.status_code == 400
        assert "records" not in answer.json()


def test_authorisation_headers_that_make_no_sense(web: Web) -> None:
    """Schemes, tokens and headers of any form are nobody's."""
    for value in ("", "Bearer", "Basic cmVhZDo=", "bearer  ", "Bearer " + "x" * 8_000, "Bearer ü"):
        answer = web.ask("GET", API + "/keys", None, headers={"authorization": value.encode()})
        assert answer.status_code == 401, value
    assert web.ask("GET", API + "/keys?access_token=read", None).status_code == 401
    cookie = {"cookie": "authorization=Bearer read"}
    assert web.ask("GET", API + "/keys", None, headers=cookie).status_code == 401


def test_an_oracle_on_people_is_none(web: Web) -> None:
    """Who may not reveal learns nothing of people by conditions, facets, sort orders or errors."""
    for question in (
        {"where": 'subject = "person-1"'},
        {"where": "not subject = nobody and index >= 0"},
        {"where": "index >= 0 or ip in 10.0.0.0/8"},
        {"where": "score exists"},
        {"where": "location within 5 km of 1,1"},
        {"where": "attribute.query exists"},
        {"reveal": ["subject"]},
    ):
        for path in ("/records/search", "/count", "/facets", "/timeline"):
            if "reveal" in question and path != "/records/search":
                continue
            answer = web.post(path, {**question, "reason": "curious"})
            assert answer.status_code == 403
    assert web.get("/records?sort=subject", headers=REASON).status_code == 400


def test_etags_that_make_no_sense(web: Web) -> None:
    """Any text in If-None-Match is answered as if it were not there."""
    for held in ('"', "W/", '"' * 5_000, "*, *", "\\", '"a' + "b" * 9_000):
        answer: Any = web.get("/records/3", headers={"if-none-match": held})
        assert (answer.status_code, answer.json()["index"]) == (200, 3)


def test_that_there_are_too_many_is_an_answer() -> None:
    """A timeline that is refused for its length tells that it is so long, and is recorded."""
    web = new_web(settings=WebSettings(most_buckets=5))
    with web.log:
        for where, count in (("action = door.open", 1), ("index <= 4", 2)):
            answer = web.post("/timeline", {"where": where, "bucket": "minute"}, "report")
            assert answer.status_code == (400 if count == 1 else 200)
            assert [one["route"] for one in web.reads()] == ["POST /api/v1/timeline"] * count
