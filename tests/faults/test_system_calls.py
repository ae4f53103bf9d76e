"""Every single system call that changes the log's files fails once, or is the writer's last.

After the way of Tessera's fault tests: one run for each call, by strace's injection.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults._child import environment
from tests.faults._traced_worker import numbered
from tests.unit.audit._logs import event, ids_in, opened, verified

pytestmark = pytest.mark.component("strace")
_WORKER = Path(__file__).with_name("_traced_worker.py")
_MOST_CALLS = 120
_CALLS = ("fdatasync", "ftruncate", "pwrite64", "unlink")
_COUNT = 4


def _run(path: Path, first: int, injection: str, call: str) -> tuple[list[str], bool]:
    """What the writer said, and whether the call was reached."""
    # With a seccomp filter strace is quicker, but delivers no signals.
    filtered = [] if "signal" in injection else ["--seccomp-bpf"]
    command = ["strace", "-f", "-qq", *filtered, "-e", f"trace={call}"]
    command += ["-e", f"inject={injection}", sys.executable, str(_WORKER), str(path), str(first)]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    # When its child is killed, strace ends itself by the same signal.
    struck = "INJECTED" in ran.stderr or ran.returncode == -signal.SIGKILL
    assert struck or ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines(), struck


def _check(path: Path, said: list[str], first: int, kept: str) -> None:
    """What was acknowledged is there; the rest is recorded by a retry; nothing is twice."""
    acknowledged = {int(w[1]): int(w[2]) for w in map(str.split, said) if w[0] == "ack"}
    with opened(path) as log:
        for number in range(first, first + _COUNT):
            receipt = log.record(numbered(number))
            assert receipt.index == acknowledged.get(number, receipt.index)
            assert receipt.repeated or number not in acknowledged
    numbers = [one.int - 1 for one in ids_in(path)]
    assert len(numbers) == len(set(numbers))
    verified(path, from_checkpoint=kept)


@pytest.mark.parametrize("call", _CALLS)
@pytest.mark.parametrize("way", ["error=EIO", "signal=SIGKILL"])
def test_at_every_call(tmp_path: Path, call: str, way: str) -> None:
    """Whichever call fails, or is the last before a kill, the next opening finds what counts."""
    path = tmp_path / "trail.db"
    with opened(path) as log:
        log.record_many([event(number) for number in range(900_000, 900_250)])
        kept = log.checkpoint().note
    struck = 0
    for at in range(1, _MOST_CALLS):
        first = at * 100
        said, hit = _run(path, first, f"{call}:{way}:when={at}", call)
        _check(path, said, first, kept)
        if way.startswith("error"):
            assert "closed" in said
        if not hit:
            break
        struck += 1
    else:
        pytest.fail("the calls never ended")
    assert struck > 0 or call == "ftruncate"  # which SQLite needs only for a larger log
