"""Calls commands in this process, and a small log for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

import biotrail
from biotrail.events import Comparison, Context

ORIGIN = "example.com/front-door"
PASSPHRASE = "a long random secret"
HOSTILE_AGENT = "x\x1b[2J\u202e[bold]y[/bold]\r\n"


@attrs.frozen
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output, which must be exactly one JSON document."""
        return json.loads(self.out)


def run(*arguments: object, stdin: str = "", **environment: str | None) -> Ran:
    """Call the command line; an exception that is no exit fails the test."""
    from typer.testing import CliRunner

    from biotrail.cli import app

    settings = {"BIOTRAIL_PASSPHRASE": PASSPHRASE, "COLUMNS": "150", **environment}
    result = CliRunner().invoke(app, [str(one) for one in arguments], stdin, env=settings)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def attempt(number: int = 0, **changes: Any) -> biotrail.Event:
    """An event with personal fields, some of them chosen by an attacker."""
    fields: dict[str, Any] = {
        "action": "door.open",
        "target": "server-room",
        "decision": "denied",
        "reason": "non_match",
        "modality": "face",
        "actor": f"visitor-{number}",
        "comparison": Comparison(
            matcher="example-face", version="1.0", decision="non_match", score=0.25, threshold=0.6
        ),
        "context": Context(
            ip="192.0.2.7",
            user_agent=HOSTILE_AGENT,
            request_id="r-1",
            provenance={"ip": "observed"},
        ),
    }
    return biotrail.Event(**{**fields, **changes})


@attrs.frozen
class SmallLog:
    """A log with a genesis entry and five events, closed."""

    path: Path

    @property
    def key(self) -> Path:
        """The file with its verifier key."""
        return Path(f"{self.path}.key.pub")

    def open(self) -> biotrail.AuditLogger:
        """Open it for recording, in the clear: what is sealed is shown in tests of its own."""
        return biotrail.open(self.path, origin=ORIGIN, passphrase=PASSPHRASE, vault=False)


def small_log(path: Path) -> SmallLog:
    """Make a small log."""
    log = SmallLog(path)
    with log.open() as opened:
        for number in range(5):
            opened.record(attempt(number))
    return log
