"""Logs that break a rule under a good signature, and odd ones that break none; made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from biotrail.canonical import (
    decode_entry,
    encode_body,
    encode_payload,
    encode_value,
    frame_entry,
)
from biotrail.errors import BiotrailError
from biotrail.signing import VerifierKey, sign_checkpoint
from biotrail.tlog import Checkpoint, leaf_hash
from biotrail.verify.beside import lookup_of
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec

Content = dict[str, Any]
TIME = "2026-11-23T11:34:00.123456Z"
EVENT: Content = {
    "id": bytes(16),
    "action": "door.open",
    "reason": "match",
    "outcome": "success",
    "decision": "granted",
    "modality": "face",
    "occurred": TIME,
}


class HandLog:
    """A log that is written entry by entry, with no rule in the way."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.rows: list[dict[str, Any]] = []
        self.payloads: list[dict[str, Any]] = []
        self.sealed: list[dict[str, Any]] = []
        self.subjects: list[dict[str, Any]] = []

    def add(
        self, kind: str, content: Content | bytes, *, time: str = TIME, by: str | None = "A"
    ) -> HandLog:
        """Add an entry, and sign it unless `by` is None; a body may be given as bytes."""
        body = content if isinstance(content, bytes) else encode_value({kind: content})
        index = len(self.data)
        prev = leaf_hash(self.data[-1]) if self.data else bytes(32)
        entry = frame_entry(index, prev, time, body)
        self.data.append(entry)
        self.rows.append(_row(index, entry))
        return self if by is None else self.sign(by)

    def sign(self, by: str) -> HandLog:
        """Sign the log as it is now."""
        checkpoint = Checkpoint(spec.ORIGIN, len(self.data), rfc6962.mth(self.data))
        self.rows[-1]["checkpoint"] = sign_checkpoint(checkpoint, spec.signer(by))
        return self

    def begin(self, **more: Any) -> HandLog:
        """Add the genesis entry of key A."""
        return self.add("genesis", {**genesis("A"), **more})

    def export(self) -> dict[str, Any]:
        """Return the log in its JSON form."""
        return {
            "head": len(self.data),
            "entries": self.rows,
            "payloads": self.payloads,
            "sealed": self.sealed,
            "tiles": [],
            "subjects": self.subjects,
        }


def genesis(key: str) -> Content:
    """Return the content of a genesis entry."""
    return {"format": "biotrail/1", "origin": spec.ORIGIN, "key": str(spec.verifier_key(key))}


def _row(index: int, entry: bytes) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(spec.COLUMNS)
    row |= {"idx": index, "entry": entry.hex(), "kind": "event", "recorded": "0"}
    try:
        columns = lookup_of(decode_entry(entry))._asdict()
    except BiotrailError:
        return row
    return row | {name: spec._as_json(name, value) for name, value in columns.items()}


def added(key: str, purpose: str = "writer", **more: Any) -> Content:
    """Return the content of an entry that adds a key."""
    return {"key": str(spec.verifier_key(key)), "purpose": purpose, **more}


def retired(key: str) -> Content:
    """Return the content of an entry that retires a key."""
    return {"key": str(spec.verifier_key(key)), "reason": "a test"}


def compromised(key: str, since: int) -> Content:
    """Return the content of an entry that reports a key as stolen."""
    return {"key": str(spec.verifier_key(key)), "since": since, "reason": "a test"}


def event(**changes: Any) -> Content:
    """Return an event's content; a value of None leaves a field out."""
    return {name: value for name, value in {**EVENT, **changes}.items() if value is not None}


def body(content: Content) -> bytes:
    """Return the canonical body of an event, whatever its content."""
    return encode_value({"event": content})


@attrs.frozen
class Case:
    """A log and the verdict that must follow."""

    name: str
    verdict: str
    index: int | None
    log: HandLog
    keys: str = "A"
    affected: tuple[tuple[int, int, str], ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the case as it stands in the file."""
        told = self.affected
        runs = [{"first": a, "last": b, "key": str(spec.verifier_key(k))} for a, b, k in told or ()]
        return {
            "name": self.name,
            **({} if told is None else {"affected": runs}),
            "expect": {"verdict": self.verdict, "index": self.index},
            "keys": [str(spec.verifier_key(one)) for one in self.keys],
            "earlier": [],
            "log": self.log.export(),
        }


def _keys() -> list[Case]:
    """Cases about the life of keys."""
    new = HandLog
    digest = spec.verifier_key("B").digest()
    other = VerifierKey.from_public("biotrail.example/other", spec.verifier_key("B").public)
    wrong, bad = "wrong key", "malformed"
    return [
        Case("another log under a key of its own", wrong, 0,
             new().add("genesis", genesis("X"), by="X").add("event", event(), by="X")),
        Case("the first entry is no genesis", wrong, 0, new().add("event", event())),
        Case("a second genesis", bad, 1, new().begin().add("genesis", genesis("A"))),
        Case("the genesis names another origin", wrong, 0,
             new().begin(origin="biotrail.example/other")),
        Case("the genesis names a format of the future", bad, 0, new().begin(format="biotrail/2")),
        Case("a key of another name", bad, 1,
             new().begin().add("key_added", {"key": str(other), "purpose": "writer"})),
        Case("a key that is none", bad, 1,
             new().begin().add("key_added", {"key": "no key", "purpose": "writer"})),
        Case("a key is added twice", bad, 2,
             new().begin().add("key_added", added("W")).add("key_added", added("W"))),
        Case("a key that was never added is retired", bad, 1,
             new().begin().add("key_retired", retired("W"))),
        Case("a key is retired twice", bad, 3,
             new().begin().add("key_added", added("W")).add("key_retired", retired("W"))
             .add("key_retired", retired("W"))),
        Case("the new key signs the batch that adds it", wrong, 1,
             new().begin().add("key_added", added("W"), by="W")),
        Case("the new key signs the batch after", "holds", None,
             new().begin().add("key_added", added("W")).add("event", event(), by="W")),
        Case("the new key signs within the same batch, later", wrong, 2,
             new().begin().add("key_added", added("W"), by=None).add("event", event(), by="W")),
        Case("a key that is added and retired in one batch signs", wrong, 3,
             new().begin().add("key_added", added("W"), by=None).add("key_retired", retired("W"))
             .add("event", event(), by="W")),
        Case("the retired key signs the batch that retires it", "holds", None,
             new().begin().add("key_added", added("W")).add("key_retired", retired("A"))),
        Case("the retired key signs the batch after", wrong, 3,
             new().begin().add("key_added", added("W")).add("key_retired", retired("A"))
             .add("event", event(), by="A")),
        Case("a rotation to the key that was committed to", "holds", None,
             new().begin(next=digest).add("key_added", added("B", "rotation"))),
        Case("a rotation to another key than that", wrong, 1,
             new().begin(next=digest).add("key_added", added("D", "rotation"))),
        Case("a writer's key is not bound by the commitment", "holds", None,
             new().begin(next=digest).add("key_added", added("D"))),
        Case("a rotation where nothing was committed to", "holds", None,
             new().begin().add("key_added", added("D", "rotation"))),
        Case("after a rotation without commitment any key may follow", "holds", None,
             new().begin(next=digest).add("key_added", added("B", "rotation"))
             .add("key_added", added("D", "rotation"))),
        Case("a key of the log that never signed is no ground for trust", wrong, 0,
             new().begin().add("key_added", added("W")), "W"),
    ]  # fmt: skip


def _thefts() -> list[Case]:
    """Cases about keys that were committed to, and keys that were stolen."""
    first = spec.verifier_key("B").digest()
    second = spec.verifier_key("C").digest()
    wrong, bad = "wrong key", "malformed"

    def begun() -> HandLog:
        """Entries 0 to 2: genesis of A, committed to B; an event; W is admitted."""
        return HandLog().begin(next=first).add("event", event()).add("key_added", added("W"))

    def robbed() -> HandLog:
        """Entries 3 to 6: D let in by A, X by D, an event of X, and one of W."""
        log = begun().add("key_added", added("D")).add("key_added", added("X"), by="D")
        more = [event(id=bytes([n]) * 16) for n in (1, 2)]
        return log.add("event", more[0], by="X").add("event", more[1], by="W")

    def report(log: HandLog, key: str, since: int, by: str | None) -> HandLog:
        return log.add("key_compromised", compromised(key, since), by=by)

    def rotated(**more: Any) -> HandLog:
        """Entries 0 to 3: as above, and a rotation to B that B signs itself."""
        return begun().add("key_added", added("B", "rotation", next=second, **more), by="B")

    weak = begun().add("key_added", added("B", "rotation", next=second))
    named = begun().add("key_added", added("B", "rotation", next=spec.verifier_key("D").digest()))
    recovered = report(robbed(), "A", 3, None).add("key_added", added("B", "rotation"), by="B")
    stolen = ((3, 3, "A"), (4, 4, "D"), (5, 5, "X"))
    lie = report(rotated(), "A", 1, "B")
    return [
        Case("the key that was committed to signs its own batch", "holds", None, rotated(),
             affected=()),
        Case("it signs a batch before its own", wrong, 3,
             begun().add("event", event(id=bytes([3]) * 16), by="B")
             .add("key_added", added("B", "rotation"), by="B")),
        Case("it is retired in its own batch", wrong, 4,
             begun().add("key_added", added("B", "rotation"), by=None)
             .add("key_retired", retired("B"), by="B")),
        Case("it was added as a writer", "holds", None,
             report(begun().add("key_added", added("B"), by=None), "A", 3, "B"), affected=()),
        Case("a key that was not committed to signs its own batch", wrong, 1,
             HandLog().begin().add("key_added", added("B", "rotation"), by="B")),
        Case("where the key before signed the rotation, the next does not sign its own", wrong, 4,
             weak.add("key_added", added("C", "rotation"), by="C")),
        Case("a thief names the key after the next", wrong, 4,
             named.add("key_added", added("D", "rotation"), by="D")),
        Case("a stolen key is reported by the next", "holds", None, recovered, affected=stolen),
        Case("the stolen key signs after the report", wrong, 9,
             report(robbed(), "A", 3, None).add("key_added", added("B", "rotation"), by="B")
             .add("event", event(id=bytes([4]) * 16), by="A")),
        Case("a key signs that a thief's key let in", wrong, 9,
             report(robbed(), "A", 3, None).add("key_added", added("B", "rotation"), by="B")
             .add("event", event(id=bytes([4]) * 16), by="X")),
        Case("an honest writer goes on after the report", "holds", None,
             report(robbed(), "A", 3, None).add("key_added", added("B", "rotation"), by="B")
             .add("event", event(id=bytes([4]) * 16), by="W"), affected=stolen),
        Case("a theft that began later lets in who came before", "holds", None,
             report(robbed(), "A", 4, None).add("key_added", added("B", "rotation"), by="B")
             .add("event", event(id=bytes([4]) * 16), by="X"), affected=()),
        Case("a batch is affected from its middle on", "holds", None,
             report(begun().add("event", event(id=bytes([3]) * 16), by=None)
                    .add("event", event(id=bytes([4]) * 16)), "A", 4, None)
             .add("key_added", added("B", "rotation"), by="B"), affected=((4, 4, "A"),)),
        Case("a report by a key that was not committed to", wrong, 3,
             report(begun(), "W", 2, "A")),
        Case("a report by a writer", wrong, 3, report(begun(), "A", 2, "W")),
        Case("a report by the key that is reported", wrong, 4, report(rotated(), "B", 3, "B")),
        Case("a report of a key that came later", wrong, 5,
             report(rotated().add("key_added", added("D"), by="B"), "D", 4, "B")),
        Case("a report of a key by one in use that came later", "holds", None,
             report(rotated(), "W", 0, "B"), affected=()),
        Case("a thief's report counts for nothing once the thief is reported", "holds", None,
             report(lie, "B", 4, None).add("key_added", added("C", "rotation"), by="C"),
             affected=((4, 4, "B"),)),
        Case("until then it does", "holds", None, report(rotated(), "A", 1, "B"),
             affected=((1, 2, "A"),)),
        Case("a key is reported twice, the second time since earlier", "holds", None,
             report(report(rotated(), "A", 2, "B"), "A", 1, "B"), affected=((1, 2, "A"),)),
        Case("a key that was never added is reported", bad, 4, report(rotated(), "X", 1, "B")),
        Case("a report since a later entry", bad, 4, report(rotated(), "A", 5, "B")),
        Case("a report since its own index", "holds", None, report(rotated(), "A", 4, "B"),
             affected=()),
        Case("a key that was reported is retired", bad, 5,
             report(rotated(), "A", 4, "B").add("key_retired", retired("A"), by="B")),
        Case("a key that was retired is reported", "holds", None,
             report(rotated().add("key_retired", retired("A"), by="B"), "A", 2, "B"),
             affected=((2, 2, "A"),)),
    ]  # fmt: skip


def _forms() -> list[Case]:
    """Cases about the form of entries, each in a log of three."""
    canonical = body(event())
    read: dict[str, Any] = {
        "rows": 0,
        "route": "GET /v1/keys",
        "reader": bytes(16),
        "purpose": "audit",
    }
    refused: dict[str, bytes] = {
        "an event without id": body(event(id=None)),
        "an event without outcome": body(event(outcome=None)),
        "an id of 15 bytes": body(event(id=bytes(15))),
        "a field that events do not have": body(event(colour="red")),
        "a field that is null": encode_value({"event": {**EVENT, "target": None}}),
        "an empty action": body(event(action="")),
        "an unknown decision": body(event(decision="perhaps")),
        "an unknown outcome": body(event(outcome="mixed")),
        "an empty map of labels": body(event(labels={})),
        "a label that is an array": body(event(labels={"a": [1]})),
        "a label that is null": body(event(labels={"a": None})),
        "an empty list of factors": body(event(factors=[])),
        "an empty context": body(event(context={})),
        "an unknown field of the context": body(event(context={"colour": "red"})),
        "an empty provenance": body(event(provenance={})),
        "an unknown provenance": body(event(provenance={"ip": "guessed"})),
        "a comparison without decision": body(event(comparison={"matcher": "a", "version": "1"})),
        "a threshold that is text": body(
            event(comparison={"matcher": "a", "version": "1", "decision": "match",
                              "threshold_micro": "1"})),
        "a gallery of negative size": body(
            event(comparison={"matcher": "a", "version": "1", "decision": "match",
                              "gallery_size": -1})),
        "a payload root of 31 bytes": body(event(payload=bytes(31))),
        "30 February": body(event(occurred="2026-02-30T11:34:00.123456Z")),
        "a leap second": body(event(occurred="2026-12-31T23:59:60.000000Z")),
        "a time with three digits": body(event(occurred="2026-11-23T11:34:00.123Z")),
        "a time with an offset": body(event(occurred="2026-11-23T11:34:00.1234+00")),
        "a lower-case z": body(event(occurred="2026-11-23T11:34:00.123456z")),
        "an unknown kind": encode_value({"observation": {}}),
        "a content that is no map": encode_value({"log_read": [1]}),
        "two kinds": encode_value({"log_read": {}, "log_stopped": {"writer": bytes(8)}}),
        "no kind": b"\xa0",
        "a body that is an array": b"\x81\xa0",
        "bytes after the body": canonical + b"\x00",
        "a body of indefinite length": b"\xbf" + canonical[1:] + b"\xff",
        "a length longer than needed": canonical.replace(b"\x65event", b"\x78\x05event", 1),
        "a repeated key": canonical.replace(b"\xa7", b"\xa8", 1)
        + b"\x68occurred\x78\x1b" + TIME.encode(),
        "keys out of order": canonical.replace(
            b"\x62id\x50" + bytes(16) + b"\x66action\x69door.open",
            b"\x66action\x69door.open\x62id\x50" + bytes(16)),
        "text that is not in form C": canonical.replace(
            b"\x69door.open", b"\x69u\xcc\x88.open"[:10] + b"x"),
        "text that is not UTF-8": canonical.replace(b"door.open", b"d\xff\xffr.open"),
        "a lone surrogate": canonical.replace(b"door.open", b"\xed\xa0\x80r.open"),
        "a key of 24 bytes": encode_value({"log_read": {}}).replace(
            b"\xa0", b"\xa1\x78\x18" + b"a" * 24 + b"\x01"),
        "an empty key": encode_value({"log_read": {}}).replace(b"\xa0", b"\xa1\x60\x01"),
        "a key that is a number": encode_value({"log_read": {}}).replace(b"\xa0", b"\xa1\x01\x01"),
        "a float": encode_value({"log_read": {}}).replace(b"\xa0", b"\xa1\x61a\xf9\x3c\x00"),
        "undefined": encode_value({"log_read": {}}).replace(b"\xa0", b"\xa1\x61a\xf7"),
        "a tag": encode_value({"log_read": {}}).replace(b"\xa0", b"\xa1\x61a\xc1\x01"),
        "a number beyond 64 bits": encode_value({"log_read": {}}).replace(
            b"\xa0", b"\xa1\x61a\xc2\x49\x01" + bytes(8)),
        "nine levels of containers": b"\xa1\x68log_read\xa1\x61a" + b"\x81" * 7 + b"\x00",
        "a read that says nothing": encode_value({"log_read": {}}),
        "a read with a word of its own": encode_value({"log_read": {**read, "query": "anna"}}),
        "a read by a reader of eight bytes": encode_value(
            {"log_read": {**read, "reader": bytes(8)}}),
        "a read of fewer than no rows": encode_value({"log_read": {**read, "rows": -1}}),
        "a read that reveals no field": encode_value({"log_read": {**read, "revealed": []}}),
    }  # fmt: skip
    accepted: dict[str, bytes] = {
        "words of the future in open vocabularies": body(
            event(modality="smell", reason="mood", action="levitate", factors=["charm"])),
        "a read with all that it may say": encode_value({"log_read": {**read, "tenant": "a",
            "event": bytes(16), "revealed": ["ip"]}}),
        "a read with the least that it must say": encode_value({"log_read": read}),
        "numbers at the ends of 64 bits": body(event(labels={"a": 2**64 - 1, "b": -(2**64)})),
        "empty text and bytes among the labels": body(event(labels={"a": "", "b": b""})),
        "the first moment": body(event(occurred="0001-01-01T00:00:00.000000Z")),
        "the last moment": body(event(occurred="9999-12-31T23:59:59.999999Z")),
        "29 February of a leap year": body(event(occurred="2000-02-29T00:00:00.000000Z")),
    }  # fmt: skip
    make: Callable[[bytes], HandLog] = lambda one: (  # noqa: E731
        HandLog().begin().add("", one, by=None).add("event", event(id=b"\xff" * 16))
    )
    return [
        *(Case(name, "malformed", 1, make(one)) for name, one in refused.items()),
        *(Case(name, "holds", None, make(one)) for name, one in accepted.items()),
    ]


def _heads_and_payloads() -> list[Case]:
    """Cases about the head of entries, and about payloads."""
    earlier = "2026-11-23T11:34:00.123455Z"
    unknown = HandLog().begin()
    payload, root = encode_payload(bytes(16), [("mood", {"a": [1, None]})], bytes(range(32)))
    unknown.add("event", event(payload=root))
    unknown.payloads = [{"idx": 1, "payload": payload.hex()}]
    nothing = HandLog().begin().add("event", event(payload=root))
    return [
        Case("time goes backwards", "malformed", 1,
             HandLog().begin().add("event", event(), time=earlier)),
        Case("time stands still", "holds", None, HandLog().begin().add("event", event())),
        Case("a time of recording that is no time", "malformed", 1,
             HandLog().begin().add("event", event(), time="2026-11-31T11:34:00.123456Z")),
        Case("a payload with a field of the future", "holds", None, unknown),
        Case("a payload is missing", "missing", 1, nothing),
    ]  # fmt: skip


def forged() -> dict[str, Any]:
    """Return all cases."""
    # Each content that is in its form is known to be so to the encoder too.
    assert encode_body("event", event()) == body(event())
    return {
        "cases": [
            one.as_json() for one in (*_keys(), *_thefts(), *_forms(), *_heads_and_payloads())
        ],
    }
