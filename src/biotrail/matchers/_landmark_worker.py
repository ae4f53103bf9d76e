"""The process in which MediaPipe runs: sealed from the network before MediaPipe is imported.

Started as ``python -m biotrail.matchers._landmark_worker``, with its requests on standard input and
its replies on standard output (see `biotrail.matchers._wire`). It ends with ``os._exit``: the
closing of MediaPipe, which reports usage figures to its maker, never runs.

In order: take the pipes, keep core dumps off (they would hold photographs), seal the network,
refuse to go on unsealed unless this MediaPipe is of the versions that open no connection, and only
then import it.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import BinaryIO, NoReturn

from biotrail.matchers._detector import Detector, Refusal
from biotrail.matchers._seal import Seal, seal_network
from biotrail.matchers._wire import (
    MAXIMUM_REQUEST,
    SHARED_BYTES,
    Kind,
    read_frame,
    write_frame,
)

FIRST_CLEAN, FIRST_REPORTING = (0, 10, 30), (0, 10, 35)
"""Versions from the first up to, not including, the second were seen to open no connection."""

_NOWHERE = "http://127.0.0.1:9"


def parse_version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version, e.g. (0, 10, 33)."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def check_version(text: str, seal: Seal) -> None:
    """Refuse a MediaPipe that could reach the network.

    Raises:
        Refusal: It is not sealed, and its version is not of the clean range.
    """
    number = parse_version(text)
    if number < FIRST_CLEAN:
        raise Refusal("dependency", f"MediaPipe {text} is too old; 0.10.30 or later is needed")
    if not seal.holds and number >= FIRST_REPORTING:
        raise Refusal(
            "seal",
            f"MediaPipe {text} sends usage figures to its maker, and this machine cannot seal it "
            f"from the network ({seal.detail}). Install one that does not: "
            "pip install 'mediapipe>=0.10.30,<0.10.35'",
        )


def _installed_version() -> str:
    try:
        return version("mediapipe")
    except PackageNotFoundError:
        raise Refusal(
            "dependency", "MediaPipe is not installed: pip install 'biotrail[mediapipe]'"
        ) from None


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep both pipes to ourselves: whatever prints goes to standard error instead."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _forbid_core_dumps() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _misdirect_proxies() -> None:
    """A third lock, for what honours proxies: they lead to a closed port of this machine."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = _NOWHERE


def _expect(frame: tuple[Kind, bytes] | None, kind: Kind) -> bytes:
    if frame is None:
        _end(0)
    if frame[0] is not kind:
        raise Refusal("protocol", f"expected {kind.name}, not {frame[0].name}")
    return frame[1]


def _start(requests: BinaryIO, replies: BinaryIO) -> tuple[Detector, mmap.mmap | None]:
    """Seal, load, and say what was done; the detector, and where pixels lie."""
    seal = seal_network()
    runtime = _installed_version()
    check_version(runtime, seal)
    options = json.loads(_expect(read_frame(requests, maximum=MAXIMUM_REQUEST), Kind.START))
    model = _expect(read_frame(requests, maximum=MAXIMUM_REQUEST), Kind.MODEL)
    detector = Detector(model, options)
    ready = {"mediapipe": runtime, **seal._asdict()}
    write_frame(replies, Kind.READY, json.dumps(ready).encode())
    return detector, _shared(int(options.get("shared", -1)))


def _shared(descriptor: int) -> mmap.mmap | None:
    if descriptor < 0:
        return None
    memory = mmap.mmap(descriptor, SHARED_BYTES, prot=mmap.PROT_READ)
    os.close(descriptor)
    return memory


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    detector, shared = _start(requests, replies)
    while True:
        body = _expect(read_frame(requests, maximum=MAXIMUM_REQUEST), Kind.DETECT)
        faces = detector.detect(body, shared)
        write_frame(replies, Kind.FACES, bytes([len(faces)]), *faces)


def _end(code: int) -> NoReturn:
    """End without MediaPipe's closing, and without Python's."""
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def main() -> NoReturn:
    """Serve until the parent closes the pipe."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, replies = _take_pipes()
    _forbid_core_dumps()
    _misdirect_proxies()
    try:
        _serve(requests, replies)
    except Refusal as refusal:
        reply = {"reason": refusal.reason, "message": str(refusal)}
        with suppress(OSError):
            write_frame(replies, Kind.REFUSED, json.dumps(reply).encode())
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        _end(1)
    _end(0)


if __name__ == "__main__":
    main()
