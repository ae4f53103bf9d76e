"""Disclosures: chosen fields are shown with proof, and nothing else of what is personal."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail import (
    AuditLogger,
    Context,
    Ed25519Signer,
    Event,
    MemoryStore,
    SQLiteStore,
    VerifierKey,
    verify_disclosure,
    verify_proof,
)
from biotrail.canonical import decode_value
from biotrail.canonical.disclosure_codec import decode_disclosure, encode_disclosure
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ForkedError,
    MalformedError,
    MissingError,
    NoSuchFieldError,
    ProofError,
    SealedError,
    SignatureError,
)
from biotrail.query import open_records
from biotrail.sealing import Opener
from biotrail.sealing.disclosing import proof_extra
from biotrail.stores import SQLiteReader
from biotrail.testing.tamper import tampering
from biotrail.tlog import ProofFile
from biotrail.vault import Vault
from biotrail.vault.providers.memory import MemoryKeyProvider
from biotrail.verify import prove_entry
from biotrail.verify.disclosure import carries_fields
from tests.vectors.make_spec_vectors import FOLDER

VECTORS: Any = json.loads((FOLDER / "disclosures.json").read_text(encoding="utf-8"))
VERDICTS: dict[str, type[BiotrailError]] = {
    "malformed": MalformedError,
    "not proven": ProofError,
    "not signed": SignatureError,
}


@pytest.mark.parametrize("one", VECTORS["files"], ids=lambda one: str(one["index"]))
def test_disclosures_hold(one: dict[str, Any]) -> None:
    """Each disclosure of the vectors shows just its fields."""
    found = verify_disclosure(one["text"], VECTORS["keys"])
    assert found.proof.index == one["index"]
    expected = {name: decode_value(bytes.fromhex(data)) for name, data in one["fields"].items()}
    assert found.fields == expected
    assert carries_fields(one["text"])


@pytest.mark.parametrize("one", VECTORS["files"], ids=lambda one: str(one["index"]))
def test_disclosures_have_one_form(one: dict[str, Any]) -> None:
    """What is decoded is encoded to the same bytes."""
    extra = ProofFile.parse(one["text"]).extra
    assert extra is not None
    assert encode_disclosure(decode_disclosure(extra)) == extra


@pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["why"])
def test_other_files_are_refused(one: dict[str, Any]) -> None:
    """Each of the other files gets its verdict."""
    with pytest.raises(VERDICTS[one["verdict"]]):
        verify_disclosure(one["text"], VECTORS["keys"])


def test_a_disclosure_is_no_plain_proof() -> None:
    """What checks plain proofs refuses a disclosure: it would pass over what it does not check."""
    with pytest.raises(MalformedError, match="verify_disclosure"):
        verify_proof(VECTORS["files"][0]["text"], VECTORS["keys"])


def test_a_disclosure_leads_to_a_kept_checkpoint() -> None:
    """With a kept checkpoint the disclosure must be against that one."""
    text = VECTORS["files"][0]["text"]
    note = text.partition("\n\n")[2]
    verify_disclosure(text, VECTORS["keys"], checkpoint=note)
    with pytest.raises((ForkedError, ProofError, SignatureError)):
        verify_disclosure(text, VECTORS["keys"], checkpoint=note.replace("\n18\n", "\n17\n"))


# --- made by a log ---------------------------------------------------------------------------

ORIGIN = "biotrail.example/disclosure"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
EVENT: dict[str, Any] = {
    "action": "door.open",
    "decision": "granted",
    "reason": "match",
    "modality": "face",
    "context": Context(ip="192.0.2.7", device_id="gate 7", user_agent="agent/1.0"),
    "attributes": {"visit": 3},
}


def vault() -> Vault:
    """Return a vault whose key-encryption key is in memory."""
    return Vault(MemoryKeyProvider())


@pytest.fixture(params=["in the clear", "sealed"])
def made(request: pytest.FixtureRequest) -> tuple[AuditLogger, MemoryStore, int]:
    """Return a log, its store, and the index of an event of Anna's in which Ben acts."""
    store = MemoryStore()
    log = AuditLogger(store, SIGNER, vault=vault() if request.param == "sealed" else None)
    log.record(Event(subject="someone", **EVENT))
    index = log.record(Event(subject="anna", actor="ben", **EVENT)).index
    log.record(Event(action="door.close", decision="denied"))
    return log, store, index


def test_a_log_shows_the_fields_that_are_named(
    made: tuple[AuditLogger, MemoryStore, int],
) -> None:
    """The named fields are shown, the others' values and salts are nowhere in the file."""
    log, _, index = made
    data = log.prove(index, fields=["ip", "device_id"]).encode()
    found = verify_disclosure(data, log.verifier_key)
    assert found.fields == {"ip": bytes([192, 0, 2, 7]), "device_id": "gate 7"}
    extra = ProofFile.parse(data).extra
    assert extra is not None
    for hidden in (b"anna", b"ben", b"agent/1.0", b"visit"):
        assert hidden not in extra


def test_fields_of_both_people_can_be_shown(made: tuple[AuditLogger, MemoryStore, int]) -> None:
    """Fields of two parts stand in one disclosure."""
    log, _, index = made
    data = log.prove(index, fields=["subject", "actor"]).encode()
    found = verify_disclosure(data, log.verifier_key)
    assert found.fields == {
        "subject": {"id": "anna"},
        "actor": {"id": "ben", "kind": "user"},
    }


def test_fields_of_the_entry_need_no_disclosure(
    made: tuple[AuditLogger, MemoryStore, int],
) -> None:
    """Where only fields of the entry are named, the file is a plain proof; with others, both."""
    log, _, index = made
    plain = log.prove(index, fields=["outcome", "decision"]).encode()
    assert plain == log.prove(index).encode()
    assert verify_proof(plain, log.verifier_key).entry.content["outcome"] == "success"
    both = verify_disclosure(log.prove(index, fields=["outcome", "ip"]).encode(), log.verifier_key)
    assert set(both.fields) == {"ip"}
    assert both.proof.entry.content["outcome"] == "success"


def test_a_field_that_is_not_there_is_named(made: tuple[AuditLogger, MemoryStore, int]) -> None:
    """The error names the field and what there is."""
    log, _, index = made
    with pytest.raises(NoSuchFieldError, match=r"no field 'shoe_size'.*user_agent"):
        log.prove(index, fields=["shoe_size"])
    with pytest.raises(TypeError, match="in a list"):
        log.prove(index, fields="ip")


def test_without_the_vault_nothing_sealed_is_shown() -> None:
    """Whoever holds the store alone is told that the key is missing; with the vault it works."""
    store = MemoryStore()
    log = AuditLogger(store, SIGNER, vault=vault())
    index = log.record(Event(subject="anna", **EVENT)).index
    with pytest.raises(SealedError, match="takes the vault"):
        prove_entry(store, index, fields=["ip"])
    found = verify_proof(prove_entry(store, index, fields=["decision"]).encode(), log.verifier_key)
    assert found.entry.content["decision"] == "granted"


def test_a_reader_with_the_vault_discloses(tmp_path: Path) -> None:
    """From the file, with the vault, the same is shown as by the open log."""
    path, opened = tmp_path / "log.db", vault()
    with AuditLogger(SQLiteStore(path), SIGNER, vault=opened) as log:
        index = log.record(Event(subject="anna", **EVENT)).index
        data = log.prove(index, fields=["ip"]).encode()
    with open_records(path, vault=opened) as records:
        assert records.prove(index, fields=["ip"]).extra == ProofFile.parse(data).extra
    with open_records(path) as records, pytest.raises(SealedError, match="takes the vault"):
        records.prove(index, fields=["ip"])


def test_a_payload_that_was_changed_is_not_disclosed(tmp_path: Path) -> None:
    """Fields that are not those that were recorded are not shown, nor those that are gone."""
    path = tmp_path / "log.db"
    with AuditLogger(SQLiteStore(path), SIGNER) as log:
        index = log.record(Event(subject="anna", **EVENT)).index
    with tampering(path) as connection:
        ((payload,),) = connection.execute("SELECT payload FROM payloads")
        changed = payload.replace(b"anna", b"bert")
        connection.execute("UPDATE payloads SET payload = ?", (changed,))
    with closing(SQLiteReader(path)) as store, pytest.raises(AlteredError):
        prove_entry(store, index, fields=["subject"])
    with tampering(path) as connection:
        connection.execute("DELETE FROM payloads")
    with closing(SQLiteReader(path)) as store, pytest.raises(MissingError, match="payload is gone"):
        prove_entry(store, index, fields=["subject"])


def test_an_entry_without_personal_fields_shows_none() -> None:
    """Neither the genesis entry nor an event without them has anything to show."""
    store = MemoryStore()
    log = AuditLogger(store, SIGNER)
    index = log.record(Event(action="door.open", decision="denied")).index
    for at in (0, index):
        with pytest.raises(NoSuchFieldError, match="no field 'ip'"):
            log.prove(at, fields=["ip"])
    entry = next(iter(store.entries(index, index + 1))).entry
    with pytest.raises(MalformedError, match="says that it is"):
        proof_extra(store, Opener(ORIGIN), 0, entry, ["ip"])


def test_keys_may_be_given_as_text(made: tuple[AuditLogger, MemoryStore, int]) -> None:
    """A verifier key is given as text or as an object, alone or among others."""
    log, _, index = made
    data = log.prove(index, fields=["ip"]).encode()
    other = Ed25519Signer.from_seed(ORIGIN, bytes(32)).verifier_key
    several: list[VerifierKey | str | list[VerifierKey | str]] = [
        log.verifier_key,
        str(log.verifier_key),
        [other, log.verifier_key],
    ]
    for given in several:
        assert verify_disclosure(data, given).fields == {"ip": bytes([192, 0, 2, 7])}
    with pytest.raises(SignatureError):
        verify_disclosure(data, other)


def test_a_proof_file_without_extra_is_refused() -> None:
    """A C2SP proof file that carries nothing is no disclosure."""
    text = VECTORS["files"][0]["text"]
    bare = "\n".join(line for line in text.split("\n") if not line.startswith("extra "))
    assert not carries_fields(bare)
    with pytest.raises(MalformedError, match="shows no personal fields"):
        verify_disclosure(bare, VECTORS["keys"])
    hidden = base64.b64decode(text.split("\n")[1].removeprefix("extra "))
    assert decode_disclosure(hidden).fields == {"ip": bytes([192, 0, 2, 7])}
