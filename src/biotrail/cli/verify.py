"""``biotrail verify``: does this log hold? Each answer by itself, with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import attrs
import typer
from rich.text import Text

from biotrail.cli._cosigning import CosignerKey, cosigner_keys
from biotrail.cli._given import Database, Json, Key, kept_checkpoint, verifier_keys
from biotrail.cli._output import Row, grid, progress, say, write_json
from biotrail.signing import VerifierKey
from biotrail.verify import AffectedEntries, Verification, verify_log

__all__ = ["Answer", "answers", "verify"]

_RUNS = 10
_STYLES = {"holds": "bold green", "shown": "bold green"}


class Answer(NamedTuple):
    """One answer of a verification.

    Attributes:
        name: What was asked: integrity, completeness, payloads, look-up columns, stolen keys.
        verdict: The answer in a word or two.
        rests_on: What the answer rests on, in a sentence.
    """

    name: str
    verdict: str
    rests_on: str


def verify(
    log: Database,
    key: Key = None,
    from_checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            "--from-checkpoint",
            metavar="FILE",
            help="A signed checkpoint that was kept elsewhere: the log must continue it. "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
    require_post_quantum: CosignerKey = None,
    every_signature: Annotated[
        bool,
        typer.Option(
            "--every-signature",
            help="Verify every signature, also where thousands of checkpoints cover few entries.",
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Decode and re-encode every entry too.")
    ] = False,
    entries_only: Annotated[
        bool, typer.Option("--entries-only", help="Leave payloads and look-up columns out.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes to use; all processors if not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a log against a key that you trust.

    Entries under a key that the log reports as stolen hold, and are named.
    Exits with 0 if all that was asked for holds, else with the verdict's own code (11 altered,
    12 missing, 13 inserted, 14 reordered, 15 truncated, 16 rolled back, 17 forked, 18 wrong key,
    19 malformed, 22 not cosigned).
    """
    keys = verifier_keys(key, beside=log)
    kept = [kept_checkpoint(one, option="--from-checkpoint") for one in from_checkpoint or ()]
    cosigners = cosigner_keys(require_post_quantum)
    with progress("Verifying") as report:
        result = verify_log(
            log,
            keys,
            from_checkpoint=kept,
            require_post_quantum=cosigners,
            every_signature=every_signature or None,
            strict=strict,
            payloads=not entries_only,
            lookups=not entries_only,
            workers=workers,
            progress=report,
        )
    if as_json:
        write_json(_document(log, result))
    else:
        _print(log, result, _trust_in_words(log, key or (), keys))


def answers(result: Verification) -> list[Answer]:
    """The answers of a verification that found nothing wrong."""
    found = [_integrity(result), _completeness(result), _payloads(result), _lookups(result)]
    return [*found, _stolen_keys(result)] if result.affected else found


def _integrity(result: Verification) -> Answer:
    signatures = f"{_count(result.signatures, 'signature')} verified"
    if not result.every_signature:
        signatures += " (the last of each key in each stretch, which vouch for those before)"
    rests_on = (
        f"{_count(result.size, 'entry', 'entries')}: every byte hashed, chain and tree rebuilt, "
        f"{_count(result.checkpoints, 'checkpoint')} compared, {signatures}"
    )
    return Answer("integrity", "holds", rests_on + (", every entry decoded" * result.strict))


def _completeness(result: Verification) -> Answer:
    if not result.complete_since:
        return Answer(
            "completeness",
            "not shown",
            "no earlier checkpoint was given, so a tail that was cut off cleanly, or an older "
            "copy, cannot be seen; keep one elsewhere with `biotrail checkpoint`",
        )
    sizes = ", ".join(f"{size:,}" for size in result.complete_since)
    return Answer(
        "completeness",
        "shown",
        f"the log continues the kept checkpoint of size {sizes}; for what came later, keep a "
        "later one",
    )


def _payloads(result: Verification) -> Answer:
    if result.payloads is None:
        return Answer("payloads", "not checked", "left out by --entries-only")
    rests_on = []
    if result.payloads or not result.sealed:
        opened = _count(result.payloads, "payload")
        rests_on.append(f"{opened} open to the commitments in their entries")
    if result.sealed:
        rests_on.append(
            f"{_count(result.sealed, 'sealed part is', 'sealed parts are')} as recorded (what is "
            "in them takes their key to say)"
        )
    if result.erased:
        rests_on.append(f"{result.erased:,} destroyed by an erasure that the log records")
    if result.retained:
        rests_on.append(f"{result.retained:,} destroyed by a retention that the log records")
    if result.overdue:
        rests_on.append(
            f"{result.overdue:,} still there although an erasure or a retention is recorded that "
            "destroys them: run `biotrail doctor`"
        )
    if not result.disbelieved:
        return Answer("payloads", "holds", "; ".join(rests_on))
    rests_on.append(
        f"{result.disbelieved:,} destroyed, as only entries under a stolen key say: who destroyed "
        "them is not known"
    )
    verdict = f"{_count(result.disbelieved, 'part')} gone on a stolen key's word"
    return Answer("payloads", verdict, "; ".join(rests_on))


def _lookups(result: Verification) -> Answer:
    if result.lookups is None:
        return Answer("look-up columns", "not checked", "left out by --entries-only")
    return Answer("look-up columns", "holds", "they say what the entries say; the file is sound")


def _stolen_keys(result: Verification) -> Answer:
    runs = result.affected[:_RUNS]
    named = "; ".join(
        f"{_entries(one)} (key {_key_id(one.key)}, reported by entry {one.report:,})"
        for one in runs
    )
    more = len(result.affected) - len(runs)
    rests_on = f"a stolen key signed for {named}" + (f"; and {more:,} more runs" * bool(more))
    count = sum(one.last - one.first + 1 for one in result.affected)
    return Answer(
        "stolen keys", f"{_count(count, 'entry', 'entries')} not to be believed", rests_on
    )


def _entries(one: AffectedEntries) -> str:
    if one.first == one.last:
        return f"entry {one.first:,}"
    return f"entries {one.first:,} to {one.last:,}"


def _key_id(key: str) -> str:
    return key.split("+", 2)[1]


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _document(log: Path, result: Verification) -> dict[str, object]:
    integrity, completeness, payloads, lookups, *_ = (
        {"verdict": one.verdict, "rests_on": one.rests_on} for one in answers(result)
    )
    return {
        "log": str(log),
        "origin": result.origin,
        "size": result.size,
        "root": result.root.hex(),
        "checkpoint": result.checkpoint,
        "keys": list(result.keys),
        "affected": [attrs.asdict(one) for one in result.affected],
        "integrity": {
            **integrity,
            "checkpoints": result.checkpoints,
            "signatures": result.signatures,
            "every_signature": result.every_signature,
            "strict": result.strict,
        },
        "completeness": {**completeness, "complete_since": list(result.complete_since)},
        "payloads": {
            **payloads,
            "opened": result.payloads,
            "sealed": result.sealed,
            "erased": result.erased,
            "retained": result.retained,
            "overdue": result.overdue,
            "disbelieved": result.disbelieved,
        },
        "lookups": lookups,
        "events": result.events,
        "seconds": round(result.seconds, 3),
        "exit_code": 0,
    }


def _trust_in_words(log: Path, given: Sequence[str], keys: Sequence[VerifierKey]) -> str:
    """Which keys were trusted, and a warning if they were read from beside the log."""
    named = ", ".join(key.key_id.hex() for key in keys)
    beside = [one for one in given if Path(one).is_file()]
    if any(Path(one).resolve().parent == log.resolve().parent for one in beside):
        named += " (read from beside the log: whoever can replace the one can replace the other)"
    return named


def _print(log: Path, result: Verification, trusted: str) -> None:
    say(f"{log}: {result.origin}", style="bold")
    grid(_row(one) for one in answers(result))
    say()
    rows: list[Row] = [
        ("size", f"{result.size:,} ({_count(result.events, 'event')})"),
        ("root hash", result.root.hex()),
        ("keys", _keys_in_words(result)),
        ("trusting", trusted),
        ("time", f"{result.seconds:.1f} s"),
    ]
    grid(rows)


def _row(answer: Answer) -> Row:
    verdict = Text(answer.verdict, style=_STYLES.get(answer.verdict, "bold yellow"))
    return answer.name, verdict, answer.rests_on


def _keys_in_words(result: Verification) -> str:
    present = _key_id(result.keys[-1])
    if len(result.keys) == 1:
        return f"one, {present}"
    return f"{len(result.keys)}, which lead from the one that you trust to {present}"
