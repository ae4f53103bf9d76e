"""One life of the landmark worker's process, as seen by its parent.

Every exchange has a deadline: both pipes are waited for with what is left of it.
"""

from __future__ import annotations

import mmap
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

from biotrail.matchers._wire import HEAD, MAXIMUM_REPLY, SHARED_BYTES, Kind

__all__ = ["Gone", "WorkerProcess"]

_KEPT_LINES, _LONGEST_LINE = 20, 500
_PIPE_BYTES = 1024 * 1024


class Gone(Exception):
    """The worker died, hung, or spoke nonsense."""


class WorkerProcess:
    """One life of the worker process.

    Args:
        command: Arguments for the interpreter.

    Attributes:
        shared: Memory in which the worker sees pixels without their being copied through a pipe
            (Linux), or None.
        shared_descriptor: Its file descriptor in the worker; -1 where there is none.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self.shared, descriptor = _shared_memory()
        self.shared_descriptor = descriptor
        try:
            self.popen = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=_environment(),
                pass_fds=() if descriptor < 0 else (descriptor,),
                start_new_session=True,
            )
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        assert self.popen.stdin is not None
        _widen(self.popen.stdin)
        os.set_blocking(self.popen.stdin.fileno(), False)
        self.noise: deque[str] = deque(maxlen=_KEPT_LINES)
        assert self.popen.stderr is not None
        arguments = (self.popen.stderr, self.noise)
        self._reader = threading.Thread(target=_keep_lines, args=arguments, daemon=True)
        self._reader.start()
        self._killer = weakref.finalize(self, _kill, self.popen, self.shared)

    def exchange(
        self, *requests: tuple[Kind, tuple[bytes | memoryview, ...]], timeout: float
    ) -> tuple[Kind, bytes]:
        """Send the requests and read one reply.

        Raises:
            Gone: There was no whole reply within the time.
        """
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        end = time.monotonic() + timeout
        try:
            try:
                for kind, parts in requests:
                    head = HEAD.pack(1 + sum(len(part) for part in parts), kind)
                    self._send(b"".join((head, *parts)), end)
            except BrokenPipeError:
                pass  # a worker that refuses before it has read its requests; it said why
            return self._receive(end)
        except TimeoutError:
            raise Gone(f"gave no answer in {timeout:g} s") from None
        except ValueError as error:
            raise Gone(f"spoke nonsense ({error})") from error

    def _send(self, frame: bytes, end: float) -> None:
        pipe = self.popen.stdin.fileno()  # type: ignore[union-attr]
        rest = memoryview(frame)
        while rest:
            try:
                rest = rest[os.write(pipe, rest) :]
            except BlockingIOError:
                _wait(pipe, select.POLLOUT, end)

    def _receive(self, end: float) -> tuple[Kind, bytes]:
        length, kind = HEAD.unpack(self._read(HEAD.size, end))
        if not 1 <= length <= MAXIMUM_REPLY:
            raise ValueError(f"a frame of {length} bytes; at most {MAXIMUM_REPLY} are read")
        return Kind(kind), self._read(length - 1, end)

    def _read(self, size: int, end: float) -> bytes:
        pipe = self.popen.stdout.fileno()  # type: ignore[union-attr]
        parts: list[bytes] = []
        while size:
            _wait(pipe, select.POLLIN, end)
            part = os.read(pipe, size)
            if not part:
                raise Gone(self._how_it_ended())
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _how_it_ended(self) -> str:
        """With which code or signal, if it says so at once."""
        with suppress(subprocess.TimeoutExpired):
            code = self.popen.wait(timeout=1)
            return f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return "ended"

    def end(self) -> list[str]:
        """Kill it, wait until it is gone, close the pipes; the last lines that it printed."""
        self._killer()
        self._reader.join(timeout=1)
        return list(self.noise)


def _widen(pipe: IO[bytes]) -> None:
    """Let a whole image into the pipe at once, where the system can (Linux)."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _wait(pipe: int, event: int, end: float) -> None:
    """Wait until the pipe can be read or written.

    Raises:
        TimeoutError: The time is over.
    """
    watch = select.poll()
    watch.register(pipe, event)
    if not watch.poll(max(0.0, end - time.monotonic()) * 1000):
        raise TimeoutError


def _shared_memory() -> tuple[mmap.mmap | None, int]:
    """Memory without a name in any file system, and its descriptor; (None, -1) where unknown."""
    if not hasattr(os, "memfd_create"):
        return None, -1
    descriptor = os.memfd_create("biotrail-pixels")
    os.ftruncate(descriptor, SHARED_BYTES)
    return mmap.mmap(descriptor, SHARED_BYTES), descriptor


def _kill(popen: subprocess.Popen[bytes], shared: mmap.mmap | None) -> None:
    popen.kill()
    if shared is not None:
        shared.close()
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
