"""The commands about locks of attempt limits."""

from __future__ import annotations

from pathlib import Path

import biotrail
from biotrail.limits import NIST_SP_800_63B_4
from tests.integration.cli_runner import run

ORIGIN = "example.com/door"


def _locked(path: Path) -> None:
    with biotrail.open(path, origin=ORIGIN, passphrase="secret", limits=NIST_SP_800_63B_4) as log:
        for _ in range(5):
            log.record(
                biotrail.Event(
                    action="door.open",
                    subject="anna",
                    modality="face",
                    decision="denied",
                    reason="non_match",
                )
            )


def test_locks_are_listed_and_lifted(tmp_path: Path) -> None:
    """A lock is shown until it is lifted, then only with --all; nothing is lifted twice."""
    path = tmp_path / "log.db"
    _locked(path)
    (found,) = run("locks", path, "--json").json()["locks"]
    assert (found["scope"], found["failures"], found["reason"]) == ("subject", 5, "attempt_limit")
    assert "5 failures, until" in run("locks", path).out
    asked = ("unlock", path, "--subject", "anna", "--reason", "host.desk", "--by", "guard")
    ran = run(*asked, "--json", BIOTRAIL_PASSPHRASE="secret")
    assert ran.json()["index"] > found["index"]
    assert run("locks", path, "--json").json()["locks"] == []
    (ended,) = run("locks", path, "--all", "--json").json()["locks"]
    assert (ended["ended"], ended["lifted"]) == (ran.json()["index"], True)
    assert run(*asked, BIOTRAIL_PASSPHRASE="secret").code != 0
    assert run("unlock", path, "--reason", "policy", BIOTRAIL_PASSPHRASE="secret").code == 2
