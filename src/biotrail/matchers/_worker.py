"""The parent's side of the landmark worker: starts it, bounds every call, replaces it once.

Every exchange has a deadline: a timer kills the process, its pipe closes, the waiting read ends.
A worker that died or was killed is replaced once for the same request; then the error has a name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from biotrail.errors import MatcherError, MissingDependencyError, ModelError, NetworkSealError
from biotrail.matchers._wire import FACE_BYTES, MAXIMUM_REPLY, SIZE, Kind, read_frame, write_frame

__all__ = ["LandmarkWorker"]

_REFUSALS: dict[str, type[Exception]] = {
    "dependency": MissingDependencyError,
    "model": ModelError,
    "seal": NetworkSealError,
}
_COMMAND = ("-P", "-m", "biotrail.matchers._landmark_worker")
_KEPT_LINES, _LONGEST_LINE = 20, 500


class _Gone(Exception):
    """The worker died, hung, or spoke nonsense."""


class _Process:
    """One life of the worker process."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        self.noise: deque[str] = deque(maxlen=_KEPT_LINES)
        assert self.popen.stderr is not None
        arguments = (self.popen.stderr, self.noise)
        self._reader = threading.Thread(target=_keep_lines, args=arguments, daemon=True)
        self._reader.start()
        self._killer = weakref.finalize(self, _kill, self.popen)

    def exchange(
        self, *requests: tuple[Kind, tuple[bytes | memoryview, ...]], timeout: float
    ) -> tuple[Kind, bytes]:
        """Send the requests and read one reply.

        Raises:
            _Gone: There was no whole reply within the time.
        """
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        late = threading.Event()
        timer = threading.Timer(timeout, self._give_up, args=(late,))
        timer.daemon = True
        timer.start()
        try:
            for kind, parts in requests:
                write_frame(self.popen.stdin, kind, *parts)  # type: ignore[arg-type]
            reply = read_frame(self.popen.stdout, maximum=MAXIMUM_REPLY)  # type: ignore[arg-type]
        except OSError:
            reply = self._early_refusal()
        except ValueError as error:
            raise _Gone(f"spoke nonsense ({error})") from error
        finally:
            timer.cancel()
        if reply is None:
            raise _Gone(f"gave no answer in {timeout:g} s" if late.is_set() else "ended")
        return reply

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self.popen.kill()

    def _early_refusal(self) -> tuple[Kind, bytes] | None:
        """A worker that refuses before it has read its requests breaks our writing."""
        assert self.popen.stdout is not None
        try:
            return read_frame(self.popen.stdout, maximum=MAXIMUM_REPLY)  # type: ignore[arg-type]
        except (OSError, ValueError):
            return None

    def end(self) -> None:
        """Kill it and wait until it is gone; close the pipes."""
        self._killer()
        self._reader.join(timeout=1)


def _kill(popen: subprocess.Popen[bytes]) -> None:
    popen.kill()
    popen.wait()
    for pipe in (popen.stdin, popen.stdout):
        with suppress(OSError):  # what was still buffered has no reader any more
            if pipe is not None:
                pipe.close()


def _keep_lines(stream: IO[bytes], lines: deque[str]) -> None:
    """Keep the last lines of what the worker prints; the rest is dropped."""
    with stream, suppress(OSError, ValueError):
        while line := stream.readline(_LONGEST_LINE):
            lines.append(line.decode("utf-8", "replace").rstrip())


def _environment() -> dict[str, str]:
    """Ours, and a path on which the worker finds the same packages as we do."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *(path for path in sys.path if path and path != here)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


class LandmarkWorker:
    """Face Landmarker in a sealed process. Thread-safe: one call at a time.

    Args:
        model: Bytes of the .task file, already checked.
        maximum_faces: How many faces are looked for.
        minimum_confidence: Below this a face is not reported.
        start_timeout: Seconds that starting may take.
        timeout: Seconds that one image may take.
        command: Arguments for the interpreter that start the worker (for tests).
    """

    def __init__(
        self,
        model: bytes,
        *,
        maximum_faces: int = 2,
        minimum_confidence: float = 0.5,
        start_timeout: float = 60.0,
        timeout: float = 10.0,
        command: tuple[str, ...] = _COMMAND,
    ) -> None:
        self._model = model
        self._options = {
            "maximum_faces": maximum_faces,
            "minimum_confidence_micro": round(minimum_confidence * 1_000_000),
        }
        self._start_timeout, self._timeout = start_timeout, timeout
        self._command = command
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._process: _Process | None = None
        self._closed = False
        self.restarts = 0
        self.ready: dict[str, Any] = {}

    def start(self) -> None:
        """Start the process if it is not running, and wait until it is ready.

        Raises:
            NetworkSealError: It cannot be sealed, and its MediaPipe would use the network.
            MissingDependencyError: MediaPipe or a system library is missing.
            ModelError: MediaPipe refuses the model.
            MatcherError: It does not start.
        """
        with self._lock:
            self._check_usable()
            self._attempt_twice(self._running)

    def detect(self, pixels: memoryview, *, width: int, height: int) -> list[bytes]:
        """Find faces.

        Args:
            pixels: width x height x 3 bytes, RGB.
            width: In pixels.
            height: In pixels.

        Returns:
            478 x 3 float32 of each face (little-endian), in units of the image's sides.

        Raises:
            MatcherError: The worker failed twice on this image, or is closed.
        """
        request = (Kind.DETECT, (SIZE.pack(width, height), pixels))

        def attempt() -> bytes:
            kind, body = self._running().exchange(request, timeout=self._timeout)
            return self._body(kind, body, Kind.FACES)

        with self._lock:
            self._check_usable()
            body = self._attempt_twice(attempt)
        if len(body) != 1 + body[0] * FACE_BYTES:
            raise MatcherError("the landmark worker's answer has a wrong length")
        return [body[at : at + FACE_BYTES] for at in range(1, len(body), FACE_BYTES)]

    def close(self) -> None:
        """Kill the process; calling it again does nothing."""
        with self._lock:
            self._closed = True
            if os.getpid() == self._owner:
                self._discard()

    def _check_usable(self) -> None:
        if self._closed:
            raise MatcherError("this matcher is closed")
        if os.getpid() != self._owner:
            raise MatcherError("this matcher was opened in another process (before a fork)")

    def _attempt_twice(self, attempt: Any) -> Any:
        try:
            return attempt()
        except _Gone:
            self._discard()
            self.restarts += 1
        try:
            return attempt()
        except _Gone as error:
            noise = " | ".join(self._process.noise) if self._process else ""
            self._discard()
            raise MatcherError(
                f"the landmark worker {error}, also after a restart; it last said: {noise or '-'}"
            ) from error

    def _running(self) -> _Process:
        if self._process is None:
            self._process = _Process(self._command)
            kind, body = self._process.exchange(
                (Kind.START, (json.dumps(self._options).encode(),)),
                (Kind.MODEL, (self._model,)),
                timeout=self._start_timeout,
            )
            self.ready = json.loads(self._body(kind, body, Kind.READY))
        return self._process

    def _body(self, kind: Kind, body: bytes, expected: Kind) -> bytes:
        if kind is Kind.REFUSED:
            self._discard()
            _raise_refusal(body)
        if kind is not expected:
            raise _Gone(f"answered {kind.name}")
        return body

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


def _raise_refusal(body: bytes) -> NoReturn:
    refusal = json.loads(body)
    raise _REFUSALS.get(refusal["reason"], MatcherError)(refusal["message"])
