"""Somebody attacks the sessions of the auditor's page: planted, made-up and stolen cookies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests._components import reason_for_absence

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from tests.unit.web._page import PageSite, page_site

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PageSite]:
    """The page over five events; nobody is logged in."""
    with page_site(tmp_path) as made:
        yield made


def test_a_planted_session_is_not_taken_over(site: PageSite) -> None:
    """Logging in begins a session under a new name, and ends the one that the browser brought."""
    site.log_in()
    planted = site.client.cookies["biotrail-session"]
    site.log_in()
    assert site.client.cookies["biotrail-session"] != planted
    site.client.cookies.clear()
    site.client.cookies.set("biotrail-session", planted)
    assert site.get("/search").status_code == 303
    site.client.cookies.clear()
    site.client.cookies.set("biotrail-session", "chosen-by-somebody")
    site.log_in()
    names = [cookie.value for cookie in site.client.cookies.jar]
    assert len({*names} - {"chosen-by-somebody"}) == 1


@pytest.mark.parametrize("name", ["", "x", "A" * 43, "A" * 5_000, "\N{LATIN SMALL LETTER E}%00"])
def test_made_up_sessions_are_nobodys(site: PageSite, name: str) -> None:
    """A cookie that was never given leads to the log-in."""
    answer = site.get("/records/2", cookie=f"biotrail-session={name}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/records/2"


def test_the_cookie_is_for_this_site_alone(site: PageSite, tmp_path: Path) -> None:
    """It is kept from programs, from other sites, and by its name from other hosts."""
    plain = site.log_in().headers["set-cookie"]
    assert plain.startswith("biotrail-session=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=3600"):
        assert part in plain
    for base in ("https://audit.example.com", "http://audit.example.com"):
        folder = tmp_path / base[:5].strip(":")
        folder.mkdir()
        with page_site(folder, base=base) as elsewhere:
            headers = {"sec-fetch-site": "same-origin", "origin": base}
            answer = elsewhere.client.request(
                "POST",
                "/login",
                data={"token": elsewhere.token()},
                headers=headers,
                follow_redirects=False,
            )
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-biotrail-session=")
        assert "; Secure" in cookie
        assert "Domain" not in cookie


def test_a_session_ends_with_its_time_its_token_and_its_log_out(site: PageSite) -> None:
    """Each of them ends it at once, and the cookie opens nothing any more."""
    site.log_in()
    site.time.now += timedelta(minutes=61)
    assert site.get("/search").status_code == 303

    site.log_in(site.token(expires=site.time.now + timedelta(minutes=5)))
    assert site.get("/search").status_code == 200
    site.time.now += timedelta(minutes=6)
    assert site.get("/search").status_code == 303

    text, token = site.tokens.create(
        scopes=["read"], purposes=["review"], expires=site.time.now + timedelta(hours=1)
    )
    site.log_in(text)
    assert site.get("/search").status_code == 200
    site.tokens.revoke(token.id)
    assert site.get("/search").status_code == 303

    site.log_in()
    kept = site.client.cookies["biotrail-session"]
    site.post("/logout", {"form_token": site.form_token()})
    assert site.get("/search", cookie=f"biotrail-session={kept}").status_code == 303


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "login",
        "",
    ],
)
def test_logging_in_leads_nowhere_else(site: PageSite, back: str) -> None:
    """Whatever the form says, one is led to a page of this application."""
    answer = site.log_in(next=back)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert "a=b" not in answer.headers.get("set-cookie", "")
