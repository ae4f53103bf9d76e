"""The specification's vectors are as generated, our code agrees, and the pages show no others."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail import VerifierKey, verify_log, verify_proof
from biotrail.canonical import (
    commitment,
    commitments_of,
    decode_payload,
    decode_value,
    encode_value,
    field_salt,
    frame_entry,
    parse_time,
    payload_root,
)
from biotrail.errors import (
    BiotrailError,
    CanonicalError,
    MalformedError,
    SignatureError,
    VerificationError,
)
from biotrail.signing import Ed25519Signer, open_checkpoint
from biotrail.tlog import CompactRange, leaf_hash, verify_consistency
from tests._components import ROOT
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_tampered as tampering
from tests.vectors import make_spec_vectors as maker

PAGES = sorted((ROOT / "docs" / "spec").glob("*.md"))
_HEX = re.compile(r"\b(?:[0-9a-f]{2}){6,}\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")


def load(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads((maker.FOLDER / name).read_text(encoding="utf-8"))


CANONICAL, KEYS, EXAMPLE, PAYLOADS, PROOFS, TAMPERED, FORGED, ECDSA = map(
    load, list(maker.FILES)[:8]
)


@pytest.mark.parametrize("name", maker.FILES)
def test_files_are_as_generated(name: str) -> None:
    """No vector was edited by hand, and none is out of date."""
    written = (maker.FOLDER / name).read_text(encoding="utf-8")
    assert written == maker.text_of(maker.FILES[name]())


def test_the_database_has_the_rows_of_the_json() -> None:
    """The SQLite file and the JSON are the same log."""
    assert spec.export(maker.DATABASE) == EXAMPLE["log"]


@pytest.mark.parametrize("one", CANONICAL["accepted"], ids=lambda one: one["hex"][:20])
def test_canonical_values(one: dict[str, str]) -> None:
    """Each canonical value is decoded, and encoded to the same bytes."""
    assert encode_value(decode_value(bytes.fromhex(one["hex"]))).hex() == one["hex"]


@pytest.mark.parametrize("one", CANONICAL["refused"], ids=lambda one: one["why"])
def test_refused_values(one: dict[str, str]) -> None:
    """Each of the others is refused."""
    with pytest.raises(CanonicalError):
        decode_value(bytes.fromhex(one["hex"]))


@pytest.mark.parametrize("one", CANONICAL["times"], ids=lambda one: one["time"])
def test_times(one: dict[str, Any]) -> None:
    """Each text is a time, or is not, as the vectors say."""
    try:
        parse_time(one["time"])
    except CanonicalError:
        assert not one["accepted"]
    else:
        assert one["accepted"]


@pytest.mark.parametrize("one", CANONICAL["heads"], ids=lambda one: one["index"])
def test_heads(one: dict[str, str]) -> None:
    """Entries at indices of each width begin as the vectors say."""
    entry = frame_entry(int(one["index"]), bytes(32), "2026-11-23T11:34:00.123456Z", b"\xa0")
    assert entry.hex().startswith(one["hex"] + "5820")


@pytest.mark.parametrize("one", KEYS["keys"].values(), ids=KEYS["keys"])
def test_keys(one: dict[str, str]) -> None:
    """Each seed has its verifier key, and the key its digest."""
    key = Ed25519Signer.from_seed(spec.ORIGIN, bytes.fromhex(one["seed"])).verifier_key
    assert one["verifier_key"] == str(key)
    assert one["digest"] == VerifierKey.parse(one["verifier_key"]).digest().hex()


@pytest.mark.parametrize("one", KEYS["refused"], ids=lambda one: one["why"])
def test_refused_keys(one: dict[str, str]) -> None:
    """What is no verifier key is refused."""
    with pytest.raises(MalformedError):
        VerifierKey.parse(one["verifier_key"])


def test_leaf_hashes_and_roots() -> None:
    """The tree over the entries has the vectors' root at every size."""
    tree = CompactRange()
    roots = [tree.root().hex()]
    for row, expected in zip(EXAMPLE["log"]["entries"], EXAMPLE["leaf_hashes"], strict=True):
        leaf = leaf_hash(bytes.fromhex(row["entry"]))
        assert leaf.hex() == expected
        tree.append(leaf)
        roots.append(tree.root().hex())
    assert roots == EXAMPLE["roots"]


@pytest.mark.parametrize("one", PAYLOADS, ids=lambda one: str(one["index"]))
def test_payloads(one: dict[str, Any]) -> None:
    """Salts, commitments and root of each payload are those of the vectors."""
    event_id, payload = (
        bytes.fromhex(one["event_id"]),
        decode_payload(bytes.fromhex(one["payload"])),
    )
    for field in one["fields"]:
        own, name = field_salt(payload.salt, field["name"]), field["name"]
        assert own.hex() == field["salt"]
        value = decode_value(bytes.fromhex(field["value"]))
        assert commitment(event_id, name, value, own).hex() == field["commitment"]
    assert payload_root(commitments_of(event_id, payload)).hex() == one["root"]


@pytest.mark.parametrize("one", PROOFS["files"], ids=lambda one: f"{one['index']} of {one['size']}")
def test_proof_files(one: dict[str, Any]) -> None:
    """Each proof file proves its entry."""
    proven = verify_proof(one["text"], PROOFS["keys"])
    assert (proven.index, proven.checkpoint.size) == (one["index"], one["size"])


@pytest.mark.parametrize("one", PROOFS["refused"], ids=lambda one: one["why"])
def test_refused_proof_files(one: dict[str, str]) -> None:
    """The others prove nothing."""
    with pytest.raises(BiotrailError):
        verify_proof(one["text"], PROOFS["keys"])


def test_consistency_proofs() -> None:
    """Each consistency proof leads from root to root."""
    roots = [bytes.fromhex(root) for root in EXAMPLE["roots"]]
    for one in PROOFS["consistency"]:
        old, new = one["old"], one["new"]
        proof = [bytes.fromhex(step) for step in one["proof"]]
        verify_consistency(old, roots[old], new, roots[new], proof)


def verdict(path: Path, case: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on a file, in the form of the vectors."""
    try:
        verify_log(path, case["keys"], from_checkpoint=case["earlier"])
    except VerificationError as error:
        return {"verdict": error.kind, "index": error.index}
    return {"verdict": "holds", "index": None}


@pytest.mark.parametrize("case", TAMPERED["cases"], ids=lambda one: one["name"])
def test_tampered(case: dict[str, Any], tmp_path: Path) -> None:
    """Tampering by SQL gets its verdict, and is the same as tampering with the JSON."""
    path = shutil.copyfile(maker.DATABASE, tmp_path / "log.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in (*TAMPERED["before"], *case["sql"], *TAMPERED["after"]):
            connection.execute(statement)
    assert spec.export(path) == tampering.apply(EXAMPLE["log"], case["changes"])
    assert verdict(path, case) == case["expect"]


@pytest.mark.parametrize("case", FORGED["cases"], ids=lambda one: one["name"])
def test_forged(case: dict[str, Any], tmp_path: Path) -> None:
    """Logs that break a rule under a good signature get their verdict; odd ones hold."""
    path = tmp_path / "log.db"
    spec.write_rows(path, case["log"])
    assert verdict(path, case) == case["expect"]
    if "affected" in case:
        found = verify_log(path, case["keys"]).affected
        runs = [{"first": one.first, "last": one.last, "key": one.key} for one in found]
        assert runs == case["affected"]


def test_each_verdict_occurs() -> None:
    """There is a case for every verdict."""
    found = {case["expect"]["verdict"] for case in (*TAMPERED["cases"], *FORGED["cases"])}
    kinds = {one.kind for one in VerificationError.__subclasses__()}
    assert found >= {"holds", *kinds} - {"failed"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_on_the_pages_are_the_vectors(page: Path) -> None:
    """Bytes that a page shows stand in the vectors."""
    files = maker.FOLDER.parent.glob("*/*.json")
    known = "".join(file.read_text(encoding="utf-8") for file in sorted(files))
    text = page.read_text(encoding="utf-8")
    shown = _HEX.findall(text) + _BASE64.findall(re.sub(_HEX, "", text))
    assert [one for one in shown if one not in known] == []


def test_pages_show_examples() -> None:
    """Most pages show bytes, so that the test above is not idle."""
    shown = [page for page in PAGES if _HEX.search(page.read_text(encoding="utf-8"))]
    assert len(shown) >= 6


@pytest.mark.parametrize("one", ECDSA["opens"])
def test_notes_of_the_second_algorithm_open(one: dict[str, Any]) -> None:
    """A checkpoint signed by ECDSA opens, with either of the two values of s."""
    key = VerifierKey.parse(ECDSA["verifier_key"])
    checkpoint, by = open_checkpoint(one["note"], [key])
    assert (checkpoint.size, by) == (one["size"], key)


@pytest.mark.parametrize("one", ECDSA["refused"], ids=lambda one: one["why"])
def test_notes_of_the_second_algorithm_are_refused(one: dict[str, Any]) -> None:
    """A signature for another text, or in another form than strict DER, does not open."""
    with pytest.raises(SignatureError):
        open_checkpoint(one["note"], [VerifierKey.parse(ECDSA["verifier_key"])])


@pytest.mark.parametrize("one", ECDSA["refused_keys"], ids=lambda one: one["why"])
def test_keys_of_the_second_algorithm_are_refused(one: dict[str, Any]) -> None:
    """A public key in another form, or of another curve, is no verifier key."""
    with pytest.raises(MalformedError):
        VerifierKey.parse(one["verifier_key"])
