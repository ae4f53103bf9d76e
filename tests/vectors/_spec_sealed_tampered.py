"""Tampering with the sealed log: what is changed, and the verdict that must follow."""

from __future__ import annotations

from typing import Any

from biotrail.canonical import decode_value, encode_value
from tests.vectors import _spec_sealed as sealed
from tests.vectors._spec_forged import genesis
from tests.vectors._spec_sealed import (
    AGAIN,
    ANNA_ALONE,
    ANNA_AND_BEN,
    BEN_ALONE,
    CLEAR,
    CLEAR_ERASED,
    ERASED,
    LARGE,
    LAST,
    NOBODY,
    PLAIN,
    RETAINED,
)
from tests.vectors._spec_tampered import delete, insert, update

Row = dict[str, Any]


class Maker:
    """Makes the cases."""

    def __init__(self) -> None:
        self.key = [genesis("A")["key"]]
        self.log = sealed.sealed_log()
        self.whole = sealed.write()
        self.rows = {row["idx"]: row for row in self.log["sealed"]}
        self.recorded = {row["idx"]: row["payload"] for row in self.whole.hand.sealed}
        self.cases: list[Row] = []

    def case(self, name: str, verdict: str, index: int | None, *changes: Row) -> None:
        """Add a case that changes the sealed log."""
        self._add(name, verdict, index, {"changes": list(changes)})

    def other(self, name: str, verdict: str, index: int | None, log: sealed.SealedLog) -> None:
        """Add a case of another log."""
        self._add(name, verdict, index, {"log": log.hand.export()})

    def _add(self, name: str, verdict: str, index: int | None, what: Row) -> None:
        expect = {"verdict": verdict, "index": index}
        self.cases.append({"name": name, "expect": expect, "keys": self.key, "earlier": [], **what})

    def parts(self, index: int) -> list[list[Any]]:
        """Return the parts of a stored payload."""
        value: Any = decode_value(bytes.fromhex(self.rows[index]["payload"]))
        parts: list[list[Any]] = value[1]
        return parts

    def put(self, index: int, payload: bytes | str) -> Row:
        """Return the change of a sealed payload."""
        data = payload if isinstance(payload, str) else payload.hex()
        return update("sealed", {"idx": index}, payload=data)

    def put_parts(self, index: int, *parts: list[Any]) -> Row:
        """Return the change of a sealed payload's parts."""
        return self.put(index, sealed.stored(list(parts)))

    def edited(self, index: int, number: int, item: int, value: Any) -> Row:
        """Return the change of an item of a part; a function makes it of the old one."""
        parts = self.parts(index)
        parts[number][item] = value(parts[number][item]) if callable(value) else value
        return self.put_parts(index, *parts)

    def remnant(self, index: int, number: int) -> list[Any]:
        """Return what would remain of a part."""
        return self.whole.parts[index][number].remnant()

    def all(self) -> list[Row]:
        """Return all cases."""
        self.lawful()
        self.parts_changed()
        self.forms()
        self.gone()
        self.rows_moved()
        self.other_logs()
        return self.cases

    def lawful(self) -> None:
        """What holds."""
        self.case("nothing is changed", "holds", None)
        self.case("an erased part is back", "holds", None,
                  self.put(ANNA_ALONE, self.recorded[ANNA_ALONE]))  # fmt: skip
        self.case("an erased payload in the clear is back, without the row of its subject", "holds",
                  None, insert("payloads", self._clear(CLEAR_ERASED)))  # fmt: skip
        self.case("the row of a payload of which nothing is left is gone", "holds", None,
                  delete("sealed", idx=ANNA_ALONE))  # fmt: skip
        self.case("the row of a retained payload is gone", "holds", None,
                  delete("sealed", idx=RETAINED))  # fmt: skip

    def _clear(self, index: int) -> Row:
        return next(row for row in self.whole.hand.payloads if row["idx"] == index)

    def parts_changed(self) -> None:
        """Parts are edited."""

        def flip(data: bytes) -> bytes:
            return bytes([data[0] ^ 1]) + data[1:]

        def flip_last(data: bytes) -> bytes:
            return data[:-1] + bytes([data[-1] ^ 128])

        items = {"key": 1, "nonce": 2, "fields root": 3, "ciphertext": 4}
        for what, item in items.items():
            for index in (BEN_ALONE, NOBODY, LARGE):
                self.case(f"a bit of the {what} in payload {index} is turned", "altered", index,
                          self.edited(index, 0, item, flip))  # fmt: skip
        self.case("a bit of a tag is turned", "altered", LAST,
                  self.edited(LAST, 1, 4, flip_last))  # fmt: skip
        self.case("a part names the key of somebody else", "altered", AGAIN,
                  self.edited(AGAIN, 0, 1, sealed.reference("ben")))  # fmt: skip
        self.case("a bit of a remnant is turned", "altered", ANNA_AND_BEN,
                  self.edited(ANNA_AND_BEN, 0, 1, flip))  # fmt: skip
        for owner in (0, 2, 3):
            self.case(f"the owner of a part is {owner}", "altered", AGAIN,
                      self.edited(AGAIN, 0, 0, owner))  # fmt: skip
        self.case("a remnant says that it was somebody else's", "altered", ANNA_ALONE,
                  self.edited(ANNA_ALONE, 0, 0, 2))  # fmt: skip
        one, other = self.parts(LAST)
        self.case("a part is dropped", "altered", LAST, self.put_parts(LAST, one))
        self.case("a remnant is dropped", "altered", ANNA_AND_BEN,
                  self.put_parts(ANNA_AND_BEN, self.parts(ANNA_AND_BEN)[1]))  # fmt: skip
        self.case("two parts change places", "altered", LAST, self.put_parts(LAST, other, one))
        self.case("a part stands twice", "altered", AGAIN,
                  self.put_parts(AGAIN, *self.parts(AGAIN), *self.parts(AGAIN)))  # fmt: skip
        self.case("parts of one person are swapped between two events", "altered", ANNA_AND_BEN,
                  self.put_parts(ANNA_AND_BEN, self.parts(ANNA_AND_BEN)[0],
                                 self.parts(BEN_ALONE)[0]),
                  self.put_parts(BEN_ALONE, self.parts(ANNA_AND_BEN)[1]))  # fmt: skip
        self.case("a payload is that of another event", "altered", AGAIN,
                  self.put(AGAIN, self.rows[LARGE]["payload"]))  # fmt: skip

    def forms(self) -> None:
        """Payloads of no form."""
        data, (part,) = self.rows[AGAIN]["payload"], self.parts(AGAIN)
        no_form: dict[str, bytes | str] = {
            "cut short": data[:-2],
            "longer by a byte": data + "00",
            "empty": "",
            "no CBOR": "ff" * 40,
            "of a version of the future": encode_value([3, [part]]),
            "of the version true": "82f5" + data[4:],
            "of version 2 in the form of version 1": encode_value([2, bytes(32), {"ip": b"abcd"}]),
            "of version 1 in the form of version 2": encode_value([1, [part]]),
            "without parts": encode_value([2, []]),
            "a map": encode_value({"parts": [part]}),
            "with a longer length than needed": data.replace("590110", "5a00000110", 1),
            "with a part of four": encode_value([2, [part[:4]]]),
            "with a part of six": encode_value([2, [[*part, b""]]]),
            "with a nonce of 11 bytes": encode_value([2, [[*part[:2], bytes(11), *part[3:]]]]),
            "with a key of 17 bytes": encode_value([2, [[1, bytes(17), *part[2:]]]]),
            "with a ciphertext of no bucket": encode_value([2, [[*part[:4], part[4][:-1]]]]),
            "with an empty ciphertext": encode_value([2, [[*part[:4], bytes(16)]]]),
            "with an owner that is true": encode_value([2, [[True, *part[1:]]]]),
            "with a remnant of 31 bytes": encode_value([2, [[1, bytes(31)]]]),
        }
        for what, payload in no_form.items():
            self.case(f"a payload is {what}", "altered", AGAIN, self.put(AGAIN, payload))

    def gone(self) -> None:
        """Payloads are destroyed, and nothing in the log accounts for it."""
        for index in (BEN_ALONE, NOBODY, LARGE, AGAIN):
            self.case(f"a part of payload {index} is destroyed", "missing", index,
                      self.put_parts(index, self.remnant(index, 0)))  # fmt: skip
            self.case(f"the row of payload {index} is gone", "missing", index,
                      delete("sealed", idx=index))  # fmt: skip
        both = [self.remnant(ANNA_AND_BEN, 0), self.remnant(ANNA_AND_BEN, 1)]
        self.case("the part of somebody who was not erased is destroyed", "missing", ANNA_AND_BEN,
                  self.put_parts(ANNA_AND_BEN, *both))  # fmt: skip
        self.case("a row is gone though only one of two people was erased", "missing",
                  ANNA_AND_BEN, delete("sealed", idx=ANNA_AND_BEN))  # fmt: skip
        self.case("of the last payload one part is destroyed", "missing", LAST,
                  self.put_parts(LAST, self.parts(LAST)[0], self.remnant(LAST, 1)))  # fmt: skip
        self.case("a payload in the clear is gone", "missing", CLEAR, delete("payloads", idx=CLEAR))
        row = next(row for row in self.log["subjects"] if row["identity"] == "carla")
        self.case("the row of a subject who was not erased is gone", "missing", CLEAR,
                  delete("subjects", **row))  # fmt: skip

    def rows_moved(self) -> None:
        """Rows stand where none was."""
        self.case("a sealed payload lies in the other table", "altered", LAST,
                  delete("sealed", idx=LAST),
                  insert("payloads", {"idx": LAST, "payload": self.recorded[LAST]}))  # fmt: skip
        row = self.rows[AGAIN]
        self.case("an entry without one gets a sealed payload", "altered", PLAIN,
                  insert("sealed", {**row, "idx": PLAIN}))  # fmt: skip
        self.case("an entry has two payloads", "altered", AGAIN,
                  insert("payloads", {"idx": AGAIN, "payload": row["payload"]}))  # fmt: skip
        self.case("a payload in the clear has a sealed one beside it", "altered", CLEAR,
                  insert("sealed", {**row, "idx": CLEAR}))  # fmt: skip
        self.case("a sealed payload lies behind the end", "truncated", LAST + 1,
                  insert("sealed", {**row, "idx": 99}))  # fmt: skip
        self.case("a sealed payload has a negative index", "altered", None,
                  insert("sealed", {**row, "idx": -1}))  # fmt: skip
        for index, column, value in (
            (BEN_ALONE, "actor", None),
            (BEN_ALONE, "subject", row["subject"]),
            (ANNA_ALONE, "actor", self.rows[ANNA_ALONE]["subject"]),
            (ANNA_AND_BEN, "subject", None),
            (NOBODY, "subject", row["subject"]),
            (RETAINED, "subject", "00" * 16),
        ):
            self.case(f"the column {column!r} beside sealed payload {index} is changed", "altered",
                      index, update("sealed", {"idx": index}, **{column: value}))  # fmt: skip
        self.case("the column hides a tombstone", "altered", ERASED,
                  update("entries", {"idx": ERASED}, kind="event"))  # fmt: skip
        self.case("the column calls an event a tombstone, and a payload is gone", "missing",
                  BEN_ALONE, delete("sealed", idx=BEN_ALONE),
                  update("entries", {"idx": PLAIN}, kind="subject_erased"))  # fmt: skip

    def other_logs(self) -> None:
        """Logs whose tombstone or retention does not fit."""
        write, destroyed = sealed.write, sealed.destroyed
        self.other("the tombstone names another reference", "missing", ANNA_AND_BEN,
                   destroyed(write(tombstone=("dora", "finn"))))  # fmt: skip
        self.other("the tombstone does not name a payload's person", "missing", CLEAR_ERASED,
                   destroyed(write(tombstone=("anna",))))  # fmt: skip
        self.other("tombstone and retention come before what they would excuse", "missing",
                   ANNA_AND_BEN + 2,
                   destroyed(write(tombstone=("dora",), early=True), by=2))  # fmt: skip
        unfit: dict[str, Row] = {
            "another action": {"action": "door.open"},
            "another tenant": {"tenant": "south"},
            "another outcome": {"outcome": "failure"},
            "another modality": {"modality": "iris"},
            "an earlier time": {"before": write().time()[:11] + "11:48:00.123456Z"},
        }
        for what, rule in unfit.items():
            self.other(f"the retention is of {what}", "missing", RETAINED,
                       destroyed(write(rule=rule)))  # fmt: skip
        fit: dict[str, Row] = {
            "everything": {},
            "a tenant": {"tenant": "north"},
            "all that it can name": {**sealed.RULE, "outcome": "success", "modality": "face"},
        }
        for what, rule in fit.items():
            self.other(f"the retention is of {what}", "holds", None, destroyed(write(rule=rule)))
        log = destroyed(write(rule={"tenant": "north"}))
        log.destroy(BEN_ALONE, 2)
        self.other(
            "the retention of a tenant covers no event without one", "missing", BEN_ALONE, log
        )


def sealed_tampered() -> dict[str, Any]:
    """Return all cases; those without a log of their own change the sealed log."""
    return {"log": "sealed-log.json", "cases": Maker().all()}
