"""A record verified by the browser itself, of what the server sent and of what somebody altered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from biotrail import Ed25519Signer
from biotrail.tlog import ProofFile
from tests.browser._site import ORIGIN, Site
from tests.browser.conftest import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [
    pytest.mark.component("chromium"),
    pytest.mark.component("web"),
    pytest.mark.component("http"),
]

STEPS = ("form", "entry", "leaf", "path", "root", "key", "signature")
Alter = Callable[[str], str]


def verified(page: Page, key: str = "") -> dict[str, str]:
    """Have the record verified, and return the verdict of each step."""
    page.fill("#key", key)
    page.click("#verify-record button.main")
    page.wait_for_selector(".verdict-line.notice")
    steps = page.locator(".step").all()
    return {
        str(one.get_attribute("data-step")): one.locator(".badge").inner_text() for one in steps
    }


def altering(page: Page, address: str, alter: Alter) -> None:
    """Let what the server sends from an address be altered on its way."""

    def answer(route: Route) -> None:
        sent = route.fetch()
        route.fulfill(response=sent, body=alter(sent.text()))

    page.route(address, answer)


def test_a_record_is_verified_step_by_step(opened: Opened, page_site: Site) -> None:
    """Every step holds, with its values; the key that was given says whose log it is."""
    index = page_site.first(outcome="success")
    page = opened(f"/records/{index}")
    assert verified(page) == dict.fromkeys(STEPS, "Holds")
    assert "Give the key that you know" in page.inner_text(".verdict-line")
    page.check("input[name=keep]")
    assert verified(page, page_site.log.verifier_key) == dict.fromkeys(STEPS, "Holds")
    assert "the key that you gave" in page.inner_text(".verdict-line")
    leaf = page_site.log.query(f"index = {index}").records[0].record.leaf_hash.hex()
    assert page.locator(".step[data-step=leaf] code").text_content() == leaf
    assert '"action"' in str(page.locator(".said pre").text_content())
    page.reload()
    assert page.input_value("#key") == page_site.log.verifier_key


def test_another_logs_key_is_told(opened: Opened, page_site: Site) -> None:
    """A key of the same name that did not sign fails at the signature, another name at the key."""
    page = opened(f"/records/{page_site.first(outcome='success')}")
    other = Ed25519Signer.from_seed(ORIGIN, bytes(32)).verifier_key
    assert verified(page, str(other))["signature"] == "Fails"
    stranger = Ed25519Signer.from_seed("example.com/elsewhere", bytes(32)).verifier_key
    assert verified(page, str(stranger)) | {"signature": ""} == {
        **dict.fromkeys(STEPS, "Holds"),
        "key": "Fails",
        "signature": "",
    }


def other_root(text: str) -> str:
    """The proof with another root in its checkpoint."""
    root = ProofFile.parse(text).checkpoint_note.split("\n")[2]
    return text.replace(root, base64.b64encode(bytes(32)).decode())


def one_hash_less(text: str) -> str:
    """The proof without its first hash."""
    first = base64.b64encode(ProofFile.parse(text).hashes[0]).decode()
    return text.replace(f"{first}\n", "", 1)


def other_sibling(text: str) -> str:
    """The proof with another hash in place of its first."""
    first = base64.b64encode(ProofFile.parse(text).hashes[0]).decode()
    return text.replace(first, base64.b64encode(bytes(32)).decode(), 1)


def other_index(text: str) -> str:
    """The proof with another index."""
    index = ProofFile.parse(text).index
    return text.replace(f"\nindex {index}\n", f"\nindex {index - 1}\n")


@pytest.mark.parametrize(
    ("step", "alter"),
    [
        ("form", lambda text: text.replace("tlog-proof@v1", "tlog-proof@v2")),
        ("entry", other_index),
        ("path", one_hash_less),
        ("root", other_sibling),
        ("root", other_root),
    ],
)
def test_an_altered_proof_fails_at_its_step(
    opened: Opened, page_site: Site, step: str, alter: Alter
) -> None:
    """What somebody altered on the way is found, and named at the step that it concerns."""
    page = opened(f"/records/{page_site.first(outcome='success')}")
    altering(page, "**/proof", alter)
    found = verified(page, page_site.log.verifier_key)
    assert next(name for name, verdict in found.items() if verdict == "Fails") == step
    assert "does not check out" in page.inner_text(".verdict-line")


def test_other_bytes_than_the_proofs_are_found(opened: Opened, page_site: Site) -> None:
    """A server that shows one record and proves another is caught."""
    index = page_site.first(outcome="success")
    page = opened(f"/records/{index}")
    page.route("**/entry", lambda route: route.continue_(url=f"{page_site.url}/records/1/entry"))
    assert verified(page)["entry"] == "Fails"


def test_a_browser_without_ed25519_says_so(opened: Opened, page_site: Site) -> None:
    """Where WebCrypto lacks the algorithm, the page gives no verdict, and says what to do."""
    page = opened(f"/records/{page_site.first(outcome='success')}")
    page.evaluate(
        """() => {
            crypto.subtle.importKey = () =>
                Promise.reject(new DOMException("no", "NotSupportedError"));
        }"""
    )
    assert verified(page) == {**dict.fromkeys(STEPS, "Holds"), "signature": "Cannot tell"}
    assert "biotrail verify-proof" in page.inner_text(".step[data-step=signature]")


def test_downloads_are_those_that_the_tools_verify(opened: Opened, page_site: Site) -> None:
    """The proof that is downloaded is one that the library verifies; the bytes are the entry's."""
    from biotrail.verify import verify_proof

    index = page_site.first(outcome="success")
    page = opened(f"/records/{index}")
    with page.expect_download() as proof:
        page.click("text=Download the proof")
    assert proof.value.suggested_filename == f"entry-{index}.tlog-proof"
    assert (
        verify_proof(proof.value.path().read_bytes(), [page_site.log.verifier_key]).index == index
    )
    with page.expect_download() as entry:
        page.click("text=Download the entry's bytes")
    data = page_site.log.query(f"index = {index}").records[0].record.data
    assert entry.value.path().read_bytes() == data
