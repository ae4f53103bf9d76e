"""``biotrail retain``: destroy personal data whose time is over."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from biotrail.audit import RetentionPolicy, RetentionRun
from biotrail.cli._erasing import Given, KeyFile, open_with_vault
from biotrail.cli._given import Database, Json, read_file
from biotrail.cli._output import grid, printable, say, write_json
from biotrail.errors import BiotrailError

__all__ = ["retain"]


def retain(
    log: Database,
    policy: Annotated[
        Path,
        typer.Argument(metavar="POLICY", help="Rules in TOML or JSON; see the how-to on erasing."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be destroyed.")
    ] = False,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Destroy the personal data whose time is over, and record which rules did it."""
    rules = _policy(policy)
    with open_with_vault(log, key, vault) as opened:
        run = opened.apply_retention(rules, dry_run=dry_run)
    if as_json:
        write_json({"log": str(log), "dry_run": dry_run, **_told_run(run)})
        return
    what = "would be destroyed" if dry_run else "destroyed"
    say(f"{log}: {run.payloads:,} payload parts {what}.", style="bold green")
    grid(
        [
            *(
                (_rule(one.selector, one.keep.days), f"{count:,}")
                for one, count in zip(rules.rules, run.rules, strict=True)
            ),
            ("held", f"{run.held:,}"),
            *([] if run.applied is None else [("recorded", f"as entry {run.applied:,}")]),
        ]
    )


def _told_run(run: RetentionRun) -> dict[str, Any]:
    return {
        "applied": run.applied,
        "payloads": run.payloads,
        "rules": list(run.rules),
        "held": run.held,
        "resumed": run.resumed,
    }


def _rule(selector: dict[str, str], days: int) -> str:
    named = ", ".join(f"{name} {printable(value)}" for name, value in selector.items())
    return f"after {days:,} days: {named or 'any event'}"


def _policy(path: Path) -> RetentionPolicy:
    data = read_file(path)
    try:
        text = data.decode()
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise BiotrailError(f"{path} is neither TOML nor JSON: {error}") from error
    return RetentionPolicy.from_document(document)
