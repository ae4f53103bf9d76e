"""The sealed log of the specification: every sort of payload, before and after its destruction.

Hashes come from plain SHA-256, ciphertexts from AES-256-GCM, not from the code under test.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import attrs
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail.canonical import encode_value, format_time
from tests.vectors import _spec_log as spec
from tests.vectors._spec_forged import HandLog, event

Fields = dict[str, Any]
_BUCKETS = (256, 512, 1024, 2048, 4096)
ANNA = {"id": "anna", "name": "Anna Beispiel"}
IP, IP6 = bytes([192, 0, 2, 7]), bytes.fromhex("20010db8000000000000000000000007")
PLACE: Fields = {"latitude_micro": 47_376_888, "longitude_micro": 8_541_694, "country": "CH"}


def reference(person: str) -> bytes:
    """Return the reference of a person of the tests."""
    return sha256(f"biotrail test reference {person}".encode()).digest()[:16]


def data_key(person: str) -> bytes:
    """Return the data key of a person of the tests."""
    return sha256(f"biotrail test data key {person}".encode()).digest()


PEOPLE = ("anna", "anna again", "ben", "carla", "dora", "emil", "finn", "period 2026-11")


def in_order(values: Fields) -> Fields:
    """Return a map in canonical order."""
    return dict(sorted(values.items(), key=lambda pair: encode_value(pair[0])))


def padded(plaintext: bytes) -> bytes:
    """Return a plaintext with its padding."""
    size = len(plaintext) + 1
    bucket = next((one for one in _BUCKETS if size <= one), -(-size // 8192) * 8192)
    return plaintext + b"\x80" + bytes(bucket - size)


def committed(event_id: bytes, salt: bytes, fields: Fields) -> tuple[list[dict[str, str]], bytes]:
    """Return the hashes of each field, and the root over them."""
    rows, joined = [], b""
    for name, value in fields.items():
        encoded = encode_value(name)
        own = sha256(b"biotrail/salt/1\n" + encoded + salt).digest()
        opened = b"\x83\x50" + event_id + encoded + encode_value(value)
        one = sha256(b"biotrail/field/1\n" + own + opened).digest()
        joined += one
        rows.append(
            {
                "name": name,
                "value": encode_value(value).hex(),
                "salt": own.hex(),
                "commitment": one.hex(),
            }
        )
    return rows, sha256(b"biotrail/payload/1\n" + joined).digest()


@attrs.frozen
class Part:
    """A part with everything that went into it."""

    owner: int
    key: bytes
    nonce: bytes
    plaintext: bytes
    fields: list[dict[str, str]]
    fields_root: bytes
    ciphertext: bytes

    @property
    def seal(self) -> bytes:
        """Return the hash that stands for key, nonce and ciphertext."""
        return sha256(self.key + self.nonce + self.ciphertext).digest()

    @property
    def root(self) -> bytes:
        """Return the part root."""
        owner = bytes([self.owner])
        return sha256(b"biotrail/part/1\n" + owner + self.fields_root + self.seal).digest()

    def stored(self) -> list[Any]:
        """Return the part as it is stored."""
        return [self.owner, self.key, self.nonce, self.fields_root, self.ciphertext]

    def remnant(self) -> list[Any]:
        """Return what remains of it."""
        return [self.owner, self.root]

    def as_json(self) -> dict[str, Any]:
        """Return the part as it stands in the vectors."""
        return {
            "owner": self.owner,
            "key": self.key.hex(),
            "nonce": self.nonce.hex(),
            "plaintext": self.plaintext.hex(),
            "padded": len(padded(self.plaintext)),
            "fields": self.fields,
            "fields_root": self.fields_root.hex(),
            "ciphertext": self.ciphertext.hex(),
            "seal": self.seal.hex(),
            "root": self.root.hex(),
        }


def seal(event_id: bytes, owner: int, person: str, fields: Fields, draw: Any) -> Part:
    """Seal a part for a person."""
    salt, nonce, key = draw(32), draw(12), reference(person)
    plaintext = encode_value([1, salt, in_order(fields)])
    rows, root = committed(event_id, salt, in_order(fields))
    bound = b"biotrail/seal/1\n" + event_id + bytes([owner]) + key + spec.ORIGIN.encode()
    ciphertext = AESGCM(data_key(person)).encrypt(nonce, padded(plaintext), bound)
    return Part(owner, key, nonce, plaintext, rows, root, ciphertext)


def stored(parts: list[Any]) -> bytes:
    """Return a sealed payload's bytes."""
    return encode_value([2, parts])


@attrs.define
class SealedLog:
    """A log that is written entry by entry, with sealed payloads beside it."""

    hand: HandLog = attrs.field(factory=HandLog)
    parts: dict[int, list[Part]] = attrs.field(factory=dict)
    draw: Any = attrs.field(factory=spec.randomness)

    def time(self) -> str:
        """Return the time at which the next entry is recorded."""
        return format_time(spec.BEGIN + timedelta(minutes=len(self.hand.data)))

    def other(self, kind: str, content: Fields) -> None:
        """Add an entry that is no event."""
        self.hand.add(kind, content, time=self.time())

    def _event(self, content: Fields, root: bytes | None) -> int:
        index = len(self.hand.data)
        names = {} if root is None else {"payload": root}
        self.hand.add("event", event(**{**content, **names}), time=self.time())
        return index

    def event_id(self) -> bytes:
        """Return the id of the next event."""
        return sha256(b"biotrail test sealed %d" % len(self.hand.data)).digest()[:16]

    def sealed(self, people: list[tuple[int, str, Fields]], **content: Any) -> int:
        """Add an event with a sealed payload, given owner, person and fields of each part."""
        event_id = self.event_id()
        parts = [seal(event_id, *one, self.draw) for one in people]
        root = sha256(b"biotrail/payload/2\n" + b"".join(one.root for one in parts)).digest()
        index = self._event({"id": event_id, **content}, root)
        self.parts[index] = parts
        row: Fields = dict.fromkeys(spec.SEALED_COLUMNS)
        row |= {"idx": index, "payload": stored([one.stored() for one in parts]).hex()}
        references = {one.owner: one.key.hex() for one in parts}
        self.hand.sealed.append({**row, "subject": references.get(1), "actor": references.get(2)})
        return index

    def clear(self, person: str, **content: Any) -> int:
        """Add an event with a payload in the clear, and its subject's row."""
        event_id, salt = self.event_id(), self.draw(32)
        fields: Fields = {"subject": {"id": person}}
        _, root = committed(event_id, salt, fields)
        own = reference(person)
        index = self._event({"id": event_id, "subject": own, **content}, root)
        payload = encode_value([1, salt, fields])
        self.hand.payloads.append({"idx": index, "payload": payload.hex()})
        tenant = content.get("tenant", "")
        row = {"tenant": tenant, "identity": person, "reference": own.hex()}
        if row not in self.hand.subjects:
            self.hand.subjects.append(row)
        return index

    def plain(self, **content: Any) -> int:
        """Add an event without payload."""
        return self._event({"id": self.event_id(), **content}, None)

    def destroy(self, index: int, *owners: int) -> None:
        """Destroy parts of a sealed payload, or a payload in the clear."""
        if index not in self.parts:
            self.hand.payloads = [row for row in self.hand.payloads if row["idx"] != index]
            return
        left = [one.remnant() if one.owner in owners else one.stored() for one in self.parts[index]]
        row = next(row for row in self.hand.sealed if row["idx"] == index)
        row["payload"] = stored(left).hex()

    def erased(self, *people: str) -> Fields:
        """Return the content of a tombstone."""
        keys = [data_key(one) for one in people]
        return {
            "id": self.event_id(),
            "references": [reference(one) for one in people],
            "fingerprints": [sha256(b"biotrail/fingerprint/1\n" + one).digest() for one in keys],
            "reason": "request of the person",
            "legal_basis": "GDPR Art. 17(1)(b)",
            "through": len(self.hand.data),
            "payloads": 4,
            "requested": format_time(spec.BEGIN),
            "beyond": ["backups, until 2026-12-31"],
        }

    def retained(self, *rules: Fields) -> Fields:
        """Return the content of a retention."""
        return {"id": self.event_id(), "policy": bytes(32), "rules": list(rules), "payloads": 2}


ANNA_AND_BEN, ANNA_ALONE, BEN_ALONE, NOBODY, CLEAR, CLEAR_ERASED, PLAIN, LARGE = range(2, 10)
ERASED, AGAIN, RETAINED, CLEAR_RETAINED, RETENTION, LAST = 11, 13, 14, 15, 16, 17
RULE = {"action": "door.test", "tenant": "north"}


def write(
    *,
    tombstone: tuple[str, ...] = ("anna", "finn"),
    rule: Fields | None = None,
    early: bool = False,
) -> SealedLog:
    """Return the sealed log, or one with another tombstone, another rule, or both too early."""
    log = SealedLog()
    log.hand.begin()
    log.other("configuration_changed", {"setting": "personal_fields", "digest": bytes(32)})
    if early:
        log.other("subject_erased", log.erased("anna", "finn"))
        log.other("retention_applied", log.retained({"before": "2027-01-01T00:00:00.000000Z"}))
    _first_events(log)
    log.other(
        "hold_placed", {"id": bytes(16), "references": [reference("ben")], "reason": "a dispute"}
    )
    log.other("subject_erased", log.erased(*tombstone))
    log.other("hold_released", {"id": bytes(16), "reason": "settled"})
    again = {"subject": ANNA, "score_micro": 5}
    log.sealed([(1, "anna again", again)], subject=reference("anna again"))
    log.sealed(
        [(1, "emil", {"subject": {"id": "emil"}, "ip": IP6})], subject=reference("emil"), **RULE
    )
    log.clear("carla", **RULE)
    whole = {"before": log.time(), **RULE} if rule is None else {"before": log.time(), **rule}
    log.other("retention_applied", log.retained(whole))
    log.sealed(
        [(1, "ben", {"subject": {"id": "ben"}}), (2, "anna again", {"actor": actor("anna")})],
        subject=reference("ben"),
        actor=reference("anna again"),
    )
    return log


def actor(identity: str) -> Fields:
    """Return an actor as it stands in a payload."""
    return {"id": identity, "kind": "user"}


def _first_events(log: SealedLog) -> None:
    score = {"score_micro": 871_234, "ip": IP, "subject": ANNA}
    anna, ben = reference("anna"), reference("ben")
    log.sealed([(1, "anna", score), (2, "ben", {"actor": actor("ben")})], subject=anna, actor=ben)
    log.sealed([(1, "anna", {**score, "actor": actor("anna")})], subject=anna, actor=anna)
    log.sealed([(2, "ben", {"actor": actor("ben"), "session_id": "session 7"})], actor=ben)
    log.sealed([(0, "period 2026-11", {"ip": IP6})])
    log.clear("carla")
    log.clear("finn")
    log.plain()
    large = {
        "subject": {"id": "dora", "name": "Dora №1"},
        "location": PLACE,
        "user_agent": "agent/1.0 " * 60,
        "attributes": {"visit": 3, "flag": True},
        "target": "flat 12",
    }
    log.sealed([(1, "dora", large)], subject=reference("dora"), tenant="north", device_id="gate 7")


def destroyed(log: SealedLog, *, by: int = 0) -> SealedLog:
    """Destroy what the sealed log says was destroyed; `by` is added to all indices."""
    log.destroy(ANNA_AND_BEN + by, 1)
    log.destroy(ANNA_ALONE + by, 1)
    log.destroy(CLEAR_ERASED + by)
    log.destroy(RETAINED + by, 1)
    log.destroy(CLEAR_RETAINED + by)
    log.hand.subjects = [row for row in log.hand.subjects if row["identity"] != "finn"]
    return log


def sealed_log() -> dict[str, Any]:
    """Return the sealed log in its JSON form."""
    return destroyed(write()).hand.export()


def sealed_payloads() -> dict[str, Any]:
    """Return the payloads of the sealed log as they were recorded, with keys and all hashes."""
    log = write()
    rows = {row["idx"]: row["payload"] for row in log.hand.sealed}
    return {
        "origin": spec.ORIGIN,
        "keys": {reference(one).hex(): data_key(one).hex() for one in PEOPLE},
        "payloads": [
            {
                "index": index,
                "entry": log.hand.data[index].hex(),
                "payload": rows[index],
                "parts": [one.as_json() for one in parts],
                "remnant": stored([one.remnant() for one in parts]).hex(),
                "root": sha256(
                    b"biotrail/payload/2\n" + b"".join(one.root for one in parts)
                ).hexdigest(),
            }
            for index, parts in log.parts.items()
        ],
    }
