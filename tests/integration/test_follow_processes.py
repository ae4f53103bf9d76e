"""Real processes: some write, others follow; killed ones lose and repeat nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

import biotrail
from biotrail.errors import ForkedProcessError
from biotrail.query import Follower, open_query

ORIGIN, PASSPHRASE = "example.com/door", "a secret of the test"
PATIENCE = 20.0
_WRITE = """
import sys
from itertools import count
import biotrail
with biotrail.open(sys.argv[1], origin=sys.argv[2], passphrase=sys.argv[3], vault=False) as log:
    for number in range(int(sys.argv[4])) if sys.argv[4] != "0" else count():
        receipt = log.record(biotrail.Event(action="door.open", decision="granted"))
        print(receipt.index, receipt.event_id, flush=True)
"""
_FOLLOW = """
import sys
from biotrail.query import Follower, open_query
with open_query(sys.argv[1], trusted=sys.argv[2]) as log:
    with log.follow(start=int(sys.argv[3])) as follower:
        for found in follower:
            print(found.index, found.event.id if found.event else "-", flush=True)
"""


@contextmanager
def running(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the code; killed at the end, if it still runs."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_of(process: subprocess.Popen[str], count: int) -> list[tuple[int, str]]:
    """The next lines that a process says: an index, and an event's id."""
    assert process.stdout is not None
    found = []
    for _ in range(count):
        index, _, told = process.stdout.readline().rstrip("\n").partition(" ")
        found.append((int(index), told))
    return found


def rest_of(process: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """What a killed process had said in whole lines."""
    assert process.stdout is not None
    whole = process.stdout.read().rpartition("\n")[0]
    pairs = (line.split(" ") for line in whole.splitlines())
    return [(int(index), told) for index, told in pairs]


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, str, int]:
    """A log in a file: its path, its key, its size."""
    path = tmp_path / "log.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE, vault=False) as opened:
        opened.record(biotrail.Event(action="door.open", decision="denied"))
        return path, opened.verifier_key, opened.checkpoint().checkpoint.size


def test_killed_writers_and_followers(log: tuple[Path, str, int]) -> None:
    """Over a writer's death and a follower's, each record comes once, in order, as acknowledged."""
    path, key, start = log
    with running(_FOLLOW, path, key, start) as follower:
        with running(_WRITE, path, ORIGIN, PASSPHRASE, 0) as writer:
            acknowledged = lines_of(writer, 40)
            writer.send_signal(signal.SIGKILL)
            acknowledged += rest_of(writer)
        followed = lines_of(follower, 20)
        follower.send_signal(signal.SIGKILL)
        followed += rest_of(follower)
    with (
        running(_FOLLOW, path, key, followed[-1][0] + 1) as follower,
        running(_WRITE, path, ORIGIN, PASSPHRASE, 20) as writer,
    ):
        acknowledged += lines_of(writer, 20)
        last = acknowledged[-1][0]
        followed += lines_of(follower, last - followed[-1][0])
    assert [index for index, _ in followed] == list(range(start, last + 1))
    told = dict(followed)
    # One that was committed and not yet said when its writer was killed is followed, too.
    assert {index: told[index] for index, _ in acknowledged} == dict(acknowledged)
    assert len(followed) - len(acknowledged) in (0, 1)


@pytest.mark.component("fork")
def test_a_follower_in_a_forked_child(log: tuple[Path, str, int]) -> None:
    """A child refuses its parent's follower by name and follows anew; the parent's goes on."""
    path, key, size = log
    with open_query(path, trusted=key) as query, query.follow(start=0, timeout=5) as follower:
        assert next(follower).index == 0
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _follow_in_child(follower, path, key)
            finally:
                os._exit(code)
        assert _exit_code(child) == 0
        with running(_WRITE, path, ORIGIN, PASSPHRASE, 3) as writer:
            last = lines_of(writer, 3)[-1][0]
        assert [next(follower).index for _ in range(last)] == list(range(1, last + 1))
    assert last == size + 2


def _follow_in_child(follower: Follower[biotrail.VerifiedEntry], path: Path, key: str) -> int:
    try:
        next(follower)
    except ForkedProcessError as error:
        if "follow it again from index 1" not in str(error):
            return 2
    else:
        return 3
    with open_query(path, trusted=key) as query, query.follow(start=1, timeout=5) as anew:
        return 0 if next(anew).index == 1 else 4


def _exit_code(child: int) -> int:
    """How a child ended; one that hangs is killed."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
