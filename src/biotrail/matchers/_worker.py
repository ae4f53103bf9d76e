"""The parent's side of the landmark worker: starts it when needed, and replaces it once.

A worker that died, hung or spoke nonsense is replaced once for the same request; then the error has
a name.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn

import attrs

from biotrail.errors import MatcherError, MissingDependencyError, ModelError, NetworkSealError
from biotrail.matchers._process import Gone, WorkerProcess
from biotrail.matchers._wire import FACE_BYTES, PICTURE, SHARED_BYTES, Kind

__all__ = ["LandmarkWorker", "LostWorker", "NetworkSeal"]

_REFUSALS: dict[str, type[Exception]] = {
    "dependency": MissingDependencyError,
    "model": ModelError,
    "seal": NetworkSealError,
}
_KEPT = 100
_COMMAND = ("-P", "-m", "biotrail.matchers._landmark_worker")


@attrs.frozen
class NetworkSeal:
    """How the process in which MediaPipe runs is kept from the network.

    Attributes:
        mediapipe: Version of MediaPipe in it.
        filter: Whether it can make no socket (Linux system call filter).
        namespace: Whether it has an empty network namespace of its own as well.
        detail: Why a lock is missing; empty where none is.
    """

    mediapipe: str
    filter: bool
    namespace: bool
    detail: str


@attrs.frozen(kw_only=True)
class LostWorker:
    """A worker process died, hung or spoke nonsense, and was ended.

    Attributes:
        occurred: When, UTC.
        cause: ``"ended by signal 9"``, ``"gave no answer in 10 s"``, or the like.
        last_words: The last lines that it printed.
    """

    occurred: datetime
    cause: str
    last_words: tuple[str, ...] = ()


class LandmarkWorker:
    """Face Landmarker in a sealed process. Thread-safe: one call at a time.

    Args:
        model: Bytes of the .task file, already checked.
        maximum_faces: How many faces are looked for.
        video: Whether frames of one video are given, which MediaPipe then tracks faces through.
        minimum_confidence: Below this a face is not reported.
        start_timeout: Seconds that starting may take.
        timeout: Seconds that one image may take.
        command: Arguments for the interpreter that start the worker (for tests).
        on_worker_lost: Called when a worker was lost, before another is started.

    Attributes:
        lost_workers: The workers that were lost, the latest 100 of them.
    """

    def __init__(
        self,
        model: bytes,
        *,
        maximum_faces: int = 2,
        video: bool = False,
        minimum_confidence: float = 0.5,
        start_timeout: float = 60.0,
        timeout: float = 10.0,
        command: tuple[str, ...] = _COMMAND,
        on_worker_lost: Callable[[LostWorker], None] | None = None,
    ) -> None:
        self._model = model
        self._options: dict[str, Any] = {
            "video": video,
            "maximum_faces": maximum_faces,
            "minimum_confidence_micro": round(minimum_confidence * 1_000_000),
        }
        self._start_timeout, self._timeout = start_timeout, timeout
        self._command, self._on_worker_lost = command, on_worker_lost
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._process: WorkerProcess | None = None
        self._closed = False
        self.lost_workers: deque[LostWorker] = deque(maxlen=_KEPT)
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

    def detect(
        self, pixels: memoryview, *, width: int, height: int, milliseconds: int = 0
    ) -> list[bytes]:
        """Find faces.

        Args:
            pixels: width x height x 3 bytes, RGB.
            width: In pixels.
            height: In pixels.
            milliseconds: Time of the frame in its video; rises from call to call.

        Returns:
            `FACE_BYTES` bytes of each face, as in `biotrail.matchers._wire`.

        Raises:
            MatcherError: The worker failed twice on this image, or is closed.
        """
        head = PICTURE.pack(width, height, milliseconds)

        def attempt() -> bytes:
            process = self._running()
            parts: tuple[bytes | memoryview, ...] = (head, pixels)
            if process.shared is not None and len(pixels) <= SHARED_BYTES:
                process.shared[: len(pixels)] = pixels
                parts = (head,)
            kind, body = process.exchange((Kind.DETECT, parts), timeout=self._timeout)
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

    def _attempt_twice(self, attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except Gone as error:
            self._record(error)
        try:
            return attempt()
        except Gone as error:
            noise = " | ".join(self._record(error))
            raise MatcherError(
                f"the landmark worker {error}, also after a restart; it last said: {noise or '-'}"
            ) from error

    def _record(self, error: Gone) -> tuple[str, ...]:
        """Discard the worker and keep a note of it; its last words."""
        lost = LostWorker(
            occurred=datetime.now(UTC), cause=str(error), last_words=tuple(self._discard())
        )
        self.lost_workers.append(lost)
        if self._on_worker_lost is not None:
            self._on_worker_lost(lost)
        return lost.last_words

    def _running(self) -> WorkerProcess:
        if self._process is None:
            self._process = self._new_process()
            options = {**self._options, "shared": self._process.shared_descriptor}
            kind, body = self._process.exchange(
                (Kind.START, (json.dumps(options).encode(),)),
                (Kind.MODEL, (self._model,)),
                timeout=self._start_timeout,
            )
            self.ready = json.loads(self._body(kind, body, Kind.READY))
        return self._process

    def _new_process(self) -> WorkerProcess:
        try:
            return WorkerProcess(self._command)
        except OSError as error:
            raise MatcherError(f"the landmark worker cannot be started: {error}") from error

    def _body(self, kind: Kind, body: bytes, expected: Kind) -> bytes:
        if kind is Kind.REFUSED:
            self._discard()
            _raise_refusal(body)
        if kind is not expected:
            raise Gone(f"answered {kind.name}")
        return body

    def _discard(self) -> list[str]:
        """End the process, if there is one; the last lines that it printed."""
        process, self._process = self._process, None
        return process.end() if process is not None else []


def _raise_refusal(body: bytes) -> NoReturn:
    refusal = json.loads(body)
    raise _REFUSALS.get(refusal["reason"], MatcherError)(refusal["message"])
