"""`biotrail verify`: separate answers, and a distinct exit code for every kind of damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from biotrail.testing.tamper import copy_log, edit_entry, flip_bit, swap_entries, tampering
from tests.integration.cli_runner import SmallLog, attempt, run, small_log

pytestmark = pytest.mark.component("cli")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A log that no test changes."""
    return small_log(tmp_path_factory.mktemp("log") / "trail.db")


def test_a_good_log_holds(log: SmallLog) -> None:
    """Four answers are given, each with what it rests on; completeness is not shown."""
    ran = run("verify", log.path, "--key", log.key)
    assert ran.code == 0
    for words in ("integrity", "6 entries", "not shown", "5 payloads open", "read from beside"):
        assert words in ran.out
    assert ran.err == ""


def test_json_is_one_document(log: SmallLog) -> None:
    """The same answers for machines."""
    told = run("verify", log.path, "--key", log.key, "--json", "--strict").json()
    assert (told["size"], told["events"], told["exit_code"]) == (6, 5, 0)
    assert told["integrity"]["verdict"] == "holds"
    assert told["integrity"]["strict"] is True
    assert told["completeness"] | {"rests_on": ""} == {
        "verdict": "not shown",
        "rests_on": "",
        "complete_since": [],
    }
    assert told["payloads"]["opened"] == 5
    assert told["lookups"]["verdict"] == "holds"
    assert told["keys"] == log.key.read_text().split()


def test_what_is_left_out_is_said(log: SmallLog) -> None:
    """With --entries-only nothing is claimed about payloads and look-up columns."""
    told = run("verify", log.path, "--key", log.key, "--entries-only", "--json").json()
    assert told["payloads"]["verdict"] == told["lookups"]["verdict"] == "not checked"


def test_completeness_is_shown(tmp_path: Path) -> None:
    """A log that continues a kept checkpoint is complete since then."""
    log = small_log(tmp_path / "trail.db")
    kept = tmp_path / "kept"
    assert run("checkpoint", log.path, "-o", kept).code == 0
    with log.open() as opened:
        opened.record(attempt(9))
    told = run(
        "verify", log.path, "--key", log.key, "--from-checkpoint", kept, "--every-signature",
        "--workers", 1, "--json",
    ).json()  # fmt: skip
    assert told["completeness"]["complete_since"] == [6]
    assert told["integrity"]["every_signature"] is True


def test_a_key_is_needed(log: SmallLog) -> None:
    """Without a key nothing is verified: exit 2, with the place where the key may be."""
    ran = run("verify", log.path)
    assert ran.code == 2
    assert "proves nothing" in ran.err
    told = run("verify", log.path, "--json")
    assert told.code == 2
    assert told.json()["error"]["kind"] == "usage"
    assert f"{log.path}.key.pub" in told.json()["error"]["message"]


@pytest.mark.parametrize("content", ["", "not a key\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(log: SmallLog, tmp_path: Path, content: str) -> None:
    """A file that holds no verifier key is a mistake in the call, not a verdict on the log."""
    file = tmp_path / "key"
    file.write_text(content)
    assert run("verify", log.path, "--key", file).code == 2
    assert run("verify", log.path, "--key", "nonsense").code == 2


def test_what_is_no_checkpoint_is_refused(log: SmallLog, tmp_path: Path) -> None:
    """So is a kept checkpoint that is none, or is not there."""
    bad = tmp_path / "bad"
    bad.write_bytes(b"\xff\xfe")
    for kept in (bad, tmp_path / "absent"):
        ran = run("verify", log.path, "--key", log.key, "--from-checkpoint", kept)
        assert ran.code == 2
        assert "--from-checkpoint" in ran.err


def test_a_file_that_is_not_there(log: SmallLog, tmp_path: Path) -> None:
    """An absent log is no verdict: exit 3, one sentence."""
    ran = run("verify", tmp_path / "absent.db", "--key", log.key)
    assert ran.code == 3
    assert "there is no such file" in ran.err
    assert run("verify", tmp_path / "absent.db", "--key", log.key, "--json").json() == {
        "error": {
            "kind": "store unavailable",
            "type": "StoreUnavailableError",
            "exit_code": 3,
            "index": None,
            "message": f"{tmp_path / 'absent.db'}: there is no such file",
        }
    }


def _alter(connection: sqlite3.Connection) -> None:
    edit_entry(connection, 2, lambda data: flip_bit(data, 8 * 100))


def _delete(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM payloads WHERE idx = 3")
    connection.execute("DELETE FROM entries WHERE idx = 3")


def _swap(connection: sqlite3.Connection) -> None:
    swap_entries(connection, 2, 4)


def _truncate(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM payloads WHERE idx = 5")
    connection.execute("DELETE FROM entries WHERE idx = 5")


def _lookup(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entries SET decision = 'granted' WHERE idx = 4")


DAMAGES: list[tuple[Callable[[sqlite3.Connection], None], int, str, int]] = [
    (_alter, 11, "altered", 2),
    (_delete, 12, "missing", 3),
    (_swap, 14, "reordered", 2),
    (_truncate, 15, "truncated", 5),
    (_lookup, 11, "altered", 4),
]


@pytest.mark.parametrize(("damage", "code", "kind", "index"), DAMAGES)
def test_damage_has_its_exit_code(
    log: SmallLog,
    tmp_path: Path,
    damage: Callable[[sqlite3.Connection], None],
    code: int,
    kind: str,
    index: int,
) -> None:
    """Each kind of damage is named with its index and what to do, and exits with its own code."""
    copy = copy_log(log.path, tmp_path / "copy.db")
    with tampering(copy) as connection:
        damage(connection)
    ran = run("verify", copy, "--key", log.key)
    assert ran.code == code
    assert ran.err.startswith(f"{kind.upper()}  (exit code {code})")
    assert "meaning" in ran.err
    assert "as evidence" in ran.err
    assert ran.out == ""
    told = run("verify", copy, "--key", log.key, "--json")
    assert told.code == code
    error = told.json()["error"]
    assert (error["kind"], error["exit_code"], error["index"]) == (kind, code, index)


def test_rolled_back_forked_and_wrong_key(log: SmallLog, tmp_path: Path) -> None:
    """An older copy, another history, and a stranger's key have exit codes of their own."""
    other = small_log(tmp_path / "other.db")
    kept = tmp_path / "kept"
    run("checkpoint", log.path, "-o", kept)
    older = copy_log(log.path, tmp_path / "older.db")
    with tampering(older) as connection:
        _truncate(connection)
        connection.execute("UPDATE head SET size = 5")
    assert run("verify", older, "--key", log.key).code == 0
    assert run("verify", older, "--key", log.key, "--from-checkpoint", kept).code == 16
    assert run("verify", log.path, "--key", other.key).code == 18
    forked = tmp_path / "forked.db"
    for suffix in ("", ".next", ".pub"):
        Path(f"{forked}.key{suffix}").write_bytes(Path(f"{log.path}.key{suffix}").read_bytes())
        Path(f"{forked}.key{suffix}").chmod(0o600)
    small_log(forked)
    ran = run("verify", forked, "--key", log.key, "--from-checkpoint", kept, "--json")
    assert (ran.code, ran.json()["error"]["kind"]) == (17, "forked")


def test_what_is_no_log_is_malformed(log: SmallLog, tmp_path: Path) -> None:
    """A file of something else is malformed."""
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"no database at all" * 100)
    assert run("verify", noise, "--key", log.key).code == 19
