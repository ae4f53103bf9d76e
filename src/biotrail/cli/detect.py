"""``biotrail detect``: what rules find in a log, once or as records come."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._erasing import Given, KeyFile, open_with_vault
from biotrail.cli._given import Database
from biotrail.cli._output import printable, say, write_json
from biotrail.cli._records import reader_of
from biotrail.cli._vault import opened_vault
from biotrail.cli.forward import _stopped_by_signals
from biotrail.detection import (
    Detection,
    Detector,
    Finding,
    Rule,
    Seen,
    Signed,
    Webhook,
    default_rules,
    load_rules,
)
from biotrail.detection.memory import Watch
from biotrail.errors import ForwardingError
from biotrail.stores import SQLiteReader

__all__ = ["detect"]

SECRET_VARIABLE = "BIOTRAIL_DETECT_SECRET"  # noqa: S105 # the name of a variable, no secret
_STYLES = {"high": "bold red", "medium": "yellow", "low": ""}


def detect(
    log: Database,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="The rules, in TOML; if not given, all but after_hours and heartbeat_gap.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Record what is found, and keep here how far it has come; needs the log's key.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on as records come; needs --state.")
    ] = False,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Post what is recorded here; needs --state.", show_default=False
        ),
    ] = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document a line and finding.")
    ] = False,
) -> None:
    """Put the records of a log before rules, and print what they find.

    Without --state nothing is recorded, and the log is read as it lies there, not verified. With it
    each finding is one record of the log, however often it is looked for. What is posted to a
    webhook is signed with the secret in BIOTRAIL_DETECT_SECRET (hexadecimal), if there is one.
    """
    if state is None and (follow or webhook is not None):
        raise typer.BadParameter("--follow and --webhook need --state: what is found is recorded")
    chosen = default_rules() if rules is None else load_rules(rules)
    if state is None:
        _look(log, chosen, vault, as_json=as_json)
        return
    hook = None if webhook is None else _webhook(webhook)
    with ExitStack() as stack:
        opened = stack.enter_context(open_with_vault(log, key, vault))

        def show(one: Detection) -> None:
            _print(one.finding, one.index, as_json=as_json)

        detector = stack.enter_context(
            Detector(opened, chosen, state=state, callbacks=[show], webhook=hook)
        )
        if follow:
            with _stopped_by_signals() as stop:
                detector.run(stop)
        else:
            detector.run_once()
            detector.callbacks.drain(60.0)
            _deliver_all(detector)
        _warn_of_blindness(detector.blind)


def _look(log: Path, rules: list[Rule], vault: str | None, *, as_json: bool) -> None:
    """Put what is there before the rules; record nothing."""
    watch = Watch(rules)
    with ExitStack() as stack:
        store = stack.enter_context(closing(SQLiteReader(log)))
        opened = stack.enter_context(opened_vault(log, store, vault))
        reader = stack.enter_context(closing(reader_of(store, opened)))
        for record in reader.records(0, reader.size):
            for found in watch.see(Seen.of_record(record)):
                _print(found, None, as_json=as_json)
    _warn_of_blindness(watch.blind)


def _print(found: Finding, index: int | None, *, as_json: bool) -> None:
    if as_json:
        write_json({**found.document(), "index": index}, indent=None)
        return
    places = ", ".join(f"{one:,}" for one in found.indices)
    recorded = "" if index is None else f" (entry {index:,})"
    line = f"{found.severity:<6}  {found.rule}: {found.reason}; records {places}{recorded}"
    say(printable(line), style=_STYLES[found.severity])


def _warn_of_blindness(blind: dict[str, int]) -> None:
    for rule, count in blind.items():
        say(
            f"biotrail: {rule} could not see what it needs of {count:,} attempts: it is sealed, "
            "and the vault was not given, or it is gone.",
            style="yellow",
            stderr=True,
        )


def _webhook(address: str) -> Webhook:
    secret = os.environ.get(SECRET_VARIABLE)
    try:
        signed = None if not secret else Signed(bytes.fromhex(secret))
        return Webhook(address, authentication=signed)
    except ValueError:
        raise typer.BadParameter(f"{SECRET_VARIABLE} is not hexadecimal") from None
    except ForwardingError as error:
        raise typer.BadParameter(printable(error), param_hint="--webhook") from error


def _deliver_all(detector: Detector) -> None:
    """Give the receiver a minute to take what was recorded; the rest is delivered another time."""
    if detector.deliverer is not None and not detector.deliverer.drain(60.0):
        say("biotrail: not all was delivered yet; run it again.", style="yellow", stderr=True)
