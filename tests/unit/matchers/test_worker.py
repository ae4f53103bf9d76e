"""The parent bounds every call, replaces a broken worker once, and gives errors a name.

The workers here are small programs that misbehave; the real one is tested with MediaPipe.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from biotrail.errors import MatcherError, MissingDependencyError, ModelError, NetworkSealError
from biotrail.matchers._wire import FACE_BYTES, PICTURE
from biotrail.matchers._worker import LandmarkWorker, LostWorker

HEAD = """
import os, sys, time
from biotrail.matchers._wire import *
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
def read(): return read_frame(stdin, maximum=MAXIMUM_REQUEST)
def ready():
    read(); read()
    write_frame(stdout, Kind.READY, b'{"mediapipe": "9"}')
def faces(count): write_frame(stdout, Kind.FACES, bytes([count]), b"f" * (count * FACE_BYTES))
def refuse(reason):
    write_frame(stdout, Kind.REFUSED, b'{"reason": "%s", "message": "why"}' % reason)
"""
GOOD = "ready()\nwhile read(): faces(1)"


def worker(program: str, *, timeout: float = 5.0, start_timeout: float = 10.0) -> LandmarkWorker:
    """A worker that runs this program after the helpers above."""
    return LandmarkWorker(
        b"model", timeout=timeout, start_timeout=start_timeout, command=("-c", HEAD + program)
    )


def detect(subject: LandmarkWorker) -> list[bytes]:
    """Ask for the faces of four black pixels."""
    return subject.detect(memoryview(b"\0" * 12), width=2, height=2)


def test_a_good_worker_answers() -> None:
    """Faces come back as bytes, one piece for each."""
    subject = worker(GOOD)
    assert detect(subject) == [b"f" * FACE_BYTES]
    assert subject.ready == {"mediapipe": "9"}
    assert not subject.lost_workers
    subject.close()


def test_a_crash_is_repaired_once(tmp_path: Path) -> None:
    """A worker that dies on an image is replaced, and the image is tried again."""
    mark = tmp_path / "died"
    dying = f"import pathlib; mark = pathlib.Path({str(mark)!r})\nready()\nread()\n"
    subject = worker(dying + "if not mark.exists():\n mark.touch(); os._exit(9)\nfaces(2); read()")
    assert len(detect(subject)) == 2
    assert [lost.cause for lost in subject.lost_workers] == ["ended with code 9"]
    subject.close()


def test_a_second_crash_is_an_error_with_the_workers_last_words() -> None:
    """Where the new worker dies too, the error names it, and a later call may start another."""
    subject = worker("ready(); read(); print('out of luck', file=sys.stderr); os._exit(9)")
    for _ in range(2):
        with pytest.raises(MatcherError, match=r"ended with code 9, also after a restart.*luck"):
            detect(subject)
    subject.close()


def test_the_host_hears_of_each_lost_worker() -> None:
    """Each lost worker is handed to the host, with its time, cause and last words, and is kept."""
    heard: list[LostWorker] = []
    program = "ready(); read(); print('out of luck', file=sys.stderr); sys.stderr.flush(); os.kill("
    subject = LandmarkWorker(
        b"model",
        command=("-c", HEAD + program + "os.getpid(), 9)"),
        on_worker_lost=heard.append,
    )
    with pytest.raises(MatcherError):
        detect(subject)
    assert [lost.cause for lost in heard] == ["ended by signal 9"] * 2
    assert [lost.last_words for lost in heard] == [("out of luck",)] * 2
    assert list(subject.lost_workers) == heard
    assert heard[0].occurred.tzinfo is not None
    subject.close()


@pytest.mark.component("memfd")
def test_pixels_go_through_shared_memory(tmp_path: Path) -> None:
    """Where the system has memory files, the worker sees the pixels without their being sent."""
    seen = tmp_path / "seen"
    subject = worker(
        "import json, mmap, pathlib\n"
        "options = json.loads(read()[1]); read()\n"
        "memory = mmap.mmap(options['shared'], SHARED_BYTES, prot=mmap.PROT_READ)\n"
        "write_frame(stdout, Kind.READY, b'{}')\n"
        "body = read()[1]\n"
        f"pathlib.Path({str(seen)!r}).write_bytes(body + memory[:12])\n"
        "faces(0); read()"
    )
    pixels = bytes(range(12))
    assert subject.detect(memoryview(pixels), width=2, height=2, milliseconds=7) == []
    assert seen.read_bytes() == PICTURE.pack(2, 2, 7) + pixels
    subject.close()


def test_pixels_go_through_the_pipe_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no memory files, the pixels follow their size in the frame."""
    monkeypatch.delattr("os.memfd_create", raising=False)
    seen = tmp_path / "seen"
    program = f"ready()\nimport pathlib; pathlib.Path({str(seen)!r}).write_bytes(read()[1])\n"
    subject = worker(program + "faces(0); read()")
    assert subject.detect(memoryview(b"p" * 3_000_000), width=1000, height=1000) == []
    assert seen.read_bytes() == PICTURE.pack(1000, 1000, 0) + b"p" * 3_000_000
    subject.close()


def test_a_hanging_worker_is_killed() -> None:
    """A worker that never answers is killed at the deadline, twice, and no longer."""
    subject = worker("ready(); time.sleep(60)", timeout=0.2)
    begun = time.monotonic()
    with pytest.raises(MatcherError, match=r"no answer in 0\.2 s"):
        detect(subject)
    assert time.monotonic() - begun < 5
    subject.close()


def test_a_worker_that_does_not_read_is_killed() -> None:
    """A request that the worker never reads ends at the deadline too."""
    subject = LandmarkWorker(
        b"m" * 10_000_000, start_timeout=0.3, command=("-c", "import time; time.sleep(60)")
    )
    with pytest.raises(MatcherError, match="after a restart"):
        subject.start()
    subject.close()


def test_a_noisy_worker_does_not_block() -> None:
    """Megabytes on standard error are drained; the last lines are kept."""
    subject = worker("sys.stderr.write('noise\\n' * 500_000); sys.stderr.flush()\n" + GOOD)
    assert len(detect(subject)) == 1
    subject.close()


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("seal", NetworkSealError),
        ("dependency", MissingDependencyError),
        ("model", ModelError),
        ("protocol", MatcherError),
    ],
)
def test_a_refusal_has_its_own_error(reason: str, error: type[Exception]) -> None:
    """What the worker refuses becomes the error that belongs to the reason, without a restart."""
    subject = worker(f"refuse(b{reason!r})")
    with pytest.raises(error, match="why"):
        subject.start()
    assert not subject.lost_workers
    subject.close()


def test_a_refusal_is_heard_though_the_model_was_not_read() -> None:
    """A worker that refuses before it reads a large model is not taken for a crash."""
    program = HEAD + "refuse(b'seal'); os._exit(0)"
    subject = LandmarkWorker(b"m" * 10_000_000, command=("-c", program))
    with pytest.raises(NetworkSealError, match="why"):
        subject.start()
    subject.close()


@pytest.mark.parametrize(
    "answer",
    [
        "stdout.write(b'garbage' * 9); stdout.flush()",
        "write_frame(stdout, Kind.READY, b'{}')",
        "stdout.write(b'\\xff' * 5); stdout.flush()",
    ],
)
def test_nonsense_is_treated_as_a_crash(answer: str) -> None:
    """Frames of wrong kind or length end in an error, not in faces."""
    subject = worker(f"ready()\nread()\n{answer}\nread()")
    with pytest.raises(MatcherError, match="after a restart"):
        detect(subject)
    subject.close()


def test_a_wrong_number_of_faces_is_refused() -> None:
    """An answer whose length does not fit its number of faces is refused."""
    subject = worker("ready()\nread()\nwrite_frame(stdout, Kind.FACES, b'\\2abc'); read()")
    with pytest.raises(MatcherError, match="wrong length"):
        detect(subject)
    subject.close()


def test_an_interpreter_that_cannot_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started, the error says so, and of what kind it is."""
    monkeypatch.setattr(sys, "executable", "/missing/python")
    subject = worker(GOOD)
    with pytest.raises(MatcherError, match="cannot be started"):
        subject.start()
    subject.close()


def test_a_closed_worker_is_gone() -> None:
    """Closing ends the process, may be repeated, and makes later calls fail by name."""
    subject = worker(GOOD)
    subject.start()
    assert subject._process is not None
    process = subject._process.popen
    subject.close()
    subject.close()
    assert process.returncode == -9
    with pytest.raises(MatcherError, match="closed"):
        detect(subject)


def test_a_forgotten_worker_is_killed() -> None:
    """A worker whose parent dropped it does not stay behind."""
    subject = worker(GOOD)
    subject.start()
    assert subject._process is not None
    process = subject._process.popen
    del subject
    for _ in range(100):
        if process.poll() is not None:
            break
        time.sleep(0.02)
    assert process.returncode == -9


@pytest.mark.component("fork")
def test_another_process_cannot_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork, the child is refused instead of mixing its answers with the parent's."""
    subject = worker(GOOD)
    subject.start()
    owner = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: owner + 1)
        with pytest.raises(MatcherError, match="fork"):
            detect(subject)
    subject.close()
