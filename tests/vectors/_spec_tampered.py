"""Tampering with the example log: what is changed, and the verdict that must follow."""

from __future__ import annotations

import base64
import copy
from typing import Any

from biotrail.canonical import encode_body, frame_entry
from biotrail.signing import sign_checkpoint
from biotrail.stores._sqlite_schema import MIGRATIONS
from biotrail.tlog import Checkpoint, leaf_hash
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec

Row = dict[str, Any]
Log = dict[str, Any]
_TRIGGERS = [one for version in MIGRATIONS for one in version if one.startswith("CREATE TRIGGER")]


def update(table: str, key: Row, **values: Any) -> Row:
    """Return the change of some columns of a row."""
    return {"table": table, "update": key, "set": values}


def delete(table: str, **key: Any) -> Row:
    """Return the deletion of a row."""
    return {"table": table, "delete": key}


def insert(table: str, row: Row) -> Row:
    """Return the insertion of a row."""
    return {"table": table, "insert": row}


def apply(log: Log, changes: list[Row]) -> Log:
    """Return a log in its JSON form with the changes made."""
    changed = copy.deepcopy(log)
    for change in changes:
        rows = changed[change["table"]]
        if change["table"] == "head":
            changed["head"] = change["set"]["size"]
        elif "insert" in change:
            rows.append(change["insert"])
            rows.sort(key=lambda row: (row.get("level", 0), row.get("idx", 0)))
        elif "delete" in change:
            rows.remove(_find(rows, change["delete"]))
        else:
            _find(rows, change["update"]).update(change["set"])
    return changed


def _find(rows: list[Row], key: Row) -> Row:
    return next(row for row in rows if key.items() <= row.items())


def statements(change: Row) -> str:
    """Return the SQL statement that makes a change in the file."""
    table = change["table"]
    if "insert" in change:
        row = change["insert"]
        values = ", ".join(_literal(*pair) for pair in row.items())
        return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"
    key: Row = change["update"] if "update" in change else change["delete"]
    where = " AND ".join(f"{name} = {_literal(name, key[name])}" for name in key) or "one = 1"
    if "delete" in change:
        return f"DELETE FROM {table} WHERE {where}"
    what = ", ".join(f"{name} = {_literal(name, value)}" for name, value in change["set"].items())
    return f"UPDATE {table} SET {what} WHERE {where}"


def _literal(name: str, value: Any) -> str:
    if value is None:
        return "NULL"
    if name in (*spec.BYTES, "payload", "hashes", "reference"):
        return f"x'{value}'"
    if name in spec.MOMENTS or isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _flip(data: str, byte: int) -> str:
    """Hex with the lowest bit of one byte turned."""
    changed = bytearray.fromhex(data)
    changed[byte] ^= 1
    return changed.hex()


class Maker:
    """Makes the cases from the example log."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.rows: list[Row] = log["entries"]
        self.payloads = {row["idx"]: row["payload"] for row in log["payloads"]}
        self.data = [bytes.fromhex(row["entry"]) for row in self.rows]
        self.cases: list[Row] = []

    def case(
        self,
        name: str,
        verdict: str,
        index: int | None,
        *changes: Row,
        keys: str = "A",
        earlier: tuple[str, ...] = (),
    ) -> None:
        """Add a case."""
        self.cases.append(
            {
                "name": name,
                "expect": {"verdict": verdict, "index": index},
                "keys": [str(spec.verifier_key(one)) for one in keys],
                "earlier": list(earlier),
                "changes": list(changes),
                "sql": [statements(change) for change in changes],
            }
        )

    def edit(self, index: int, data: bytes | str) -> Row:
        """Return the change of an entry's bytes."""
        return update(
            "entries", {"idx": index}, entry=data if isinstance(data, str) else data.hex()
        )

    def moved(self, index: int, to: int) -> Row:
        """Return the insertion of a row's content at another index."""
        return insert("entries", {**self.rows[index], "idx": to, "event_id": None})

    def note(self, size: int) -> str:
        """Return the checkpoint of a size."""
        note: str = self.rows[size - 1]["checkpoint"]
        return note

    def signed(self, size: int, by: str, *, root: bytes | None = None) -> str:
        """Return a checkpoint of a size, signed by any key."""
        data = [*self.data, bytes.fromhex(self.made(19)["entry"])][:size]
        true = rfc6962.mth(data)
        checkpoint = Checkpoint(spec.ORIGIN, size, true if root is None else root)
        return sign_checkpoint(checkpoint, spec.signer(by))

    def all(self) -> list[Row]:
        """Return all cases."""
        self.intact()
        self.bytes_of_entries()
        self.rows_of_entries()
        self.tails()
        self.checkpoints()
        self.beside()
        self.outside()
        return self.cases

    def intact(self) -> None:
        """Nothing is changed, or nothing that matters."""
        self.case("nothing is changed", "holds", None)
        self.case("the auditor knows the key of the last checkpoint", "holds", None, keys="B")
        self.case("the auditor knows the second writer's key", "holds", None, keys="W")
        self.case("the auditor has one key of the log, and one of none", "holds", None, keys="XB")
        self.case(
            "a checkpoint that covers no entry about keys, and is not the last, is gone",
            "holds", None, update("entries", {"idx": 4}, checkpoint=None),
        )  # fmt: skip
        earlier = tuple(self.note(size) for size in (1, 2, 4, 10, 19))
        self.case("the auditor kept checkpoints", "holds", None, earlier=earlier)

    def bytes_of_entries(self) -> None:
        """Entries are edited."""
        entry = {index: row["entry"] for index, row in enumerate(self.rows)}
        places = {"version": 1, "index": 2, "previous leaf hash": 20, "time": 60, "body": -1}
        for what, place in places.items():
            for index in (0, 5, 18):
                self.case(
                    f"a bit of the {what} of entry {index} is turned",
                    "altered", index, self.edit(index, _flip(entry[index], place)),
                )  # fmt: skip
        self.case("the index in entry 7 is that of another", "altered", 7,
                  self.edit(7, entry[7].replace("850107", "850111", 1)))  # fmt: skip
        self.case("entry 2, inside a batch, is edited", "altered", 2,
                  self.edit(2, _flip(entry[2], 200)))  # fmt: skip
        self.case("entry 9 is cut short", "altered", 9, self.edit(9, entry[9][:20]))
        self.case("entry 6, which adds a key, is edited", "altered", 6,
                  self.edit(6, _flip(entry[6], -10)))  # fmt: skip
        self.case("entry 18 has one more byte", "altered", 18, self.edit(18, entry[18] + "00"))

    def rows_of_entries(self) -> None:
        """Rows are deleted, inserted and moved."""
        for index in (0, 3, 10, 17):
            self.case(f"entry {index} is deleted", "missing", index, delete("entries", idx=index))
        self.case("entry 11 is deleted, and the rows after it are moved up", "missing", 11,
                  *(delete("entries", idx=i) for i in range(11, 19)),
                  *(insert("entries", {**self.rows[i], "idx": i - 1}) for i in range(12, 19)),
                  update("head", {}, size=18))  # fmt: skip
        self.case("entries 4 and 7 change places", "reordered", 4,
                  delete("entries", idx=4), delete("entries", idx=7),
                  insert("entries", {**self.rows[7], "idx": 4}),
                  insert("entries", {**self.rows[4], "idx": 7}))  # fmt: skip
        self.case("entries 12 and 13, neighbours, change places", "reordered", 12,
                  delete("entries", idx=12), delete("entries", idx=13),
                  insert("entries", {**self.rows[13], "idx": 12}),
                  insert("entries", {**self.rows[12], "idx": 13}))  # fmt: skip
        self.shifted("entry 2 stands a second time after entry 5", 6, self.rows[2])
        self.shifted("entry 12 stands a second time before entry 5", 5, self.rows[12])
        self.shifted("an entry that follows on entry 3 is put in", 4, self.made(4))

    def shifted(self, name: str, at: int, row: Row) -> None:
        """Add a case in which a row is put in and those after it are moved down."""
        self.case(name, "inserted", at,
                  *(delete("entries", idx=i) for i in range(at, 19)),
                  insert("entries", {**row, "idx": at, "event_id": None}),
                  *(insert("entries", {**self.rows[i], "idx": i + 1}) for i in range(at, 19)),
                  update("head", {}, size=20))  # fmt: skip

    def made(self, index: int) -> Row:
        """Return the row of a new entry that follows on the one before an index."""
        body = encode_body("log_stopped", {"writer": bytes(8)})
        recorded = "2027-01-01T00:00:00.000000Z"
        entry = frame_entry(index, leaf_hash(self.data[index - 1]), recorded, body)
        empty = dict.fromkeys(spec.COLUMNS)
        return {**empty, "idx": index, "entry": entry.hex(), "kind": "log_stopped", "recorded": "0"}

    def tails(self) -> None:
        """The end is cut off, or lengthened."""
        cut = [delete("entries", idx=i) for i in (16, 17, 18)]
        gone = [delete("payloads", idx=i) for i in (11, 12)]
        self.case("the last entry is deleted", "truncated", 18, cut[2])
        self.case("the last three entries are deleted", "truncated", 16, *cut)
        self.case("the tail is cut off cleanly, and nobody kept a checkpoint", "holds", None,
                  *cut, update("head", {}, size=16))  # fmt: skip
        self.case("the tail is cut off cleanly, and the auditor kept a checkpoint", "rolled back",
                  16, *cut, update("head", {}, size=16), earlier=(self.note(19),))  # fmt: skip
        self.case("the tail is cut off inside a batch", "truncated", 11,
                  *(delete("entries", idx=i) for i in range(13, 19)),
                  update("head", {}, size=13))  # fmt: skip
        self.case("payloads of a tail that was cut off are left", "truncated", 11,
                  *(delete("entries", idx=i) for i in range(11, 19)),
                  update("head", {}, size=11))  # fmt: skip
        self.case("the tail is cut off with its payloads", "holds", None, *gone,
                  *(delete("entries", idx=i) for i in range(11, 19)),
                  update("head", {}, size=11))  # fmt: skip
        self.case("an entry is put on at the end", "inserted", 19, insert("entries", self.made(19)))
        self.case("an entry is put on at the end, and the head says so", "truncated", 19,
                  insert("entries", self.made(19)), update("head", {}, size=20))  # fmt: skip
        self.case("the head is lowered, the entries are left", "altered", 16,
                  update("head", {}, size=16))  # fmt: skip
        self.case("the head is raised", "truncated", 19, update("head", {}, size=25))
        everything = [*(delete("entries", idx=i) for i in range(19)), update("head", {}, size=0),
                      *(delete("payloads", idx=i) for i in self.payloads)]  # fmt: skip
        self.case("the log is emptied", "missing", 0, *everything)
        self.case("the log is emptied, and the auditor kept a checkpoint", "rolled back", 0,
                  *everything, earlier=(self.note(4),))  # fmt: skip

    def checkpoints(self) -> None:
        """Checkpoints are changed, moved, signed by others, or taken away."""

        def put(index: int, note: str | None) -> Row:
            return update("entries", {"idx": index}, checkpoint=note)

        signature = self.note(5).split(" ")[-1].strip()
        flipped = base64.b64encode(bytes.fromhex(_flip(base64.b64decode(signature).hex(), 40)))
        witness = f"— witness.example/w {base64.b64encode(bytes(76)).decode()}\n"
        text, _, line = self.note(5).partition("\n\n")
        self.case("a bit of a signature is turned", "altered", 4,
                  put(4, self.note(5).replace(signature, flipped.decode())))  # fmt: skip
        true, other = (self.note(size).split("\n")[2] for size in (5, 6))
        self.case("a checkpoint names another root", "altered", 4,
                  put(4, self.note(5).replace(true, other)))  # fmt: skip
        self.case("a checkpoint is put in place of another", "altered", 4, put(4, self.note(6)))
        self.case("the last checkpoint is put in place of another", "altered", 4,
                  put(4, self.note(19)))  # fmt: skip
        self.case("a checkpoint is no note", "altered", 4, put(4, "no note"))
        self.case("a checkpoint has an extension line", "altered", 4,
                  put(4, f"{text}\nextension\n\n{line}"))  # fmt: skip
        self.case("a checkpoint bears a witness's signature too", "holds", None,
                  put(4, self.note(5) + witness))  # fmt: skip
        self.case("a witness's signature stands before the log's", "altered", 4,
                  put(4, f"{text}\n\n{witness}{line}"))  # fmt: skip
        self.case("a checkpoint is signed by a key that was never added", "wrong key", 4,
                  put(4, self.signed(5, "X")))  # fmt: skip
        self.case("a checkpoint is signed by the second writer before its key was added",
                  "wrong key", 4, put(4, self.signed(5, "W")))  # fmt: skip
        self.case("the batch that adds a key is signed by that key", "wrong key", 6,
                  put(6, self.signed(7, "W")))  # fmt: skip
        self.case("a retired key signs on", "wrong key", 10, put(10, self.signed(11, "A")))
        self.case("the retired second writer signs on", "wrong key", 17,
                  put(17, self.signed(18, "W")))  # fmt: skip
        self.case("the checkpoint that covers a new key is gone, and the new key signed the next",
                  "wrong key", 7, put(6, None))  # fmt: skip
        self.case("the last checkpoint is gone", "truncated", 18, put(18, None))

    def beside(self) -> None:
        """Payloads, look-up columns and tiles are changed."""
        payload = self.payloads
        self.case("a bit of a payload is turned", "altered", 10,
                  update("payloads", {"idx": 10}, payload=_flip(payload[10], -1)))  # fmt: skip
        self.case("a bit of a payload's salt is turned", "altered", 1,
                  update("payloads", {"idx": 1}, payload=_flip(payload[1], 10)))  # fmt: skip
        self.case("a payload's version is true", "altered", 1,
                  update("payloads", {"idx": 1}, payload="83f5" + payload[1][4:]))  # fmt: skip
        self.case("a payload is deleted", "missing", 5, delete("payloads", idx=5))
        self.case("the last payload is deleted", "missing", 12, delete("payloads", idx=12))
        self.case("two payloads change places", "altered", 1,
                  update("payloads", {"idx": 1}, payload=payload[2]),
                  update("payloads", {"idx": 2}, payload=payload[1]))  # fmt: skip
        self.case("an entry without one gets a payload", "altered", 4,
                  insert("payloads", {"idx": 4, "payload": payload[1]}))  # fmt: skip
        for column, value in {
            "kind": "log_read", "recorded": "1795433641623457", "event_id": "00" * 16,
            "occurred": "0", "action": "door.close", "target": None, "modality": "iris",
            "decision": "denied", "outcome": "unknown", "reason": "policy", "tenant": "",
            "matcher": "another", "subject": None,
        }.items():  # fmt: skip
            self.case(f"the column {column!r} is changed", "altered", 1,
                      update("entries", {"idx": 1}, **{column: value}))  # fmt: skip
        self.case("an entry of another kind gets an event's column", "altered", 0,
                  update("entries", {"idx": 0}, action="door.open"))  # fmt: skip
        of_anna = next(row for row in self.log["subjects"] if row["identity"] == "anna")
        self.case("a subject's reference is deleted", "missing", 1,
                  delete("subjects", **of_anna))  # fmt: skip
        self.case("a subject's reference is changed", "missing", 1,
                  update("subjects", of_anna, reference="00" * 16))  # fmt: skip
        self.case("a tile is there before it is full", "inserted", 0,
                  insert("tiles", {"level": 0, "idx": 0, "hashes": "00" * 8192}))  # fmt: skip
        self.case("a row has a negative index", "altered", None,
                  insert("entries", {**self.made(4), "idx": -1}))  # fmt: skip

    def outside(self) -> None:
        """What the auditor brings along does not fit."""
        self.case("the auditor's key is not the log's", "wrong key", 0, keys="X")
        self.case("the auditor's key is committed to, and not added yet", "wrong key", 0, keys="C")
        other = rfc6962.mth([*self.data[:3], b"another entry 3"])
        self.case("the auditor kept a checkpoint of another history", "forked", 3,
                  earlier=(self.signed(4, "A", root=other),))  # fmt: skip
        self.case("the auditor kept a checkpoint signed by no key of the log", "wrong key", None,
                  earlier=(self.signed(4, "X"),))  # fmt: skip
        self.case("the auditor kept a checkpoint of a key that was not in force there", "wrong key",
                  3, earlier=(self.signed(4, "B"),))  # fmt: skip
        forged = self.signed(19, "B").replace("\n19\n", "\n20\n")
        self.case("the auditor kept a checkpoint of a longer log, badly signed", "wrong key", None,
                  earlier=(forged,))  # fmt: skip
        self.case("the auditor kept a checkpoint of another log", "wrong key", None,
                  earlier=(self.note(4).replace("front-door", "back-door"),))  # fmt: skip
        self.case("what the auditor kept is no checkpoint", "malformed", None, earlier=("no note",))
        self.case("the auditor kept a checkpoint of a longer log", "rolled back", 19,
                  earlier=(self.signed(20, "B"),))  # fmt: skip


def tampered(log: Log) -> dict[str, Any]:
    """Return the cases, and how their statements are applied to the SQLite file."""
    drop = [f"DROP TRIGGER {one.split()[2]}" for one in _TRIGGERS]
    return {
        "log": "example-log.json",
        "database": "example-log.db",
        "before": ["PRAGMA ignore_check_constraints = 1", *drop],
        "after": _TRIGGERS,
        "cases": Maker(log).all(),
    }
