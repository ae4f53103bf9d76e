"""Small rules of verification: who signs a checkpoint, what may be kept, where nothing is left."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from biotrail import AuditLogger, Ed25519Signer, Event, MemoryStore, SQLiteStore, verify_log
from biotrail.canonical import Entry, Payload, decode_entry
from biotrail.errors import (
    AlteredError,
    MalformedError,
    MissingError,
    RolledBackError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import sign_checkpoint
from biotrail.testing.tamper import tampering
from biotrail.tlog import Checkpoint
from biotrail.tlog.hashing import EMPTY_ROOT
from biotrail.verify.beside import _References
from biotrail.verify.destruction import Destruction

ORIGIN = "biotrail.example/rules"
FIRST, SECOND, STRANGER = (Ed25519Signer.from_seed(ORIGIN, bytes([one]) * 32) for one in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a log of four entries: genesis, event, the second key, event."""
    path = tmp_path / "log.db"
    store = SQLiteStore(path)
    log = AuditLogger(store, FIRST)
    log.record(Event(action="door.open", decision="denied"))
    log.admit_writer(SECOND.verifier_key)
    log.record(Event(action="door.open", decision="denied"))
    store.close()
    return path


def note_at(path: Path, index: int) -> str:
    """Return the checkpoint in a row."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT checkpoint FROM entries WHERE idx = ?"
        note: str = connection.execute(query, (index,)).fetchone()[0]
        return note


def put_note(path: Path, index: int, note: str) -> None:
    """Put another checkpoint into a row."""
    with tampering(path) as connection:
        connection.execute("UPDATE entries SET checkpoint = ? WHERE idx = ?", (note, index))


def wrong_line(signer: Ed25519Signer) -> str:
    """Return a signature line that does not verify."""
    data = signer.verifier_key.key_id + bytes(64)
    return f"\u2014 {ORIGIN} {base64.b64encode(data).decode()}\n"


def verdict(path: Path, **options: str) -> tuple[type[VerificationError], int | None]:
    """Return the verdict on a log that does not hold."""
    with pytest.raises(VerificationError) as caught:
        verify_log(path, FIRST.verifier_key, **options)  # type: ignore[arg-type]
    return type(caught.value), caught.value.index


@pytest.mark.parametrize("signer", [FIRST, SECOND, STRANGER], ids=["own", "later", "stranger"])
def test_further_lines_are_of_no_weight(path: Path, signer: Ed25519Signer) -> None:
    """A wrong signature below the first line is passed over, whosever it says it is."""
    for index in (0, 3):
        put_note(path, index, note_at(path, index) + wrong_line(signer))
    assert verify_log(path, FIRST.verifier_key).size == 4


@pytest.mark.parametrize("signer", [FIRST, SECOND, STRANGER], ids=["own", "later", "stranger"])
@pytest.mark.parametrize("index", [0, 3])
def test_the_first_line_is_the_signers(path: Path, signer: Ed25519Signer, index: int) -> None:
    """A wrong signature in the first line is named, even where a good one follows."""
    text, _, lines = note_at(path, index).partition("\n\n")
    put_note(path, index, f"{text}\n\n{wrong_line(signer)}{lines}")
    assert verdict(path) == (AlteredError, index)


@pytest.mark.parametrize("trusted", [False, True], ids=["not given", "given"])
def test_a_key_signs_that_is_not_the_logs(path: Path, *, trusted: bool) -> None:
    """A good signature of a key that the log did not add before names the key, not a change."""
    text, _, _ = note_at(path, 1).partition("\n\n")
    checkpoint = Checkpoint.parse(text + "\n")
    keys = [FIRST.verifier_key, STRANGER.verifier_key][: 1 + trusted]
    for signer in (SECOND, STRANGER):
        put_note(path, 1, sign_checkpoint(checkpoint, signer))
        with pytest.raises(WrongKeyError) as caught:
            verify_log(path, keys)
        assert caught.value.index == 1


def test_a_blank_line_among_signature_lines(path: Path) -> None:
    """A note whose text would end later than the checkpoint is none."""
    put_note(path, 1, note_at(path, 1) + "\n" + wrong_line(STRANGER))
    assert verdict(path) == (AlteredError, 1)


def test_the_first_entry_alone_is_gone(path: Path) -> None:
    """It is missing; that a checkpoint was kept does not make it a rollback."""
    kept = note_at(path, 1)
    with tampering(path) as connection:
        connection.execute("DELETE FROM entries WHERE idx = 0")
    assert verdict(path, from_checkpoint=kept) == (MissingError, 0)


def test_everything_is_gone(path: Path) -> None:
    """Nothing at all is the oldest state of all."""
    kept = note_at(path, 1)
    with tampering(path) as connection:
        for table in ("entries", "payloads", "tiles"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE head SET size = 0")
    assert verdict(path) == (MissingError, 0)
    assert verdict(path, from_checkpoint=kept) == (RolledBackError, 0)


def test_kept_checkpoints_that_are_none(path: Path) -> None:
    """One of an empty log, and one whose signature line has no form, cannot be what was kept."""
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), FIRST)
    for kept in (empty, note_at(path, 1) + "\u2014 nobody\n"):
        assert verdict(path, from_checkpoint=kept) == (MalformedError, None)


@pytest.mark.parametrize("subject", [{"id": 7}, {"id": ["anna"]}, {"name": "Anna"}, "anna"])
def test_a_subject_without_a_text_for_its_id(subject: object) -> None:
    """Nobody could look for such a person, so no row of theirs is asked for."""
    store = MemoryStore()
    log = AuditLogger(store, FIRST)
    log.record(Event(action="door.open", decision="denied"))
    entry: Entry = decode_entry(next(iter(store.entries(1, 2))).entry)
    _References(store, Destruction()).check(entry, Payload(bytes(32), {"subject": subject}))  # type: ignore[dict-item]
