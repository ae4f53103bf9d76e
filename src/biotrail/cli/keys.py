"""``biotrail keys``: the keys of a log, shown, rotated, admitted, retired, reported as stolen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import attrs
import typer
from rich.text import Text

from biotrail.audit import AuditLogger, Receipt, open_log, rotate_key_file, take_over
from biotrail.cli._given import Database, Json, verifier_keys, write_file
from biotrail.cli._key_spans import KeySpan, log_keys
from biotrail.cli._output import Row, grid, printable, say, write_json, write_text
from biotrail.cli._passphrase import ask_passphrase
from biotrail.cli._records import origin_of
from biotrail.signing import VerifierKey, open_key_file, open_post_quantum_key_file
from biotrail.stores import SQLiteReader

__all__ = ["app"]

app = typer.Typer(
    help="Show, rotate, admit and retire keys of a log, or report one as stolen.",
    no_args_is_help=True,
)

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The key file; DB.key if not given.", show_default=False
    ),
]
Named = Annotated[
    str, typer.Argument(metavar="VKEY|FILE", help="The verifier key.", show_default=False)
]

Trusted = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="VKEY|FILE",
        help="A verifier key of the log that you trust; those in FILE.pub if not given.",
        show_default=False,
    ),
]


@app.command()
def show(log: Database, as_json: Json = False) -> None:
    """Show every verifier key of a log, and which checkpoints it may sign.

    As the log says it, not verified: trust a key from here only after `biotrail verify` with a key
    that you had before.
    """
    store = SQLiteReader(log)
    try:
        origin, found = origin_of(store), log_keys(store)
    finally:
        store.close()
    committed = found.next_digest
    if as_json:
        told = {"log": str(log), "origin": origin, "verified": False}
        next_key = None if committed is None else committed.hex()
        affected = [attrs.asdict(one) for one in found.affected]
        keys = [one.document() for one in found.spans]
        write_json({**told, "keys": keys, "next_key_sha256": next_key, "affected": affected})
        return
    say(f"{log}: {origin}", style="bold")
    for span in found.spans:
        _print_span(span)
    if committed is not None:
        say()
        grid([("next key", f"its text has the SHA-256 {committed.hex()}")])
    say("As stored, not verified: `biotrail verify` says whether it holds.", style="dim")


def _print_span(span: KeySpan) -> None:
    state = Text(span.state, style="green" if span.state == "in force" else "yellow")
    say()
    write_text(f"{printable(span.key)}\n")
    rows: list[Row] = [("state", state), ("purpose", span.purpose), ("signs", span.words())]
    if span.since is not None:
        rows.append(("believed", f"for entries before {span.since:,} only"))
    grid(rows)


@app.command()
def rotate(log: Database, key: KeyFile = None, as_json: Json = False) -> None:
    """Hand over to the next signing key, which the log committed to beforehand.

    One batch adds the next key and retires the present one. If it is cut short, opening the log
    finishes it. The passphrase is read as by `biotrail init`.
    """
    path = _key_file(log, key)
    secret = ask_passphrase()
    with _open(log, path, secret) as opened:
        receipt = rotate_key_file(opened, path, passphrase=secret)
        following = opened.verifier_key
    _tell("The log has a new signing key.", following, receipt, as_json=as_json)


@app.command()
def admit(log: Database, writer: Named, key: KeyFile = None, as_json: Json = False) -> None:
    """Admit the key of another writer; it may sign from the next checkpoint on."""
    admitted = _only_key(writer)
    with _open(log, _key_file(log, key), ask_passphrase()) as opened:
        _check_name(admitted, opened)
        receipt = opened.admit_writer(admitted)
    _tell("The log has admitted a writer's key.", str(admitted), receipt, as_json=as_json)


@app.command()
def retire(
    log: Database,
    retired: Named,
    reason: Annotated[
        str, typer.Option(help="Why, for readers of the log; it stays there.", show_default=False)
    ],
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Retire a key: it vouches for nothing after the checkpoint of this entry."""
    gone = _only_key(retired)
    with _open(log, _key_file(log, key), ask_passphrase()) as opened:
        if str(gone) == opened.verifier_key:
            raise typer.BadParameter("it is the key that signs now: use `biotrail keys rotate`")
        receipt = opened.retire_key(gone, reason)
    _tell("The log has retired a key.", str(gone), receipt, as_json=as_json)


@app.command()
def compromised(
    log: Database,
    stolen: Named,
    since: Annotated[
        int,
        typer.Option(
            min=0,
            help="Index of the first entry that is not to be believed if the stolen key signed "
            "for it.",
            show_default=False,
        ),
    ],
    reason: Annotated[
        str, typer.Option(help="Why, for readers of the log; it stays there.", show_default=False)
    ],
    key: KeyFile = None,
    trust: Trusted = None,
    as_json: Json = False,
) -> None:
    """Report a stolen key, and take the log over with the next one, FILE.next.

    The present key is not needed, and a thief who has it cannot prevent this. One batch, signed by
    the next key, ends the stolen key and every key that it let in since; `biotrail verify` then
    names what they signed since. If it is cut short, do it again.
    """
    gone = _only_key(stolen)
    receipt, present = _take_over(log, key, trust, stolen=gone, since=since, reason=reason)
    _tell(
        "The log has a new signing key, and a key less to believe.",
        present,
        receipt,
        as_json=as_json,
    )


@app.command()
def lost(log: Database, key: KeyFile = None, trust: Trusted = None, as_json: Json = False) -> None:
    """Take the log over with the next key, FILE.next, since the present one is lost."""
    receipt, present = _take_over(log, key, trust)
    _tell("The log has a new signing key.", present, receipt, as_json=as_json)


@app.command("post-quantum")
def post_quantum(
    log: Database,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The file; DB.key.ml-dsa by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key that cosigns published checkpoints with ML-DSA-44, or show its verifier key.

    It is no key of the log, and the log does not name it: give its verifier key to auditors. Keep
    it where checkpoints are published from.
    """
    file = Path(f"{log}.key.ml-dsa") if output is None else output
    cosigner = open_post_quantum_key_file(
        file, name=_origin(log), passphrase=ask_passphrase(), create=True
    )
    public = file.with_name(f"{file.name}.pub")
    write_file(public, f"{cosigner.key}\n".encode())
    if as_json:
        files = {"key": str(file), "verifier_key": str(public)}
        write_json({"verifier_key": str(cosigner.key), "files": files})
        return
    say(f"{file} cosigns checkpoints of {cosigner.key.name}.", style="bold green")
    grid([("verifier key", f"in {public}, for all who are to ask for its cosignature")])


def _take_over(
    log: Path, key: Path | None, trust: list[str] | None, **report: Any
) -> tuple[Receipt, str]:
    path, secret = _key_file(log, key), ask_passphrase()
    trusted = verifier_keys(trust, option="--trust") if trust else []
    origin = _origin(log)
    receipt = take_over(log, origin=origin, key=path, passphrase=secret, trusted=trusted, **report)
    return receipt, str(open_key_file(path, name=origin, passphrase=secret).verifier_key)


def _key_file(log: Path, key: Path | None) -> Path:
    return Path(f"{log}.key") if key is None else key


def _origin(log: Path) -> str:
    store = SQLiteReader(log)
    try:
        return origin_of(store)
    finally:
        store.close()


def _open(log: Path, key: Path, secret: str) -> AuditLogger:
    # Who looks after keys needs nothing personal, and need not have the vault's.
    return open_log(log, origin=_origin(log), key=key, passphrase=secret, vault=False)


def _only_key(given: str) -> VerifierKey:
    keys = verifier_keys([given], option="VKEY|FILE")
    if len(keys) != 1:
        raise typer.BadParameter(f"{printable(given)} holds {len(keys)} keys; name one")
    return keys[0]


def _check_name(key: VerifierKey, log: AuditLogger) -> None:
    if key.name != log.origin:
        raise typer.BadParameter(
            f"a writer's key bears the name of the log, {printable(log.origin)}, not "
            f"{printable(key.name)}"
        )


def _tell(what: str, key: str, receipt: Receipt, *, as_json: bool) -> None:
    size = receipt.checkpoint.size
    if as_json:
        told = {"verifier_key": key, "index": receipt.index, "size": size}
        write_json({**told, "checkpoint": receipt.checkpoint.note})
        return
    say(what, style="bold green")
    write_text(f"\n{printable(key)}\n\n")
    grid([("recorded", f"as entry {receipt.index}"), ("covered", f"by the checkpoint of {size:,}")])
