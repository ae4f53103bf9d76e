"""`biotrail export`, `biotrail forward` and `biotrail redeliver`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biotrail.forwarding import Forwarder
from tests.integration.cli_runner import run, small_log
from tests.unit.forwarding._picky import Picky

pytestmark = pytest.mark.component("cli")


@pytest.mark.parametrize("form", ["ocsf", "ecs", "cef", "cloudevents", "jsonl"])
def test_export(tmp_path: Path, form: str) -> None:
    """Every record is exported, to standard output or to a file, one a line."""
    log = small_log(tmp_path / "log.db")
    ran = run("export", log.path, "--format", form)
    assert (ran.code, len(ran.out.splitlines())) == (0, 6)
    assert run("export", log.path, "--format", form, "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out").read_text() == ran.out


def test_export_of_a_time(tmp_path: Path) -> None:
    """A window of time narrows what is exported."""
    log = small_log(tmp_path / "log.db")
    assert run("export", log.path, "--until", "2020-01-01").out == ""
    assert len(run("export", log.path, "--since", "2020-01-01").out.splitlines()) == 6


def test_forward_once(tmp_path: Path) -> None:
    """What is there is delivered; a second run has nothing to do; another log is refused."""
    log, out, position = small_log(tmp_path / "log.db"), tmp_path / "out", tmp_path / "p"
    given = ("--to", f"file:{out}", "--position", position, "--once", "--format", "jsonl")
    assert "6 records were delivered" in run("forward", log.path, *given).err
    assert "0 records were delivered" in run("forward", log.path, *given).err
    assert [json.loads(line)["index"] for line in out.read_text().splitlines()] == [*range(6)]
    other = small_log(tmp_path / "other.db")
    ran = run("forward", other.path, *given)
    assert ran.code == 3
    assert "another than the one that was delivered" in " ".join(ran.err.split())


def test_redeliver(tmp_path: Path) -> None:
    """What was refused is listed, dropped with a reason, and sent once more."""
    log, position, out = small_log(tmp_path / "log.db"), tmp_path / "p", tmp_path / "out"
    with Forwarder(
        log.path,
        Picky(2, 3, 4),
        position=position,
        format="jsonl",
        dead_letters=tmp_path / "p.refused",
    ) as forwarder:
        forwarder.run_once()
    given = ("redeliver", log.path, "--position", position)
    listed = run(*given)
    assert (listed.code, [line[0] for line in listed.out.splitlines()]) == (0, ["2", "3", "4"])
    assert "422 for [2]" in listed.out
    assert run(*given, "--drop", "of no use").code == 2
    assert run(*given, "--index", "2", "--index", "9", "--drop", "of no use").code != 0
    assert "1 records were given up" in run(*given, "--index", "2", "--drop", "of no use").err
    sent = run(*given, "--to", f"file:{out}", "--format", "jsonl")
    assert (sent.code, "2 records were delivered" in sent.err) == (0, True)
    assert [json.loads(line)["index"] for line in out.read_text().splitlines()] == [3, 4]
    assert "0 records wait" in run(*given).err


@pytest.mark.parametrize(
    "to", ["ftp://x", "http://192.0.2.1/", "syslog+tls://", "file:", "https://u:p@host/"]
)
def test_addresses_that_are_none(tmp_path: Path, to: str) -> None:
    """An address that will not do is refused, and nothing is kept."""
    log = small_log(tmp_path / "log.db")
    given = ("--to", to, "--position", tmp_path / "p", "--once")
    assert run("forward", log.path, *given).code == 2
    assert not (tmp_path / "p").exists()
