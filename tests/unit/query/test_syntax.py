"""The text syntax of conditions: what it reads, and what it says of errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from biotrail import field
from biotrail.errors import QueryError, QuerySyntaxError
from biotrail.query import parse_condition
from biotrail.query.syntax import MAXIMUM_TEXT

pytestmark = pytest.mark.component("lark")


def test_whole() -> None:
    """The example of the reference is read as it is meant."""
    text = (
        'subject = "anna" and (outcome = failure or score < 0.5) and ip in 10.0.0.0/8 and '
        "recorded >= 2026-11-01 and location within 50 km of 52.52,13.405 and "
        "not action = door.open and target in (a, b) and reason exists and action starts with door."
    )
    assert parse_condition(text) == (
        (field("subject") == "anna")
        & ((field("outcome") == "failure") | (field("score") < 0.5))
        & field("ip").within("10.0.0.0/8")
        & (field("recorded") >= "2026-11-01")
        & field("location").near(52.52, 13.405, km=50)
        & ~(field("action") == "door.open")
        & field("target").one_of("a", "b")
        & field("reason").exists()
        & field("action").starts_with("door.")
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("outcome=failure", "outcome = failure"),
        ("outcome == failure", "outcome = failure"),
        ("outcome != failure", "not outcome = failure"),
        ("NOT outcome = failure AND index<3", "(not outcome = failure) and (index < 3)"),
        ("index=1 or index=2 and index=3", "index = 1 or (index = 2 and index = 3)"),
        ("((((index = 1))))", "index = 1"),
        ("target = and", 'target = "and"'),
        ("ip in 2001:db8::/32", "ip   in\n2001:db8::/32"),
        ('label."a b" = "x\\"y\\u00e9"', 'label."a b" = "x\\"yé"'),
        ("recorded = 2026-11-01T00:00:00Z", 'recorded = "2026-11-01"'),
        ("recorded = 2026-11-01T02:00:00+02:00", "recorded = 2026-11-01"),
        ("ip = 192.0.2.1", "ip in (192.0.2.1)"),
    ],
)
def test_same(text: str, same: str) -> None:
    """Words may be written in several ways; `and` binds more tightly than `or`, `not` most."""
    one, other = parse_condition(text), parse_condition(same)
    assert one == other or str(one).replace(" = ", " in (") + ")" == str(other)
    assert parse_condition(str(one)) == one


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "nothing is asked for.*for example"),
        ("outcome = fialure", 10, "never 'fialure'.*did you mean 'failure'"),
        ("outcom = failure", 0, "no field 'outcom'.*did you mean 'outcome'"),
        ("outcome = failure adn index < 1", 18, "'adn'.*did you mean 'and'"),
        ("outcome =", 9, "not complete"),
        ("(outcome = failure", 18, r"not complete.*'\)'"),
        ("outcome = failure)", 17, "cannot stand here.*the end"),
        ('target = "a', 9, "quote is not closed"),
        ("target = 'a'", 9, "double quotes"),
        ('target = "\\q"', 9, "backslash"),
        ('target = "\\ud800"', 9, "not Unicode"),
        ("action < b", 7, "no order"),
        ("action in b", 10, r"write: action in \(b"),
        ("ip = 10.0.0.0/8", 5, "ip in 192.0.2.0/24"),
        ("ip in 10.0.0.1/8", 6, "bits of a host"),
        ("location within x km of 1,2", 16, "are numbers.*within 50 km"),
        ("score < 0.1234567", 8, "six decimals"),
        ("index = 1 and\nrecorded = yesterday", 25, "a time such as"),
        ("label. = 3", 0, "23 bytes"),
        ("outcome = failure; DROP TABLE entries", 17, "';' cannot stand here"),
        ("x" * (MAXIMUM_TEXT + 1), MAXIMUM_TEXT, "at most 8,192"),
        ("not " * 40 + "index = 1", None, "deeper"),
        ("not (index = 1 or " * 40 + "index = 1" + ")" * 40, None, "deeper"),
        ("index in (" + ",".join("1" * 1_000) + ")", 0, "at most"),
    ],
)  # fmt: skip
def test_errors(text: str, position: int | None, message: str) -> None:
    """An error says what, where, and what may have been meant."""
    with pytest.raises(QuerySyntaxError, match=message) as raised:
        parse_condition(text)
    error = raised.value
    assert position is None or error.position == position
    assert error.text == text
    line, caret = error.marked().split("\n")
    assert line in text
    assert len(caret) <= len(line) + 1


def test_deep_parentheses() -> None:
    """Thousands of parentheses overflow nothing."""
    text = "(" * 4_000 + "index = 1" + ")" * 4_000
    assert parse_condition(text) == (field("index") == 1)
    with pytest.raises(QuerySyntaxError, match="not complete"):
        parse_condition("(" * 8_000 + "index = 1")


def test_no_text() -> None:
    """Something that is no text is refused."""
    with pytest.raises(QueryError, match="not a int"):
        parse_condition(3)  # type: ignore[arg-type] # what is tested


def test_without_lark() -> None:
    """Without lark, text is refused with the extra's name, and conditions in Python work."""
    program = (
        "import sys; sys.modules['lark'] = None\n"
        "import biotrail\n"
        "assert str((biotrail.field('index') == 1) & biotrail.field('ip').exists())\n"
        "try:\n    biotrail.parse_condition('index = 1')\n"
        "except biotrail.errors.MissingDependencyError as error:\n"
        "    assert 'biotrail[query]' in str(error)\n"
        "else:\n    raise SystemExit('nothing was raised')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
