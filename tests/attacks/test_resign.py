"""Threat: the attacker signs a log of his own making with a key of his own."""

from __future__ import annotations

from pathlib import Path

import pytest

from biotrail import VerifierKey, verify_log
from biotrail.canonical import encode_body, frame_entry, split_entry
from biotrail.errors import MalformedError, VerificationError, WrongKeyError
from biotrail.stores import Lookup
from biotrail.tlog import leaf_hash
from tests.attacks._tools import (
    Row,
    build,
    key_of,
    rechained,
    resigned,
    rewrite,
    rows_of,
    signer,
    verdict,
)


def key_entry(rows: list[Row], index: int, number: int, *, kind: str = "key_added") -> Row:
    """A forged entry that adds or retires a key, chained to the one before."""
    content: dict[str, object] = {"key": key_of(number), "purpose": "writer"}
    if kind == "key_retired":
        content = {"key": key_of(number), "reason": "forged"}
    recorded = split_entry(rows[index - 1].entry).recorded
    body = encode_body(kind, content)  # type: ignore[arg-type] # text only
    entry = frame_entry(index, leaf_hash(rows[index - 1].entry), recorded, body)
    columns = tuple(Lookup(kind, rows[index - 1].columns[1]))
    return Row(entry, None, columns)


def test_his_own_log_from_the_first_entry(tmp_path: Path) -> None:
    """A log of the right origin that begins with another key is of the wrong key, at index 0."""
    forged = build(tmp_path / "forged.db", [100] * 3, number=9)
    error = verdict(forged, WrongKeyError, 0)
    assert (error.expected, error.found) == (key_of(), key_of(9))


@pytest.mark.parametrize("start", [0, 1, 100, 290])
def test_the_same_genesis_entry(singles: Path, start: int) -> None:
    """Checkpoints by a key that the log never added are named at the first of them."""

    def change(rows: list[Row]) -> None:
        resigned(rows, signer(9), start)

    rewrite(singles, change)
    verdict(singles, WrongKeyError, start)


@pytest.mark.parametrize("start", [1, 100, 290])
def test_everything_rewritten(singles: Path, start: int) -> None:
    """Rewriting content, chain, tiles and checkpoints does not help without the key."""

    def change(rows: list[Row]) -> None:
        head = split_entry(rows[start].entry)
        body = head.body.replace(b"door.open", b"door.shut")
        rows[start].entry = frame_entry(start, head.prev, head.recorded, body)
        rechained(rows, start)
        resigned(rows, signer(9), start)

    rewrite(singles, change, tiles=True)
    verdict(singles, WrongKeyError, start)


@pytest.mark.parametrize("index", [1, 100, 299])
@pytest.mark.parametrize("own_batch", [True, False])
def test_a_key_added_by_a_forged_entry(singles: Path, index: int, own_batch: bool) -> None:
    """A key does not sign itself in: the checkpoint over its admission is by a key in force."""

    def change(rows: list[Row]) -> None:
        rows.insert(index, key_entry(rows, index, 9))
        rows[index].note = "" if own_batch else None
        rechained(rows, index)
        resigned(rows, signer(9), index)

    rewrite(singles, change, tiles=True)
    verdict(singles, WrongKeyError, index if own_batch else index + 1)


def test_a_key_added_at_the_end(log: Path) -> None:
    """The same behind the last entry, where nothing else had to be rewritten."""
    total = len(rows_of(log))

    def change(rows: list[Row]) -> None:
        rows.append(key_entry(rows, total, 9))
        rows[-1].note = ""
        resigned(rows, signer(9), total)

    rewrite(log, change)
    verdict(log, WrongKeyError, total)


def test_another_genesis_entry_further_up(singles: Path) -> None:
    """A second genesis entry, signed by the log's own key, is malformed."""

    def change(rows: list[Row]) -> None:
        body = split_entry(rows[0].entry).body.replace(key_of().encode(), key_of(9).encode())
        head = split_entry(rows[40].entry)
        rows[40].entry = frame_entry(40, head.prev, head.recorded, body)
        rows[40].columns = tuple(Lookup("genesis", rows[40].columns[1]))
        rows[40].payload = None
        rechained(rows, 40)
        resigned(rows, signer(), 40)

    rewrite(singles, change, tiles=True)
    verdict(singles, MalformedError, 40)


def test_a_key_with_the_same_id(singles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that shares the key id of the log's own, found by trying, forges nothing.

    Key ids are four bytes, so some 2**32 trials make one. Hidden in a row that nobody counts as an
    entry, it would be taken for a candidate.
    """
    monkeypatch.setattr("biotrail.signing.keys._key_id", lambda *_: b"same")
    trusted = str(VerifierKey.from_public(signer().verifier_key.name, signer().verifier_key.public))
    twin = str(VerifierKey.from_public(signer().verifier_key.name, signer(9).verifier_key.public))
    own, thief = signer(), signer(9)
    assert own.verifier_key.key_id == thief.verifier_key.key_id == b"same"

    def change(rows: list[Row], forge: bool) -> None:
        head = split_entry(rows[0].entry)
        body = encode_body(
            "genesis", {"format": "biotrail/1", "origin": own.verifier_key.name, "key": trusted}
        )
        rows[0].entry = frame_entry(0, head.prev, head.recorded, body)
        rechained(rows, 1)
        resigned(rows, own)
        if forge:
            rows[40] = key_entry(rows, 40, 9)
            rows[40].note = ""
            rechained(rows, 41)
            resigned(rows, thief)

    assert twin != trusted
    rewrite(singles, lambda rows: change(rows, False), tiles=True)
    assert verify_log(singles, trusted, workers=1).size == 300
    rewrite(singles, lambda rows: change(rows, True), tiles=True)
    with pytest.raises(VerificationError) as caught:
        verify_log(singles, trusted, workers=1, payloads=False, lookups=False)
    assert caught.value.index == 0
