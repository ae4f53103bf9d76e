"""A process that is killed while it changes a file of vault keys loses no key that it told of."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from biotrail.vault import PassphraseKeyProvider
from tests.faults._child import start

_CHANGE = """
import sys
from biotrail.vault import PassphraseKeyProvider
provider = PassphraseKeyProvider(sys.argv[1], passphrase="secret")
print("open", flush=True)
while True:
    print(provider.rotate(), flush=True)
    provider.change_passphrase("secret", memory=8192, passes=1, lanes=1)
"""


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_change_loses_no_key(seed: int, tmp_path: Path) -> None:
    """After a kill at any moment the file opens, with every key that was told of before."""
    path = tmp_path / "vault.keys"
    PassphraseKeyProvider(
        path, passphrase="secret", create=True, memory=8192, passes=1, lanes=1
    ).close()
    changing = start(_CHANGE, str(path), stdout=subprocess.PIPE)
    assert changing.stdout is not None
    assert changing.stdout.readline() == "open\n"
    time.sleep(0.2 + random.Random(seed).random() * 0.3)
    changing.send_signal(signal.SIGKILL)
    told = changing.communicate()[0].splitlines()
    with PassphraseKeyProvider(path, passphrase="secret") as provider:
        assert len(told) > 1
        assert set(told[:-1]) <= set(provider.key_ids)
        assert told[-1] in provider.key_ids or len(told[-1]) < len(provider.key_id)
        provider.rotate()
    assert {one.name for one in tmp_path.iterdir()} == {path.name, f"{path.name}.lock"}
