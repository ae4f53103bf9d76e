"""Proof by system call trace: no packet and no name look-up leaves while faces are processed.

MediaPipe from 0.10.35 on reports usage to its maker when it is closed and about once a minute. The
worker is traced while it works; and, in a process with the same seal, MediaPipe's own closing is
let run, which is the moment at which it reports.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from biotrail.matchers._landmark_worker import FIRST_REPORTING, parse_version
from tests.integration.matchers_photographs import embedding_model, photographs

pytestmark = [pytest.mark.component("strace"), pytest.mark.component("mediapipe")]

INTERNET = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg|bind)\(.*AF_INET6?")
REFUSED = ("ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT")
CALLS = "trace=network,unshare,prctl,seccomp,io_uring_setup"

USE = """
import sys, time
from biotrail.matchers import FaceFinder
video = len(sys.argv) > 3
backend = FaceFinder(sys.argv[1], video=video)
for number in range(3):
    backend.find(sys.argv[2], milliseconds=40 * number if video else None)
begun = time.monotonic()
backend.close()
print(time.monotonic() - begun)
"""

CLOSE_SEALED = """
import struct, sys, time
from biotrail.matchers import _landmark_worker as worker
assert worker.seal_network().holds
model = open(sys.argv[1], "rb").read()
options = {"maximum_faces": 2, "minimum_confidence_micro": 500000, "video": len(sys.argv) > 3}
detector = worker.Detector(model, options)
for time_of_frame in range(3):
    detector.detect(struct.pack(">IIq", 64, 64, time_of_frame) + bytes(64 * 64 * 3))
begun = time.monotonic()
detector._landmarker.close()
print(time.monotonic() - begun)
"""


EMBED = """
import sys, time
from biotrail.matchers import FivePointFace, OnnxFaceEmbedder
from biotrail.matchers._self_test import drawn_face
face = FivePointFace(
    image=drawn_face().pixels,
    points=[(165, 118), (140, 118), (91, 118), (116, 118), (128, 157)],
)
matcher = OnnxFaceEmbedder(sys.argv[3], find_faces=False)
begun = time.monotonic()
while time.monotonic() < begun + 2:
    matcher.extract(matcher.capture(face))
matcher.close()
print(0)
"""


def traced(program: str, folder: Path, *more: str) -> tuple[list[str], float]:
    """Run a program under strace; the lines of the trace, and the number that it prints."""
    trace = folder / "trace"
    files = photographs()
    ran = subprocess.run(
        [
            *("strace", "-f", "-qq", "-e", CALLS, "-o", str(trace)),
            *(sys.executable, "-c", program, str(files["model"]), str(files["enrolled"]), *more),
        ],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return trace.read_text().splitlines(), float(ran.stdout.split()[-1])


def left_the_machine(lines: list[str]) -> list[str]:
    """The calls that could have brought a packet out: to an internet address, and not refused."""
    return [
        line
        for line in lines
        if INTERNET.search(line) and not any(error in line for error in REFUSED)
    ]


def test_the_trace_would_show_it(tmp_path: Path) -> None:
    """The check finds a datagram to an address of this machine, so it is not blind."""
    program = (
        "import socket, sys\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))\n"
        "print(0)\n"
    )
    lines, _ = traced(program, tmp_path)
    assert len(left_the_machine(lines)) == 1


@pytest.mark.parametrize("mode", [(), ("video",)], ids=["images", "video"])
def test_nothing_leaves_while_faces_are_processed(tmp_path: Path, mode: tuple[str, ...]) -> None:
    """Start, three captures and close: no connection, no datagram, no name look-up."""
    lines, seconds = traced(USE, tmp_path, *mode)
    assert any("unshare(CLONE_NEWUSER|CLONE_NEWNET)" in line for line in lines)
    assert any("SECCOMP_MODE_FILTER" in line for line in lines)
    assert left_the_machine(lines) == []
    assert not any(re.search(r"connect\(.*AF_UNIX.*= 0", line) for line in lines)
    assert seconds < 0.5


@pytest.mark.parametrize("mode", [(), ("video",)], ids=["images", "video"])
def test_nothing_leaves_when_mediapipe_closes_itself(tmp_path: Path, mode: tuple[str, ...]) -> None:
    """Even MediaPipe's own closing, at which it reports, gets nothing out, and does not wait."""
    lines, seconds = traced(CLOSE_SEALED, tmp_path, *mode)
    assert left_the_machine(lines) == []
    assert not any(re.search(r"connect\(.*AF_UNIX.*= 0", line) for line in lines)
    assert seconds < 1.0
    if FIRST_REPORTING <= parse_version(version("mediapipe")) <= (1, 2, 2):
        # The look-up of the maker's host: it was tried, beyond our own probe, and refused.
        assert sum("socket(AF_UNIX" in line and "ENETUNREACH" in line for line in lines) > 1


@pytest.mark.component("onnx")
def test_onnx_runtime_opens_no_connection(tmp_path: Path) -> None:
    """ONNX Runtime, in the host's process and unsealed, asks no name and sends nothing."""
    lines, _ = traced(EMBED, tmp_path, str(embedding_model()))
    assert left_the_machine(lines) == []
    assert not any(re.search(r"connect\(", line) for line in lines)
