"""Group commit when the one who leads is interrupted: nobody else is left waiting.

A trace function raises `KeyboardInterrupt` at the n-th line that a thread runs in the committer,
for every n, which is what Ctrl-C can do to the main thread.
"""

from __future__ import annotations

import linecache
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from biotrail.audit import committer as committer_module
from biotrail.audit import waiting as waiting_module
from biotrail.audit.committer import Committer
from tests.unit.audit._committing import LIMIT, FakeCommit, ended, number, queued, record, running

_FILES = {committer_module.__file__, waiting_module.__file__}
_MOST_LINES = 400


def _is_with(frame: FrameType) -> bool:
    """Whether the line begins a with block: left out, since leaving it shows as this line again.

    CPython looks for signals only within the block or after ``__exit__``, so no lock stays held.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith("with ")


class Interruption:
    """Interrupts the thread that installs it at the n-th line it runs in the committer."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in _FILES:
            return None
        if event == "line" and not _is_with(frame):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def _interrupted(committer: Committer, line: int, one: int, into: dict[int, Any]) -> None:
    interruption = Interruption(line)
    sys.settrace(interruption)
    try:
        into[one] = [number(answer) for answer in committer.submit([record(one)])]
    except BaseException as error:
        into[one] = error
    finally:
        sys.settrace(None)
    into[-1] = interruption.left


def _followers(committer: Committer, got: dict[int, Any]) -> list[threading.Thread]:
    def act(one: int) -> None:
        try:
            got[one] = [number(answer) for answer in committer.submit([record(one)])]
        except BaseException as error:
            got[one] = error

    return [running(lambda one=one: act(one)) for one in (2, 3, 4)]  # type: ignore[misc]


def _check(commit: FakeCommit, committer: Committer, got: dict[int, Any], line: int) -> None:
    written = [one for batch in commit.batches for one in batch]
    for one in (2, 3, 4):
        answered = got[one] == [one]
        assert one in written if answered else isinstance(got[one], Exception), (line, got[one])
    assert len(written) == len(set(written)), line
    assert committer.submit([]) == [], line
    assert committer._waiting_records == 0, line
    assert ended([running(committer.close)], 5), line


def _lead_interrupted_at(line: int) -> bool:
    """Interrupt a leader with others behind it; returns whether that line was reached."""
    commit, got = FakeCommit(), dict[int, Any]()
    committer = Committer(commit)
    commit.go.clear()
    leader = running(lambda: _interrupted(committer, line, 1, got))
    entered = commit.entered.acquire(timeout=0.02)
    followers = _followers(committer, got)
    if entered:
        queued(committer, 3)
    commit.go.set()
    assert ended([leader, *followers], 5), f"left waiting by an interruption at line {line}"
    reached = bool(got.pop(-1) <= 0)
    assert isinstance(got.pop(1), KeyboardInterrupt) == reached
    _check(commit, committer, got, line)
    return reached


def _follow_interrupted_at(line: int) -> bool:
    """Interrupt one that waits behind a leader and is then to lead the others."""
    commit, got = FakeCommit(), dict[int, Any]()
    committer = Committer(commit)
    commit.go.clear()
    leader = running(lambda: committer.submit([record(0)]))
    assert commit.entered.acquire(timeout=LIMIT)
    interrupted = running(lambda: _interrupted(committer, line, 1, got))
    interrupted.join(0.005)
    followers = _followers(committer, got)
    queued(committer, 3)
    commit.go.set()
    assert ended([leader, interrupted, *followers], 5), f"left waiting, line {line}"
    reached = bool(got.pop(-1) <= 0)
    got.pop(1)
    _check(commit, committer, got, line)
    return reached


@pytest.mark.parametrize("act", [_lead_interrupted_at, _follow_interrupted_at])
def test_interrupted_at_any_line(act: Any) -> None:
    """Wherever a caller is interrupted, the others are answered and the next call works."""
    line = 1
    while act(line):
        line += 1
        assert line < _MOST_LINES
    assert line > 20


def test_an_interrupted_act_is_not_run_twice() -> None:
    """An exclusive act whose leader is interrupted inside it runs once, and its caller is told."""
    commit, runs = FakeCommit(), list[int]()
    committer, got = Committer(commit), dict[str, Any]()
    commit.go.clear()

    def lead() -> None:
        try:
            committer.submit([record(1)])
        except BaseException as error:
            got["leader"] = error

    def act() -> None:
        runs.append(1)
        raise KeyboardInterrupt

    def ask() -> None:
        try:
            committer.exclusively(act)
        except BaseException as error:
            got["caller"] = error

    leader = running(lead)
    assert commit.entered.acquire(timeout=LIMIT)
    caller = running(ask)
    queued(committer, 1)
    commit.go.set()
    assert ended([leader, caller])
    assert runs == [1]
    assert isinstance(got["caller"], BaseException)
    assert ended([running(committer.close)])


def test_a_record_whose_caller_went_away_is_committed() -> None:
    """A queued record whose thread was interrupted is committed by the next who leads."""
    commit, got = FakeCommit(), dict[int, Any]()
    committer = Committer(commit)
    commit.go.clear()
    leader = running(lambda: committer.submit([record(0)]))
    assert commit.entered.acquire(timeout=LIMIT)
    waiting = waiting_module.ThreadWaiting([record(1)])
    committer._join(waiting)
    committer._leave(waiting, KeyboardInterrupt())
    commit.go.set()
    assert ended([leader, *_followers(committer, got)])
    assert ended([running(committer.close)])
    assert [one for batch in commit.batches for one in batch][:2] == [0, 1]


def test_records_of_nobody_are_committed_by_the_background_thread() -> None:
    """If all that waited have gone away, what they brought is committed all the same."""
    commit = FakeCommit()
    committer = Committer(commit)
    commit.go.clear()
    leader = running(lambda: committer.submit([record(0)]))
    assert commit.entered.acquire(timeout=LIMIT)
    for one in (1, 2):
        waiting = waiting_module.ThreadWaiting([record(one)])
        committer._join(waiting)
        committer._leave(waiting, KeyboardInterrupt())
    commit.go.set()
    assert ended([leader])
    assert ended([running(committer.close)])
    assert commit.batches == [[0], [1, 2]]
