"""The command as a process: signals, pipes, colours, a terminal, and what it imports."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cli_runner import ORIGIN, PASSPHRASE, SmallLog, attempt, small_log

pytestmark = pytest.mark.component("cli")

COMMAND = [sys.executable, "-m", "biotrail"]


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    """A log of a test's own."""
    return small_log(tmp_path / "trail.db")


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
    )


def test_exit_codes_reach_the_shell(log: SmallLog) -> None:
    """The process exits with the verdict's code, and prints no traceback."""
    assert _run("verify", log.path, "--key", log.key).returncode == 0
    log.path.write_bytes(b"not a log")
    ran = _run("verify", log.path, "--key", log.key)
    assert ran.returncode == 19
    assert "MALFORMED" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["keys", "--help"]])
def test_help(arguments: list[str]) -> None:
    """Every command says how it is used."""
    ran = _run(*arguments)
    assert ran.returncode == 0
    assert "Usage" in ran.stdout


def test_version_and_unknown_commands() -> None:
    """The version is one line; an unknown command exits with 2, as JSON where asked for."""
    assert _run("--version").stdout.startswith("biotrail ")
    assert _run("nonsense").returncode == 2
    ran = _run("nonsense", "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["exit_code"] == 2


def test_verify_imports_nothing_heavy() -> None:
    """The whole command line is there without MediaPipe, NumPy or Pillow."""
    code = (
        "import sys, biotrail.cli; "
        "print([one for one in ('mediapipe', 'numpy', 'PIL') if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_closed_pipe_is_no_error(log: SmallLog) -> None:
    """``biotrail tail | head`` ends without a traceback."""
    line = f"{' '.join(COMMAND)} tail {log.path} --json | head -n 1"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert json.loads(ran.stdout)["index"] == 0
    assert "Traceback" not in ran.stderr


def test_tail_follows_until_interrupted(log: SmallLog) -> None:
    """Records are printed as they come, and an interrupt ends it with 0."""
    with _following(log, "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["index"] == 5
        with log.open() as opened:
            for number in (6, 7):
                opened.record(attempt(number))
                assert json.loads(process.stdout.readline())["index"] == number
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_tail_notices_another_file(log: SmallLog, tmp_path: Path) -> None:
    """A log that is exchanged for another file while it is followed is not followed on."""
    other = small_log(tmp_path / "other.db")
    with _following(log) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        other.path.replace(log.path)
        assert process.wait(timeout=20) == 3
        assert "another file now" in process.stderr.read()


@contextmanager
def _following(log: SmallLog, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`biotrail tail --follow` from the last record on; killed at the end if it still runs."""
    command = [*COMMAND, "tail", str(log.path), "-n", "1", "--follow", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _on_terminal(command: list[str], answers: list[str], **environment: str) -> tuple[int, str]:
    """Run on a terminal of its own, typing an answer at each prompt; returns code and output."""
    child, terminal = pty.fork()
    if child == 0:
        # Whatever runs the tests in the background may have it ignored, and so would the child.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.pop("BIOTRAIL_PASSPHRASE", None)
        os.environ.pop("NO_COLOR", None)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", **environment})
        os.execv(command[0], command)
    shown = b""
    waiting = list(answers)
    while read := _read(terminal):
        shown += read
        # The space after the colon comes once the terminal's echo is off, and not before.
        if waiting and shown.endswith(b": "):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    os.close(terminal)  # hangs up on a child that still waits
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def _read(terminal: int) -> bytes:
    """What the child wrote next; nothing at its end, or after a long silence."""
    if not select.select([terminal], [], [], 30)[0]:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way of saying that the child is gone
        return b""


def test_a_terminal_is_asked_twice(tmp_path: Path) -> None:
    """On a terminal the passphrase is asked for twice, and not shown."""
    path = tmp_path / "trail.db"
    code, shown = _on_terminal(
        [*COMMAND, "init", str(path), "--origin", ORIGIN], [PASSPHRASE, PASSPHRASE]
    )
    assert code == 0, shown
    assert PASSPHRASE not in shown
    SmallLog(path).open().close()


def test_colours(log: SmallLog) -> None:
    """A terminal gets colours, unless NO_COLOR is set; hostile values send nothing of their own."""
    command = [*COMMAND, "show", str(log.path), "1"]
    _, coloured = _on_terminal(command, [])
    assert "\x1b[" in coloured
    assert "\x1b[2J" not in coloured
    _, plain = _on_terminal(command, [], NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert "\\x1b[2J" in plain


def test_an_ascii_terminal(log: SmallLog) -> None:
    """What a terminal cannot show is escaped, not a crash."""
    with log.open() as opened:
        opened.record(attempt(target="Zoë's door"))
    ran = _run("tail", log.path, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert ran.returncode == 0
    assert "Zo\\xeb" in ran.stdout


def test_progress_is_for_terminals(log: SmallLog) -> None:
    """On a terminal verification shows how far it is, and takes that away at the end."""
    command = [*COMMAND, "verify", str(log.path), "--key", str(log.key)]
    code, shown = _on_terminal(command, [])
    assert code == 0
    assert "Verifying" in shown
    assert "integrity" in shown.rpartition("Verifying")[2]
    assert "Verifying" not in _run(*command[3:]).stderr


def test_a_full_disk_is_told(log: SmallLog) -> None:
    """Output that cannot be written is an error in a sentence, not a traceback."""
    for arguments in (("show", log.path), ("checkpoint", log.path), ("show", log.path, "--json")):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [*COMMAND, *map(str, arguments)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"BIOTRAIL_PASSPHRASE": PASSPHRASE},
                stdin=subprocess.DEVNULL,
            )
        assert (ran.returncode, ran.stderr) == (3, "biotrail: No space left on device\n")


def test_a_question_that_is_broken_off(tmp_path: Path) -> None:
    """Ctrl-C at the passphrase exits with 130, and makes nothing."""
    command = [*COMMAND, "init", str(tmp_path / "new.db"), "--origin", ORIGIN]
    code, shown = _on_terminal(command, ["\x03"])
    assert (code, "Traceback" in shown) == (130, False), shown
    assert not list(tmp_path.iterdir())
