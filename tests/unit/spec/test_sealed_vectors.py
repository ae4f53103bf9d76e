"""The vectors of sealed payloads: our code agrees with each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail import verify_log
from biotrail.canonical import decode_entry, decode_value
from biotrail.canonical.sealed import (
    SealedPart,
    associated_data,
    decode_part,
    decode_sealed,
    encode_part,
    encode_sealed,
    sealed_root,
)
from biotrail.errors import VerificationError
from biotrail.vault.data_key import fingerprint_of
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_sealed as sealed
from tests.vectors import _spec_tampered as tampering
from tests.vectors import make_spec_vectors as maker


def load(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads((maker.FOLDER / name).read_text(encoding="utf-8"))


SEALED, LOG, TAMPERED = map(load, ("sealed.json", "sealed-log.json", "sealed-tampered.json"))


@pytest.mark.parametrize("one", SEALED["payloads"], ids=lambda one: str(one["index"]))
def test_sealed_payloads(one: dict[str, Any]) -> None:
    """Each payload is decoded, encoded to the same bytes, and leads to the root in the entry."""
    data = bytes.fromhex(one["payload"])
    parts = decode_sealed(data)
    assert encode_sealed(parts) == data
    assert [part.root.hex() for part in parts] == [part["root"] for part in one["parts"]]
    assert sealed_root(parts).hex() == one["root"]
    assert decode_entry(bytes.fromhex(one["entry"])).content["payload"] == sealed_root(parts)


@pytest.mark.parametrize("one", SEALED["payloads"], ids=lambda one: str(one["index"]))
def test_remnants(one: dict[str, Any]) -> None:
    """What remains of each payload has the same root."""
    parts = decode_sealed(bytes.fromhex(one["payload"]))
    remnants = [part.remnant() for part in parts if isinstance(part, SealedPart)]
    assert encode_sealed(remnants).hex() == one["remnant"]
    assert sealed_root(remnants).hex() == one["root"]


@pytest.mark.parametrize("one", SEALED["payloads"], ids=lambda one: str(one["index"]))
def test_parts_open(one: dict[str, Any]) -> None:
    """Each part opens with its data key to the fields, and is encoded to the same plaintext."""
    event_id: Any = decode_entry(bytes.fromhex(one["entry"])).content["id"]
    for part, expected in zip(
        decode_sealed(bytes.fromhex(one["payload"])), one["parts"], strict=True
    ):
        assert isinstance(part, SealedPart)
        key = AESGCM(bytes.fromhex(SEALED["keys"][part.key.hex()]))
        bound = associated_data(event_id, part.owner, part.key, SEALED["origin"])
        plaintext = key.decrypt(part.nonce, part.ciphertext, bound)
        assert len(plaintext) == expected["padded"]
        payload = decode_part(event_id, plaintext, part.fields_root)
        fields = {field["name"]: field["value"] for field in expected["fields"]}
        assert payload.fields == {
            name: decode_value(bytes.fromhex(value)) for name, value in fields.items()
        }
        again = encode_part(event_id, list(payload.fields.items()), payload.salt)
        assert again == (plaintext, part.fields_root)


def test_fingerprints() -> None:
    """The fingerprint in a tombstone is that of the destroyed key."""
    entry = decode_entry(bytes.fromhex(LOG["log"]["entries"][sealed.ERASED]["entry"]))
    assert entry.content["fingerprints"] == [
        fingerprint_of(sealed.data_key(one)) for one in ("anna", "finn")
    ]


def verdict(path: Path, keys: list[str]) -> dict[str, Any]:
    """Return the verdict on a file, in the form of the vectors."""
    try:
        verify_log(path, keys)
    except VerificationError as error:
        return {"verdict": error.kind, "index": error.index}
    return {"verdict": "holds", "index": None}


@pytest.mark.parametrize("case", TAMPERED["cases"], ids=lambda one: one["name"])
def test_tampered(case: dict[str, Any], tmp_path: Path) -> None:
    """Each log gets its verdict."""
    path = tmp_path / "log.db"
    log = case.get("log") or tampering.apply(LOG["log"], case["changes"])
    spec.write_rows(path, log)
    assert verdict(path, case["keys"]) == case["expect"]


def test_what_is_counted(tmp_path: Path) -> None:
    """A verification says how many payloads and parts there are of each sort."""
    path = tmp_path / "log.db"
    spec.write_rows(path, LOG["log"])
    found = verify_log(path, LOG["verifier_key"])
    counts = found.payloads, found.sealed, found.erased, found.retained, found.overdue
    assert counts == (1, 7, 3, 2, 0)
    alone = verify_log(path, LOG["verifier_key"], payloads=False)
    assert (alone.payloads, alone.sealed, alone.erased, alone.overdue) == (None,) * 4


def test_what_should_be_gone_is_counted(tmp_path: Path) -> None:
    """What an erasure or a retention should have destroyed is no fault, but it is counted."""
    path = tmp_path / "log.db"
    spec.write_rows(path, sealed.write().hand.export())
    found = verify_log(path, LOG["verifier_key"])
    counts = found.payloads, found.sealed, found.erased, found.retained, found.overdue
    assert counts == (3, 10, 0, 0, 5)
