"""How the pages look and whether everybody can use them: keyboard, names, contrast, sizes, motion.

Screenshots of every page, light and dark, wide and narrow, are left in ``build/screenshots``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests._components import ROOT
from tests.browser._site import Site
from tests.browser.conftest import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.component("chromium"),
    pytest.mark.component("web"),
    pytest.mark.component("http"),
]

SHOTS = ROOT / "build" / "screenshots"
EVERY = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def axe() -> str:
    """The program of axe-core, as its package carries it."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


def faults(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe-core finds wrong with a page, by some of its rules."""
    found: Any = page.evaluate("options => axe.run(document, options)", rules)
    assert "color-contrast" in [one["id"] for one in found["passes"]]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def reveal(page: Page, site: Site) -> None:
    """Show some personal fields."""
    page.click("text=Show personal fields")
    for name in ("subject", "ip", "location", "score_micro"):
        page.check(f"input[value={name}]")
    page.fill("#reason", "complaint 4711")
    page.click("text=Show them, and record that")


def draw_scores(page: Page, site: Site) -> None:
    """Draw the scores of one matcher."""
    page.click("text=Personal fields: show them")
    page.fill("#reason", "is the threshold right")
    page.click("button.main")


def follow(page: Page, site: Site) -> None:
    """Wait until the feed is there."""
    page.wait_for_selector("#feed-state:text-is('Connected')")


def verify(page: Page, site: Site) -> None:
    """Verify the record."""
    page.fill("#key", site.log.verifier_key)
    page.click("#verify-record button.main")
    page.wait_for_selector(".verdict-line.notice")
    page.click(".step[data-step=path] summary")


def nothing(page: Page, site: Site) -> None:
    """Look."""


PAGES: dict[str, tuple[str, Any]] = {
    "login": ("/login", nothing),
    "status": ("/", lambda page, site: page.reload()),
    "live": ("/live", follow),
    "search": ("/search?where=target+in+(laboratory,+archive)", nothing),
    "mistake": ("/search?where=outcome+%3D+fialure", nothing),
    "timeline": ("/timeline", nothing),
    "scores": ("/scores?where=matcher+%3D+arcface-r100", draw_scores),
    "revealed": ("sealed", reveal),
    "verified": ("sealed", verify),
    "erased": ("erased", nothing),
    "absent": ("/records/99999", nothing),
}


DARK_AND_NARROW = ("status", "search", "verified")


def path_of(name: str, site: Site) -> str:
    """The address of a page; of a record where the name says which."""
    if name == "sealed":
        return f"/records/{site.first(subject='person-5', modality='face')}"
    if name == "erased":
        gone = (one.index for one in site.log.search("attempt = yes") if one.record.gone)
        return f"/records/{next(gone)}"
    return name


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(opened: Opened, page_site: Site, name: str) -> None:
    """axe-core finds nothing in light and in dark; nothing hangs over; pictures are taken."""
    path, act = PAGES[name]
    session = {"session": None} if name == "login" else {}
    refused = name in ("mistake", "absent")
    page = opened(path_of(path, page_site), refused=refused, **session)
    act(page, page_site)
    page.evaluate(axe())
    SHOTS.mkdir(parents=True, exist_ok=True)
    for scheme, rules in (("light", EVERY), ("dark", CONTRAST)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # one of its words
        page.set_viewport_size(WIDE)  # type: ignore[arg-type] # width and height
        assert faults(page, rules) == []
        page.screenshot(path=SHOTS / f"{name}-{scheme}-wide.png", full_page=True)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type] # width and height
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        if scheme == "light" or name in DARK_AND_NARROW:  # a picture takes half a second
            page.screenshot(path=SHOTS / f"{name}-{scheme}-narrow.png", full_page=True)


def focused(page: Page) -> str:
    """What has the focus, in words."""
    return str(
        page.evaluate(
            """() => {
                const one = document.activeElement;
                const names = [one.id, one.name, one.textContent.trim().slice(0, 24)];
                return one.tagName.toLowerCase() + " " + (names.find(Boolean) ?? "");
            }"""
        )
    )


def test_the_keyboard_is_enough(opened: Opened, page_site: Site) -> None:
    """From log-in to a verified record by keys alone, with the focus always to be seen."""
    page = opened("/", session=None)
    page.keyboard.press("Tab")
    assert focused(page) == "a Skip to the content"
    page.focus("#token")
    page.keyboard.type(page_site.token)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{page_site.url}/")
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", seen
    assert seen[:8] == [
        "a Skip to the content",
        "a biotrail",
        "a Status",
        "a Live",
        "a Search",
        "a Timeline",
        "a Scores",
        seen[7],
    ]
    page.goto(f"{page_site.url}/search")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skips to the content
    page.keyboard.press("Tab")
    assert focused(page) == "input where"
    page.keyboard.type("outcome = success")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?where=*")
    page.locator(".records tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/records/*")
    page.focus("#key")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict-line.ok")


def test_motion_is_only_for_who_likes_it(opened: Opened) -> None:
    """Where less motion is asked for, nothing is animated."""
    page = opened("/live", reduced_motion="reduce")
    page.evaluate("document.querySelector('#feed-rows tr').classList.add('new')")
    name = "getComputedStyle(document.querySelector('#feed-rows tr.new')).animationName"
    assert page.evaluate(name) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(name) == "arrive"
