"""Targets 2.1 to 2.4, 2.6 and 2.7: searching galleries, beside FAISS, USearch and NumPy.

Each runs in a process of its own, on one core, with one thread for every library, and without the
variables that would slow OpenBLAS down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import attrs

from benchmarks.harness import Options, Target

_SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_ONE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def _alone(number: str, options: Options) -> list[Target]:
    """Run one target's worker and read what it measured."""
    environment = {name: value for name, value in os.environ.items() if name not in _SLOWING}
    environment |= dict.fromkeys(_ONE, "1")
    command = [sys.executable, "-m", "benchmarks.search_worker", number]
    ran = subprocess.run(
        [*command, "--quick"] if options.quick else command,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])
    return [Target(**one) for one in found]


@attrs.frozen
class _Worker:
    number: str

    def __call__(self, options: Options) -> list[Target]:
        return _alone(self.number, options)


one_probe = _Worker("2.1")
batches = _Worker("2.2")
numpy_alone = _Worker("2.3")
keeping = _Worker("2.4")
fuzz = _Worker("2.6")
shares = _Worker("2.7")
