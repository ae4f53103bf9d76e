"""``biotrail locks`` and ``biotrail unlock``: locks of attempt limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from biotrail.audit.locks import RecordedLock, locks
from biotrail.canonical import format_time
from biotrail.cli._erasing import Given, KeyFile, Tenant, open_with_vault
from biotrail.cli._given import Database, Json
from biotrail.cli._output import Row, grid, say, write_json
from biotrail.stores import SQLiteReader

__all__ = ["list_locks", "unlock"]


def list_locks(
    log: Database,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    as_json: Json = False,
) -> None:
    """List the locks of attempt limits that are in force, as the log says, not verified."""
    store = SQLiteReader(log)
    try:
        found = locks(store)
    finally:
        store.close()
    now = datetime.now(UTC)
    shown = [one for one in found if every or (one.ended is None and one.lock.holds(now))]
    if as_json:
        write_json({"log": str(log), "locks": [_document(one) for one in shown]})
        return
    rows: list[Row] = [(f"entry {one.index:,}", one.lock.scope, _in_words(one)) for one in shown]
    grid(rows or [("locks", "none")])


def unlock(
    log: Database,
    reason: Annotated[str, typer.Option(help="Why: a reason of events, or host.<word>.")],
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="The person, as recorded.", show_default=False)
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="ID", help="Or the device.", show_default=False)
    ] = None,
    ip: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Or the address.", show_default=False)
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="ID", help="Who lifts it.", show_default=False)
    ] = None,
    tenant: Tenant = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Lift the lock of a person, a device or an address; counting begins anew."""
    if sum(one is not None for one in (subject, device, ip)) != 1:
        raise typer.BadParameter("give one of --subject, --device and --ip")
    with open_with_vault(log, key, vault) as opened:
        whose = {"subject": subject, "device": device, "ip": ip}
        index = opened.unlock(**whose, reason=reason, by=by, tenant=tenant).index
    if as_json:
        write_json({"log": str(log), "index": index})
        return
    say(f"{log}: unlocked, as entry {index:,} records.", style="bold green")


def _document(one: RecordedLock) -> dict[str, object]:
    lock = one.lock
    return {
        "index": one.index,
        "scope": str(lock.scope),
        "reason": str(lock.reason),
        "since": format_time(lock.since),
        "until": None if lock.until is None else format_time(lock.until),
        "failures": lock.failures,
        "policy": one.policy,
        "tenant": one.tenant,
        "subject": None if one.subject is None else one.subject.hex(),
        "ended": one.ended,
        "lifted": one.lifted,
    }


def _in_words(one: RecordedLock) -> str:
    until = one.lock.until
    words = [f"{one.lock.failures} failures"]
    words.append("until unlocked" if until is None else f"until {format_time(until)}")
    if one.ended is not None:
        words.append(f"{'lifted' if one.lifted else 'ended'} by entry {one.ended:,}")
    return ", ".join(words)
