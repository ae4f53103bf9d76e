"""The command that puts a log before rules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import biotrail
from tests.faults._child import environment
from tests.integration.cli_runner import run

ORIGIN = "example.com/door"
_START = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SECRET = {"BIOTRAIL_PASSPHRASE": "secret"}
_RULES = """
[many_subjects]
people = 3
window = "10 min"

[night]
rule = "after_hours"
zone = "Europe/Zurich"
opens = 07:00:00
closes = 19:00:00
days = [0, 1, 2, 3, 4]
holidays = [2026-12-25]
"""


def _spray(path: Path, first: int, stop: int) -> None:
    with biotrail.open(path, origin=ORIGIN, passphrase="secret", vault=True) as log:
        log.record_many(
            biotrail.Event(
                action="door.open",
                decision="denied",
                subject=f"person-{number}",
                context=biotrail.Context(ip="192.0.2.7"),
                occurred=_START + timedelta(seconds=number),
            )
            for number in range(first, stop)
        )


def _lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in out.splitlines()]


def test_past_is_looked_through_once(tmp_path: Path) -> None:
    """Without --state findings are printed, and the log stays as it is."""
    path, rules = tmp_path / "log.db", tmp_path / "rules.toml"
    rules.write_text(_RULES)
    _spray(path, 0, 10)
    before = path.read_bytes()
    found = _lines(run("detect", path, "--json", **_SECRET).out)
    assert [(one["rule"], one["count"], one["index"]) for one in found] == [
        ("many_subjects", 10, None)
    ]
    ran = run("detect", path, "--rules", rules, **_SECRET)
    assert ran.out.count("many_subjects: ") == 2  # at three people, and at six
    assert "192.0.2.7" not in ran.out
    assert path.read_bytes() == before


def test_sealed_fields_that_are_not_open_are_told(tmp_path: Path) -> None:
    """Without the vault a rule says that it is blind, rather than that there is nothing."""
    path = tmp_path / "log.db"
    _spray(path, 0, 10)
    (tmp_path / "log.db.vault").rename(tmp_path / "away")
    ran = run("detect", path)
    assert ran.code == 0
    assert "many_subjects could not see what it needs of 10 attempts" in " ".join(ran.err.split())


def test_findings_are_recorded_once(tmp_path: Path) -> None:
    """With --state each finding is a record, and the next run goes on after it."""
    path, state = tmp_path / "log.db", tmp_path / "state"
    asked = ("detect", path, "--state", state, "--json")
    _spray(path, 0, 10)
    (one,) = _lines(run(*asked, **_SECRET).out)
    assert run(*asked, **_SECRET).out == ""
    _spray(path, 10, 20)
    (two,) = _lines(run(*asked, **_SECRET).out)
    key = f"{path}.key.pub"
    shown = run(
        "search", path, 'action starts with "detection."', "--json", "--key", key, **_SECRET
    )
    assert f'"index": {one["index"]}' in shown.out
    assert f'"index": {two["index"]}' in shown.out
    assert run("verify", path, "--key", key).code == 0


def test_following_ends_at_a_signal(tmp_path: Path) -> None:
    """--follow finds what another process records, and ends when it is told to."""
    path = tmp_path / "log.db"
    _spray(path, 0, 5)
    command = [sys.executable, "-m", "biotrail", "detect", str(path), "--json", "--follow"]
    child = subprocess.Popen(
        [*command, "--state", str(tmp_path / "state")],
        env={**environment(), **_SECRET},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _spray(path, 5, 10)
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["count"] == 10
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(timeout=30) == 0
    finally:
        child.kill()
        child.communicate()


def test_rules_that_are_none(tmp_path: Path) -> None:
    """A file that does not give rules is told with what is wrong."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[nonsense]")
    ran = run("detect", tmp_path / "log.db", "--rules", rules)
    assert ran.code != 0
    assert "is no rule" in " ".join(ran.err.split())


def test_what_does_not_go_together(tmp_path: Path) -> None:
    """Following and posting without --state, and an address in the clear, are usage errors."""
    path = tmp_path / "log.db"
    _spray(path, 0, 1)
    for options in (
        ("--follow",),
        ("--webhook", "https://example.com/x"),
        ("--state", tmp_path / "s", "--webhook", "http://example.com/x"),
    ):
        assert run("detect", path, *options, **_SECRET).code == 2
