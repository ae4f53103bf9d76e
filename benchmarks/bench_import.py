"""``import biotrail`` beside the import of its core dependencies, as far as it uses them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.harness import Options, Target, interleave

_FLOOR = (
    "import attrs, cbor2, "
    "cryptography.hazmat.primitives.asymmetric.ed25519, "
    "cryptography.hazmat.primitives.serialization"
)


def importing(options: Options) -> list[Target]:
    """Import time, each in a fresh interpreter."""
    # What is installed has been compiled; so must be what lies here, or the compiler is measured.
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def seconds(code: str) -> float:
        timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
        done = subprocess.run(
            [sys.executable, "-c", timed], check=True, capture_output=True, text=True, env=compiled
        )
        return float(done.stdout)

    ours, floor = interleave(
        options.pick(25, 3), lambda: seconds("import biotrail"), lambda: seconds(_FLOOR)
    )
    mine, peer = statistics.median(ours), statistics.median(floor)
    return [
        Target(
            "1.6 import",
            "import biotrail over the import of what it rests on",
            mine * 1e3,
            "ms",
            peer * 1e3,
            mine / peer,
            1.5,
            at_most=True,
        )
    ]
