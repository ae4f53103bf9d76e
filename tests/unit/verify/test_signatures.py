"""Which signatures are verified, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import verify_log
from biotrail.errors import AlteredError, VerificationError
from biotrail.signing import sign_checkpoint
from biotrail.tlog import Checkpoint, CompactRange, leaf_hash
from tests.attacks._tools import Row, build, copy, key_of, rewrite, rows_of, signer, sql

MANY = 5_050


@pytest.fixture(scope="module")
def _dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dense") / "log.db", [1] * MANY)


@pytest.fixture
def dense(_dense: Path, tmp_path: Path) -> Path:
    """A log in which every entry has a checkpoint, and there are thousands."""
    return copy(_dense, tmp_path / "log.db")


def _spoil(path: Path, index: int) -> None:
    """Turn over one bit in the signature at an index."""
    note = rows_of(path)[index].note or ""
    letter = "A" if note[-20] != "A" else "B"
    changed = (note[:-20] + letter + note[-19:]).encode().hex()
    sql(path, f"UPDATE entries SET checkpoint = CAST(x'{changed}' AS TEXT) WHERE idx = {index}")


def test_few_are_verified_where_they_vouch_for_many(dense: Path) -> None:
    """By default the last of each key in each stretch is verified, and every root is compared."""
    report = verify_log(dense, key_of(), workers=1, payloads=False, lookups=False)
    assert (report.checkpoints, report.signatures) == (MANY + 1, 2)
    assert not report.every_signature


def test_all_are_verified_if_asked(dense: Path) -> None:
    """Whoever asks has every signature verified."""
    report = verify_log(
        dense, key_of(), every_signature=True, workers=1, payloads=False, lookups=False
    )
    assert report.signatures == report.checkpoints == MANY + 1
    assert report.every_signature


@pytest.mark.parametrize(("index", "default_finds_it"), [(0, True), (2000, False), (MANY, True)])
def test_a_spoilt_signature(dense: Path, index: int, default_finds_it: bool) -> None:
    """One that others vouch for is found if all are asked for; one that vouches, by default."""
    _spoil(dense, index)
    with pytest.raises(AlteredError) as caught:
        verify_log(dense, key_of(), every_signature=True, workers=1)
    assert caught.value.index == index
    if default_finds_it:
        with pytest.raises(VerificationError):
            verify_log(dense, key_of(), workers=1)
    else:
        assert not verify_log(dense, key_of(), workers=1).every_signature


def test_a_root_is_always_compared(dense: Path) -> None:
    """A checkpoint in the middle that names another root is found by default."""
    note = (rows_of(dense)[2000].note or "").split("\n")
    note[2] = (rows_of(dense)[1999].note or "").split("\n")[2]
    changed = "\n".join(note).encode().hex()
    sql(dense, f"UPDATE entries SET checkpoint = CAST(x'{changed}' AS TEXT) WHERE idx = 2000")
    with pytest.raises(AlteredError) as caught:
        verify_log(dense, key_of(), workers=1)
    assert caught.value.index == 2000


def _signed_by(rows: list[Row], *numbers: int) -> None:
    tree = CompactRange()
    for row in rows:
        tree.append(leaf_hash(row.entry))
        keys = [signer(number) for number in numbers]
        checkpoint = Checkpoint(keys[0].verifier_key.name, tree.size, tree.root())
        row.note = sign_checkpoint(checkpoint, *keys)


def test_further_signature_lines_are_of_no_weight(tmp_path: Path) -> None:
    """The first line must be the log's; what further ones say neither helps nor harms."""
    path = build(tmp_path / "log.db", [1] * 20)
    rewrite(path, lambda rows: _signed_by(rows, 1, 8, 9))
    assert verify_log(path, key_of(), workers=1).signatures == 21
    rewrite(path, lambda rows: _signed_by(rows, 9, 1))
    with pytest.raises(VerificationError):
        verify_log(path, key_of(), workers=1)
