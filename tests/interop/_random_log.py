"""Logs of random events, and random damage to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from biotrail import (
    Actor,
    AuditLogger,
    Comparison,
    Context,
    Event,
    Factor,
    Location,
    Modality,
    Reason,
    SQLiteStore,
    Subject,
)
from biotrail.audit.prepare import prepare_other
from biotrail.canonical import decode_entry, format_time
from biotrail.canonical.sealed import Part, SealedPart, decode_sealed, encode_sealed
from biotrail.events import new_event_id
from biotrail.vault import MemoryKeyProvider, Vault
from tests.vectors import _spec_log as spec
from tests.vectors._spec_tampered import delete, insert, update

Changes = list[dict[str, Any]]
_WORDS = ("door", "Tür", "門", "дверь", "porte-é", "a b", "x" * 40)
_NEVER = "ABCDWX"


def random_event(chance: random.Random) -> Event:
    """Return an event with any of the fields."""

    def some(value: Any) -> Any:
        return value if chance.random() < 0.5 else None

    comparison = Comparison(
        matcher=chance.choice(_WORDS),
        version="1",
        decision=chance.choice(["match", "non_match", "undetermined"]),
        score=some(chance.uniform(-1e6, 1e6)),
        threshold=some(chance.uniform(-1, 1)),
        digest=some(chance.randbytes(32)),
        type=some("verification"),
        presentation_attack=some("attack"),
        gallery_size=some(chance.randrange(2**40)),
    )
    context = Context(
        ip=some(f"192.0.2.{chance.randrange(256)}"),
        device_id=some(chance.choice(_WORDS)),
        os=some("Linux"),
        location=some(Location(latitude=chance.uniform(-90, 90), longitude=8.5)),
        user_agent=some(chance.choice(_WORDS) + "\t"),
    )
    return Event(
        id=new_event_id(milliseconds=chance.randrange(2**40), randomness=chance.randbytes(10)),
        occurred=datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.uniform(0, 3e11)),
        action=chance.choice(_WORDS),
        decision=chance.choice(["granted", "denied"]),
        outcome=some("unknown"),
        reason=chance.choice(list(Reason)),
        modality=chance.choice(list(Modality)),
        factors=chance.sample(list(Factor), chance.randrange(3)),
        actor=some(Actor(id=chance.choice(_WORDS))),
        subject=some(Subject(id=chance.choice(_WORDS))),
        tenant=some(chance.choice(_WORDS)),
        target=some(chance.choice(_WORDS)),
        comparison=some(comparison),
        context=context,
        labels={word[:7]: chance.randrange(-(2**63), 2**63) for word in chance.sample(_WORDS, 2)},
        attributes=some({"flag": True, "bytes": chance.randbytes(3)}) or {},
    )


def random_log(path: Path, chance: random.Random) -> None:
    """Write a log of some hundred random events: two writers, a rotation, and a theft."""
    now, random_bytes = spec.clock(), chance.randbytes
    following = spec.verifier_key("B")
    with AuditLogger(
        SQLiteStore(path),
        spec.signer("A"),
        next_key_digest=following.digest(),
        clock=now,
        randomness=random_bytes,
    ) as log:
        _record(log, chance, chance.randrange(100, 200))
        log.admit_writer(spec.verifier_key("W"))
        with AuditLogger(
            SQLiteStore(path),
            spec.signer("W"),
            trusted=[spec.verifier_key("A")],
            clock=now,
            randomness=random_bytes,
        ) as other:
            _record(other, chance, chance.randrange(50))
        log.rotate_key(spec.signer("B"), next_key_digest=spec.verifier_key("C").digest())
        _record(log, chance, chance.randrange(20, 400))
        since = chance.randrange(1, log.checkpoint().size)
        stolen = spec.verifier_key(chance.choice("ABW"))
        log.report_compromise(stolen, since=since, reason="stolen", following=spec.signer("C"))
        _record(log, chance, chance.randrange(5, 20))


def _record(log: AuditLogger, chance: random.Random, count: int) -> None:
    while count > 0:
        batch = min(count, chance.choice([1, 1, 2, 30, 120]))
        log.record_many([random_event(chance) for _ in range(batch)])
        count -= batch


def random_sealed_log(path: Path, chance: random.Random) -> None:
    """Write a log of sealed events, some of which were erased or retained later."""
    provider = MemoryKeyProvider(randomness=chance.randbytes)
    store = SQLiteStore(path)
    with AuditLogger(
        store,
        spec.signer("A"),
        clock=spec.clock(),
        randomness=chance.randbytes,
        vault=Vault(provider, randomness=chance.randbytes),
    ) as log:
        _record(log, chance, chance.randrange(50, 150))
        _erase(log, store, chance)
        _record(log, chance, chance.randrange(50, 150))
        _retain(log, store, chance)
        _record(log, chance, chance.randrange(1, 30))


def _erase(log: AuditLogger, store: SQLiteStore, chance: random.Random) -> None:
    """Erase two people: destroy their parts, then say so."""
    rows = {index: decode_sealed(data) for index, data in store.payloads(0, 10**6)}
    parts = [part for some in rows.values() for part in some]
    keys = sorted({one.key for one in parts if isinstance(one, SealedPart) and one.owner})
    gone = chance.sample(keys, 2)
    _destroy(store, rows, lambda part: part.key in gone)
    content: dict[str, Any] = {
        "id": chance.randbytes(16),
        "references": gone,
        "fingerprints": [],
        "reason": "a test",
        "legal_basis": "a test",
        "through": store.extent().head,
        "payloads": 2,
        "requested": "2026-11-23T11:34:00.123456Z",
    }
    log._submit([prepare_other("subject_erased", content)])


def _retain(log: AuditLogger, store: SQLiteStore, chance: random.Random) -> None:
    """Destroy the payloads of an action, then say so."""
    head = store.head()
    assert head is not None
    last = decode_entry(next(iter(store.entries(head.size - 1, head.size))).entry)
    action = chance.choice(_WORDS)
    rows: dict[int, list[Part]] = {}
    for one in store.entries(0, head.size):
        entry = decode_entry(one.entry)
        if entry.content.get("action") == action and entry.recorded < last.recorded:
            rows |= {i: decode_sealed(data) for i, data in store.payloads(one.index, one.index + 1)}
    _destroy(store, rows, lambda _: True)
    rule = {"before": format_time(last.recorded), "action": action}
    content: dict[str, Any] = {
        "id": chance.randbytes(16),
        "policy": bytes(32),
        "rules": [rule],
        "payloads": len(rows),
    }
    log._submit([prepare_other("retention_applied", content)])


def _destroy(
    store: SQLiteStore, rows: dict[int, list[Part]], choose: Callable[[SealedPart], bool]
) -> None:
    changed = []
    for index, parts in rows.items():
        left = [
            part.remnant() if isinstance(part, SealedPart) and choose(part) else part
            for part in parts
        ]
        if left != parts:
            changed.append((index, encode_sealed(left), True))
    store.replace_payloads(changed)


def _flipped(chance: random.Random, data: str) -> str:
    changed = bytearray.fromhex(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return changed.hex()


def damages(log: dict[str, Any], chance: random.Random, count: int) -> Iterator[Changes]:
    """Yield changes to a log, one kind of damage each."""
    damage = _Damage(log, chance)
    kinds: list[Callable[[], Changes]] = [
        damage.edit_entry,
        damage.edit_entry,
        damage.edit_last_entry,
        damage.delete_entry,
        damage.cut_tail,
        damage.swap_entries,
        damage.overwrite_entry,
        damage.close_gap,
        damage.duplicate_entry,
        damage.edit_checkpoint,
        damage.drop_checkpoint,
        damage.sign_anew,
        damage.edit_payload,
        damage.delete_payload,
        damage.edit_column,
        damage.edit_tile,
        damage.move_head,
        damage.delete_reference,
    ]
    for number in range(count):
        yield kinds[number % len(kinds)]()


def sealed_damages(log: dict[str, Any], chance: random.Random, count: int) -> Iterator[Changes]:
    """Yield changes to what lies beside the entries of a sealed log, one kind of damage each."""
    damage = _SealedDamage(log, chance)
    kinds: list[Callable[[], Changes]] = [
        damage.edit,
        damage.edit,
        damage.cut,
        damage.delete,
        damage.swap,
        damage.copy,
        damage.destroy,
        damage.destroy,
        damage.drop_part,
        damage.double,
        damage.put_in,
    ]
    for number in range(count):
        yield kinds[number % len(kinds)]()


class _SealedDamage:
    def __init__(self, log: dict[str, Any], chance: random.Random) -> None:
        self.rows: list[dict[str, Any]] = log["sealed"]
        self.size = len(log["entries"])
        self.chance = chance

    def _put(self, row: dict[str, Any], payload: bytes | str) -> Changes:
        data = payload if isinstance(payload, str) else payload.hex()
        return [update("sealed", {"idx": row["idx"]}, payload=data)]

    def _parts(self, row: dict[str, Any]) -> list[Part]:
        return decode_sealed(bytes.fromhex(row["payload"]))

    def edit(self) -> Changes:
        row = self.chance.choice(self.rows)
        return self._put(row, _flipped(self.chance, row["payload"]))

    def cut(self) -> Changes:
        row = self.chance.choice(self.rows)
        return self._put(row, row["payload"][: 2 * self.chance.randrange(len(row["payload"]) // 2)])

    def delete(self) -> Changes:
        return [delete("sealed", idx=self.chance.choice(self.rows)["idx"])]

    def swap(self) -> Changes:
        one, other = self.chance.sample(self.rows, 2)
        return [*self._put(one, other["payload"]), *self._put(other, one["payload"])]

    def copy(self) -> Changes:
        one, other = self.chance.sample(self.rows, 2)
        parts = [self.chance.choice(self._parts(one)), *self._parts(other)[1:]]
        return self._put(other, encode_sealed(parts))

    def destroy(self) -> Changes:
        row = self.chance.choice(self.rows)
        left = [
            part.remnant() if isinstance(part, SealedPart) and self.chance.random() < 0.7 else part
            for part in self._parts(row)
        ]
        return self._put(row, encode_sealed(left))

    def drop_part(self) -> Changes:
        row = self.chance.choice(self.rows)
        return self._put(row, encode_sealed(self._parts(row)[1:]))

    def double(self) -> Changes:
        row = self.chance.choice(self.rows)
        return [insert("payloads", {"idx": row["idx"], "payload": row["payload"]})]

    def put_in(self) -> Changes:
        row = self.chance.choice(self.rows)
        taken = {one["idx"] for one in self.rows}
        free = [index for index in range(self.size + 2) if index not in taken]
        return [insert("sealed", {**row, "idx": self.chance.choice(free)})]


class _Damage:
    def __init__(self, log: dict[str, Any], chance: random.Random) -> None:
        self.log = log
        self.rows: list[dict[str, Any]] = log["entries"]
        self.size = len(self.rows)
        self.chance = chance

    def _any(self) -> dict[str, Any]:
        return self.chance.choice(self.rows)

    def _signed(self) -> dict[str, Any]:
        return self.chance.choice([row for row in self.rows if row["checkpoint"]])

    def _put(self, row: dict[str, Any], to: int) -> dict[str, Any]:
        return insert("entries", {**row, "idx": to, "event_id": None})

    def edit_entry(self) -> Changes:
        row = self._any()
        return [update("entries", {"idx": row["idx"]}, entry=_flipped(self.chance, row["entry"]))]

    def edit_last_entry(self) -> Changes:
        row = self.rows[-1]
        return [update("entries", {"idx": row["idx"]}, entry=_flipped(self.chance, row["entry"]))]

    def delete_entry(self) -> Changes:
        return [delete("entries", idx=self._any()["idx"])]

    def cut_tail(self) -> Changes:
        left = self.chance.randrange(1, self.size)
        head = [update("head", {}, size=left)] if self.chance.random() < 0.5 else []
        gone = [delete("payloads", idx=row["idx"]) for row in self.log["payloads"]]
        gone = [one for one in gone if one["delete"]["idx"] >= left]
        return [*(delete("entries", idx=i) for i in range(left, self.size)), *gone, *head]

    def swap_entries(self) -> Changes:
        one, other = self.chance.sample(self.rows, 2)
        places = [delete("entries", idx=row["idx"]) for row in (one, other)]
        return [*places, self._put(one, other["idx"]), self._put(other, one["idx"])]

    def overwrite_entry(self) -> Changes:
        one, other = self.chance.sample(self.rows, 2)
        return [update("entries", {"idx": one["idx"]}, entry=other["entry"])]

    def close_gap(self) -> Changes:
        at = self._any()["idx"]
        gone = [delete("entries", idx=i) for i in range(at, self.size)]
        moved = [self._put(self.rows[i], i - 1) for i in range(at + 1, self.size)]
        return [*gone, *moved, update("head", {}, size=self.size - 1)]

    def duplicate_entry(self) -> Changes:
        row, at = self._any(), self._any()["idx"]
        gone = [delete("entries", idx=i) for i in range(at, self.size)]
        moved = [self._put(self.rows[i], i + 1) for i in range(at, self.size)]
        return [*gone, self._put(row, at), *moved, update("head", {}, size=self.size + 1)]

    def edit_checkpoint(self) -> Changes:
        row = self._signed()
        note = bytearray(row["checkpoint"].encode())
        note[self.chance.randrange(len(note))] = self.chance.choice(b"aA0\n +")
        text = note.decode(errors="replace")
        return [update("entries", {"idx": row["idx"]}, checkpoint=text)]

    def drop_checkpoint(self) -> Changes:
        return [update("entries", {"idx": self._signed()["idx"]}, checkpoint=None)]

    def sign_anew(self) -> Changes:
        from tests.vectors._spec_tampered import Maker

        size = self.chance.randrange(1, self.size + 1)
        note = Maker(self.log).signed(size, self.chance.choice(_NEVER))
        return [update("entries", {"idx": self._signed()["idx"]}, checkpoint=note)]

    def edit_payload(self) -> Changes:
        row = self.chance.choice(self.log["payloads"])
        data = _flipped(self.chance, row["payload"])
        return [update("payloads", {"idx": row["idx"]}, payload=data)]

    def delete_payload(self) -> Changes:
        return [delete("payloads", idx=self.chance.choice(self.log["payloads"])["idx"])]

    def edit_column(self) -> Changes:
        column = self.chance.choice(spec.COLUMNS[5:])
        value: Any = "00" * 16 if column in spec.BYTES else "1"
        return [update("entries", {"idx": self._any()["idx"]}, **{column: value})]

    def edit_tile(self) -> Changes:
        if not self.log["tiles"]:
            return [insert("tiles", {"level": 0, "idx": 0, "hashes": "00" * 8192})]
        row = self.chance.choice(self.log["tiles"])
        key = {"level": row["level"], "idx": row["idx"]}
        if self.chance.random() < 0.3:
            return [delete("tiles", **key)]
        return [update("tiles", key, hashes=_flipped(self.chance, row["hashes"]))]

    def move_head(self) -> Changes:
        return [update("head", {}, size=self.chance.randrange(self.size + 10))]

    def delete_reference(self) -> Changes:
        return [delete("subjects", **self.chance.choice(self.log["subjects"]))]
