"""What an auditor does on the page, in a real browser."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.browser._site import ORIGIN, Site, attempt
from tests.browser.conftest import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.component("chromium"),
    pytest.mark.component("web"),
    pytest.mark.component("http"),
]


def shown(page: Page) -> str:
    """The text of a page's main part."""
    return page.inner_text("main")


def test_who_logs_in_sees_what_was_asked_for(opened: Opened, page_site: Site) -> None:
    """Who has no session is led to the log-in, and with a good token back to what was asked."""
    page = opened("/search?where=modality+%3D+iris", session=None, refused=True)
    assert page.url.startswith(f"{page_site.url}/login")
    page.fill("#token", page_site.token[:-4] + "AAAA")
    page.click("button.main")
    assert page.inner_text("[role=alert]") == "This token is not known, or no longer valid."
    page.fill("#token", page_site.token)
    page.click("button.main")
    assert page.url == f"{page_site.url}/search?where=modality+%3D+iris"
    page.click("text=Log out")
    assert page.url == f"{page_site.url}/login"
    page.goto(f"{page_site.url}/search")
    assert "/login" in page.url


def test_the_status_says_when_and_against_what(opened: Opened, page_site: Site) -> None:
    """The verdict names its time, its size and its key, and says when it has become old."""
    page = opened("/")
    page.wait_for_timeout(50)
    for _ in range(40):
        page.reload()
        if page.locator("text=The log holds").count():
            break
        page.wait_for_timeout(50)
    text = shown(page)
    assert "The log holds" in text
    assert page_site.log.verifier_key in text
    assert "No checkpoint kept elsewhere was given" in text
    page.goto(f"{page_site.url}/search")
    page.goto(f"{page_site.url}/")
    assert "recorded since, and are not covered by this verdict" in shown(page)
    page.click("text=Verify now")
    page.wait_for_timeout(300)
    page.reload()
    assert "checkpoints of" in shown(page)  # the new verdict continues the one before


def test_search_narrows_by_facets_and_keeps_questions(opened: Opened, page_site: Site) -> None:
    """A facet narrows, the address is the question, a name keeps it, and pages go on."""
    page = opened("/search")
    page.click(".facets a:text-is('failure')")
    assert "where=outcome" in page.url
    assert page.locator(".records .badge.ok").count() == 0
    page.click(".facets a:text-is('fingerprint')")
    where = page.input_value("#where")
    assert where == "outcome = failure and modality = fingerprint"
    page.fill("#saved-name", "fingers that fail")
    page.click("text=Keep >> nth=-1")
    page.goto(f"{page_site.url}/search")
    page.click("a:text-is('fingers that fail')")
    assert page.input_value("#where") == where
    page.goto(f"{page_site.url}/search")
    first = page.inner_text(".records tbody tr:first-child a")
    page.click("text=Next page")
    assert page.inner_text(".records tbody tr:first-child a") != first
    assert "cursor=" in page.url


def test_a_wrong_condition_is_shown_with_its_place(opened: Opened) -> None:
    """The message names the place and what may have been meant; what was typed stays."""
    page = opened("/search", refused=True)
    page.fill("#where", "outcome = fialure")
    page.press("#where", "Enter")
    assert "did you mean 'failure'?" in page.inner_text("[role=alert]")
    assert page.inner_text(".marked").splitlines()[1].rstrip() == " " * 10 + "^"
    assert page.input_value("#where") == "outcome = fialure"


def test_the_feed_shows_what_is_recorded_now(opened: Opened, page_site: Site) -> None:
    """A record is on the page at once, with its words; it waits while the feed is paused."""
    page = opened("/live")
    page.wait_for_selector("#feed-state:text-is('Connected')")
    luck = random.Random(3)
    record = page_site.log.record
    record(attempt(900, luck, page_site.clock.now, target="gate-9", subject="person-1"))
    page.wait_for_selector("#feed-rows tr.new:has-text('gate-9')")
    assert "sealed" in page.inner_text("#feed-rows tr.new:has-text('gate-9')")
    page.click("#feed-pause")
    record(attempt(901, luck, page_site.clock.now, target="gate-10", subject="person-1"))
    page.wait_for_selector("#feed-pause:text-is('Resume (1 waiting)')")
    assert page.locator("text=gate-10").count() == 0
    page.click("#feed-pause")
    page.wait_for_selector("#feed-rows tr.new:has-text('gate-10')")
    page.wait_for_selector("#feed-news:has-text('new record')", state="attached")


def test_charts_have_the_numbers_as_a_table(opened: Opened, page_site: Site) -> None:
    """What the bars stand for adds up to what the table says, and to the count of the log."""
    page = opened("/timeline")
    bars = page.locator("section[aria-labelledby=by-outcome] rect.bar title")
    heights = sum(int(one.split(": ")[1].split()[0]) for one in bars.all_text_contents())
    page.click("text=By outcome as a table")
    cells = page.locator("section[aria-labelledby=by-outcome] tbody tr").all()
    totals = [int(row.locator("td").first.inner_text()) for row in cells]
    assert heights == sum(totals) == page_site.log.count("attempt = yes")


def test_scores_are_shown_for_a_reason_only(opened: Opened, page_site: Site) -> None:
    """The histogram asks for a reason, draws scores against the threshold, and that is recorded."""
    page = opened("/scores?where=matcher+%3D+arcface-r100")
    assert page.locator("rect.bar").count() == 0
    page.click("text=Personal fields: show them")
    page.fill("#reason", "is the threshold right")
    page.click("button.main")
    assert page.locator("rect.bar.match").count() > 5
    assert "threshold 0.6" in page.locator(".axis.strong").all_text_contents()
    assert "right" not in page.url
    read = page_site.log.query("kind = log_read", limit=1).records[0].record.content
    assert read["route"] == "/scores"
    assert read["revealed"] == ["score_micro"]


def test_sealed_fields_are_revealed_for_a_reason(opened: Opened, page_site: Site) -> None:
    """A sealed field reads as sealed, is shown for a reason, and who saw it is in the log."""
    index = page_site.first(subject="person-5", modality="face")
    page = opened(f"/records/{index}")
    assert "Sealed" in page.inner_text("section[aria-labelledby=personal]")
    assert "person-5" not in shown(page)
    page.click("text=Show personal fields")
    page.check("input[value=subject]")
    page.check("input[value=ip]")
    page.fill("#reason", "complaint 4711")
    page.click("text=Show them, and record that")
    revealed = page.inner_text(".revealed")
    assert "person-5" in revealed
    assert "observed" in revealed
    entry, event = page_site.log.query("kind = log_read or action = log.read", limit=4).records[-2:]
    told = {one.record.kind: one for one in (entry, event)}
    assert told["log_read"].record.content["revealed"] == ["ip", "subject"]
    assert told["event"].event is not None
    assert told["event"].event.attributes["reveal_reason"] == "complaint 4711"


def test_erased_fields_name_the_entry_that_erased_them(opened: Opened, page_site: Site) -> None:
    """An erased field reads as erased, with when and why, and leads to the entry that says so."""
    found = next(one for one in page_site.log.search("attempt = yes") if one.record.gone)
    page = opened(f"/records/{found.index}")
    text = page.inner_text("section[aria-labelledby=personal]")
    assert "Erased on request" in text
    assert "GDPR Art. 17(1)(b)" in text
    page.click("section[aria-labelledby=personal] a")
    assert "subject_erased" in page.inner_text("h1")


def test_hostile_text_is_text(opened: Opened, page_site: Site) -> None:
    """Text of the host's, whatever it looks like, is shown and does nothing, on every page."""
    index = next(
        one.index
        for one in page_site.log.search("attempt = yes")
        if "<script>" in one.event.action  # type: ignore[union-attr] # attempts are events
    )
    page = opened("/search")
    assert "<script>alert(1)</script>" in shown(page)
    page.goto(f"{page_site.url}/live")
    page.goto(f"{page_site.url}/records/{index}")
    for name in ("subject", "actor", "ip", "location", "device_id", "attributes", "user_agent"):
        page.locator(f"input[value={name}]").evaluate("one => { one.checked = true }")
    page.locator("#reason").evaluate("one => { one.value = '<b>why</b>' }")
    page.locator("text=Show them, and record that").evaluate("one => one.click()")
    page.wait_for_load_state()
    text = shown(page)
    assert "{{7*7}}" in text
    assert "\\u202egnp.exe" in text
    assert "\\r\\nX-Injected: yes" in text
    assert page.locator("main script, main img, main b, main u, main s, main i").count() == 0


def test_it_is_of_use_without_programs(opened: Opened, page_site: Site) -> None:
    """Without JavaScript pages work, but for feed and verifier, which say what they need."""
    page = opened("/", java_script_enabled=False)
    assert ORIGIN in page.content()
    page.goto(f"{page_site.url}/search")
    page.fill("#where", "outcome = failure")
    page.click("button.main")
    assert page.url.endswith("/search?where=outcome+%3D+failure")
    page.click(".records tbody tr:first-child a")
    assert "This needs JavaScript" in shown(page)
    page.goto(f"{page_site.url}/live")
    assert "The feed needs JavaScript" in shown(page)
