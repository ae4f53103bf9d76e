"""The verifier that runs in the auditor's browser, run by Node: each tampering at its step."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cbor2 import loads
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from biotrail.canonical import decode_entry
from biotrail.tlog import ProofFile
from biotrail.verify import verify_proof
from tests._components import ROOT
from tests.vectors.make_spec_vectors import FOLDER

pytestmark = pytest.mark.component("node")

STATIC = ROOT / "src" / "biotrail" / "web" / "page" / "static"
HARNESS = Path(__file__).with_name("verify_records.mjs")
STEPS = ("form", "entry", "leaf", "path", "root", "key", "signature")
Job = dict[str, Any]
Judge = Callable[[list[Job]], list[Any]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Return a function that has the page's own modules check records."""
    folder = tmp_path / "modules"
    shutil.copytree(STATIC, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(jobs: list[Job]) -> list[Any]:
        file = tmp_path / "jobs.json"
        file.write_text(json.dumps(jobs), encoding="utf-8")
        ran = subprocess.run(
            ["node", str(HARNESS), str(folder), str(file)], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        answers: list[Any] = json.loads(ran.stdout)
        return answers

    return run


def load(name: str) -> Any:
    """Return a file of the specification's vectors."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def entry_of(proof: ProofFile) -> bytes:
    """Return the bytes of the entry that lie in a proof file, after the head of the map."""
    assert proof.extra is not None
    return bytes(loads(proof.extra)["entry"])


def job(whole: str, key: str, **changed: Any) -> Job:
    """A job from a whole proof file; what is changed takes the place of what it says."""
    proof = ProofFile.parse(whole)
    text = changed.pop("text", whole)
    entry = changed.pop("entry", entry_of(proof))
    return {
        "proof": base64.b64encode(text.encode()).decode(),
        "entry": base64.b64encode(entry).decode(),
        "key": key,
        "index": proof.index,
        **changed,
    }


def proofs() -> tuple[str, list[str]]:
    """The key of the example log, and the proof files of all its entries."""
    vectors = load("proofs.json")
    later = load("keys.json")["keys"]["B"]["verifier_key"]
    return later, [one["text"] for one in vectors["files"] if one["size"] == 19]


def test_every_entry_of_the_example_log_holds(judge: Judge) -> None:
    """Every step succeeds, and what is shown of the bytes is what they say."""
    key, files = proofs()
    for answer, text in zip(judge([job(one, key) for one in files]), files, strict=True):
        assert answer["steps"] == dict.fromkeys(STEPS, "ok"), answer
        assert answer["verdict"] == "ok"
        entry = decode_entry(entry_of(ProofFile.parse(text)))
        assert answer["parts"]["index"] == entry.index
        assert answer["parts"]["kind"] == entry.kind
        assert set(answer["parts"]["content"]) == set(entry.content)


def test_each_tampering_fails_at_its_own_step(judge: Judge) -> None:
    """The first step that fails is the one that concerns what was altered."""
    key, files = proofs()
    text = files[3]
    proof = ProofFile.parse(text)
    entry = entry_of(proof)
    altered = entry[:-1] + bytes([entry[-1] ^ 1])
    in_both = text.replace(proof_line(proof.extra), proof_line(changed_extra(proof, altered)))
    sibling = base64.b64encode(proof.hashes[1]).decode()
    other = base64.b64encode(bytes(32)).decode()
    note = proof.checkpoint_note
    root = note.split("\n")[2]
    signature = note.split(" ")[-1].strip()
    raw = bytearray(base64.b64decode(signature))
    raw[10] ^= 1
    spoilt = base64.b64encode(raw).decode()
    keys = load("keys.json")["keys"]
    foreign = load("ecdsa.json")["verifier_key"]
    other_id = key.replace("+bee8bf6f+", "+bee8bf60+")
    cases = [
        ("form", job(text, key, text=text.replace("tlog-proof@v1", "tlog-proof@v2"))),
        ("form", job(text, key, text=text.replace("index 3\n", "index 03\n"))),
        ("form", job(text, key, text=text.replace("index 3\n", "index 19\n"))),
        ("form", job(text, key, text=text[:-1])),
        ("entry", job(text, key, entry=altered)),
        ("entry", job(text, key, index=4)),
        ("entry", job(text, key, text=text.replace("index 3\n", "index 2\n"))),
        ("root", job(text, key, text=in_both, entry=altered)),
        ("root", job(text, key, text=text.replace(sibling, other))),
        ("path", job(text, key, text=text.replace(sibling + "\n", ""))),
        ("path", job(text, key, text=text.replace(sibling, f"{sibling}\n{sibling}"))),
        ("root", job(text, key, text=text.replace(root, other))),
        ("signature", job(text, key, text=text.replace(signature, spoilt))),
        ("signature", job(text, keys["A"]["verifier_key"])),
        ("key", job(text, other_id)),
        ("key", job(text, foreign)),
        ("key", job(text, "")),
    ]
    answers = judge([one for _, one in cases])
    for (step, asked), answer in zip(cases, answers, strict=True):
        failed = [name for name in STEPS if answer["steps"][name] == "failed"]
        assert failed, (step, asked)
        assert failed[0] == step, (step, answer["steps"], answer["says"])
        assert answer["verdict"] == "failed"


def changed_extra(proof: ProofFile, entry: bytes) -> bytes:
    """The extra of a proof file with other bytes of the same length in it."""
    assert proof.extra is not None
    return proof.extra[: -len(entry)] + entry


def proof_line(extra: bytes | None) -> str:
    """The line of an extra."""
    assert extra is not None
    return f"extra {base64.b64encode(extra).decode()}\n"


def test_it_refuses_what_our_verifier_refuses(judge: Judge) -> None:
    """No proof file that must be refused passes, however it is wrong."""
    vectors = load("proofs.json")
    key = proofs()[0]
    refused = [one["text"] for one in vectors["refused"]]
    entry = entry_of(ProofFile.parse(proofs()[1][3]))
    jobs = [
        {
            "proof": base64.b64encode(text.encode()).decode(),
            "entry": base64.b64encode(entry).decode(),
            "key": key,
            "index": 3,
        }
        for text in refused
    ]
    assert [one["verdict"] for one in judge(jobs)] == ["failed"] * len(refused)


def test_it_says_so_where_the_browser_cannot_tell(judge: Judge) -> None:
    """Without Ed25519, or without WebCrypto, a record is neither good nor bad, and it says why."""
    key, files = proofs()
    without = [job(files[0], key, without=one) for one in ("ed25519", "subtle")]
    lacks_signature, lacks_all = judge(without)
    assert lacks_signature["verdict"] == lacks_all["verdict"] == "unknown"
    assert lacks_signature["steps"] == dict.fromkeys(STEPS[:-1], "ok") | {"signature": "unknown"}
    assert "does not know Ed25519" in lacks_signature["says"]["signature"]
    assert lacks_all["steps"] == {"form": "unknown"}


def test_it_agrees_with_the_verifier_on_the_example() -> None:
    """The vectors that it is held against are those that the library accepts."""
    key, files = proofs()
    for text in files:
        verify_proof(text.encode(), [key])


def test_the_second_algorithm_is_verified_too(judge: Judge) -> None:
    """A checkpoint signed by ECDSA over P-256 holds under its key, and not under another."""
    text = proofs()[1][3]
    proof = ProofFile.parse(text)
    signed = proof.checkpoint_note.partition("\n\n")[0] + "\n"
    keys, files = [], []
    for _ in range(2):
        secret = ec.generate_private_key(ec.SECP256R1())
        public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        key_id = hashlib.sha256(public).digest()[:4]
        name = signed.split("\n")[0]
        keys.append(f"{name}+{key_id.hex()}+{base64.b64encode(bytes([2]) + public).decode()}")
        line = base64.b64encode(key_id + secret.sign(signed.encode(), ec.ECDSA(SHA256())))
        note = f"{signed}\n\N{EM DASH} {name} {line.decode()}\n"
        files.append(text.replace(proof.checkpoint_note, note))
    good, other = judge([job(files[0], keys[0]), job(files[0], keys[1])])
    assert good["verdict"] == "ok"
    assert other["steps"]["signature"] == "failed"
    verify_proof(files[0].encode(), [keys[0]])
