"""A person is erased while other processes go on recording them."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import biotrail
from biotrail.canonical import decode_entry
from biotrail.errors import UnknownPersonError
from biotrail.stores import SQLiteReader, SQLiteStore
from biotrail.vault import Vault
from tests.unit.vault._providers import CountingProvider

ORIGIN = "example.com/door"
_EVENTS = 150


def _log(path: str) -> biotrail.AuditLogger:
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    return biotrail.AuditLogger(SQLiteStore(path), signer, vault=Vault(CountingProvider()))


def _event(number: int) -> biotrail.Event:
    other = "anna" if number % 2 else "guard"
    return biotrail.Event(
        action="door.open",
        decision="granted",
        modality="face",
        subject="anna" if number % 3 else "bert",
        actor=other,
        context=biotrail.Context(ip="192.0.2.17", device_id="reader-1"),
    )


def _record(path: str, place: int, receipts: Any) -> None:
    with _log(path) as log:
        for number in range(_EVENTS):
            receipt = log.record(_event(number))
            receipts.put((place, number, receipt.index, receipt.leaf_hash))
    receipts.put(None)


def _tombstones(entries: list[Any]) -> list[tuple[int, dict[str, Any]]]:
    return [(one.index, one.content) for one in entries if one.kind == "subject_erased"]


def test_no_record_slips_in_under_an_erased_reference(tmp_path: Path) -> None:
    """Writers of other processes seal anew, and not one acknowledged record is lost."""
    path = str(tmp_path / "log.db")
    with _log(path) as log:
        log.record(_event(1))
        context = multiprocessing.get_context("spawn")
        receipts = context.Queue()
        writers = [
            context.Process(target=_record, args=(path, place, receipts)) for place in range(2)
        ]
        for one in writers:
            one.start()
        got: list[Any] = []
        ended = erased = 0
        while ended < len(writers):
            receipt = receipts.get(timeout=120)
            got.append(receipt)
            ended += receipt is None
            if len(got) % 40 == 0:
                try:
                    log.erase("anna", reason="subject_request", legal_basis="GDPR 17(1)(b)")
                    erased += 1
                except UnknownPersonError:
                    pass  # nothing of hers has come since the last time
        for one in writers:
            one.join(60)
            assert one.exitcode == 0
        assert erased > 1
        proven = biotrail.verify_log(path, log.verifier_key)
    acknowledged = [one for one in got if one is not None]
    assert len(acknowledged) == 2 * _EVENTS
    assert proven.erased
    assert proven.overdue == 0
    reader = SQLiteReader(path)
    try:
        entries: list[Any] = [decode_entry(one.entry) for one in reader.entries(0, proven.size)]
    finally:
        reader.close()
    for index, content in _tombstones(entries):
        gone = set(content["references"])
        for one in entries[content["through"] :]:
            if one.kind == "event":
                bears = {one.content.get("subject"), one.content.get("actor")}
                assert not bears & gone, f"entry {one.index} bears what entry {index} erased"
