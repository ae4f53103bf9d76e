"""``import biotrail`` beside the import of its core dependencies, as far as it uses them."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.harness import Options, Target, interleave

_FLOOR = (
    "import attrs, cbor2, "
    "cryptography.hazmat.primitives.asymmetric.ed25519, "
    "cryptography.hazmat.primitives.serialization"
)


def importing(options: Options) -> list[Target]:
    """Import time, each in a fresh interpreter, less the interpreter's own start."""

    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    rounds = options.pick(25, 3)
    ours, floor, nothing = interleave(
        rounds,
        lambda: seconds("import biotrail"),
        lambda: seconds(_FLOOR),
        lambda: seconds("pass"),
    )
    start = statistics.median(nothing)
    mine, peer = statistics.median(ours) - start, statistics.median(floor) - start
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
