"""Threat: the whole database is replaced by an older copy of itself."""

from __future__ import annotations

from pathlib import Path

from biotrail import verify_log
from biotrail.errors import ForkedError, MalformedError, RolledBackError, WrongKeyError
from tests.attacks._tools import build, copy, event, key_of, open_fast, rows_of, verdict


def _grown(path: Path, first: int, count: int, *, log: int = 0) -> str:
    """Go on with a log; returns the checkpoint that its last caller was given."""
    with open_fast(path) as logger:
        receipts = logger.record_many(event(n, log=log) for n in range(first, first + count))
    return receipts[-1].checkpoint.note


def test_an_older_copy(singles: Path, tmp_path: Path) -> None:
    """Whoever kept a checkpoint sees that the log is older than that, and by how much."""
    old = copy(singles, tmp_path / "old.db")
    kept = _grown(singles, 1000, 5)
    assert verify_log(singles, key_of(), from_checkpoint=kept, workers=1).complete_since == (305,)
    error = verdict(old, RolledBackError, 300, from_checkpoint=kept)
    assert (error.expected, error.found, error.exit_code) == (305, 300, 16)


def test_an_older_copy_is_not_seen_from_inside(singles: Path) -> None:
    """Without anything kept elsewhere, the report says that completeness is not shown."""
    assert verify_log(singles, key_of(), workers=1).complete_since == ()


def test_an_older_copy_that_grew_again(singles: Path, tmp_path: Path) -> None:
    """A copy that was put back, and went on, has another history: a split view."""
    old = copy(singles, tmp_path / "old.db")
    kept = _grown(singles, 1000, 5)
    _grown(old, 2000, 3)
    error = verdict(old, RolledBackError, 303, from_checkpoint=kept)
    assert error.expected == 305
    _grown(old, 3000, 3)
    forked = verdict(old, ForkedError, 304, from_checkpoint=kept)
    assert forked.exit_code == 17
    assert forked.expected != forked.found


def test_honest_growth(log: Path) -> None:
    """An old checkpoint is accepted however much the log has grown since."""
    notes = [row.note for row in rows_of(log) if row.note is not None]
    _grown(log, 5000, 700)
    report = verify_log(log, key_of(), from_checkpoint=notes, workers=1)
    assert report.complete_since == tuple(int(note.split("\n")[1]) for note in notes)


def test_two_histories_of_one_size(singles: Path, tmp_path: Path) -> None:
    """Two continuations that both look honest are told apart by the checkpoint of either."""
    other = copy(singles, tmp_path / "other.db")
    kept, also = _grown(singles, 1000, 1), _grown(other, 2000, 1)
    for path, own, foreign in ((singles, kept, also), (other, also, kept)):
        assert verify_log(path, key_of(), from_checkpoint=own, workers=1).size == 301
        verdict(path, ForkedError, 300, from_checkpoint=foreign)


def test_a_kept_checkpoint_of_another_log(singles: Path, tmp_path: Path) -> None:
    """A checkpoint of another origin is no evidence against this log: wrong key."""
    from biotrail import Ed25519Signer
    from biotrail.signing import sign_checkpoint
    from biotrail.tlog import Checkpoint

    stranger = Ed25519Signer.from_seed("biotrail.example/other", bytes([1]) * 32)
    note = sign_checkpoint(Checkpoint("biotrail.example/other", 900, bytes(32)), stranger)
    verdict(singles, WrongKeyError, None, from_checkpoint=note)
    verdict(singles, MalformedError, None, from_checkpoint="no checkpoint")


def test_a_forged_checkpoint_is_no_evidence(singles: Path) -> None:
    """A kept checkpoint whose signature is wrong accuses nobody of a rollback or a fork."""
    note = rows_of(singles)[-1].note or ""
    for size in ("900", "200"):
        lines = note.split("\n")
        lines[1] = size
        verdict(singles, WrongKeyError, None, from_checkpoint="\n".join(lines))


def test_a_strangers_checkpoint(singles: Path, tmp_path: Path) -> None:
    """A checkpoint of this origin by a key that the log never had proves nothing against it."""
    twin = build(tmp_path / "twin.db", [1] * 99, number=7)
    verdict(singles, WrongKeyError, None, from_checkpoint=rows_of(twin)[-1].note)
