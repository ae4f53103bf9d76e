"""Disclosures of records of the sealed log, and files that must be refused.

They are put together from the hashes of the sealed log's vectors, not by the code under test.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from biotrail.canonical import encode_value
from tests.reference import rfc6962
from tests.vectors import _spec_log as spec
from tests.vectors import _spec_sealed as sealed
from tests.vectors._spec_sealed import (
    ANNA_ALONE,
    ANNA_AND_BEN,
    BEN_ALONE,
    CLEAR,
    LARGE,
    NOBODY,
    PLAIN,
)

Shown = list[Any]


@cache
def _log() -> sealed.SealedLog:
    return sealed.destroyed(sealed.write())


def proof_file(index: int, extra: Any, *, note: str | None = None) -> str:
    """Return a proof file of an entry of the sealed log with any extra."""
    data = _log().hand.data
    path = rfc6962.path(index, data)
    hashes = "".join(base64.b64encode(one).decode() + "\n" for one in path)
    carried = base64.b64encode(encode_value(extra)).decode()
    last = _log().hand.rows[-1]["checkpoint"] if note is None else note
    return f"c2sp.org/tlog-proof@v1\nextra {carried}\nindex {index}\n{hashes}\n{last}"


def extra(index: int, payload: Shown) -> dict[str, Any]:
    """Return what the extra of a disclosure holds."""
    return {"entry": _log().hand.data[index], "payload": payload}


def fields(rows: list[dict[str, str]], names: Collection[str]) -> Shown:
    """Return fields, of which those named are shown."""
    return [
        [row["name"], bytes.fromhex(row["value"]), bytes.fromhex(row["salt"])]
        if row["name"] in names
        else bytes.fromhex(row["commitment"])
        for row in rows
    ]


def shown(index: int, *names: str) -> Shown:
    """Return what shows some fields of a sealed payload; other parts are hidden whole."""
    parts = []
    for part in _log().parts[index]:
        if any(row["name"] in names for row in part.fields):
            parts.append([part.owner, part.seal, fields(part.fields, names)])
        else:
            parts.append(part.remnant())
    return [2, parts]


def shown_clear(index: int, *names: str) -> Shown:
    """Return what shows some fields of a payload in the clear."""
    from biotrail.canonical import decode_entry, decode_value

    row = next(row for row in _log().hand.payloads if row["idx"] == index)
    payload: Any = decode_value(bytes.fromhex(row["payload"]))
    event_id: Any = decode_entry(_log().hand.data[index]).content["id"]
    return [1, fields(sealed.committed(event_id, payload[1], payload[2])[0], names)]


def _values(payload: Shown) -> dict[str, str]:
    parts = [payload[1]] if payload[0] == 1 else [part[2] for part in payload[1] if len(part) == 3]
    return {one[0]: one[1].hex() for part in parts for one in part if isinstance(one, list)}


def _files() -> list[dict[str, Any]]:
    whole = shown(ANNA_AND_BEN, "ip", "actor")
    unneeded = copy.deepcopy(shown(ANNA_AND_BEN, "actor"))
    part = _log().parts[ANNA_AND_BEN][0]
    unneeded[1][0] = [part.owner, part.seal, fields(part.fields, ())]
    good = [
        (ANNA_AND_BEN, shown(ANNA_AND_BEN, "ip")),
        (ANNA_AND_BEN, shown(ANNA_AND_BEN, "actor")),
        (ANNA_AND_BEN, whole),
        (ANNA_AND_BEN, unneeded),
        (ANNA_ALONE, shown(ANNA_ALONE, "score_micro", "subject")),
        (BEN_ALONE, shown(BEN_ALONE, "session_id")),
        (NOBODY, shown(NOBODY, "ip")),
        (LARGE, shown(LARGE, "location", "target")),
        (CLEAR, shown_clear(CLEAR, "subject")),
    ]
    return [
        {
            "index": index,
            "fields": _values(payload),
            "text": proof_file(index, extra(index, payload)),
        }
        for index, payload in good
    ]


def _edited(edit: Callable[[Shown], None]) -> str:
    payload = copy.deepcopy(shown(ANNA_AND_BEN, "ip", "score_micro"))
    edit(payload)
    return proof_file(ANNA_AND_BEN, extra(ANNA_AND_BEN, payload))


def _set(*path: Any) -> Callable[[Shown], None]:
    """Return what puts the last of the arguments at the place that the others lead to."""

    def edit(payload: Shown) -> None:
        *way, at, value = path
        place: Any = payload
        for one in way:
            place = place[one]
        place[at] = value

    return edit


def _refused() -> list[tuple[str, str, str]]:
    hash_, good = bytes(32), shown(ANNA_AND_BEN, "ip", "score_micro")
    first = good[1][0][2]
    assert [type(one) for one in first] == [list, bytes, list]
    unproven = {
        "another value": _set(1, 0, 2, 0, 1, encode_value(bytes([192, 0, 2, 8]))),
        "another name": _set(1, 0, 2, 0, 0, "ip6"),
        "another salt": _set(1, 0, 2, 0, 2, hash_),
        "another commitment": _set(1, 0, 2, 1, hash_),
        "a commitment fewer": lambda payload: payload[1][0][2].pop(1),
        "a commitment more": lambda payload: payload[1][0][2].append(hash_),
        "a shown and a hidden field change places": lambda payload: payload[1][0][2].insert(
            0, payload[1][0][2].pop(1)
        ),
        "another seal": _set(1, 0, 1, hash_),
        "another root of the hidden part": _set(1, 1, 1, hash_),
        "another owner": _set(1, 0, 0, 0),
        "a part fewer": lambda payload: payload[1].pop(),
        "the parts in another order": lambda payload: payload[1].reverse(),
        "the fields as those of a payload in the clear": lambda payload: payload.__setitem__(
            slice(None), [1, payload[1][0][2]]
        ),
    }
    malformed = {
        "nothing is shown": _set(1, 0, 2, [hash_] * 3),
        "a version of the future": _set(0, 3),
        "no parts": _set(1, []),
        "no fields": _set(1, 0, 2, []),
        "24 fields": lambda payload: payload[1][0][2].extend([hash_] * 21),
        "a field twice": _set(1, 0, 2, 1, first[0]),
        "fields out of order": lambda payload: payload[1][0][2].reverse(),
        "a name that is no text": _set(1, 0, 2, 0, 0, b"ip"),
        "an empty name": _set(1, 0, 2, 0, 0, ""),
        "a name of 24 bytes": _set(1, 0, 2, 0, 0, "a" * 24),
        "a value that is not canonical": _set(1, 0, 2, 0, 1, b"\x18\x01"),
        "a value that is not encoded": _set(1, 0, 2, 0, 1, 7),
        "a salt of 31 bytes": _set(1, 0, 2, 0, 2, bytes(31)),
        "a commitment of 31 bytes": _set(1, 0, 2, 1, bytes(31)),
        "a seal of 31 bytes": _set(1, 0, 1, bytes(31)),
        "an owner that is true": _set(1, 0, 0, True),
        "a part with the ciphertext": lambda payload: payload[1][0].append(b""),
    }
    twice: Any = copy.deepcopy(good)
    twice[1][0][2] = [one for one in first if isinstance(one, list)]
    twice[1][1] = [2, hash_, twice[1][0][2]]
    stranger = _log().hand.rows[-1]["checkpoint"].replace("front", "back")
    of_ben = shown(BEN_ALONE, "session_id")
    return [
        *(("not proven", why, _edited(edit)) for why, edit in unproven.items()),
        *(("malformed", why, _edited(edit)) for why, edit in malformed.items()),
        ("malformed", "a field in two parts", proof_file(ANNA_AND_BEN, extra(ANNA_AND_BEN, twice))),
        ("malformed", "a plain proof file", proof_file(2, {"entry": _log().hand.data[2]})),
        ("malformed", "a third pair", proof_file(2, {**extra(2, good), "more": 1})),
        ("not proven", "fields of another entry", proof_file(3, extra(3, of_ben))),
        ("not proven", "an entry without personal fields", proof_file(PLAIN, extra(PLAIN, of_ben))),
        ("not proven", "an entry that is no event", proof_file(0, extra(0, of_ben))),
        ("not proven", "another entry than the one proven", proof_file(3, extra(2, good))),
        ("not signed", "a checkpoint of another log", proof_file(2, extra(2, good), note=stranger)),
    ]  # fmt: skip


def disclosures() -> dict[str, Any]:
    """Return disclosures that hold, and those that are refused."""
    return {
        "keys": [str(spec.verifier_key("A"))],
        "files": _files(),
        "refused": [
            {"why": why, "verdict": verdict, "text": text} for verdict, why, text in _refused()
        ],
    }
