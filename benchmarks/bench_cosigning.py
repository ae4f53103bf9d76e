"""A post-quantum cosignature on a published checkpoint, beside its Ed25519 line."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.harness import Options, Target, interleave
from biotrail.signing import (
    Ed25519Signer,
    MlDsa44Cosigner,
    check_post_quantum,
    open_checkpoint,
    sign_checkpoint,
)
from biotrail.tlog import Checkpoint

_ORIGIN = "biotrail.example/front-door"


def cosigning(options: Options) -> list[Target]:
    """Making and verifying a cosigned checkpoint, and its bytes, beside one without."""
    signer, cosigner = Ed25519Signer.generate(_ORIGIN), MlDsa44Cosigner.generate(_ORIGIN)
    checkpoint = Checkpoint(_ORIGIN, 1_000_000, bytes(range(32)))
    plain = sign_checkpoint(checkpoint, signer)
    cosigned = cosigner.cosign(plain)
    times, rounds = options.pick(200, 5), options.pick(15, 2)
    made, signed = interleave(
        rounds,
        lambda: _each(times, lambda: cosigner.cosign(plain)),
        lambda: _each(times, lambda: sign_checkpoint(checkpoint, signer)),
    )
    checked, opened = interleave(
        rounds,
        lambda: _each(times, lambda: check_post_quantum(cosigned, cosigner.key)),
        lambda: _each(times, lambda: open_checkpoint(plain, [signer.verifier_key])),
    )
    return [
        _target("sign", "cosign a checkpoint with ML-DSA-44, beside signing it", made, signed, 2.0),
        _target("verify", "check a cosignature, beside opening", checked, opened, 0.5),
        Target(
            "3.7 bytes",
            "a cosigned checkpoint, beside one that is only signed",
            len(cosigned.encode()),
            "bytes",
            len(plain.encode()),
            len(cosigned.encode()),
            3_600,
            at_most=True,
        ),
    ]


def _each(times: int, act: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - began) / times * 1e3


def _target(name: str, title: str, ours: list[float], floor: list[float], goal: float) -> Target:
    mine, peer = statistics.median(ours), statistics.median(floor)
    return Target(f"3.7 {name}", title, mine, "ms", peer, mine, goal, at_most=True)
