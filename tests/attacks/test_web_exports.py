"""Somebody takes out of a log by its exports what the log does not tell of, or is not theirs."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from biotrail import Context, Event
from biotrail.errors import TooManyRequestsError
from biotrail.query import parse_condition
from tests._components import reason_for_absence

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from biotrail.web.access import Access
    from biotrail.web.asked import Asked
    from biotrail.web.export_forms import guarded
    from biotrail.web.settings import WebSettings
    from tests.unit.web._door import NOW, Door, new_door

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]

CHARGED = "=+-@\t\uff1d"
EXPORT = "/api/v1/export"
READERS = {name: UUID(int=at) for at, name in enumerate(("slow", "other", "third"))}
REASON = {"biotrail-reveal-reason": "a complaint"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A log with thirty events; an export may hold ten records."""
    door = new_door(tmp_path, 30)
    door.settings = WebSettings(export_rows=10)
    with door.log:
        yield door


def export(door: Door, text: str, **params: Any) -> Any:
    """One export."""
    return door.request(text, "GET", EXPORT, params=params, headers=REASON)


def test_how_many_there_are_is_an_answer(door: Door) -> None:
    """The refusal of an export that is too large tells a number, and is recorded as a read."""
    text, token = door.token("export", "reveal")
    for where, personal in (
        ("action = door.open", []),
        ('not subject = "nobody"', ["subject"]),
        ('subject = "person-1" or index >= 0', ["subject"]),
    ):
        known = len(door.reads())
        answer = export(door, text, where=where)
        assert answer.status_code == 400
        assert "are asked for" in answer.json()["detail"]
        (read,) = door.reads()[known:]
        assert (read["reader"], read["rows"]) == (token.id.bytes, 0)
        assert read.get("revealed", []) == personal
        asked = door.log.query("action = log.read", limit=1).records[0].event
        assert asked is not None
        assert asked.attributes["query"] == str(parse_condition(where))


def test_how_many_there_are_is_not_told_unrecorded(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be recorded, the number is not told either; and the turn is given back."""
    text, _ = door.token("export")

    async def failing(*_: Any, **__: Any) -> Any:
        from biotrail.errors import NotRecordedError

        raise NotRecordedError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(door.log), "arecord_read", failing)
        for _ in range(5):
            answer = export(door, text, where="action = door.open")
            assert answer.status_code == 503
            assert "30" not in answer.text
    assert export(door, text, where="index <= 3").status_code == 200


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_an_export_ends_with_its_token(
    door: Door, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is revoked or expires in the midst of an export gets no further piece of it."""
    monkeypatch.setattr("biotrail.web.exporting._CHUNK", 4)
    text, token = door.token("export", expires=NOW + timedelta(hours=1))
    whole = type(door.log).arecord_read

    async def over(self: Any, **options: Any) -> Any:
        recorded = await whole(self, **options)
        if how == "revoked":
            door.book.revoke(token.id)
        else:
            door.now = NOW + timedelta(hours=2)
        return recorded

    monkeypatch.setattr(type(door.log), "arecord_read", over)
    with pytest.raises(ConnectionAbortedError):
        export(door, text, where="index >= 2 and index <= 11")
    assert [one["rows"] for one in door.reads()] == [4]


def test_an_export_stays_within_what_its_reader_may_see(door: Door) -> None:
    """Neither words nor checkpoints nor forms get out of the tenant and the window of a token."""
    limits = {"tenant": "north", "until": NOW}
    text, _ = door.token("export", **limits)
    for form in ("jsonl", "csv"):
        for where in ("index >= 0 or tenant = north", "not tenant = north", "kind = genesis"):
            answer = export(door, text, where=where, format=form)
            assert answer.status_code == 200
            assert "door.open" not in answer.text  # the events are of no tenant


def test_one_reader_does_not_take_every_turn(door: Door) -> None:
    """Whoever begins exports and takes nothing of them holds two of four turns, and no more."""
    state = door.app.state.biotrail

    async def attack() -> list[str]:
        told, held = [], []
        for name in ("slow", "slow", "slow", "other", "other", "third"):
            access = Access(reader=READERS[name], scopes=["export"], purposes=["review"])
            asked = Asked(where="index <= 3")
            try:
                held.append(await state.exports.open(access, asked, form="jsonl", route="x"))
                told.append("opened")
            except TooManyRequestsError as error:
                told.append(str(error))
        for one in held:
            await one.close()
        access = Access(reader=READERS["slow"], scopes=["export"], purposes=["review"])
        again = await state.exports.open(access, asked, form="jsonl", route="x")
        await again.close()
        return told

    told = asyncio.run(attack())
    assert [one == "opened" for one in told] == [True, True, False, True, True, False]
    assert "of this reader" in told[2]
    assert "of this reader" not in told[5]


FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\uff1d1", '=HYPERLINK("http://x";"y")')
BEFORE = ("", "x;", '";', 'a"b;', ";;", "x,", '","')


def test_no_spreadsheet_finds_a_formula(door: Door) -> None:
    """Parted by commas or, as where a comma is the decimal sign, by semicolons: no cell is one."""
    wordings = [f"{before}{formula}" for before in BEFORE for formula in FORMULAS]
    door.settings = None
    first = door.log.checkpoint().size
    for one in wordings:
        door.log.record(
            Event(
                action="door.open",
                decision="granted",
                target=one,
                labels={"said": one},
                context=Context(session_id=one),
            )
        )
    text, _ = door.token("export", "reveal")
    options = {"reveal": ["session", "labels"], "format": "csv"}
    answer = export(door, text, where=f"action = door.open and index >= {first}", **options)
    assert answer.text.count("\r\n") == len(wordings) + 1
    for delimiter in ",;":
        lines = io.StringIO(answer.text, newline="")
        cells = [cell for row in csv.reader(lines, delimiter=delimiter) for cell in row]
        assert not [one for one in cells if one and one[0] in CHARGED]
    parts = re.split("[;\r\n]", answer.text)  # by whoever knows no quotation marks
    assert not [one for one in parts if one and one[0] in CHARGED]
    for part in ";\r\n\t":  # control characters are refused at the door, today
        assert guarded(f"x{part}=1") == f"x{part}'=1"
