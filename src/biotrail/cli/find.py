"""``biotrail find``: records of a person, a device, an address, or by what is in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biotrail.cli._given import Database, Json, moment
from biotrail.cli._output import printable, say, write_json
from biotrail.cli._records import log_size, shown
from biotrail.cli._table import print_table
from biotrail.cli._values import document
from biotrail.cli._vault import VaultFile, opened_vault, seals, vault_of
from biotrail.errors import EventError, KeyFileError
from biotrail.events import ApplicationDecision, Outcome
from biotrail.query import Answers, Record, RecordReader, Where
from biotrail.stores import SQLiteReader

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = ["find"]

_PERSONAL, _CLEAR = "By personal fields", "By what is in the clear"


def _personal(names: str, metavar: str, help_: str) -> Any:
    return typer.Option(
        *names.split(), metavar=metavar, help=help_, rich_help_panel=_PERSONAL, show_default=False
    )


def _clear(name: str, help_: str) -> Any:
    return typer.Option(name, help=help_, rich_help_panel=_CLEAR, show_default=False)


def _moment(text: str | None, option: str) -> datetime | None:
    return None if text is None else moment(text, option)


def find(
    log: Database,
    person: Annotated[
        str | None, _personal("--person", "ID", "Records in which they are subject or actor.")
    ] = None,
    subject: Annotated[
        str | None, _personal("--subject", "ID", "Records in which they are the subject.")
    ] = None,
    actor: Annotated[
        str | None, _personal("--actor", "ID", "Records in which they are the actor.")
    ] = None,
    device: Annotated[str | None, _personal("--device", "ID", "Records of this device.")] = None,
    ip: Annotated[
        str | None,
        _personal("--ip --network", "ADDRESS", "Records from this address, or this network."),
    ] = None,
    tenant: Annotated[str | None, _clear("--tenant", "Records of this tenant.")] = None,
    since: Annotated[
        str | None, _clear("--since", "Recorded at this time or later; UTC if it does not say.")
    ] = None,
    until: Annotated[str | None, _clear("--until", "Recorded before this time.")] = None,
    outcome: Annotated[Outcome | None, _clear("--outcome", "How it ended.")] = None,
    decision: Annotated[
        ApplicationDecision | None, _clear("--decision", "What was decided.")
    ] = None,
    action: Annotated[str | None, _clear("--action", "The action.")] = None,
    target: Annotated[str | None, _clear("--target", "The target.")] = None,
    modality: Annotated[str | None, _clear("--modality", "The modality.")] = None,
    matcher: Annotated[str | None, _clear("--matcher", "Identifier of the matcher.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many at most.")] = 20,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="Begin with the oldest, not the newest.")
    ] = False,
    vault: VaultFile = None,
    as_json: Json = False,
) -> None:
    """Find records, the newest first.

    At most one personal field can be asked for, and anything in the clear besides. In a log that
    seals personal fields that needs its vault. A person, device or address is looked for among the
    records of one tenant: of --tenant, or of those without one. What is found was checked against
    the commitments in its entry; that the log itself holds, and hides nothing, is for `biotrail
    verify`.
    """
    where = Where(
        since=_moment(since, "--since"),
        until=_moment(until, "--until"),
        outcome=outcome,
        decision=decision,
        action=action,
        target=target,
        modality=modality,
        matcher=matcher,
        tenant=tenant,
    )
    given = {"person": person, "subject": subject, "actor": actor, "device": device, "ip": ip}
    asked = {name: value for name, value in given.items() if value is not None}
    if len(asked) > 1:
        raise typer.BadParameter("ask for one of --person, --subject, --actor, --device and --ip")
    with closing(SQLiteReader(log)) as store, _vault(log, store, vault, asked) as opened:
        size = log_size(store)
        reader = RecordReader(store, vault=opened)
        found = _found(reader, asked, where, newest_first=not oldest_first)
        records = list(shown(islice(found, min(limit, size))))
        misleading = found.misleading if isinstance(found, Answers) else []
    if as_json:
        told = {"log": str(log), "origin": reader.origin, "size": size, "verified": False}
        documents = [document(one) for one in records]
        write_json({**told, "misleading": misleading, "records": documents})
        return
    _print(log, records, limit, misleading)


@contextmanager
def _vault(
    log: Path, store: SQLiteReader, given: str | None, asked: dict[str, str]
) -> Iterator[Vault | None]:
    """The vault: what is personal is looked for with it, so that it is asked for then."""
    if not asked:
        with opened_vault(log, store, given) as found:
            yield found
        return
    if (opened := vault_of(log, store, given)) is None and seals(store):
        raise KeyFileError(
            f"personal fields are sealed, and {log}.vault is not there: name what opens them with "
            "--vault"
        )
    with nullcontext() if opened is None else closing(opened):
        yield opened


def _found(
    reader: RecordReader, asked: dict[str, str], where: Where, *, newest_first: bool
) -> Iterator[Record]:
    how: dict[str, Any] = {"where": where, "newest_first": newest_first}
    if not asked:
        return reader.records(**how)
    ((name, value),) = asked.items()
    how["tenant"] = where.tenant
    try:
        if name == "device":
            return reader.by_device(value, **how)
        if name == "ip":
            return reader.by_address(value, **how)
        role: Any = None if name == "person" else name
        return reader.by_person(value, role=role, **how)
    except EventError as error:
        raise typer.BadParameter(printable(error), param_hint=f"--{name}") from error


def _print(log: Path, records: list[Any], limit: int, misleading: list[int]) -> None:
    if not records:
        say("No record was found.")
    else:
        print_table(records)
    if len(records) == limit:
        say(f"There may be more than these {limit}: --limit shows more.", style="dim")
    if misleading:
        say(
            f"Rows beside the log led to records that are no answer ({len(misleading)}): somebody "
            f"has changed the store. Run `biotrail verify {log}`.",
            style="bold red",
        )
    say("As stored, not verified: `biotrail verify` says whether it holds.", style="dim")
