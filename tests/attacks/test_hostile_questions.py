"""Questions made to do harm, in Python and on the command line: an answer or a plain refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail import LogQuery, field, open_query
from biotrail.errors import QueryError
from biotrail.query import And, Compare, Condition, Not, Or
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, run

pytestmark = [pytest.mark.component("cli"), pytest.mark.component("lark")]

_INJECTIONS = (
    "x' OR '1'='1",
    '"; DROP TABLE entries; --',
    "x' UNION SELECT reference, wrapped FROM data_keys --",
    "%",
    "_",
    "?",
    ":1",
    "a\x00b",
    "x'); ATTACH 'stolen.db' AS s; --",
    "\u202e",
    "-- ",
    "[x]",
)
_SQL_NAMES = ("entries.entry", "idx; --", "outcome) OR (1", "'", "rowid", "sqlite_schema")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed log of three records (from index 2 on)."""
    found = tmp_path_factory.mktemp("asked") / "trail.db"
    _record(found, ORIGIN)
    return found


def _record(path: Path, origin: str) -> None:
    with biotrail.open(path, origin=origin, passphrase=PASSPHRASE) as log:
        for number in range(3):
            log.record(
                biotrail.Event(
                    action="door.open", decision="denied", target="flat", subject=f"p-{number}"
                )
            )


def _asked(path: Path) -> LogQuery:
    return open_query(path, trusted=Path(f"{path}.key.pub").read_text())


def _ran(path: Path, *arguments: object) -> Any:
    return run("search", path, *arguments, "--key", f"{path}.key.pub", "--json")


def _refused(path: Path, *arguments: object) -> str:
    ran = _ran(path, *arguments)
    assert ran.code == 2
    told: str = ran.json()["error"]["message"]
    return told


@pytest.mark.parametrize("value", _INJECTIONS)
def test_injected_values(path: Path, value: str) -> None:
    """A value that looks like SQL finds what has it, which is nothing, and changes nothing."""
    before = path.read_bytes()
    fields = ("target", "action", "tenant", "matcher", "subject", "device", "label.x")
    condition = Or(tuple(Compare(name, "=", value) for name in fields))
    assert _ran(path, str(condition)).json()["records"] == []
    assert _ran(path, str(Not(condition)), "--count").json()["count"] == 5
    facets = _ran(path, str(condition), "--facets", "target,action").json()["facets"]
    assert facets == {"target": [], "action": []}
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", _SQL_NAMES)
def test_injected_names(path: Path, name: str) -> None:
    """A name that looks like SQL is the name of no field, wherever a field is named."""
    assert _refused(path, f"{name} = 1")
    assert "no field" in _refused(path, "--facets", name)
    assert "no field" in _refused(path, "--timeline", "day", "--by", name)
    with _asked(path) as log:
        for act in (
            lambda: field(name),
            lambda: log.facets(by=[name]),
            lambda: log.timeline(by=name),
            lambda: log.query(sort=name),  # type: ignore[arg-type] # what is to be refused
        ):
            with pytest.raises(QueryError):
                act()


@pytest.mark.parametrize("limit", [0, -1, 1_001, 10**12])
def test_huge_pages(path: Path, limit: int) -> None:
    """A page has 1 to 1,000 records, whoever asks."""
    assert _ran(path, "-n", limit).code == 2
    with _asked(path) as log, pytest.raises(QueryError, match="1 to 1,000"):
        log.query(limit=limit)


@pytest.mark.parametrize("depth", [40, 2_000])
def test_deep_nesting(path: Path, depth: int) -> None:
    """A condition nested too deeply, by and, or and not, is refused before it is asked."""
    end = ")" * depth
    for begin in ("index = 1 and (id exists or ", "not (index = 1 and "):
        told = _refused(path, begin * depth + "index = 2" + end)
        assert "nested" in told or "8,192" in told
    with pytest.raises(QueryError, match="nested"):
        _nested(depth)


def _nested(depth: int) -> Condition:
    found: Condition = field("index") == 1
    for number in range(depth):
        found = Not(And((found, field("index") == number)))
    return found


def test_many_terms(path: Path) -> None:
    """A condition of too many terms or values is refused, in whichever way it is written."""
    many = ",".join(map(str, range(600)))
    assert "at most 512" in _refused(path, f"index in ({many})")
    assert "8,192" in _refused(path, " or ".join(f"index = {n}" for n in range(900)))


@pytest.mark.parametrize(
    "cursor", ["x", "", "A" * 4_000, "../../etc/passwd", "' OR 1=1 --", "\u00e4", "AAAA" * 20]
)
def test_unknown_cursors(path: Path, cursor: str) -> None:
    """What no log has written is no cursor."""
    assert "cursor" in _refused(path, f"--cursor={cursor}")
    with _asked(path) as log, pytest.raises(QueryError, match="cursor"):
        log.query(cursor=cursor)


def test_a_cursor_of_another_log(path: Path, tmp_path: Path) -> None:
    """A cursor of another log is refused: of another origin, and of the same origin elsewhere."""
    for origin in ("example.com/other", ORIGIN):
        other = tmp_path / f"{len(origin)}.db"
        _record(other, origin)
        cursor = _ran(other, "-n", 1).json()["next"]
        assert _ran(other, "-n", 1, "--cursor", cursor).code == 0
        assert "another log" in _refused(path, "-n", 1, "--cursor", cursor)
        with _asked(path) as log, pytest.raises(QueryError, match="another log"):
            log.query(cursor=cursor)


@pytest.mark.parametrize(
    "number",
    ["1e1000000000", "-1e999999999999", "1e-999999999999", "9" * 900, "1e12"],
)
def test_numbers_without_bounds(path: Path, number: str) -> None:
    """A number that no score is, however it is written, is refused as such or compared."""
    for name in ("score", "quality", "threshold", "index"):
        with pytest.raises(QueryError, match=f"{name} is compared with"):
            biotrail.parse_condition(f"{name} >= {number}")
    with pytest.raises(QueryError, match="score is compared with"):
        Compare("score", "=", 10**5_000)


def test_a_field_that_is_named_twice_is_counted_once(path: Path) -> None:
    """Whoever names a field again and again gets the same numbers; none and fewer are refused."""
    with _asked(path) as log:
        once = log.facets("kind = event", by=("action", "target"))
        assert log.facets("kind = event", by=("action", "target") * 9) == once
        assert [one.count for one in once["target"]] == [3]
        for most in (0, -1, True, 1.5):
            with pytest.raises(QueryError, match="1 value or more"):
                log.facets(most=most)  # type: ignore[arg-type] # as a caller may
