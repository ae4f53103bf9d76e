"""One life of the landmark worker's process, as seen by its parent.

Every exchange has a deadline: a timer kills the process, its pipe closes, the waiting read ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

from biotrail.matchers._wire import MAXIMUM_REPLY, Kind, read_frame, write_frame

__all__ = ["Gone", "WorkerProcess"]

_KEPT_LINES, _LONGEST_LINE = 20, 500
_PIPE_BYTES = 1024 * 1024


class Gone(Exception):
    """The worker died, hung, or spoke nonsense."""


class WorkerProcess:
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
        assert self.popen.stdin is not None
        _widen(self.popen.stdin)
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
            Gone: There was no whole reply within the time.
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
            raise Gone(f"spoke nonsense ({error})") from error
        finally:
            timer.cancel()
        if reply is None:
            raise Gone(f"gave no answer in {timeout:g} s" if late.is_set() else "ended")
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
