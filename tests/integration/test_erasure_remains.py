"""After an erasure: every byte of the file, its journals and what lies beside it is looked at."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.canonical import decode_sealed
from biotrail.canonical.sealed import SealedPart
from biotrail.stores import SQLiteStore
from biotrail.stores._sqlite_tags import BLOCK, DEVICES
from biotrail.vault import KeptKey
from tests.unit.audit._vaulted import ORIGIN, WHY, event, everything, opened, vault


class Secrets:
    """What is known of a person before the erasure, and must be nowhere after it."""

    def __init__(self, log: biotrail.AuditLogger, store: SQLiteStore, person: str) -> None:
        erasures = log.erasures
        tags = erasures.people.tags
        (reference,) = erasures.people.references("", person)
        (kept,) = store.data_keys([reference]).values()
        sealed = [
            part
            for data in store.payloads_at(list(store.sealed_of(reference, 0, 2**40))).values()
            for part in decode_sealed(data)
            if isinstance(part, SealedPart) and part.key == reference
        ]
        attempt: Any = event(person)
        self.found = {
            "id": [person.encode()],
            "name": [f"Name of {person}".encode()],
            "device": [f"device of {person}".encode()],
            "tag of the person": [tags.person("", person).encode()],
            "tag of the person, in bytes": [bytes.fromhex(tags.person("", person))],
            "tag of the device": [tags.device("", f"device of {person}")],
            "tag of the address": [tags.address("", attempt.context.ip)],
            "wrapped key": [kept.wrapped],
            "data key": [vault()._unwrapped(KeptKey(*kept), ORIGIN).reveal()],
            "nonce": [part.nonce for part in sealed],
            "beginning of the ciphertext": [part.ciphertext[:16] for part in sealed],
            "middle of the ciphertext": [part.ciphertext[90:106] for part in sealed],
            "end of the ciphertext": [part.ciphertext[-16:] for part in sealed],
        }
        opener = erasures_opener(log)
        for index in store.sealed_of(reference, 0, 2**40):
            content: Any = _content(store, index)
            opened_part = opener.open(index, content, store.payloads_at([index])[index])
            salts = [p.salt for owner, p in opened_part.payloads.items() if owner == 1]
            self.found.setdefault("salt", []).extend(salts)

    def in_bytes(self, data: bytes) -> dict[str, int]:
        """How many of them are somewhere in some bytes."""
        counts = {what: sum(one in data for one in some) for what, some in self.found.items()}
        return {what: count for what, count in counts.items() if count}


def erasures_opener(log: biotrail.AuditLogger) -> Any:
    """What opens the log's payloads."""
    assert log._vaulted is not None
    return log._vaulted.opener


def _content(store: SQLiteStore, index: int) -> Any:
    from biotrail.canonical import decode_entry

    return decode_entry(store.entries_at([index])[index]).content


@pytest.mark.parametrize(
    ("order", "of_each", "at_once"),
    [("one after the other", 20, 6), ("mixed", 20, 6), ("mixed", 80, 1)],
)
def test_nothing_of_the_erased_is_left(
    tmp_path: Path, order: str, of_each: int, at_once: int
) -> None:
    """No plaintext, salt, key, ciphertext or tag of the erased is in file, journal or free page."""
    path = tmp_path / "log.db"
    source = random.Random(order)
    people = [f"person number {number:03}" for number in range(60)]
    attempts = [
        event(person, actor="guard@example.com") for person in people for _ in range(of_each)
    ]
    if order == "mixed":
        source.shuffle(attempts)
    store = SQLiteStore(path)
    with opened(store) as log:
        for start in range(0, len(attempts), 100):
            log.record_many(attempts[start : start + 100])
        for _ in range(4):
            # Erasing some must leave no copies of those who are erased later.
            some = source.sample(people, at_once)
            people = [one for one in people if one not in some]
            known = [Secrets(log, store, one) for one in some]
            before = everything(path)
            assert all("wrapped key" in one.in_bytes(before) for one in known)
            for one in some:
                log.erase(one, **WHY)
            left = [one.in_bytes(everything(path)) for one in known]
            assert left == [{}] * len(known)
        remaining = Secrets(log, store, people[0])
    assert "tag of the device" in remaining.in_bytes(everything(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nothing_in_the_clear_is_left(tmp_path: Path) -> None:
    """Of payloads from before the vault no plaintext is left either, nor of those erased later."""
    path = tmp_path / "log.db"
    people = [f"person number {number:03}" for number in range(60)]
    with opened(path, vault=None) as log:
        for _ in range(20):
            log.record_many([event(person) for person in people])
    with opened(path) as log:
        for person in people[:30:3]:
            log.erase(person, **WHY)
        data = everything(path)
        for person in people[:30:3]:
            assert person.encode() not in data
            assert f"device of {person}".encode() not in data
        assert people[1].encode() in data


def test_nothing_says_who_shared_a_device(tmp_path: Path) -> None:
    """Of a device that others go on using, nothing says that the erased person's records had it."""
    path = tmp_path / "log.db"
    people = [f"person number {number:03}" for number in range(8)]
    places = [biotrail.Context(device_id=f"reader {number}") for number in range(9)]
    store = SQLiteStore(path)
    with opened(store) as log:
        attempts = [
            event(people[number % 8], context=places[number % 9]) for number in range(BLOCK + 200)
        ]
        for start in range(0, len(attempts), 100):
            log.record_many(attempts[start : start + 100])
        tags = log.erasures.people.tags
        devices = [tags.device("", f"reader {number}") for number in range(9)]
        found = {one: list(store.sealed_by_device(one, 0, 2**40)) for one in devices}
        cells = {i: DEVICES.cell(i, one) for one, some in found.items() for i in some if i < BLOCK}
        for person in people[:2]:
            (reference,) = log.erasures.people.references("", person)
            gone = set(store.sealed_of(reference, 0, 2**40))
            data = everything(path)
            mine = [cells[i] for i in gone & set(cells) if cells[i] in data]
            assert len(mine) > 400
            log.erase(person, **WHY)
            data = everything(path)
            assert not any(cell in data for cell in mine)
            found = {one: [i for i in some if i not in gone] for one, some in found.items()}
            assert {one: list(store.sealed_by_device(one, 0, 2**40)) for one in devices} == found
        assert store.structure_faults() == []


def test_what_a_person_is_tagged_by_is_not_shared_away(tmp_path: Path) -> None:
    """A device that two people used is still found for the one who is not erased."""
    path = tmp_path / "log.db"
    shared = biotrail.Context(ip="192.0.2.9", device_id="door reader")
    store = SQLiteStore(path)
    with opened(store) as log:
        log.record(event("anna", context=shared))
        kept = log.record(event("ben", context=shared)).index
        log.erase("anna", **WHY)
        tags = log.erasures.people.tags
        assert list(store.sealed_by_device(tags.device("", "door reader"), 0, 9)) == [kept]
