"""The schema in CDDL accepts every entry and payload of the vectors, and not everything else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tests._components import ROOT
from tests.vectors.make_spec_vectors import FOLDER

pytestmark = pytest.mark.component("pycddl")

CDDL = (ROOT / "docs" / "spec" / "biotrail.cddl").read_text(encoding="utf-8")


def load(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads(Path(FOLDER, name).read_text(encoding="utf-8"))


def schema(rule: str) -> Any:
    """Return the schema with one of its rules first, which makes it the one to match."""
    from pycddl import Schema

    return Schema(f"start = {rule}\n{CDDL}")


def refuses(rule: Any, data: bytes) -> bool:
    """Whether a schema refuses some bytes."""
    from pycddl import ValidationError

    try:
        rule.validate_cbor(data)
    except ValidationError:
        return True
    return False


EXAMPLE, PAYLOADS, FORGED = map(load, ("example-log.json", "payloads.json", "forged.json"))
ENTRIES = [bytes.fromhex(row["entry"]) for row in EXAMPLE["log"]["entries"]]
NO_SHAPE = {
    "30 February",
    "a leap second",
    "a time with three digits",
    "a time with an offset",
    "a lower-case z",
    "an empty context",
    "an empty provenance",
    "bytes after the body",
    "a body of indefinite length",
    "a length longer than needed",
    "a repeated key",
    "keys out of order",
    "text that is not in form C",
    "nine levels of containers",
    "a key of 24 bytes",
    "an empty key",
    "a float",
    "undefined",
    "a tag",
    "a number beyond 64 bits",
}
"""What CDDL cannot say, or not in one rule: canonical form, real dates, at least one of some."""

LENIENT = {
    "a label that is an array",
    "an unknown field of the context",
    "a content that is no map",
    "two kinds",
    "a body that is an array",
}
"""What the schema rules out, and pycddl lets pass: it looks into arrays where a map or text is
meant, and does not mind more pairs where all that are named are optional, or one of a choice."""


@pytest.mark.parametrize("index", range(len(ENTRIES)))
def test_entries_fit(index: int) -> None:
    """Each entry of the example log has the form of the schema."""
    schema("entry-array").validate_cbor(ENTRIES[index])


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda one: str(one["index"]))
def test_payloads_fit(payload: dict[str, Any]) -> None:
    """Each payload fits, and its fields are those that are known today."""
    data = bytes.fromhex(payload["payload"])
    schema("payload-array").validate_cbor(data)
    schema("known-fields").validate_cbor(cbor2.dumps(cbor2.loads(data)[2]))


SEALED = load("sealed.json")["payloads"]


@pytest.mark.parametrize("payload", SEALED, ids=lambda one: str(one["index"]))
def test_sealed_payloads_fit(payload: dict[str, Any]) -> None:
    """Each sealed payload fits, what would remain of it too, and so does what is in its parts."""
    for name in ("payload", "remnant"):
        schema("sealed-payload").validate_cbor(bytes.fromhex(payload[name]))
    for part in payload["parts"]:
        plaintext = bytes.fromhex(part["plaintext"])
        schema("payload-array").validate_cbor(plaintext)
        schema("known-fields").validate_cbor(cbor2.dumps(cbor2.loads(plaintext)[2]))


def test_no_sealed_payloads_are_refused() -> None:
    """Payloads and parts of another form do not fit, as far as pycddl looks into arrays."""
    part: list[Any] = [1, bytes(16), bytes(12), bytes(32), bytes(272)]
    whole, alone = schema("sealed-payload"), schema("sealed-part")
    whole.validate_cbor(cbor2.dumps([2, [part]]))
    alone.validate_cbor(cbor2.dumps(part))
    for payload in ([3, [part]], [2, []], [2, [[1, bytes(31)]]]):
        assert refuses(whole, cbor2.dumps(payload))
    for wrong in ([*part, 0], [3, *part[1:]], part[:4]):
        assert refuses(alone, cbor2.dumps(wrong))
    for item in (1, 2, 3):
        assert refuses(alone, cbor2.dumps([*part[:item], part[item][1:], *part[item + 1 :]]))


def test_disclosures_fit() -> None:
    """What disclosures show has the form of the schema.

    It is looked at in pieces: pycddl holds the bounds of an outer array against the inner ones.
    """
    names = {2: "remnant", 3: "shown-part"}
    seen = set()
    for one in load("disclosures.json")["files"]:
        carried = base64.b64decode(one["text"].split("\n")[1].removeprefix("extra "))
        version, content = cbor2.loads(carried)["payload"]
        if version == 1:
            schema("shown-clear").validate_cbor(cbor2.dumps([version, content]))
        for part in content if version == 2 else ():
            schema(names[len(part)]).validate_cbor(cbor2.dumps(part))
        seen.add(version)
    assert seen == {1, 2}


def test_proof_extra_fits() -> None:
    """What a proof file carries has the form of the schema."""
    schema("proof-extra").validate_cbor(cbor2.dumps({"entry": ENTRIES[0]}))


def test_forged_bodies_are_refused() -> None:
    """Each entry of a forged log that has a wrong form is refused, where a schema can do that."""
    rule = schema("entry-array")
    checked = 0
    for case in FORGED["cases"]:
        index = case["expect"]["index"]
        rows = case["log"]["entries"]
        if case["expect"]["verdict"] != "malformed" or len(rows) != 3 or rows[1]["checkpoint"]:
            continue
        checked += 1
        passes = not refuses(rule, bytes.fromhex(rows[index]["entry"]))
        assert not passes or case["name"] in NO_SHAPE | LENIENT, case["name"]
    assert checked > 30


def test_entries_of_logs_that_hold_fit() -> None:
    """Odd entries that a verifier accepts fit too."""
    rule = schema("entry-array")
    for case in FORGED["cases"]:
        if case["expect"]["verdict"] == "holds":
            for row in case["log"]["entries"]:
                rule.validate_cbor(bytes.fromhex(row["entry"]))
