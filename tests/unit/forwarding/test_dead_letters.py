"""What a receiver refuses for good is told, sent once more, or given up, and never lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    ForwardingError,
    PositionError,
    SinkUnavailableError,
)
from biotrail.forwarding import (
    DeadLetters,
    Forwarder,
    Lag,
    Redelivered,
    Sink,
)
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.file import append_lines
from biotrail.query import RecordReader
from tests.unit.forwarding._picky import Picky
from tests.unit.forwarding._views import event
from tests.unit.query._logs import sealed_log


def _reader(count: int = 9) -> RecordReader:
    store, vault = sealed_log(event(number) for number in range(count))
    return RecordReader(store, vault=vault)


def _forwarder(place: Path, sink: Sink, reader: RecordReader, **given: Any) -> Forwarder:
    given = {"format": "jsonl", "batch": 4, "dead_letters": place / "refused", **given}
    return Forwarder(reader, sink, position=place / "position", **given)


def _waiting(forwarder: Forwarder) -> list[int]:
    return [one.index for one in forwarder.dead_letters]


def test_they_are_told_and_delivered_when_the_receiver_takes_them(tmp_path: Path) -> None:
    """What was refused is listed with its reason, and gone from there once it is delivered."""
    sink, reader = Picky(3, 4, 7), _reader()
    forwarder = _forwarder(tmp_path, sink, reader)
    forwarder.run_once()
    assert [one.index for one in forwarder.dead_letters] == [3, 4, 7]
    assert forwarder.lag == Lag(0, 0.0, 3)
    (first, *_) = forwarder.dead_letters
    assert (first.format, first.reason) == ("jsonl", "422 for [3]")
    assert first.leaf_hash == reader.record(3).leaf_hash.hex()
    sink.refused = (4,)
    assert forwarder.redeliver() == Redelivered(2, 1)
    assert [one.index for one in forwarder.dead_letters] == [4]
    sink.refused = ()
    assert forwarder.redeliver() == Redelivered(1, 0)
    assert forwarder.redeliver() == Redelivered(0, 0)
    assert sorted(sink.got) == [*range(reader.size)]
    assert forwarder.lag == Lag(0, 0.0, 0)
    forwarder.run_once()
    assert len(sink.got) == reader.size


def test_some_of_them_are_delivered_or_dropped(tmp_path: Path) -> None:
    """Records are named by index; what is dropped is kept with its reason, and sent no more."""
    sink = Picky(1, 2, 3)
    forwarder = _forwarder(tmp_path, sink, _reader())
    forwarder.run_once()
    sink.refused = ()
    assert forwarder.redeliver({2}) == Redelivered(1, 0)
    forwarder.drop(1, "too long for any receiver")
    assert [one.index for one in forwarder.dead_letters] == [3]
    last = json.loads((tmp_path / "refused").read_text().splitlines()[-1])
    assert (last["index"], last["reason"]) == (1, "too long for any receiver")
    assert "dropped" in last
    for index in (1, 2, 5):
        with pytest.raises(ForwardingError, match=f"no dead letter of entry {index}"):
            forwarder.drop(index, "again")
        with pytest.raises(ForwardingError, match=f"no dead letter of entry {index}"):
            forwarder.redeliver({index, 3})
    with pytest.raises(ForwardingError, match="say why"):
        forwarder.drop(3, " ")
    assert sink.got[-1:] == [2]


def test_another_format_may_be_taken(tmp_path: Path) -> None:
    """They are written anew, so that another format than the one that was refused may be named."""
    reader = _reader()
    _forwarder(tmp_path, Picky(5), reader).run_once()

    class Lines(Picky):
        lines: tuple[str, ...] = ()

        def deliver(self, messages: Sequence[Message], how: Format) -> None:
            self.lines += tuple(one.line for one in messages)

    sink = Lines()
    assert _forwarder(tmp_path, sink, reader, format="cef").redeliver() == Redelivered(1, 0)
    assert sink.lines[0].startswith("CEF:")


def test_a_receiver_that_is_away_changes_nothing(tmp_path: Path) -> None:
    """Where nothing is taken, all of them stay."""
    sink = Picky(2, 3)
    forwarder = _forwarder(tmp_path, sink, _reader())
    forwarder.run_once()
    before = forwarder.dead_letters
    sink.away = True
    with pytest.raises(SinkUnavailableError):
        forwarder.redeliver()
    assert forwarder.dead_letters == before


@pytest.mark.parametrize("survives", range(1, 4))
def test_none_is_lost_where_the_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    """Broken off after any delivery, the rest is delivered by the next, and hardly any twice."""
    sink, refused = Picky(1, 3, 5, 7), {1, 3, 5, 7}
    forwarder = _forwarder(tmp_path, sink, _reader(), batch=1)
    forwarder.run_once()
    sink.refused, sink.got = (), []
    append, calls = append_lines, 0

    def failing(path: Path, lines: Sequence[str]) -> None:
        nonlocal calls
        calls += 1
        if calls == survives:
            raise OSError(28, "No space left on device")
        append(path, lines)

    monkeypatch.setattr("biotrail.forwarding.dead_letters.append_lines", failing)
    with pytest.raises(PositionError, match="No space left"):
        forwarder.redeliver()
    assert len(sink.got) == survives
    assert {*sink.got, *(one.index for one in forwarder.dead_letters)} == refused
    assert forwarder.redeliver() == Redelivered(5 - survives, 0)
    assert set(sink.got) == refused
    assert len(sink.got) == 5


def test_a_line_that_was_broken_off_counts_for_nothing(tmp_path: Path) -> None:
    """What a crash left of a line is passed by, and lines that follow it are read."""
    sink, path = Picky(2), tmp_path / "refused"
    forwarder = _forwarder(tmp_path, sink, _reader())
    forwarder.run_once()
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    (tmp_path / "position").unlink()  # the position did not move past it
    forwarder = _forwarder(tmp_path, sink, _reader())
    assert _waiting(forwarder) == []
    forwarder.run_once()
    assert _waiting(forwarder) == [2]


_HASH = 64 * "0"


@pytest.mark.parametrize(
    "told",
    [
        [],
        7,
        {"index": 1},
        {"refused": "2026-01-01T00:00:00.000000Z", "index": -1, "leaf_hash": _HASH},
        {"refused": "2026-01-01T00:00:00.000000Z", "index": 1, "leaf_hash": "00"},
        {"refused": "now", "index": 1, "leaf_hash": _HASH},
        {"refused": "2026-01-01T00:00:00.000000Z", "index": 1, "leaf_hash": _HASH, "reason": 2},
    ],
)
def test_another_file_is_refused(tmp_path: Path, told: Any) -> None:
    """A file that holds something else is named with the line, and nothing is sent."""
    if isinstance(told, dict):
        told = {"origin": "x", "format": "jsonl", "reason": "422", **told}
    (tmp_path / "refused").write_text(f"{json.dumps(told)}\n")
    with pytest.raises(PositionError, match="line 1: this is no dead letter"):
        DeadLetters(tmp_path / "refused").read()


def test_a_damaged_line_is_told(tmp_path: Path) -> None:
    """A line that was written whole and cannot be read hides no record: the file is refused."""
    _forwarder(tmp_path, Picky(2, 3), _reader()).run_once()
    path = tmp_path / "refused"
    path.write_text(path.read_text().replace('"index":2', '"index":2x'))
    with pytest.raises(PositionError, match="line 1: this is no dead letter"):
        DeadLetters(path).read()
    path.write_text("x" * 70_000 + "\n")
    with pytest.raises(PositionError, match="line 1: this is no dead letter"):
        DeadLetters(path).read()


def test_they_are_bound_to_the_log(tmp_path: Path) -> None:
    """Another log, and one that was rolled back, are refused before anything is sent."""
    sink = Picky(5)
    _forwarder(tmp_path, sink, _reader()).run_once()
    sink.refused, before = (), len(sink.got)
    with pytest.raises(PositionError, match="another than the one that was refused"):
        _forwarder(tmp_path, sink, _reader(8)).redeliver()
    with pytest.raises(PositionError, match="the log has 4: it was rolled back"):
        _forwarder(tmp_path, sink, _reader(2)).redeliver()
    path = tmp_path / "refused"
    path.write_text(path.read_text().replace('"origin":"', '"origin":"other.'))
    with pytest.raises(PositionError, match="is of the log 'other"):
        _forwarder(tmp_path, sink, _reader()).redeliver()
    assert len(sink.got) == before


def test_a_file_is_named_first(tmp_path: Path) -> None:
    """Without a file for dead letters there is none to deliver or to drop."""
    forwarder = _forwarder(tmp_path, Picky(), _reader(), dead_letters=None)
    assert forwarder.dead_letters == ()
    for act in (forwarder.redeliver, lambda: forwarder.drop(1, "why")):
        with pytest.raises(ForwardingError, match="no file for dead letters"):
            act()
