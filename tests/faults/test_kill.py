"""Writers killed with SIGKILL in the midst of their work, again and again."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults._child import start
from tests.unit.audit._logs import ids_in, opened, verified

SHORTEST_LIFE, LONGEST_LIFE = 0.12, 2.0
KILLS = 208
WRITERS = 4
_SCRIPT = Path(__file__).with_name("_kill_worker.py")


class Nursery:
    """The process that forks the writers."""

    def __init__(self) -> None:
        self._process = start(_SCRIPT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words: object) -> int:
        """Give a command; its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


class Writer:
    """One writer at a time, and what it has said over all its lives."""

    def __init__(self, nursery: Nursery, path: Path, place: int) -> None:
        self.nursery = nursery
        self.path = path
        self.place = place
        self.life = 0
        self.acknowledged: dict[int, int] = {}
        self.unsettled: set[int] = set()
        self._said = path.with_name(f"said-{place}")
        self._pid = 0

    def begin(self) -> None:
        """Start a new life, which first retries what the last one left unsettled."""
        self._said.write_text("")
        first = (self.place * 1_000 + self.life) * 100_000
        retries = ",".join(str(one) for one in sorted(self.unsettled))
        self._pid = self.nursery.ask("begin", self._said, self.path, first, retries)
        self.life += 1

    def kill(self) -> int:
        """Kill it; returns how many records it had acknowledged in this life."""
        assert self.nursery.ask("kill", self._pid) == -signal.SIGKILL, "it ended by itself"
        acknowledged = 0
        for line in self._said.read_text().splitlines():
            word, number, *index = line.split()
            if word == "try":
                self.unsettled.add(int(number))
            else:
                self.unsettled.discard(int(number))
                before = self.acknowledged.setdefault(int(number), int(index[0]))
                assert before == int(index[0]), "one event, two indices"
                acknowledged += 1
        return acknowledged


def _check(path: Path, writers: list[Writer], kept: str) -> str:
    """Every acknowledged record is where its receipt said; none is twice; the log verifies."""
    verification = verified(path, from_checkpoint=kept)
    numbers = [one.int - 1 for one in ids_in(path)]
    assert len(numbers) == len(set(numbers))
    for writer in writers:
        for number, index in writer.acknowledged.items():
            assert numbers[index - 1] == number
    return verification.checkpoint


def _all(path: Path, writers: list[Writer], kept: str) -> str:
    """Kill all, check everything, start all again; returns a checkpoint to be kept."""
    for writer in writers:
        writer.kill()
    checkpoint = _check(path, writers, kept)
    for writer in writers:
        writer.begin()
    return checkpoint


@pytest.mark.component("fork")
def test_killed_again_and_again(tmp_path: Path) -> None:
    """Over 200 kills of four writers lose no acknowledged record, and write none twice."""
    luck = random.Random(20_261_123)
    path = tmp_path / "trail.db"
    with opened(path) as log:
        kept = log.checkpoint().note
    nursery = Nursery()
    writers = [Writer(nursery, path, place) for place in range(WRITERS)]
    for writer in writers:
        writer.begin()
    in_vain, longest = 0, SHORTEST_LIFE
    for number in range(KILLS):
        time.sleep(luck.uniform(0.0, longest))
        writer = luck.choice(writers)
        wrote = writer.kill() > 0
        in_vain += not wrote
        # On a busy machine a writer needs longer until it has written anything.
        longest = max(SHORTEST_LIFE, min(longest * (0.95 if wrote else 1.15), LONGEST_LIFE))
        writer.begin()
        if number % 50 == 49:
            kept = _all(path, writers, kept)
    for writer in writers:
        writer.kill()
    nursery.close()
    _check(path, writers, kept)
    _settle(path, writers)
    _check(path, writers, kept)
    assert in_vain < KILLS // 2, "most were killed before they wrote: nothing is shown"


def _settle(path: Path, writers: list[Writer]) -> None:
    """Retry by hand whatever is unsettled: each is answered, and recorded once."""
    from tests.faults._kill_worker import numbered

    with opened(path) as log:
        for writer in writers:
            for number in sorted(writer.unsettled):
                receipt = log.record(numbered(number))
                assert receipt.event_id == UUID(int=number + 1)
                writer.acknowledged[number] = receipt.index
            writer.unsettled.clear()
