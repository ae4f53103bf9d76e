"""`biotrail show` and `tail`: decoded from the entries, and nothing in them steers the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biotrail.testing.tamper import copy_log, edit_entry, tampering
from tests.integration.cli_runner import ORIGIN, SmallLog, attempt, run, small_log

pytestmark = pytest.mark.component("cli")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A log that no test changes."""
    return small_log(tmp_path_factory.mktemp("log") / "trail.db")


@pytest.fixture
def copy(log: SmallLog, tmp_path: Path) -> Path:
    """A copy to be broken."""
    return copy_log(log.path, tmp_path / "copy.db")


def test_the_table(log: SmallLog) -> None:
    """Every record is a row; other kinds are rows too."""
    ran = run("show", log.path)
    assert ran.code == 0
    assert f"{ORIGIN}, 6 entries" in ran.out
    assert "(genesis)" in ran.out
    rows = [line for line in ran.out.splitlines() if "visitor-" in line]
    assert len(rows) == 5
    words = ("door.open", "server-room", "face", "denied", "non_match", "0.250000", "192.0.2.7")
    assert all(word in rows[0] for word in words)
    assert "not verified" in ran.out


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits(log: SmallLog, columns: int) -> None:
    """On a narrow terminal columns are left out, and named; no line is longer than it."""
    ran = run("show", log.path, COLUMNS=str(columns))
    assert max(map(len, ran.out.splitlines())) <= columns
    assert "Too narrow for:" in ran.out
    assert "visitor-4" in ran.out


def test_only_the_last(log: SmallLog) -> None:
    """--last says how many."""
    told = run("show", log.path, "--last", 2, "--json").json()
    assert [one["index"] for one in told["records"]] == [4, 5]
    assert (told["origin"], told["size"], told["verified"]) == (ORIGIN, 6, False)


def test_one_record_in_full(log: SmallLog) -> None:
    """An index shows all that was recorded, who vouches for it, and where it lies in the clear."""
    ran = run("show", log.path, 1)
    assert ran.code == 0
    for words in ("leaf hash", "example-face", "0.600000", "request_id  r-1  (client_claimed)",
                  "192.0.2.7  (observed)", "in the clear", "visitor-0"):  # fmt: skip
        assert words in ran.out


def test_hostile_values_are_escaped(log: SmallLog) -> None:
    """An attacker's user agent is shown escaped, its markup as text."""
    ran = run("show", log.path, 1)
    assert "x\\x1b[2J\\u202e[bold]y[/bold]\\r\\n  (client_claimed)" in ran.out
    assert "\x1b" not in ran.out
    machine = run("show", log.path, 1, "--json")
    assert machine.out.isascii()
    assert machine.json()["personal"]["user_agent"] == "x\x1b[2J\u202e[bold]y[/bold]\r\n"


def test_markup_in_the_table_is_text(tmp_path: Path) -> None:
    """Markup in any column of the table is text."""
    log = small_log(tmp_path / "trail.db")
    with log.open() as opened:
        opened.record(attempt(8, target="[/bold]  [blink]", actor="[conceal]"))
    ran = run("show", log.path, "--last", 1)
    assert "[conceal]" in ran.out
    assert "[/bold]  [blink]" in ran.out


def test_other_kinds_in_full(log: SmallLog) -> None:
    """The genesis entry is shown with its key."""
    ran = run("show", log.path, 0)
    assert "biotrail/1" in ran.out
    assert log.key.read_text().strip() in ran.out


def test_no_such_entry(log: SmallLog) -> None:
    """An index beyond the log's end is a slip, however large, and no verdict on the log."""
    for index in (6, 99, 10**30):
        for command in ("show", "prove"):
            ran = run(command, log.path, index)
            assert (ran.code, ran.out) == (3, "")
            assert "the last one is 5" in ran.err
    assert run("show", log.path, 99, "--json").json()["error"]["kind"] == "error"


def test_lookup_columns_are_not_believed(copy: Path) -> None:
    """What is shown comes from the entry, whatever the columns beside it say."""
    with tampering(copy) as connection:
        connection.execute("UPDATE entries SET decision = 'granted', action = 'lie'")
    told = run("show", copy, "--json").json()
    assert {one["content"].get("decision") for one in told["records"][1:]} == {"denied"}
    assert "lie" not in run("show", copy).out


def test_what_cannot_be_read_is_a_row(copy: Path) -> None:
    """Entries that are no entries, or another one's, are shown as such; the rest stays readable."""
    with tampering(copy) as connection:
        edit_entry(connection, 2, lambda data: b"\x1b[31mnoise")
        (moved,) = connection.execute("SELECT entry FROM entries WHERE idx = 3").fetchone()
        edit_entry(connection, 4, lambda data: moved)
    ran = run("show", copy)
    assert ran.code == 0
    assert "(unreadable)" in ran.out
    one = run("show", copy, 2, "--json").json()
    assert one["entry"] == b"\x1b[31mnoise".hex()
    assert "fault" in one
    assert "bytes" in run("show", copy, 2).out
    assert run("show", copy, 4, "--json").json()["fault"] == "says that it is entry 3"


def test_payloads_that_do_not_open_are_not_shown(copy: Path) -> None:
    """A payload that was exchanged or deleted is not shown as if it had been recorded."""
    with tampering(copy) as connection:
        (other,) = connection.execute("SELECT payload FROM payloads WHERE idx = 1").fetchone()
        connection.execute("UPDATE payloads SET payload = ? WHERE idx = 2", (other,))
        connection.execute("UPDATE payloads SET payload = x'00' WHERE idx = 3")
        connection.execute("DELETE FROM payloads WHERE idx = 4")
    told = run("show", copy, "--json").json()["records"]
    states = [one["payload"] for one in told]
    assert states == ["none", "opens", "does not open", "does not open", "missing", "opens"]
    assert told[2]["personal"] is None
    assert "(does not open)" in run("show", copy).out
    assert "payload is missing" in run("show", copy, 4).out


def test_a_genesis_that_cannot_be_read(copy: Path) -> None:
    """Records are shown even where the log's name is not readable."""
    with tampering(copy) as connection:
        edit_entry(connection, 0, lambda data: b"\x00")
    assert "no readable genesis entry" in run("show", copy).out
    assert run("show", copy, "--json").json()["origin"] is None


def test_an_empty_log_is_named(tmp_path: Path) -> None:
    """A store without a head has no records: exit 12."""
    import biotrail

    biotrail.SQLiteStore(tmp_path / "empty.db").close()
    assert run("show", tmp_path / "empty.db").code == 12
    assert run("tail", tmp_path / "empty.db").code == 12
    assert run("checkpoint", tmp_path / "empty.db").code == 12


def test_tail(log: SmallLog) -> None:
    """The last records, one a line; as JSON, one document a line."""
    ran = run("tail", log.path, "-n", 2)
    first, second = ran.out.splitlines()
    assert "visitor-3" in first
    assert "denied   non_match  door.open  server-room  visitor-4  192.0.2.7" in second
    lines = run("tail", log.path, "--json").out.splitlines()
    assert [json.loads(line)["index"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert run("tail", log.path, "-n", 0).out == ""


def test_tail_of_what_cannot_be_read(copy: Path) -> None:
    """An entry that cannot be read is a line that says so."""
    with tampering(copy) as connection:
        edit_entry(connection, 5, lambda data: b"\x1b")
    assert "unreadable: not an entry of version 1" in run("tail", copy).out
