"""Matchers: one comparison beside a bare dot product, the seal's cost, capture to decision."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.harness import Options, Target, interleave, median_ratio
from biotrail.matchers import (
    EmbeddingMatcher,
    FaceFinder,
    FailureToAcquire,
    OnnxFaceEmbedder,
    Reference,
)
from biotrail.matchers.model_files import DLIB_RESNET, FACE_LANDMARKER, fetch

_DIMENSIONS = (512, 128)

_UNSEALED = """
import json, os, sys, time
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ["https_proxy"] = "http://127.0.0.1:9"  # unsealed, but not let out
from biotrail.matchers._detector import Detector
from biotrail.matchers._wire import PICTURE
requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
start = json.loads(requests.readline())
model, pixels = open(start["model"], "rb").read(), requests.read(start["bytes"])
detector = Detector(model, {"maximum_faces": 2, "minimum_confidence_micro": 500000})
head = PICTURE.pack(start["width"], start["height"], 0)
for line in requests:
    begun = time.perf_counter()
    for _ in range(int(line)):
        detector.detect(head, pixels)
    print((time.perf_counter() - begun) / int(line), file=replies, flush=True)
os._exit(0)
"""
"""MediaPipe without seal and worker. It ends without MediaPipe's closing, at which it reports."""


@contextmanager
def _one_core() -> Iterator[None]:
    """This process and those that it starts use one core, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _photograph() -> Any:
    import numpy
    from PIL import Image

    with Image.open(fetch("astronaut.png")) as opened:
        return numpy.asarray(opened.convert("RGB"))


def _seconds(act: Callable[[], object], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - begun) / times


def comparing(options: Options) -> list[Target]:
    """2.5: one comparison through the public API, over a bare NumPy dot product."""
    with _one_core():
        rows = {size: _comparison(size, options) for size in _DIMENSIONS}
    over, mine, bare = rows[_DIMENSIONS[0]]
    return [
        Target(
            "2.5",
            f"one comparison, cosine of {_DIMENSIONS[0]} values, over a bare dot product",
            mine * 1e6,
            "us",
            bare * 1e6,
            over * 1e6,
            3.0,
            at_most=True,
            details={
                f"{size} values": f"{row[0] * 1e6:.2f} us over {row[2] * 1e6:.2f} us"
                for size, row in rows.items()
            },
        )
    ]


def _comparison(size: int, options: Options) -> tuple[float, float, float]:
    import numpy

    draw = numpy.random.default_rng(1)
    matcher = EmbeddingMatcher(model="bench", version="1", dimension=size)
    left, right = draw.normal(size=(2, size)).astype(numpy.float32)
    reference = Reference.from_features(matcher.features(left), id="ref-1")
    probe = matcher.features(right)
    a, b = reference.values, probe.values
    times = options.pick(5_000, 50)
    ours, peers = interleave(
        options.pick(25, 3),
        lambda: _seconds(lambda: matcher.compare(reference, probe), times),
        lambda: _seconds(lambda: a @ b, times),
    )
    over = statistics.median(one - other for one, other in zip(ours, peers, strict=True))
    return over, statistics.median(ours), statistics.median(peers)


def sealing(options: Options) -> list[Target]:
    """2.8: one frame through the sealed worker, beside MediaPipe without seal and worker."""
    pixels = _photograph()
    times = options.pick(10, 1)
    with _one_core(), _unsealed(pixels) as unsealed, FaceFinder(fetch(FACE_LANDMARKER)) as finder:
        flat, (height, width) = pixels.data.cast("B"), pixels.shape[:2]

        def sealed() -> float:
            return _seconds(lambda: finder._worker.detect(flat, width=width, height=height), times)

        sealed(), unsealed(times)
        ours, peers = interleave(options.pick(31, 3), sealed, lambda: unsealed(times))
    return [
        Target(
            "2.8",
            "one 512 x 512 frame through the sealed worker, beside MediaPipe unsealed",
            statistics.median(ours) * 1e3,
            "ms",
            statistics.median(peers) * 1e3,
            median_ratio(ours, peers),
            1.1,
            at_most=True,
        )
    ]


@contextmanager
def _unsealed(pixels: Any) -> Iterator[Callable[[int], float]]:
    """MediaPipe in a process of its own that holds the picture; told only how often to look."""
    process = subprocess.Popen(
        [sys.executable, "-c", _UNSEALED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    to, back = process.stdin, process.stdout
    assert to is not None
    assert back is not None
    height, width, _ = pixels.shape
    start = {"model": str(fetch(FACE_LANDMARKER)), "bytes": pixels.nbytes}
    to.write(json.dumps({**start, "width": width, "height": height}).encode() + b"\n")
    to.write(pixels.tobytes())

    def run(times: int) -> float:
        to.write(f"{times}\n".encode())
        to.flush()
        return float(back.readline())

    try:
        yield run
    finally:
        to.close()
        process.wait(timeout=10)
        back.close()


def deciding(options: Options) -> list[Target]:
    """2.9: from a photograph to the decision: decode, find, align, embed, compare, decide."""
    from PIL import Image

    pixels = _photograph()
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=90)
    file = written.getvalue()
    with (
        _one_core(),
        FaceFinder(fetch(FACE_LANDMARKER)) as finder,
        OnnxFaceEmbedder(fetch(DLIB_RESNET), finder=finder) as matcher,
    ):

        def decide(image: object) -> float:
            begun = time.perf_counter()
            sample = matcher.capture(image)
            assert not isinstance(sample, FailureToAcquire)
            score = matcher.compare(reference, matcher.extract(sample))
            assert score.decide(0.58).decision == "match"
            return time.perf_counter() - begun

        first = matcher.capture(pixels)
        assert not isinstance(first, FailureToAcquire)
        reference = Reference.from_features(matcher.extract(first), id="ref-1")
        by_file, by_pixels = interleave(
            options.pick(150, 3), lambda: decide(file), lambda: decide(pixels)
        )
    median = statistics.median(by_file) * 1e3
    return [
        Target(
            "2.9",
            "a 512 x 512 JPEG, from its bytes to the decision, on one core",
            median,
            "ms",
            None,
            median,
            30.0,
            at_most=True,
            details={
                "95th percentile": f"{statistics.quantiles(by_file, n=20)[-1] * 1e3:.1f} ms",
                "from pixels": f"{statistics.median(by_pixels) * 1e3:.1f} ms",
            },
        )
    ]
