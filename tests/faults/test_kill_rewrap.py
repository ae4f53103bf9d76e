"""Wrapping keys anew is killed at random moments, and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from biotrail.query import open_records
from biotrail.sealing.rewrapping import count_keys, rewrap_keys
from biotrail.stores import SQLiteReader, SQLiteStore
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN, event, sealed_log
from tests.unit.vault._providers import CountingProvider

_PEOPLE = 400
_SCRIPT = """
import sys, time
from biotrail.sealing import rewrapping
from biotrail.stores import SQLiteStore
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN
from tests.unit.vault._providers import CountingProvider
rewrapping._AT_ONCE = 5
new, old = CountingProvider("counting:2", bytes(32)), CountingProvider()
store = SQLiteStore(sys.argv[1])
def told(done, total):
    print(done, flush=True)
    time.sleep(0.005)
rewrapping.rewrap_keys(store, Vault(new, previous=[old]), ORIGIN, progress=told)
"""


def test_killed_and_gone_on_with(tmp_path: Path) -> None:
    """After every kill all keys open; called again it ends, and nothing is lost."""
    path = tmp_path / "trail.db"
    people = (event(n, subject=f"person-{n}") for n in range(_PEOPLE))
    sealed_log(people, store=SQLiteStore(path))
    done = 0
    for wait in (1, 7, 20):
        done = _killed_after(path, wait, done)
    new = CountingProvider("counting:2", bytes(32))
    vault = Vault(new, previous=[CountingProvider()])
    store = SQLiteStore(path)
    assert rewrap_keys(store, vault, ORIGIN).rewrapped == _PEOPLE + 2 - done
    store.close()
    with open_records(path, vault=Vault(new)) as records:
        assert all(one.sealed == () and one.gone == () for one in records.records())


def _killed_after(path: Path, steps: int, before: int) -> int:
    """Kill a run after some steps; returns how many keys are wrapped anew."""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", _SCRIPT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        for _ in range(steps):
            assert run.stdout.readline()
        time.sleep(0.003)
        run.send_signal(signal.SIGKILL)
    reader = SQLiteReader(path)
    counts = count_keys(reader).wrapped
    reader.close()
    assert sum(counts.values()) == _PEOPLE + 2
    assert before + 5 * steps <= counts["counting:2"] < _PEOPLE
    vault = Vault(CountingProvider("counting:2", bytes(32)), previous=[CountingProvider()])
    with open_records(path, vault=vault) as records:
        assert all(one.sealed == () and one.gone == () for one in records.records())
    return counts["counting:2"]
