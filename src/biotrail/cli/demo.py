"""``biotrail demo``: the main job on real photographs, and what happens when the log is broken.

The demonstration is a test too: what must come out is known, and anything else exits with 1.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biotrail.audit import AuditLogger, open_log
from biotrail.audit.opening import PASSPHRASE_VARIABLE
from biotrail.cli._demo_attempts import Recorded, record_attempts
from biotrail.cli._demo_damage import DAMAGES, damage_copy
from biotrail.cli._demo_story import Story
from biotrail.cli._given import Json, write_file
from biotrail.cli._output import printable
from biotrail.cli._records import read_records, reader_of
from biotrail.cli._table import print_table
from biotrail.cli._values import document
from biotrail.cli.verify import answers
from biotrail.errors import BiotrailError
from biotrail.stores import SQLiteReader
from biotrail.verify import prove_entry, verify_log, verify_proof

if TYPE_CHECKING:
    from biotrail.matchers import MatcherBackend, Reference

__all__ = ["demo"]

ORIGIN = "demo.biotrail.example/front-door"
_LOG = "demo.db"
_PROVEN = 2


def demo(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Work, and leave everything, here.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the temporary folder there at the end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Record attempts with real photographs, verify, prove; then break copies of the log.

    Fetches the model and the photographs by their SHA-256 (see `biotrail models`), starts the
    matcher sealed from the network, enrols one person, records attempts, and shows what happens
    to a log that somebody changes. Exits with 1 if anything comes out other than it must.
    """
    story = Story(quiet=as_json)
    with _workplace(directory, keep=keep, story=story) as folder:
        _run(folder, story)
    story.end()


@contextmanager
def _workplace(directory: Path | None, *, keep: bool, story: Story) -> Iterator[Path]:
    if directory is not None and (directory / _LOG).exists():
        raise typer.BadParameter(
            f"{printable(directory / _LOG)} exists already", param_hint="--dir"
        )
    try:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        folder = directory or Path(tempfile.mkdtemp(prefix="biotrail-demo-"))
    except OSError as error:
        raise BiotrailError(f"{directory} cannot be made: {error.strerror}") from error
    try:
        yield folder
        if keep or directory is not None:
            story.left(folder)
    finally:
        if directory is None and not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, story: Story) -> None:
    path = folder / _LOG
    passphrase = os.environ.get(PASSPHRASE_VARIABLE) or secrets.token_urlsafe(16)
    story.keep("passphrase", passphrase)
    with open_log(path, origin=ORIGIN, passphrase=passphrase) as log:
        _record(log, story)
        key, checkpoint = log.verifier_key, log.checkpoint().note
    _show(path, passphrase, story)
    _verify(path, key, story)
    _prove(path, folder / f"entry-{_PROVEN}.tlog-proof", key, story)
    _break(path, folder, key, checkpoint, story)


def _record(log: AuditLogger, story: Story) -> None:
    from biotrail.matchers import DEMONSTRATION_THRESHOLD, MediaPipeFaceLandmarks
    from biotrail.matchers.demonstration import demonstration_photographs
    from biotrail.matchers.model_files import FACE_LANDMARKER, fetch

    story.step("Fetch the landmark model and photographs, each known by its SHA-256")
    model, photographs = fetch(FACE_LANDMARKER), demonstration_photographs()
    story.tell(f"{1 + len(photographs)} files are here; `biotrail models` names their licences")
    story.step("Start the matcher, and enrol one person")
    with MediaPipeFaceLandmarks(model) as matcher:
        _tell_matcher(matcher, story)
        reference = _enrol(matcher, photographs["enrolled"])
        story.tell(f"enrolled: {photographs['enrolled'].name}")
        story.step(
            f"Record attempts to pass for that person (distance at most {DEMONSTRATION_THRESHOLD})"
        )
        for one in record_attempts(log, matcher, reference, photographs, DEMONSTRATION_THRESHOLD):
            _tell_attempt(one, photographs[one.planned.photograph].name, story)


def _tell_matcher(matcher: Any, story: Story) -> None:
    seal, card = matcher.seal, matcher.card
    locks = [("can make no socket", seal.filter), ("has no network", seal.namespace)]
    found = ", ".join(words for words, there in locks if there) or f"no lock here: {seal.detail}"
    story.tell(f"{card.id} {card.version}; the process of MediaPipe {seal.mediapipe}: {found}")
    story.tell(
        "demonstration-grade: facial geometry tells people apart poorly; guard nothing by it"
    )
    story.note("matcher", {"id": card.id, "digest": card.digest.hex(), "sealed": seal.filter})


def _enrol(matcher: MatcherBackend, photograph: Path) -> Reference:
    from biotrail.matchers import FailureToAcquire, Reference

    sample = matcher.capture(photograph)
    if isinstance(sample, FailureToAcquire):
        raise BiotrailError(f"nobody could be enrolled from {photograph.name}: {sample.detail}")
    return Reference.from_features(matcher.extract(sample), id="ref-7f3a")


def _tell_attempt(one: Recorded, photograph: str, story: Story) -> None:
    score = "-" if one.score is None else f"{one.score:.6f}"
    style = "green" if one.decision == "granted" else "red"
    if one.score is None:
        style = "yellow"
    verdict = f"{one.decision}, {one.reason}"
    story.row((photograph, one.planned.what, (verdict, style), score))
    story.expect(one.as_planned, f"{photograph}: {one.planned.decision}, {one.planned.reason}")


def _show(path: Path, passphrase: str, story: Story) -> None:
    from biotrail.vault import PassphraseKeyProvider, Vault

    story.step("The records, as whoever has the file and the vault's key reads them")
    vault = Vault(PassphraseKeyProvider(f"{path}.vault", passphrase=passphrase))
    store = SQLiteReader(path)
    try:
        records = list(read_records(reader_of(store, vault), 0, 1_000))
    finally:
        store.close()
        vault.close()
    if not story.quiet:
        print_table(records)
    story.note("records", [document(one) for one in records])


def _verify(path: Path, key: str, story: Story) -> None:
    story.step("Verify the log with its verifier key")
    result = verify_log(path, key, workers=1)
    for answer in answers(result):
        style = "green" if answer.verdict == "holds" else "yellow"
        story.row((answer.name, (answer.verdict, style), answer.rests_on))
    story.note("verification", {one.name: one.verdict for one in answers(result)})
    story.expect(result.size == len(story.told["records"]), "every record is verified")


def _prove(path: Path, file: Path, key: str, story: Story) -> None:
    story.step(f"Prove entry {_PROVEN} to somebody who has neither log nor network")
    store = SQLiteReader(path)
    try:
        write_file(file, prove_entry(store, _PROVEN).encode())
    finally:
        store.close()
    proven = verify_proof(file.read_bytes(), key)
    story.tell(
        f"{file.name}, {file.stat().st_size} bytes: {proven.hashes} hashes lead from entry "
        f"{proven.index} to the root that the key signed"
    )
    story.note("proof", {"index": proven.index, "size": proven.checkpoint.size})
    story.expect(proven.entry.content.get("decision") == "granted", "the proof shows a grant")


def _break(path: Path, folder: Path, key: str, checkpoint: str, story: Story) -> None:
    story.step("Break copies of the log, as somebody who can write the file would, and verify")
    for number, damage in enumerate(DAMAGES):
        found = damage_copy(path, folder / f"broken-{number}.db", damage, key, checkpoint)
        verdict = (found.kind or "holds", "red" if found.kind else "yellow")
        words = found.message.partition(":")[0] if found.kind else "completeness is not shown"
        story.row((damage.what, verdict, f"exit {found.exit_code}", words))
        story.append("broken", {"what": damage.what, **found._asdict()})
        expected = (damage.kind, damage.index)
        story.expect((found.kind, found.index) == expected, f"{damage.what}: {damage.kind}")
