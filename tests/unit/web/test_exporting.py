"""Records taken out as files: what they say, what is recorded, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from biotrail import Context
from biotrail.web.export_forms import guarded
from biotrail.web.export_rows import COLUMNS
from biotrail.web.settings import WebSettings
from biotrail.web.shapes import Shown, encoded
from tests.unit.query._logs import event
from tests.unit.web._door import Door, new_door

EXPORT = "/api/v1/export"
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A log with thirty events, one of whose targets is a formula, and a person erased."""
    door = new_door(tmp_path, 30)
    with door.log as log:
        log.record(event(30, target=FORMULA, labels={"room": "b", "code": b"\1\2"}))
        log.erase("person-1", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
        yield door


def export(door: Door, *scopes: str, text: str = "", **params: Any) -> httpx.Response:
    """One export, by somebody with these scopes."""
    bearer = text or door.token(*scopes or ("export",))[0]
    headers = params.pop("headers", {})
    return door.request(bearer, "GET", EXPORT, params=params, headers=headers)


def test_lines_are_what_the_api_shows(door: Door) -> None:
    """Every record of the log is a line, in order, in the same bytes as one record's answer."""
    answer = export(door)
    lines = answer.content.splitlines(keepends=True)
    size = int(answer.headers["biotrail-checkpoint-size"])
    records = list(door.log.search(sort="index", as_of=size))
    assert len(lines) == size == len(records)
    assert lines == [encoded(Shown(one).document()) + b"\n" for one in records]
    states = {one["state"] for line in lines for one in json.loads(line)["payload"].values()}
    assert states == {"sealed", "erased"}
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["cache-control"] == "no-store"
    assert 'filename="records.jsonl"' in answer.headers["content-disposition"]


def test_only_what_is_asked_for_is_taken_out(door: Door) -> None:
    """A condition, and the log as it once was, hold for exports as for pages."""
    first = door.log.checkpoint().checkpoint.size
    where = 'action = door.open and target = "{}"'.format(FORMULA.replace('"', '\\"'))
    (line,) = export(door, where=where).text.splitlines()
    assert json.loads(line)["content"]["labels"] == {"code": "0102", "room": "b"}
    whole = export(door, as_of=str(first))
    assert len(whole.text.splitlines()) == first
    assert export(door, where="action = nothing").text == ""


def test_each_chunk_is_recorded_before_it_leaves(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has a record for every so many rows, with their number, under the route."""
    monkeypatch.setattr("biotrail.web.exporting._CHUNK", 12)
    export(door, where="action = door.open")
    reads = door.reads()
    assert [one["rows"] for one in reads] == [12, 12, 7]
    assert {one["route"] for one in reads} == {f"GET {EXPORT}"}
    export(door, where="action = nothing")
    assert [one["rows"] for one in door.reads()[3:]] == [0]


def test_nothing_leaves_that_cannot_be_recorded(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the log takes no record of the second chunk, the answer breaks off after the first."""
    monkeypatch.setattr("biotrail.web.exporting._CHUNK", 12)
    whole = type(door.log).arecord_read
    calls = 0

    async def failing(self: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            from biotrail.errors import NotRecordedError

            raise NotRecordedError("the disk is full")
        return await whole(self, **options)

    monkeypatch.setattr(type(door.log), "arecord_read", failing)
    with pytest.raises(ConnectionAbortedError):
        export(door, where="action = door.open")
    assert [one["rows"] for one in door.reads()] == [12]


def test_formulas_are_taken_for_text(door: Door) -> None:
    """In CSV a cell that a spreadsheet would work out begins with an apostrophe."""
    answer = export(door, format="csv")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0] == list(COLUMNS)
    assert answer.text.count("\r\n") == len(rows)
    target = COLUMNS.index("target")
    assert [row[target] for row in rows if "HYPERLINK" in row[target]] == [f"'{FORMULA}"]
    for charged in ("=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1"):
        assert guarded(charged) == f"'{charged}"
    for plain in ("a=1", "", 7, -7, None, "1-2"):
        assert guarded(plain) == plain


def test_a_table_has_names_even_without_rows(door: Door) -> None:
    """Where nothing is found, CSV is the row of names."""
    text = export(door, format="csv", where="action = nothing").text
    assert text == ",".join(COLUMNS) + "\r\n"


@pytest.mark.component("pyarrow")
def test_parquet_has_the_same_rows(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet holds what CSV does, in row groups, with times as times and numbers as numbers."""
    import pyarrow.parquet

    answer = export(door, format="parquet")
    file = pyarrow.parquet.ParquetFile(io.BytesIO(answer.content))
    table = file.read().to_pydict()
    lines = [json.loads(one) for one in export(door, as_of=answer.headers[SIZE]).text.splitlines()]
    assert tuple(table) == COLUMNS
    assert table["index"] == [one["index"] for one in lines]
    assert table["leaf_hash"] == [one["leaf_hash"] for one in lines]
    recorded = [datetime.fromisoformat(one["recorded"]) for one in lines]
    assert table["recorded"] == recorded
    assert FORMULA in table["target"]
    empty = export(door, format="parquet", where="action = nothing")
    assert pyarrow.parquet.ParquetFile(io.BytesIO(empty.content)).metadata.num_rows == 0


SIZE = "biotrail-checkpoint-size"


def test_parquet_needs_a_package(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the answer says what to ask for instead, and nothing is recorded."""
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = export(door, format="parquet")
    assert answer.status_code == 400
    assert "ask for jsonl or csv" in answer.json()["detail"]
    assert door.reads() == []


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_personal_fields_are_taken_out_for_a_reason(door: Door, form: str) -> None:
    """Revealed fields are in the file, with what became of those that are gone; the log says so."""
    door.log.record(event(31, context=Context(ip="192.0.2.9", provenance={"ip": "observed"})))
    asked: dict[str, Any] = {"format": form, "reveal": "ip", "where": "action = door.open"}
    assert export(door, **asked).status_code == 403
    assert export(door, "export", "reveal", **asked).status_code == 403
    reason = {"biotrail-reveal-reason": "case 7"}
    answer = export(door, "export", "reveal", headers=reason, **asked)
    assert "192.0.2.9" in answer.text
    assert "erased" in answer.text
    (told,) = door.reads()
    assert (told["revealed"], told["rows"]) == (["ip"], 32)
    assert "192.0." not in export(door, format=form).text


def test_a_reader_takes_out_its_own_part_alone(door: Door) -> None:
    """Who is held to a tenant takes out that tenant's events; who may only read, nothing."""
    door.log.record(event(40, tenant="north"))
    door.log.record(event(41, tenant="south"))
    text, _ = door.token("export", tenant="north")
    (line,) = export(door, text=text).text.splitlines()
    assert json.loads(line)["content"]["tenant"] == "north"
    for scope in ("read", "report", "reveal", "admin"):
        assert export(door, scope).status_code == 403


def test_an_export_has_a_bound(tmp_path: Path) -> None:
    """More records than the settings allow are refused before anything is sent, by number."""
    door = new_door(tmp_path, 20, settings=WebSettings(export_rows=10))
    with door.log:
        answer = export(door)
        assert answer.status_code == 400
        assert "at most 10 records" in answer.json()["detail"]
        few = export(door, where="index < 8")
        assert len(few.text.splitlines()) == 8
