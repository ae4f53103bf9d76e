"""`biotrail search`: conditions, pages, counts, and what it says when it is called wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.testing.tamper import copy_log, tampering
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, run

pytestmark = pytest.mark.component("cli")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed log of six records (from index 2 on), with its vault and verifier key beside it."""
    path = tmp_path_factory.mktemp("searched") / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        for number in range(6):
            opened.record(
                biotrail.Event(
                    action="door.open",
                    decision="granted" if number % 2 else "denied",
                    subject=f"person-{number % 3}",
                    context=biotrail.Context(ip=f"192.0.2.{number}"),
                )
            )
    return path


def _told(log: Path, *arguments: object) -> Any:
    return run("search", log, *arguments, "--key", f"{log}.key.pub", "--json").json()


def _found(log: Path, *arguments: object) -> list[int]:
    told = _told(log, *arguments)
    assert (told["origin"], told["verified"], told["misleading"]) == (ORIGIN, True, [])
    return [one["index"] for one in told["records"]]


def test_search(log: Path) -> None:
    """Records that answer are found, in any order, a page at a time."""
    assert _found(log, "outcome = failure") == [6, 4, 2]
    assert _found(log, 'subject = "person-1" or ip in 192.0.2.4/31', "--sort", "index") == [3, 6, 7]
    assert _found(log) == [7, 6, 5, 4, 3, 2, 1, 0]
    first = _told(log, "outcome = failure", "-n", 2)
    assert _found(log, "outcome = failure", "--cursor", first["next"]) == [2]
    assert _found(log, "--as-of", 4, "-n", 1) == [3]


def test_kept_checkpoint(log: Path, tmp_path: Path) -> None:
    """A checkpoint that was kept says as of when."""
    kept = tmp_path / "kept"
    kept.write_text(_told(log, "--as-of", 5)["checkpoint"], encoding="utf-8")
    assert _found(log, "kind = event", "--as-of", kept) == [4, 3, 2]


def test_counts(log: Path) -> None:
    """Counts, facets and timelines are told as JSON and in words."""
    assert _told(log, "outcome = failure", "--count")["count"] == 3
    assert _told(log, "--count", "--every-entry")["count"] == 8
    facets = _told(log, "--facets", "outcome, subject")["facets"]
    assert facets["outcome"][0] == {"value": "failure", "count": 3}
    assert len(facets["subject"]) == 3
    (bucket,) = _told(log, "kind = event", "--timeline", "9999d", "--by", "outcome")["timeline"]
    assert (bucket["count"], bucket["by"]) == (6, {"failure": 3, "success": 3})
    key = ("--key", f"{log}.key.pub")
    assert run("search", log, "--count", *key).out == "8\n"
    assert "failure" in run("search", log, "--facets", "outcome,tenant", *key).out
    assert "failure 3" in run("search", log, "--timeline", "week", "--by", "outcome", *key).out
    empty = run("search", log, "index > 99", "--timeline", "hour", *key)
    assert "nothing was recorded" in empty.out


def test_own_events(tmp_path: Path) -> None:
    """Facets in words say how many of the events are no attempts, unless that was asked."""
    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        for action in ("door.open", "log.in", "log.read", "detection.rate"):
            opened.record(biotrail.Event(action=action, decision="granted"))
    key = ("--key", f"{path}.key.pub")
    assert (
        "2 of the events are biotrail's own" in run("search", path, "--facets", "action", *key).out
    )
    for arguments in (("--facets", "action,attempt"), ("attempt = yes", "--facets", "action")):
        assert "biotrail's own" not in run("search", path, *arguments, *key).out
    assert _found(path, "attempt = yes") == [3, 2]
    assert _told(path, "--facets", "action")["facets"].keys() == {"action"}


def test_in_words(log: Path) -> None:
    """A page in words names its checkpoint, and the cursor where there is more."""
    key = ("--key", f"{log}.key.pub")
    ran = run("search", log, "outcome = failure", "-n", 2, *key)
    assert ran.code == 0
    assert "proven to be in the log, by the signed checkpoint of size 8." in ran.out
    assert "--cursor A" in ran.out
    assert "No record was found." in run("search", log, "action = no.such", *key).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", "--facets", "outcome"), "ask for one of"),
        (("--facets", ","), "at least one field"),
        (("--facets", "outcom"), "did you mean 'outcome'"),
        (("--timeline", "15x"), "no length such as 15m"),
        (("--cursor", "x"), "this is no cursor"),
        (("--as-of", "99"), "no checkpoint of size 99"),
        (("--as-of", "no-such-file"), "no-such-file"),
        (("-n", "1001"), "1000"),
        (("--sort", "score"), "score"),
        (("outcome = fialure",), "did you mean 'failure'"),
    ],
)
def test_called_wrongly(log: Path, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be answered as it was asked is told, and ends with exit code 2 or 3."""
    ran = run("search", log, *arguments, "--key", f"{log}.key.pub", "--json")
    assert ran.code in (2, 3)
    assert message in ran.json()["error"]["message"]


def test_caret(log: Path) -> None:
    """An error in a condition is shown in its text, with a caret under the place and a hint."""
    ran = run("search", log, "index > 1 and\noutcome = fialure", "--key", f"{log}.key.pub")
    assert (ran.code, ran.out) == (2, "")
    assert "outcome = fialure\n          ^\nDid you mean 'failure'?" in ran.err


def test_keys(log: Path) -> None:
    """A key that is trusted must be given; that of another log finds nothing."""
    assert "a verifier key must be given" in run("search", log, "--json").json()["error"]["message"]
    stranger = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32)).verifier_key
    ran = run("search", log, "--key", stranger, "--json")
    assert ran.json()["error"]["type"] == "WrongKeyError"


def test_without_vault(log: Path) -> None:
    """Without the vault a sealed field cannot be asked for."""
    key = ("--key", f"{log}.key.pub")
    ran = run("search", log, "subject exists", *key, "--json", BIOTRAIL_PASSPHRASE=None)
    assert "give the log's vault" in ran.json()["error"]["message"]


def test_changed_store(log: Path, tmp_path: Path) -> None:
    """A column that was changed is told of, and the record that it lied about is left out."""
    path = copy_log(log, tmp_path / "copy.db")
    with tampering(path) as file:
        file.execute("UPDATE entries SET outcome = 'failure' WHERE idx = 3")
    key = ("--key", f"{log}.key.pub")
    ran = run("search", path, "outcome = failure", *key, BIOTRAIL_PASSPHRASE=None)
    assert "somebody has changed the store" in " ".join(ran.out.split())
    told = run("search", path, "outcome = failure", *key, "--json", BIOTRAIL_PASSPHRASE=None).json()
    assert told["misleading"] == [3]
    assert [one["index"] for one in told["records"]] == [6, 4, 2]
