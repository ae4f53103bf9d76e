"""A verifier in another language, written from ``docs/spec`` alone, judges as we do.

It lies beside this file and knows nothing of our code. It judges the vectors, logs of random
events, and those logs with random damage.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biotrail import verify_log
from biotrail.errors import VerificationError
from tests._components import ROOT
from tests.interop._random_keys import RandomKeys
from tests.interop._random_log import damages, random_log, random_sealed_log, sealed_damages
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_tampered as tampering
from tests.vectors.make_spec_vectors import FOLDER

pytestmark = pytest.mark.component("node")

VERIFIER = ROOT / "tests" / "interop" / "independent" / "verifier.js"
TLOG = FOLDER.parent / "tlog"
DAMAGES = 60
LIVES = 120
Judge = Callable[[list[dict[str, Any]]], list[Any]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Return a function that has the independent verifier do a list of jobs."""

    def run(jobs: list[dict[str, Any]]) -> list[Any]:
        file = tmp_path / "jobs.json"
        file.write_text(json.dumps(jobs), encoding="utf-8")
        ran = subprocess.run(["node", str(VERIFIER), str(file)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        results: list[Any] = json.loads(ran.stdout)
        assert len(results) == len(jobs)
        return results

    return run


def load(name: str, folder: Path = FOLDER) -> Any:
    """Return a file of vectors."""
    return json.loads((folder / name).read_text(encoding="utf-8"))


def ours(path: Path, keys: list[str], earlier: list[str]) -> str:
    """Return our own verdict on a file."""
    try:
        verify_log(path, keys, from_checkpoint=earlier)
    except VerificationError as error:
        return error.kind
    return "holds"


def named(path: Path, keys: list[str]) -> tuple[str, int | None]:
    """Return our own verdict on a file, and its index."""
    try:
        verify_log(path, keys)
    except VerificationError as error:
        return error.kind, error.index
    return "holds", None


def test_it_knows_the_canonical_form(judge: Judge) -> None:
    """It accepts every canonical value and nothing else, and every time and nothing else."""
    vectors = load("canonical.json")
    values = [*vectors["accepted"], *vectors["refused"]]
    results = judge([{"job": "canonical", "bytes": one["hex"]} for one in values])
    expected = [one["hex"] if "value" in one else "refused" for one in values]
    assert results == expected
    times = vectors["times"]
    assert judge([{"job": "time", "time": one["time"]} for one in times]) == [
        one["accepted"] for one in times
    ]


def test_it_knows_verifier_keys(judge: Judge) -> None:
    """It reads every verifier key, with its digest, and refuses what is none."""
    vectors = load("keys.json")
    good = list(vectors["keys"].values())
    texts = [one["verifier_key"] for one in (*good, *vectors["refused"])]
    results = judge([{"job": "verifier_key", "text": text} for text in texts])
    assert results == [one["digest"] for one in good] + ["refused"] * len(vectors["refused"])


def test_it_knows_checkpoints(judge: Judge) -> None:
    """It opens every signed checkpoint, and refuses those that must be."""
    vectors = load("checkpoints.json", TLOG)
    notes = [*vectors["opens"], *vectors["refused"]]
    keys = [vectors["verifier_key"]]
    results = judge([{"job": "checkpoint", "note": one["note"], "keys": keys} for one in notes])
    assert results == [one.get("size", "refused") for one in notes]


def test_it_knows_the_second_algorithm(judge: Judge) -> None:
    """It opens checkpoints that were signed by ECDSA, and refuses notes and keys as it must."""
    vectors = load("ecdsa.json")
    notes = [*vectors["opens"], *vectors["refused"]]
    keys = [vectors["verifier_key"]]
    results = judge([{"job": "checkpoint", "note": one["note"], "keys": keys} for one in notes])
    assert results == [one.get("size", "refused") for one in notes]
    texts = [one["verifier_key"] for one in vectors["refused_keys"]]
    assert judge([{"job": "verifier_key", "text": text} for text in texts]) == ["refused"] * 3


def test_it_calculates_the_hashes_of_the_example(judge: Judge) -> None:
    """Leaf hashes and the roots of all sizes are those of the vectors."""
    vectors = load("example-log.json")
    entries = [row["entry"] for row in vectors["log"]["entries"]]
    (found,) = judge([{"job": "hashes", "entries": entries}])
    assert found == {name: vectors[name] for name in ("leaf_hashes", "roots")}


def test_it_knows_the_forms_of_entries(judge: Judge) -> None:
    """It reads entries of every kind and with every field, and refuses every wrong form."""
    vectors = load("entries.json", FOLDER.parent / "canonical")
    accepted = [*vectors["accepted"], *load("events.json", FOLDER.parent / "canonical")["events"]]
    cases = [*accepted, *vectors["refused"]]
    results = judge([{"job": "entry", "entry": one["entry"]} for one in cases])
    kinds = [one["value"]["map"][0][0] for one in accepted]
    found = [(one.get("why"), got) for one, got in zip(cases, results, strict=True)]
    assert found == [
        *((None, kind) for kind in kinds),
        *((one["why"], "refused") for one in vectors["refused"]),
    ]
    assert len(set(kinds)) >= 12


def test_it_opens_the_payloads_of_the_example(judge: Judge) -> None:
    """Field salts, commitments and roots are those of the vectors."""
    vectors = load("payloads.json")
    results = judge([{**one, "job": "payload"} for one in vectors])
    assert results == [{"root": one["root"], "fields": one["fields"]} for one in vectors]


def test_it_opens_sealed_payloads(judge: Judge) -> None:
    """With the data keys it opens every part to the fields, salts, commitments and roots."""
    vectors = load("sealed.json")
    more = {"job": "sealed", "keys": vectors["keys"], "origin": vectors["origin"]}
    results = judge([{**one, **more} for one in vectors["payloads"]])
    assert results == [
        {
            "root": one["root"],
            "parts": [{"root": part["root"], "fields": part["fields"]} for part in one["parts"]],
        }
        for one in vectors["payloads"]
    ]
    other = {**more, "origin": "biotrail.example/other"}
    assert judge([{**one, **other} for one in vectors["payloads"]]) == ["refused"] * len(results)


def test_it_reads_remnants_without_keys(judge: Judge) -> None:
    """What remains of a payload leads to the same root, and nothing in it opens."""
    vectors = load("sealed.json")
    more = {"job": "sealed", "keys": {}, "origin": vectors["origin"]}
    jobs = [{**one, **more, "payload": one["remnant"]} for one in vectors["payloads"]]
    for one, found in zip(vectors["payloads"], judge(jobs), strict=True):
        assert found["root"] == one["root"]
        assert all(part["fields"] is None for part in found["parts"])


def test_it_judges_proofs(judge: Judge) -> None:
    """Proof files and consistency proofs hold, and those that must be refused are."""
    vectors = load("proofs.json")
    texts = [one["text"] for one in (*vectors["files"], *vectors["refused"])]
    results = judge([{"job": "proof", "text": one, "keys": vectors["keys"]} for one in texts])
    files = len(vectors["files"])
    assert results[:files] == ["holds"] * files
    assert "holds" not in results[files:]
    roots = load("example-log.json")["roots"]
    jobs = [
        {**one, "job": "consistency", "old_root": roots[one["old"]], "new_root": roots[one["new"]]}
        for one in vectors["consistency"]
    ]
    assert all(judge(jobs))
    wrong = [{**one, "new_root": roots[one["new"] - 1]} for one in jobs]
    assert not any(judge(wrong))


def test_it_judges_disclosures(judge: Judge) -> None:
    """It reads just the fields that each disclosure shows, and refuses what must be refused."""
    vectors = load("disclosures.json")
    cases = [*vectors["files"], *vectors["refused"]]
    more = {"job": "disclosure", "keys": vectors["keys"]}
    results = judge([{**more, "text": one["text"]} for one in cases])
    expected = [one.get("fields", one.get("verdict")) for one in cases]
    assert results == expected
    plain = judge([{**more, "job": "proof", "text": one["text"]} for one in vectors["files"]])
    assert set(plain) == {"malformed"}


def test_it_knows_the_form_of_proof_files(judge: Judge) -> None:
    """It reads the plain proof files of the tree's vectors, and refuses the others."""
    vectors = load("proof_files.json", TLOG)
    texts = [one["file"] for one in (*vectors["read"], *vectors["refused"])]
    results = judge([{"job": "proof_form", "text": text} for text in texts])
    read = len(vectors["read"])
    assert "refused" not in results[:read]
    assert results[read:] == ["refused"] * len(vectors["refused"])


def test_it_agrees_on_every_case_of_the_vectors(judge: Judge) -> None:
    """On tampered and forged logs it names the verdict and the index of the vectors."""
    cases = [
        *(
            {**one, "log": str(FOLDER / "example-log.json")}
            for one in load("tampered.json")["cases"]
        ),
        *load("forged.json")["cases"],
        *(
            {"log": str(FOLDER / "sealed-log.json"), **one}
            for one in load("sealed-tampered.json")["cases"]
        ),
    ]
    results = judge([{**one, "job": "log"} for one in cases])
    found = [
        (one["name"], got["verdict"], got["index"]) for one, got in zip(cases, results, strict=True)
    ]
    assert found == [(one["name"], *one["expect"].values()) for one in cases]
    affected = [
        (one["name"], got["affected"])
        for one, got in zip(cases, results, strict=True)
        if "affected" in one
    ]
    assert affected == [(one["name"], one["affected"]) for one in cases if "affected" in one]
    assert sum(bool(one) for _, one in affected) > 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_agrees_on_random_logs_and_random_damage(
    seed: int, judge: Judge, tmp_path: Path
) -> None:
    """A log of random events holds for both, and any damage gets the same verdict from both."""
    chance = random.Random(seed)
    path = tmp_path / "log.db"
    random_log(path, chance)
    log = spec.export(path)
    file = tmp_path / "log.json"
    file.write_text(json.dumps({"log": log}), encoding="utf-8")
    kept = [row["checkpoint"] for row in log["entries"] if row["checkpoint"]]
    keys = [str(spec.verifier_key("A"))]
    jobs: list[dict[str, Any]] = [{"changes": [], "earlier": [chance.choice(kept)]}]
    for number, changes in enumerate(damages(log, chance, DAMAGES)):
        earlier = [chance.choice(kept)] if number % 4 == 0 else []
        jobs.append({"changes": changes, "earlier": earlier})
    results = judge([{**one, "job": "log", "log": str(file), "keys": keys} for one in jobs])
    assert results[0]["verdict"] == "holds"
    entries = [bytes.fromhex(row["entry"]) for row in log["entries"]]
    assert results[0]["root"] == rfc6962.mth(entries).hex()
    affected = verify_log(path, keys).affected
    assert results[0]["affected"] == [
        {"first": one.first, "last": one.last, "key": one.key} for one in affected
    ]
    for number, (job, theirs) in enumerate(zip(jobs, results, strict=True)):
        copy = tmp_path / f"{number}.db"
        spec.write_rows(copy, tampering.apply(log, job["changes"]))
        assert (theirs["verdict"], job) == (ours(copy, keys, job["earlier"]), job)
        copy.unlink()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_agrees_on_sealed_logs_and_random_damage(
    seed: int, judge: Judge, tmp_path: Path
) -> None:
    """Both judge alike what lies beside a sealed log of which some was erased and retained."""
    chance = random.Random(seed)
    path = tmp_path / "log.db"
    random_sealed_log(path, chance)
    log = spec.export(path)
    file = tmp_path / "log.json"
    file.write_text(json.dumps({"log": log}), encoding="utf-8")
    keys = [str(spec.verifier_key("A"))]
    counts = verify_log(path, keys)
    assert counts.sealed
    assert counts.erased
    assert counts.retained
    jobs: list[dict[str, Any]] = [{"changes": []}]
    jobs += [{"changes": one} for one in sealed_damages(log, chance, DAMAGES)]
    results = judge([{**one, "job": "log", "log": str(file), "keys": keys} for one in jobs])
    verdicts = set()
    for number, (job, theirs) in enumerate(zip(jobs, results, strict=True)):
        copy = tmp_path / f"{number}.db"
        spec.write_rows(copy, tampering.apply(log, job["changes"]))
        assert (theirs["verdict"], theirs["index"], job) == (*named(copy, keys), job)
        verdicts.add(theirs["verdict"])
        copy.unlink()
    assert verdicts >= {"holds", "altered", "missing"}


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_on_random_lives_of_keys(seed: int, judge: Judge, tmp_path: Path) -> None:
    """Keys come, go and are reported at random: both find one verdict, and the same affected."""
    chance = random.Random(seed)
    logs = [RandomKeys(chance).written().export() for _ in range(LIVES)]
    keys = [str(spec.verifier_key("A"))]
    results = judge([{"job": "log", "log": log, "keys": keys, "earlier": []} for log in logs])
    told = 0
    for number, (log, theirs) in enumerate(zip(logs, results, strict=True)):
        path = tmp_path / f"{number}.db"
        spec.write_rows(path, log)
        assert (theirs["verdict"], theirs["index"]) == named(path, keys), number
        if theirs["verdict"] == "holds":
            for every in (True, False):
                found = verify_log(path, keys, every_signature=every, workers=1).affected
                runs = [{"first": one.first, "last": one.last, "key": one.key} for one in found]
                assert theirs["affected"] == runs, number
            told += bool(theirs["affected"])
        path.unlink()
    assert told > 3
