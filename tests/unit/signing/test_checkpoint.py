"""Signed checkpoints: the golden vectors, and who may sign for an origin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biotrail.errors import SignatureError
from biotrail.signing import Ed25519Signer, VerifierKey, open_checkpoint, sign_checkpoint, sign_note
from biotrail.tlog import EMPTY_ROOT, Checkpoint
from tests.reference import rfc6962
from tests.vectors import make_tlog_vectors as maker

VECTORS = json.loads((maker.FOLDER / "checkpoints.json").read_text(encoding="utf-8"))
KEY = VerifierKey.parse(VECTORS["verifier_key"])
SIGNER = Ed25519Signer.from_seed(KEY.name, bytes.fromhex(VECTORS["seed"]))
CHECKPOINT = Checkpoint(KEY.name, 0, EMPTY_ROOT)


@pytest.mark.parametrize("one", VECTORS["opens"], ids=range(len(VECTORS["opens"])))
def test_checkpoints_that_open(one: dict[str, Any]) -> None:
    """The note opens, as text and as bytes, to the size and root that it says."""
    root = rfc6962.mth(maker.entries(one["size"]))
    expected = Checkpoint(KEY.name, one["size"], root), KEY
    assert open_checkpoint(one["note"], [KEY]) == expected
    assert open_checkpoint(one["note"].encode(), {KEY: 1}) == expected
    assert sign_checkpoint(expected[0], SIGNER).split("\n")[:4] == one["note"].split("\n")[:4]


def test_signing_is_deterministic() -> None:
    """The first vector is written again, to the byte."""
    assert sign_checkpoint(CHECKPOINT, SIGNER) == VECTORS["opens"][0]["note"]


@pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["why"])
def test_checkpoints_that_are_refused(one: dict[str, Any]) -> None:
    """A note that we would not write, or that the key did not sign, is refused by name."""
    with pytest.raises(SignatureError):
        open_checkpoint(one["note"], [KEY])


def test_a_trusted_key_of_another_name_cannot_sign_for_an_origin() -> None:
    """Keys sign for the origin whose name they bear, on both sides."""
    other = Ed25519Signer.generate("other.example")
    with pytest.raises(SignatureError, match="another origin"):
        sign_checkpoint(CHECKPOINT, other)
    with pytest.raises(SignatureError, match="another origin"):
        open_checkpoint(sign_note(CHECKPOINT.text(), other).encode(), [KEY, other.verifier_key])


def test_a_later_key_of_the_log_opens_too() -> None:
    """After a rotation another key of the same name signs, and is returned."""
    later = Ed25519Signer.generate(KEY.name)
    note = sign_checkpoint(CHECKPOINT, later)
    assert open_checkpoint(note, [KEY, later.verifier_key]) == (CHECKPOINT, later.verifier_key)


def test_two_keys_may_sign_and_the_first_line_is_returned() -> None:
    """During a rotation both keys sign one checkpoint."""
    later = Ed25519Signer.generate(KEY.name)
    note = sign_checkpoint(CHECKPOINT, later, SIGNER)
    assert open_checkpoint(note, [KEY, later.verifier_key])[1] == later.verifier_key
    assert open_checkpoint(note, [KEY])[1] == KEY


def test_a_witness_that_is_known_does_not_stand_in_for_the_log() -> None:
    """A signature under another name is passed over, wherever its line stands."""
    witness = Ed25519Signer.generate("witness.example")
    note = sign_note(CHECKPOINT.text(), witness, SIGNER).encode()
    assert open_checkpoint(note, [witness.verifier_key, KEY]) == (CHECKPOINT, KEY)
