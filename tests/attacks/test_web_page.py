"""Somebody attacks the auditor's page: forms of other sites, planted cookies, hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests._components import reason_for_absence

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from tests.browser._site import NASTY, NOON, nasty
    from tests.unit.web._page import PageSite, page_site

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]

POSTS = ("/search", "/timeline", "/scores", "/records/2", "/verify", "/logout", "/purpose")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PageSite]:
    """The page over five events; nobody is logged in."""
    with page_site(tmp_path) as made:
        yield made


class Elements(HTMLParser):
    """What a browser would make of a page: the names of its elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.found |= {tag, *(f"@{name}" for name, _ in attributes)}


def test_hostile_text_of_every_field_stays_text(tmp_path: Path) -> None:
    """Whatever an event holds, no page has an element or attribute that its template has not."""
    with page_site(tmp_path, nasty(NOON)) as site:
        site.log_in()
        token = site.form_token()
        revealing = {
            "form_token": token,
            "reason": "why",
            "reveal": ["subject", "actor", "device_id", "location", "attributes", "user_agent"],
        }
        answers = [
            site.get("/search?show=all"),
            site.get("/live?show=all"),
            site.get("/timeline"),
            site.get("/records/2"),
            site.post("/records/2", revealing),
            site.post("/search", {**revealing, "where": "score < 0.5"}),
            site.post("/scores", {"form_token": token, "reason": NASTY}),
        ]
    for answer in answers:
        assert answer.status_code == 200
        elements = Elements()
        elements.feed(answer.text)
        assert not elements.found & {"img", "b", "i", "s", "u", "@onerror", "@style", "@onclick"}
        assert "alert(1)</script>" not in answer.text
        assert len(re.findall("<script", answer.text)) <= 1
    shown = answers[4].text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "{{7*7}}" in shown  # a template it is not
    assert "\u202e" not in shown
    assert "\\u202egnp.exe" in shown


@pytest.mark.parametrize("name", ["where", "range", "show", "sort", "as_of", "cursor", "start"])
def test_hostile_text_in_an_address_stays_text(site: PageSite, name: str) -> None:
    """What an address carries is shown as text, if at all."""
    site.log_in()
    answer = site.client.request("GET", "/search", params={name: '"><script>alert(1)</script>'})
    assert answer.status_code in (200, 400)
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "http://other.127.0.0.1"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {},
    ],
)
def test_forms_of_other_sites_are_refused(site: PageSite, headers: dict[str, str]) -> None:
    """A form from elsewhere is refused, even if it knew the token of the form."""
    site.log_in()
    data = {"form_token": site.form_token(), "reason": "x", "purpose": "review"}
    for path in POSTS:
        answer = site.client.request("POST", path, data=data, headers=headers)
        assert answer.status_code == 403
    assert site.get("/search").status_code == 200  # still logged in


def test_forms_need_the_token_of_their_session(site: PageSite) -> None:
    """No token, a wrong one, and that of another session are refused."""
    site.log_in()
    before = site.form_token()
    site.log_in()
    assert before
    assert before != site.form_token()
    for path in POSTS:
        for given in ({}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": before}):
            answer = site.post(path, {"reason": "x", **given})
            assert answer.status_code == 403
            assert "not of your session" in answer.text


def test_logging_in_from_another_site_is_refused(site: PageSite) -> None:
    """Nobody is logged in as somebody else without noticing."""
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    answer = site.client.request("POST", "/login", data={"token": site.token()}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_headers_cannot_be_injected(site: PageSite) -> None:
    """Line breaks in what is sent back in a header stay in its value, escaped."""
    site.log_in()
    data = {"form_token": site.form_token(), "where": 'target = "a\r\nSet-Cookie: b=c"'}
    answer = site.post("/search", data)
    assert "b=c" not in str(answer.headers.get("set-cookie"))
    assert "\r" not in answer.headers.get("location", "")
    answer = site.get("/%0d%0aSet-Cookie:%20a=b")
    assert "set-cookie" not in answer.headers


def test_what_may_not_be_read_is_not_shown(site: PageSite) -> None:
    """A token for reports sees counts and no record; one of a tenant nothing of others."""
    site.log_in(site.token("report"))
    assert site.get("/").status_code == 200
    assert site.get("/timeline").status_code == 200
    for path in ("/search", "/live", "/live/stream"):
        assert site.get(path).status_code == 403
    for path in ("/records/2", "/records/2/proof", "/records/2/entry"):
        assert site.get(path).status_code == 403
    site.log_in(site.token("read", tenant="north"))
    assert site.get("/records/2").status_code == 404
    site.log_in(site.token("read"))
    data = {"form_token": site.form_token(), "reveal": "subject", "reason": "curious"}
    answer = site.post("/records/2", data)
    assert answer.status_code == 400
    assert "person-0" not in answer.text


def test_every_page_is_a_read_of_the_log(site: PageSite) -> None:
    """Whatever page or file is shown, that it was is in the log before."""
    site.log_in()
    paths = ("/", "/search", "/timeline", "/live", "/records/2", "/records/2/proof")
    for path in paths:
        size = site.log.checkpoint().size
        assert site.get(path).status_code == 200
        assert site.log.checkpoint().size > size
    reads = site.log.query("kind = log_read", limit=100).records
    routes = {one.record.content["route"] for one in reads}
    assert routes == {
        "/",
        "/search",
        "/timeline",
        "/live",
        "/records/{index}",
        "/records/{index}/proof",
    }


def test_files_are_found_by_their_names_alone(site: PageSite) -> None:
    """No path leads out of the folder of the page's files."""
    assert site.get("/static/page.css").status_code == 200
    for name in ("../page.css", "..%2f__init__.py", "%2e%2e/desk.py", "page.css/", ".", "x.js"):
        assert site.get(f"/static/{name}").status_code in (404, 405)


def test_pages_are_kept_by_nobody_and_framed_by_nobody(site: PageSite) -> None:
    """Pages are not stored, run no program but the site's own, and stand in no frame."""
    site.log_in()
    for path in ("/", "/search", "/login", "/records/2/entry"):
        headers = site.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
